"""Conversations as data: each YAML file is one topic, each entry one conversation.

A turn says what the borrower writes and, as far as it matters, what was understood (``intent``,
entities by name), which replies follow (keys; none listed means that nothing is said), words
that the text must hold (``says``) or must not (``never``), the step afterwards and the effects.

Every conversation runs twice: with the meaning that the file gives each message, on both
databases, and with the trained model. ``only: declared`` keeps one from the model, where the
point is what follows from a doubtful reading. ``blocked`` is the guard's reason where a reply may
not go.

``methods`` are cards that the borrower saved, by their test numbers; ``payments`` what they paid
lately (``amount``, ``days_ago``); ``agreement`` is one that stands open on the first loan.

A turn with ``pays`` instead of words goes through the link that was texted last. In one with
``passes`` nobody writes: so much time goes by, and the worker does what comes due. ``then`` names
the texts that follow a turn by themselves, ``then_says`` words in them; ``promises`` are the states
of all promises afterwards, ``for_a_person`` why a person is wanted.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from bot import checkout, followups, manager
from bot.nlu.understanding import Part
from bot.runtime import Runtime
from channels.base import Media
from models import (
    Agreement,
    Conversation,
    Handoff,
    Message,
    Payment,
    PaymentLink,
    PaymentMethod,
    Promise,
)
from settings import PROJECT
from tests import builders
from tests.conftest import fresh_database
from tests.fakes import POLICY_TEXT, Clock, make_runtime

FOLDER = Path(__file__).parent / "conversations"
TURN_KEYS = {
    *(
        "borrower",
        "intent",
        "confidence",
        "ranking",
        "parts",
        "opt_out",
        "crisis",
        "entities",
        "replies",
        "says",
    ),
    *("never", "state", "effects", "held_by", "after", "media", "blocked"),
    *("pays", "passes", "then", "then_says", "promises", "for_a_person"),
}


def _load() -> list[Any]:
    cases = []
    for path in sorted(FOLDER.glob("*.yml")):
        for case in yaml.safe_load(path.read_text("utf-8")):
            cases.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return cases


def _loan(values: dict[str, Any], today: date, number: int) -> Any:
    return builders.loan(today, **{"reference": f"L{number:04d}-1234", **values})


def play(case: dict[str, Any], runtime: Runtime, clock: Clock, *, declared: bool) -> None:
    """Send the turns through the real manager and check each."""
    today = clock.now.date()
    person = dict(case.get("person", {}))
    loans = tuple(_loan(x, today, n) for n, x in enumerate(person.pop("loans", [{}]), 1))
    with runtime.unit_of_work() as uow:
        made = builders.borrower(loans=loans, **person)
        owner = builders.sender()
        uow.session.add_all([made, owner])
        if case.get("verified", True):
            far = datetime.fromisoformat("2100-01-01T00:00:00+00:00")
            talk = builders.conversation(made, owner, verified_until=far, state={}, held_by="bot")
            uow.session.add(talk)
        uow.session.flush()
        _save_methods(uow.session, made, case.get("methods", []))
        _book_payments(uow.session, made, clock, case.get("payments", []))
        if "agreement" in case:
            _agree(uow.session, made, today, dict(case["agreement"]))
        uow.commit()
    jobs: list[tuple[str, int]] = []
    runtime.enqueue = lambda name, row_id: jobs.append((name, row_id))
    for number, turn in enumerate(case["turns"]):
        seen = _last_message(runtime)
        if "pays" in turn:
            _pay(turn, runtime, clock)
        elif "passes" in turn:
            _pass(turn, runtime, clock)
        else:
            _check_turn(case, number, turn, runtime, clock, declared=declared)
        while jobs:
            name, row_id = jobs.pop(0)
            if name == "charge":
                checkout.charge(runtime, row_id)
        if "methods" in case or {"pays", "passes", "then"} & set(turn):
            _check_later(turn, runtime, seen)
        _check_books(turn, runtime)


def _save_methods(session: Any, person: Any, cards: list[str]) -> None:
    for number, card in enumerate(reversed(cards)):  # the first is the newest
        method = PaymentMethod(
            borrower_id=person.id,
            gateway="sandbox",
            customer="customer",
            external_id=f"customer-{number}-{card[-4:]}",
            label=card,
            created_at=builders.CREATED,
        )
        session.add(method)
        session.flush()


def _book_payments(session: Any, person: Any, clock: Clock, payments: list[Any]) -> None:
    for number, paid in enumerate(payments):
        loan = person.loans[paid.get("loan", 1) - 1]
        payment = Payment(
            loan_id=loan.id,
            amount=Decimal(paid["amount"]),
            currency=loan.currency,
            gateway="bank",
            external_id=f"paid-{number}",
            paid_at=clock.now - timedelta(days=paid["days_ago"]),
        )
        session.add(payment)


def _agree(session: Any, person: Any, today: date, values: dict[str, Any]) -> None:
    talk = session.scalar(select(Conversation))
    word = Message(
        conversation_id=talk.id,
        direction="inbound",
        channel="twilio",
        external_id="SM-agreed",
        body="CONFIRM",
        status="processed",
        created_at=builders.CREATED,
        updated_at=builders.CREATED,
    )
    session.add(word)
    session.flush()
    loan = person.loans[0]
    parts = [
        (today + timedelta(days=days), Decimal(amount)) for days, amount in values.pop("parts", [])
    ]
    ends_on = parts[-1][0] if parts else today + timedelta(days=values.pop("ends_in"))
    amounts = {name: Decimal(values.pop(name)) for name in ("amount", "forgiven") if name in values}
    if parts:
        amounts["amount"] = sum((amount for _, amount in parts), Decimal("0.00"))
    agreed = Agreement(
        loan_id=loan.id,
        message_id=word.id,
        ends_on=ends_on,
        created_at=builders.CREATED,
        **values,
        **amounts,
    )
    session.add(agreed)
    session.flush()
    if parts:
        loan.put_into_parts(parts, today, agreed.id)


def _last_message(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return session.scalar(select(func.max(Message.id))) or 0


def _pay(turn: dict[str, Any], runtime: Runtime, clock: Clock) -> None:
    """Go through the link that was texted last, as its page does."""
    clock.forward(**turn.get("after", {"minutes": 1}))
    with runtime.reading() as session:
        link = session.scalars(select(PaymentLink).order_by(PaymentLink.id.desc())).first()
    assert link is not None and str(link.amount) == turn["pays"]
    checkout.begin(runtime, link.id, checkout.Wish())


def _pass(turn: dict[str, Any], runtime: Runtime, clock: Clock) -> None:
    """Let time go by, hour by hour, with the worker at work."""
    until = clock.now + timedelta(**turn["passes"])
    while clock.now < until:
        clock.now = min(until, clock.now + timedelta(hours=1))
        followups.follow_up(runtime)


def _check_books(turn: dict[str, Any], runtime: Runtime) -> None:
    with runtime.reading() as session:
        words = session.scalars(select(Promise.status).order_by(Promise.id)).all()
        still_open = select(Handoff.reason).where(Handoff.closed_at.is_(None)).order_by(Handoff.id)
        reasons = session.scalars(still_open).all()
        state = session.scalars(select(Conversation.state)).first() or {}
    if "promises" in turn:
        assert words == turn["promises"]
    if "for_a_person" in turn:
        assert reasons == turn["for_a_person"]
    if "passes" in turn and "state" in turn:
        assert state.get("step", "idle") == turn["state"]


def _check_later(turn: dict[str, Any], runtime: Runtime, seen: int) -> None:
    """The texts that no message of the borrower's is answered by."""
    with runtime.reading() as session:
        by_themselves = (Message.id > seen, Message.in_reply_to_id.is_(None))
        outbound = (Message.direction == "outbound", *by_themselves)
        texts = session.scalars(select(Message).where(*outbound).order_by(Message.id)).all()
    said = "\n".join(text.body for text in texts)
    keys = [key for text in texts for key in text.reply_key.split() if key != "footer.opt_out"]
    assert keys == turn.get("then", []), said
    for words in _list(turn.get("then_says", [])):
        assert words in said, said


def _check_turn(
    case: dict[str, Any],
    number: int,
    turn: dict[str, Any],
    runtime: Runtime,
    clock: Clock,
    *,
    declared: bool,
) -> None:
    unknown = set(turn) - TURN_KEYS
    assert not unknown, f"unknown keys {unknown} in a turn"
    clock.forward(**turn.get("after", {"minutes": 1}))
    text = str(turn["borrower"])
    if declared and "intent" in turn:
        more = {k: turn[k] for k in ("confidence", "opt_out", "crisis") if k in turn}
        if "ranking" in turn:
            more["ranking"] = tuple((name, value) for name, value in turn["ranking"])
        if "parts" in turn:
            more["parts"] = tuple(Part(text, intent) for text, intent in turn["parts"])
        runtime.reader.means(text, turn["intent"], **more)
    media = (Media("https://api.example/media/1", "image/jpeg"),) if turn.get("media") else ()
    received = manager.receive(runtime, builders.inbound(text, f"SM{number}", media=media))
    said = "\n".join(reply.text for reply in received.replies)
    where = f"turn {number + 1}, {text!r}, was answered {said!r}"
    with runtime.reading() as session:
        message = session.scalar(select(Message).where(Message.external_id == f"SM{number}"))
        conversation = session.scalar(select(Conversation))
        assert message is not None and conversation is not None
        assert message.status == "processed", f"{where}: {message.reason}"
        read = message.understanding or {}
        blocked = session.scalar(select(Message.reason).where(Message.in_reply_to_id == message.id))
    where += f"; read as {read['intent']} {read['confidence']} {read['entities']}"
    assert (read["replies"] if received.replies else []) == turn.get("replies", []), where
    assert blocked == turn.get("blocked"), where
    if "intent" in turn and "confidence" not in turn:
        assert read["intent"] == turn["intent"], where
    for name, value in turn.get("entities", {}).items():
        assert str(read["entities"].get(name)) == str(value), where
    for words in _list(turn.get("says", [])):
        assert words in said, where
    for words in _list(turn.get("never", [])):
        assert words not in said, where
    if "state" in turn:
        assert read["step"] == turn["state"], where
    assert read["effects"] == turn.get("effects", []), where
    assert conversation.held_by == turn.get("held_by", conversation.held_by), where
    assert "{" not in said, where


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _policy(case: dict[str, Any]) -> str:
    text = POLICY_TEXT
    if "preset" in case:
        text = (PROJECT / "policies" / f"{case['preset']}.toml").read_text("utf-8")
    for old, new in case.get("policy", {}).items():
        assert old in text, f"{old!r} does not stand in the policy"
        text = text.replace(old, new)
    return text


def _now(case: dict[str, Any]) -> Clock:
    return Clock(str(case.get("now", "2026-03-04T17:00:00")))


@pytest.mark.parametrize("case", _load())
def test_conversation_as_declared(case: dict[str, Any], database_url: str) -> None:
    clock = _now(case)
    runtime = make_runtime(database_url, policy=_policy(case), clock=clock)
    play(case, runtime, clock, declared=True)
    runtime.engine.dispose()


@pytest.mark.parametrize("case", _load())
def test_conversation_with_the_trained_model(
    case: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest, trained_reader: Any
) -> None:
    if case.get("only") == "declared":
        pytest.skip("about a doubtful reading, which the file declares")
    clock = _now(case)
    url = fresh_database("sqlite", tmp_path, request)
    runtime = make_runtime(url, policy=_policy(case), clock=clock)
    runtime.load_reader = lambda: trained_reader
    play(case, runtime, clock, declared=False)
    runtime.engine.dispose()


def test_there_are_conversations_in_every_language() -> None:
    cases = [case.values[0] for case in _load()]
    locales = [str(case.get("person", {}).get("locale", "en")) for case in cases]
    assert len(cases) >= 40
    for language in ("en", "es", "zh_Hans", "zh_Hant"):
        assert sum(locale.startswith(language) for locale in locales) >= 8, language
