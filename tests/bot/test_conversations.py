"""Conversations as data: each YAML file is one topic, each entry one conversation.

A turn says what the borrower writes and, as far as it matters, what was understood (``intent``,
entities by name), which replies follow (keys; none listed means that nothing is said), words
that the text must hold (``says``) or must not (``never``), the step afterwards and the effects.

Every conversation runs twice: with the meaning that the file gives each message, on both
databases, and with the trained model. ``only: declared`` keeps one from the model, where the
point is what follows from a doubtful reading. ``blocked`` is the guard's reason where a reply may
not go.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from bot import manager
from bot.runtime import Runtime
from channels.base import Media
from models import Conversation, Message
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
        "opt_out",
        "crisis",
        "entities",
        "replies",
        "says",
    ),
    *("never", "state", "effects", "held_by", "after", "media", "blocked"),
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
        uow.commit()
    for number, turn in enumerate(case["turns"]):
        _check_turn(case, number, turn, runtime, clock, declared=declared)


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
    for old, new in case.get("policy", {}).items():
        assert old in text, f"{old!r} does not stand in policy.toml"
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
