"""What must hold whatever happens: a bounded slice of the long run, and proof that it can fail.

``make soak`` runs the same machine for 100,000 steps with seeds of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text

from bot.outbox import outbound_of
from models import Message
from tests.conftest import fresh_database
from tests.soak import databases, invariants
from tests.soak.__main__ import profile
from tests.soak.cast import CAST
from tests.soak.invariants import INVARIANTS, Broken
from tests.soak.machine import configured, ways_out
from tests.soak.tally import Tally
from tests.soak.world import World, settled

MAYA = CAST[0]
BARRED = next(person for person in CAST if person.name == "Barred")
START = datetime(2026, 3, 4, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[databases.Databases]:
    with databases.sqlite() as made:
        yield made


def _run(fresh: Callable[[], Any], *, runs: int, length: int) -> Tally:
    """The machine, the same way at every call."""
    tally = Tally()
    machine = seed(4)(configured(fresh, tally))
    run_state_machine_as_test(machine, settings=profile(runs, length=length, shrink=False))
    return tally


def test_a_random_life_keeps_every_promise(sqlite: databases.Databases) -> None:
    tally = _run(sqlite.fresh, runs=10, length=25)
    assert tally.steps > 250
    reached = {effect for effect, _ in tally.effects}
    assert {"HandOff", "OptOut", "Verified", "CreatePaymentLink"} <= reached
    assert reached & {"GrantExtension", "RecordPromise", "AgreePlan", "AgreeRelief"}


def test_a_random_life_on_postgresql(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = fresh_database("postgresql", tmp_path, request)
    with databases.postgresql(url) as made:
        assert _run(made.fresh, runs=2, length=15).steps > 20


# The invariants can fail


@pytest.fixture
def world(sqlite: databases.Databases) -> Iterator[World]:
    made = World(sqlite.fresh(), start=START, rules="as delivered")
    yield made
    made.close()


def _says(world: World, words: str, intent: str = "out_of_scope", confidence: float = 0.95) -> None:
    world.write(MAYA, words, {"intent": intent, "confidence": confidence})


def _promises(world: World) -> None:
    _says(world, "i will pay tomorrow", "promise_to_pay")
    _says(world, "1990")
    _says(world, "1")
    assert len(world.rows["promises"]) == 1


def _pays(world: World) -> None:
    _says(world, "let me pay 50 now", "pay_now")
    _says(world, "1990")
    world.pay(world.rows["payment_links"][0].id)
    assert len(world.rows["payments"]) == 1


SPOILT: dict[str, tuple[Callable[[World], None], str]] = {
    "no_two_open_agreements_that_contradict": (
        _promises,
        "INSERT INTO promises (loan_id, message_id, amount, due_on, status, created_at) "
        "SELECT loan_id, message_id - 1, amount, due_on, status, created_at FROM promises",
    ),
    "money_adds_up": (_pays, "UPDATE loans SET late_charges = late_charges + 1 WHERE id = 1"),
    "ledgers_only_grow": (_pays, "DELETE FROM lender_events"),
    "statuses_never_move_backwards": (
        _promises,
        "UPDATE messages SET status = 'received' WHERE direction = 'inbound' AND id = 1",
    ),
    "states_can_always_be_taken_up": (
        _promises,
        """UPDATE conversations SET state =
        '{"step": "gone.away", "slots": {}, "misses": 0, "parked": null}'""",
    ),
    "each_message_is_answered_once_or_in_an_agents_hands": (
        _promises,
        "UPDATE messages SET in_reply_to_id = 1 WHERE direction = 'outbound'",
    ),
    "texts_are_sound": (
        _promises,
        "INSERT INTO messages (conversation_id, direction, channel, body, media, status, segments,"
        " attempts, reply_key, created_at, updated_at) SELECT conversation_id, direction, channel,"
        " 'You owe {balance}', media, 'blocked', 1, 0, 'balance.next', created_at, updated_at"
        " FROM messages WHERE direction = 'outbound' LIMIT 1",
    ),
    "no_figure_before_verification": (
        _promises,
        "INSERT INTO messages (conversation_id, direction, channel, body, media, status, segments,"
        " attempts, reply_key, created_at, updated_at) SELECT 1, 'outbound', channel,"
        " 'You owe $5.00', media, 'sent', 1, 0, 'balance.next', created_at, updated_at"
        " FROM messages WHERE id = 1;"
        "UPDATE conversations SET verified_until = NULL",
    ),
    "no_agreement_without_a_confirmation": (
        _promises,
        "UPDATE promises SET status = 'replaced';"
        "INSERT INTO promises (loan_id, message_id, amount, due_on, status, created_at) "
        "SELECT loan_id, 1, amount, due_on, 'open', created_at FROM promises",
    ),
    "nothing_fails_by_itself": (
        _promises,
        "UPDATE messages SET status = 'unprocessed', reason = 'KeyError' WHERE id = 1",
    ),
}
"""By invariant: a story, and what a faulty program might have left in the tables after it."""


@pytest.mark.parametrize("name", SPOILT)
def test_an_invariant_sees_what_is_wrong(world: World, name: str) -> None:
    story, spoil = SPOILT[name]
    story(world)
    order = [name, *(other for other in INVARIANTS if other != name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(invariants, "INVARIANTS", {n: INVARIANTS[n] for n in order})
        with pytest.raises(Broken, match=name), world.step("a fault"), world.rt.unit_of_work() as u:
            for statement in spoil.split(";"):
                u.session.execute(text(statement))
            u.commit()


def test_a_text_after_an_opt_out_is_seen(world: World) -> None:
    _promises(world)
    _says(world, "STOP")
    first = next(m.id for m in world.rows["messages"] if m.direction == "outbound")
    with (
        pytest.raises(Broken, match="nothing_after_an_opt_out"),
        world.step("a fault"),
        world.rt.reading() as session,
    ):
        row = session.get_one(Message, first)
        world.network.send(outbound_of(world.rt, row.conversation, row))


# Every state has a way out


WISHES = ("ask_balance", "request_extension", "promise_to_pay", "request_plan", "pay_now")
WISHES += ("dispute", "already_paid", "hardship", "complaint")


@pytest.mark.parametrize("wish", WISHES)
def test_an_open_question_has_ways_out(world: World, wish: str) -> None:
    """HELP, three misses, AGENT and STOP, before and after it is known who writes."""
    for words in ("hi", "1990"):
        _says(world, words, wish if words == "hi" else "out_of_scope")
        ways_out(world, MAYA, 1)
        _says(world, "START")
        world.hand_back(1)
        _says(world, "hi", wish)
    settled(world)


# What the machine has found, in its smallest form


def _means(intent: str, confidence: float = 0.95, **more: Any) -> dict[str, Any]:
    return {"intent": intent, "confidence": confidence, **more}


def _two_texts_alike(w: World) -> None:
    w.write(MAYA, "thx", _means("thanks"), way="lost")
    w.later(timedelta(seconds=30))
    w.write(MAYA, "thx", _means("thanks"))
    w.later(timedelta(minutes=7))
    w.reconcile()
    w.work()


def _repeated_after_an_opt_out(w: World) -> None:
    sid = w.write(MAYA, "how can i pay", _means("ask_payment_methods"), way="lost")
    _says(w, "STOP")
    w.deliver_again(sid)


def _repeated_to_a_barred_number(w: World) -> None:
    sid = w.write(MAYA, "how can i pay", _means("ask_payment_methods"), way="lost")
    _says(w, "you have the wrong number", "wrong_person")
    w.deliver_again(sid)


def _a_barred_number_writes(w: World) -> None:
    w.restart("nothing asked")
    w.write(BARRED, "i will pay tomorrow", _means("promise_to_pay"))
    w.write(BARRED, "1", _means("out_of_scope", 0.1))


def _despair_and_an_opt_out_at_once(w: World) -> None:
    meant = _means("crisis", opt_out="done", crisis=True)
    w.write(MAYA, "stop texting me, i want to die", meant)


def _a_yes_to_what_is_still_queued(w: World) -> None:
    w.restart("nothing asked")
    w.write(MAYA, "i will pay tomorrow", _means("promise_to_pay"), failures=1)
    _says(w, "ok", "affirm")


def _a_yes_received_late(w: World) -> None:
    w.restart("nothing asked")
    w.write(MAYA, "i will pay tomorrow", _means("promise_to_pay"), way="down")
    w.write(MAYA, "ok", _means("affirm"), way="down")
    w.reconcile()


def _two_wishes_before_it_is_known_who_writes(w: World) -> None:
    _says(w, "how much do i owe", "ask_balance")
    _says(w, "when is it due", "ask_due_date")
    _says(w, "1990")


def _a_settlement_paid_whole_after_its_day(w: World) -> None:
    w.restart("loose, nothing asked")
    _says(w, "can i pay less", "request_plan")
    menu = w.last_text(w.conversation(MAYA)).body.splitlines()
    _says(w, next(line[0] for line in menu if "forgiven" in line))
    _says(w, "1")
    _says(w, "PAY")
    w.later(timedelta(days=20), worker=False)
    w.money_comes(w.rows["payment_links"][-1].id, Decimal("734.50"), "USD", 1)
    w.tell(w.till.untold()[0])


def _an_answer_is_filtered(w: World) -> None:
    w.trouble("", "filtered")
    _says(w, "thx", "thanks")
    w.report(w.network.taken[-1], "undelivered")


def _a_number_dies_under_an_answer(w: World) -> None:
    w.write(MAYA, "thx", _means("thanks"), way="down")
    w.reconcile()
    w.trouble("dead number", "delivered")
    w.work()


def _the_policy_stops_asking_who_writes(w: World) -> None:
    _says(w, "how much do i owe", "ask_balance")
    w.restart("nothing asked")
    _says(w, "HELP")


FOUND = (
    *(_two_texts_alike, _repeated_after_an_opt_out, _repeated_to_a_barred_number),
    *(_a_barred_number_writes, _despair_and_an_opt_out_at_once, _a_yes_to_what_is_still_queued),
    *(_a_yes_received_late, _two_wishes_before_it_is_known_who_writes),
    *(_a_settlement_paid_whole_after_its_day, _an_answer_is_filtered),
    *(_a_number_dies_under_an_answer, _the_policy_stops_asking_who_writes),
)


@pytest.mark.parametrize("story", FOUND, ids=lambda story: story.__name__.strip("_"))
def test_what_was_found_does_not_come_back(world: World, story: Callable[[World], None]) -> None:
    story(world)
    settled(world)
