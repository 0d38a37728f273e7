"""The line speaks first: inside the hours, not too often, and never where a person is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot import manager, outbox
from bot.runtime import Runtime
from bot.turn import Money, Reply
from channels.base import ChannelUnavailable, RecipientOptedOut, StatusUpdate
from models import Borrower, Case, Conversation, Handoff, Loan, Message, Phone, Sender
from tests import builders
from tests.builders import PHONE, inbound
from tests.fakes import Clock, FakeChannel, TableReader

HELLO = (Reply("followup.hello"),)
OTHER_PHONE = "+15550100002"


def at(text: str) -> datetime:
    """An instant by the clock of New York, where the borrower lives."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


@pytest.fixture
def channel(runtime: Runtime, clock: Clock) -> FakeChannel:
    """Where the texts go; the borrower wrote lately and has shown who they are."""
    person, owner = builders.borrower(), builders.sender()
    person.phones[0].confirmed_at = clock() - timedelta(days=2)
    talk = builders.conversation(person, owner, verified_until=clock() - timedelta(days=1))
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, owner, talk])
        uow.commit()
    found = runtime.channels["twilio"]
    assert isinstance(found, FakeChannel)
    return found


def say(
    runtime: Runtime, replies: tuple[Reply, ...] = HELLO, conversation_id: int = 1, **more: Any
) -> Message:
    with runtime.unit_of_work() as uow:
        talk = uow.session.get_one(Conversation, conversation_id)
        message = outbox.say_first(runtime, uow, talk, replies, runtime.clock(), **more)
        uow.commit()
        return message


def row(runtime: Runtime, message: Message) -> Message:
    with runtime.reading() as session:
        return session.get_one(Message, message.id)


def change(runtime: Runtime, table: type[Any], **values: Any) -> None:
    with runtime.unit_of_work() as uow:
        found = uow.session.scalars(select(table).order_by(table.id).limit(1)).one()
        for name, value in values.items():
            setattr(found, name, value)
        uow.commit()


def sweep_at(runtime: Runtime, clock: Clock, text: str) -> None:
    clock.now = at(text)
    manager.sweep(runtime)


# Going, waiting, expiring


def test_by_day_it_goes_at_once(runtime: Runtime, channel: FakeChannel, clock: Clock) -> None:
    jobs: list[Any] = []
    runtime.enqueue = lambda *job: jobs.append(job)
    message = say(runtime)
    assert jobs == [("deliver", message.id)]
    assert (message.status, message.reason, message.retry_at) == ("queued", None, None)
    assert message.reply_key == "followup.hello"
    outbox.deliver(runtime, message.id)
    assert [m.text for m in channel.sent] == [message.body]
    assert message.body.endswith("Reply STOP to stop texts to this number.")
    assert row(runtime, message).status == "sent"


def test_at_night_it_waits_for_the_morning(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    jobs: list[Any] = []
    runtime.enqueue = lambda *job: jobs.append(job)
    clock.now = at("2026-03-04T22:00")
    message = say(runtime)
    assert (message.status, message.reason) == ("queued", "hours")
    assert message.retry_at == at("2026-03-05T08:00")
    assert jobs == []
    outbox.deliver(runtime, message.id)
    sweep_at(runtime, clock, "2026-03-05T07:59")
    assert channel.sent == []
    sweep_at(runtime, clock, "2026-03-05T08:00")
    assert len(channel.sent) == 1
    assert (row(runtime, message).status, row(runtime, message).reason) == ("sent", None)


@pytest.mark.parametrize(
    ("said", "swept", "status", "reason"),
    [
        ("2026-03-04T20:59", "2026-03-04T20:59:59", "sent", None),
        ("2026-03-04T20:59", "2026-03-04T21:00", "blocked", "expired"),
        ("2026-03-04T20:59", "2026-03-05T09:00", "blocked", "expired"),
        ("2026-03-04T22:00", "2026-03-05T20:59", "sent", None),
        ("2026-03-04T22:00", "2026-03-05T21:00", "blocked", "expired"),
        ("2026-03-04T22:00", "2026-03-06T09:00", "blocked", "expired"),
        # the night on which the clock is put forward, and the one on which it is put back
        ("2026-03-07T22:00", "2026-03-08T08:00", "sent", None),
        ("2026-03-07T22:00", "2026-03-08T21:00", "blocked", "expired"),
        ("2026-10-31T22:00", "2026-11-01T07:59", "queued", "hours"),
        ("2026-10-31T22:00", "2026-11-01T08:00", "sent", None),
    ],
)
def test_a_text_of_one_day_does_not_go_on_another_nor_at_night(
    runtime: Runtime,
    channel: FakeChannel,
    clock: Clock,
    said: str,
    swept: str,
    status: str,
    reason: str | None,
) -> None:
    clock.now = at(said)
    change(runtime, Phone, confirmed_at=clock())
    message = say(runtime)
    clock.now = at(swept)
    outbox.deliver(runtime, message.id)
    manager.sweep(runtime)
    found = row(runtime, message)
    assert (found.status, found.reason) == (status, reason)
    assert len(channel.sent) == (status == "sent")


def test_a_text_that_fails_is_not_tried_again_at_night(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    clock.now = at("2026-03-04T20:59:50")
    message = say(runtime)
    channel.fails_with = [ChannelUnavailable("503")]
    outbox.deliver(runtime, message.id)
    sweep_at(runtime, clock, "2026-03-04T21:01")
    assert (row(runtime, message).status, row(runtime, message).reason) == ("blocked", "expired")


def test_what_cannot_wait_is_blocked_with_its_reason(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    clock.now = at("2026-03-04T22:00")
    message = say(runtime, may_wait=False)
    assert (message.status, message.reason, message.retry_at) == ("blocked", "hours", None)


def test_asking_writes_nothing(runtime: Runtime, channel: FakeChannel, clock: Clock) -> None:
    clock.now = at("2026-03-04T22:00")
    with runtime.reading() as session:
        talk = session.get_one(Conversation, 1)
        verdict = outbox.may_speak_first(runtime, session, talk, clock())
        assert (verdict.reason, verdict.retry_at) == ("hours", at("2026-03-05T08:00"))
        assert session.scalars(select(Message)).all() == []


# How often


def test_a_second_text_waits_for_the_next_day_and_a_third_is_not_said(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    first, second, third = (say(runtime) for _ in range(3))
    assert first.reason is None
    assert (second.status, second.reason) == ("queued", "cap")
    assert second.retry_at == at("2026-03-05T08:00")
    assert (third.status, third.reason) == ("blocked", "cap")
    outbox.deliver(runtime, first.id)
    sweep_at(runtime, clock, "2026-03-04T20:00")
    assert len(channel.sent) == 1
    sweep_at(runtime, clock, "2026-03-05T08:00")
    assert len(channel.sent) == 2


def test_a_text_that_waited_counts_for_the_day_on_which_it_went(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    clock.now = at("2026-03-04T22:00")
    say(runtime)
    sweep_at(runtime, clock, "2026-03-05T08:00")
    assert len(channel.sent) == 1
    assert say(runtime).retry_at == at("2026-03-06T08:00")


def test_three_in_a_week_of_the_borrowers_own_days(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    went = []
    for day in range(4, 15):
        clock.now = at(f"2026-03-{day:02d}T12:00")
        message = say(runtime, may_wait=False)
        outbox.deliver(runtime, message.id)
        went.append(row(runtime, message).status == "sent")
    assert went == [True, True, True, False, False, False, False, True, True, True, False]


def test_in_money_trouble_the_same_number_is_for_two_weeks(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    change(runtime, Borrower, hardship_until=date(2026, 4, 30))
    went = []
    for day in range(4, 20):
        clock.now = at(f"2026-03-{day:02d}T12:00")
        message = say(runtime, may_wait=False)
        outbox.deliver(runtime, message.id)
        went.append(row(runtime, message).status == "sent")
    assert went == [True] * 3 + [False] * 11 + [True, True]


def test_what_was_blocked_or_answered_counts_for_nothing(
    runtime: Runtime, channel: FakeChannel, clock: Clock, reader: TableReader
) -> None:
    reader.means("hello", "greet")
    manager.receive(runtime, inbound("hello", "SM1"), in_response=False)
    clock.now = at("2026-03-04T07:00")
    assert say(runtime, may_wait=False).status == "blocked"
    clock.now = at("2026-03-04T12:00")
    assert say(runtime).reason is None


def test_all_the_numbers_of_a_person_count_together(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    with runtime.unit_of_work() as uow:
        person = uow.session.scalars(select(Borrower)).one()
        other = Phone(number=OTHER_PHONE, borrower_id=person.id, confirmed_at=clock())
        owner = uow.session.scalars(select(Sender)).one()
        known = {"verified_until": clock(), "created_at": clock()}
        uow.session.add(Conversation(sender=owner, phone=other, **known))
        uow.commit()
    assert say(runtime).reason is None
    assert say(runtime, conversation_id=2).reason == "cap"


# Where nothing automatic is said


@dataclass(frozen=True)
class Silence:
    name: str
    reason: str
    changes: tuple[tuple[type[Any], dict[str, Any]], ...] = ()
    rows: tuple[Callable[[datetime], Any], ...] = ()
    said: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def _handoff(now: datetime) -> Handoff:
    return Handoff(conversation_id=1, queue="crisis", reason="crisis", created_at=now)


def _case(now: datetime) -> Any:
    word = Message(
        conversation_id=1,
        direction="inbound",
        channel="twilio",
        body="wrong",
        status="processed",
        created_at=now,
        updated_at=now,
    )
    return word, lambda message_id: Case(
        borrower_id=1,
        loan_id=1,
        message_id=message_id,
        case_number="D-1",
        topic="dispute",
        kind="other",
        statement="wrong",
        created_at=now,
        answer_due_on=now.date(),
    )


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
ABOUT_IT = {"loan_ids": (1,)}
SILENCES = [
    Silence("opted out", "opted_out", ((Phone, {"opted_out_at": LONG_AGO}),)),
    Silence("barred", "barred", ((Phone, {"barred_at": LONG_AGO}),)),
    Silence("not heard of for long", "unconfirmed", ((Phone, {"confirmed_at": LONG_AGO}),)),
    Silence("never heard of", "unconfirmed", ((Phone, {"confirmed_at": None}),)),
    Silence("never shown who", "not_verified", ((Conversation, {"verified_until": None}),)),
    Silence("with an agent", "held", ((Conversation, {"held_by": "agent"}),)),
    Silence("a cry for help", "crisis", rows=(_handoff,)),
    Silence("reminders rest", "paused", ((Loan, {"reminders_paused_at": LONG_AGO}),),
            said=ABOUT_IT),
    Silence("a case is open", "paused", rows=(_case,), said=ABOUT_IT),
    Silence("none is wished", "cap", ((Phone, {"wishes": {"a_week": 0}}),)),
    Silence("at night alone is wished", "hours", ((Phone, {"wishes": {"window": "22:00-23:00"}}),)),
    Silence("no zone", "hours", ((Borrower, {"timezone": ""}),)),
]  # fmt: skip


@pytest.mark.parametrize("case", SILENCES, ids=str)
@pytest.mark.parametrize("when", ["as it is written", "as it is sent"])
def test_nothing_is_said_where(
    runtime: Runtime, channel: FakeChannel, clock: Clock, case: Silence, when: str
) -> None:
    message = say(runtime, **case.said) if when == "as it is sent" else None
    for table, values in case.changes:
        change(runtime, table, **values)
    with runtime.unit_of_work() as uow:
        for make in case.rows:
            made = make(clock())
            if isinstance(made, tuple):
                word, make_case = made
                uow.session.add(word)
                uow.session.flush()
                made = make_case(word.id)
            uow.session.add(made)
        uow.commit()
    message = message or say(runtime, **case.said)
    outbox.deliver(runtime, message.id)
    found = row(runtime, message)
    assert (found.status, found.reason) == ("blocked", case.reason)
    assert channel.sent == []


def test_a_case_on_another_loan_pauses_nothing(runtime: Runtime, channel: FakeChannel) -> None:
    change(runtime, Loan, reminders_paused_at=LONG_AGO)
    assert say(runtime, loan_ids=(2,)).reason is None


def test_an_amount_that_nobody_gave_is_not_said(runtime: Runtime, channel: FakeChannel) -> None:
    owed = Money(Decimal("9.99"), "USD")
    known = Reply("balance.charges_only", {"product": "loan", "late_charges": owed})
    assert say(runtime, (known,), may_wait=False).reason is None
    runtime.policy = replace(
        runtime.policy, lender=replace(runtime.policy.lender, name="Acme $7.00")
    )
    assert say(runtime).reason == "unknown_figure"


# An opt-out takes everything with it


def test_with_a_stop_everything_queued_dies_in_the_same_transaction(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    now, waiting = say(runtime), say(runtime)
    (answer,) = manager.receive(runtime, inbound("STOP", "SM1")).replies
    for message in (now, waiting):
        found = row(runtime, message)
        assert (found.status, found.reason, found.retry_at) == ("blocked", "opted_out", None)
    assert "no more texts" in answer.text


def test_a_confirmation_that_waits_outlives_a_second_stop(
    runtime: Runtime, channel: FakeChannel
) -> None:
    manager.receive(runtime, inbound("STOP", "SM1"), in_response=False)
    manager.receive(runtime, inbound("STOP", "SM2"), in_response=False)
    runtime.clock.forward(minutes=1)  # type: ignore[attr-defined]
    manager.sweep(runtime)
    assert len(channel.sent) == 1


def test_with_a_wrong_number_everything_queued_dies(
    runtime: Runtime, channel: FakeChannel, reader: TableReader
) -> None:
    message = say(runtime)
    reader.means("not me", "wrong_person")
    (answer,) = manager.receive(runtime, inbound("not me", "SM1")).replies
    assert (row(runtime, message).status, row(runtime, message).reason) == ("blocked", "barred")
    assert "sorry" in answer.text


@pytest.mark.parametrize("how", ["by the call", "as news"])
def test_an_opt_out_at_the_provider_takes_what_is_queued_with_it(
    runtime: Runtime, channel: FakeChannel, how: str
) -> None:
    first, second = say(runtime), say(runtime)
    if how == "by the call":
        channel.fails_with = [RecipientOptedOut("21610")]
        outbox.deliver(runtime, first.id)
    else:
        outbox.deliver(runtime, first.id)
        outbox.record_status(
            runtime, StatusUpdate("twilio", "SMsent1", "failed", "21610", first.id)
        )
    assert (row(runtime, second).status, row(runtime, second).reason) == ("blocked", "opted_out")


@pytest.mark.parametrize("attempt", range(5))
def test_a_stop_comes_before_a_text_or_after_it_and_never_in_between(
    runtime: Runtime, channel: FakeChannel, clock: Clock, attempt: int
) -> None:
    message = say(runtime)
    start = Barrier(2, timeout=10)

    def deliver() -> None:
        start.wait()
        outbox.deliver(runtime, message.id)

    def stop() -> None:
        start.wait()
        manager.receive(runtime, inbound("STOP", f"SM{attempt}"))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(deliver), pool.submit(stop)]:
            done.result(timeout=30)
    found = row(runtime, message)
    assert (found.status, found.reason) in {("sent", None), ("blocked", "opted_out")}
    assert len(channel.sent) == (found.status == "sent")


def test_the_log_names_no_text_and_no_number(
    runtime: Runtime, channel: FakeChannel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    message = say(runtime)
    manager.receive(runtime, inbound("STOP", "SM1"))
    assert f"text blocked id={message.id} reason=opted_out" in caplog.messages
    assert PHONE not in caplog.text
    assert message.body.split("\n")[0] not in caplog.text
