"""The outbox: a row leaves once, if the guard still lets it, and news only moves it forward."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from bot import manager, outbox
from bot.runtime import Runtime
from channels.base import (
    BadNumber,
    ChannelMisconfigured,
    ChannelThrottled,
    ChannelUnavailable,
    HandsetUnreachable,
    OutboundMessage,
    RecipientOptedOut,
    SendError,
    SendUncertain,
    StatusUpdate,
)
from models import ConsentEvent, Conversation, Message, Phone
from tests import builders
from tests.builders import PHONE, SENDER, inbound
from tests.fakes import Clock, FakeChannel, TableReader, rejected


@pytest.fixture
def channel(runtime: Runtime) -> FakeChannel:
    """Where the texts of the runtime go; its borrower has a conversation."""
    person, owner = builders.borrower(), builders.sender()
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, owner, builders.conversation(person, owner)])
        uow.commit()
    found = runtime.channels["twilio"]
    assert isinstance(found, FakeChannel)
    return found


def queue(runtime: Runtime, text: str = "Hello", **values: Any) -> int:
    """A text of ours in the outbox."""
    with runtime.unit_of_work() as uow:
        message = Message(
            **{
                "conversation_id": uow.session.scalars(select(Conversation.id)).one(),
                "direction": "outbound",
                "channel": "twilio",
                "body": text,
                "status": "queued",
                "reply_key": "greet.hello",
                "created_at": runtime.clock(),
                "updated_at": runtime.clock(),
                **values,
            }
        )
        uow.session.add(message)
        uow.commit()
        return message.id


def row(runtime: Runtime, message_id: int) -> Message:
    with runtime.reading() as session:
        return session.get_one(Message, message_id)


def phone_of(runtime: Runtime) -> Phone:
    with runtime.reading() as session:
        return session.scalars(select(Phone)).one()


def set_phone(runtime: Runtime, **values: Any) -> None:
    with runtime.unit_of_work() as uow:
        phone = uow.session.scalars(select(Phone)).one()
        for name, value in values.items():
            setattr(phone, name, value)
        uow.commit()


def opt_outs(runtime: Runtime) -> list[str]:
    with runtime.reading() as session:
        return list(
            session.scalars(select(ConsentEvent.source).where(ConsentEvent.kind == "opt_out"))
        )


# Leaving


def test_a_queued_text_is_sent_and_its_id_kept(runtime: Runtime, channel: FakeChannel) -> None:
    message_id = queue(runtime)
    outbox.deliver(runtime, message_id)
    callback = f"http://localhost:8000/webhooks/twilio/status?message={message_id}&attempt=1"
    assert channel.sent == [OutboundMessage(message_id, PHONE, SENDER, "Hello", callback)]
    sent = row(runtime, message_id)
    assert (sent.status, sent.external_id, sent.attempts) == ("sent", "SMsent1", 1)


@pytest.mark.parametrize("status", ["sending", "sent", "delivered", "blocked", "failed"])
def test_what_is_not_queued_is_not_sent(
    runtime: Runtime, channel: FakeChannel, status: str
) -> None:
    outbox.deliver(runtime, queue(runtime, status=status))
    outbox.deliver(runtime, 999)
    assert channel.sent == []


def test_workers_that_take_the_same_row_send_it_once(
    runtime: Runtime, channel: FakeChannel
) -> None:
    message_id = queue(runtime)
    start = threading.Barrier(4, timeout=10)

    def deliver() -> None:
        start.wait()
        outbox.deliver(runtime, message_id)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(deliver) for _ in range(4)]:
            done.result(timeout=30)
    assert len(channel.sent) == 1
    assert row(runtime, message_id).attempts == 1


# The guard, at the moment of sending


@dataclass(frozen=True)
class Gate:
    name: str
    phone: dict[str, Any]
    reply_key: str
    reason: str | None

    def __str__(self) -> str:
        return self.name


OUT, BARRED = {"opted_out_at": builders.CREATED}, {"barred_at": builders.CREATED}
GATES = [
    Gate("an opt-out in between stops it", OUT, "greet.hello", "opted_out"),
    Gate("a receipt too", OUT, "payment.receipt", "opted_out"),
    Gate("not the one confirmation", OUT, "consent.stopped", None),
    Gate("a confirmation with more in it", OUT, "consent.stopped balance.next", "opted_out"),
    Gate("a barred number in between stops it", BARRED, "greet.hello", "barred"),
    Gate("not the apology", BARRED, "wrong_person.sorry", None),
    Gate("a free number", {}, "balance.late", None),
]


@pytest.mark.parametrize("case", GATES, ids=str)
def test_between_queueing_and_sending(runtime: Runtime, channel: FakeChannel, case: Gate) -> None:
    message_id = queue(runtime, reply_key=case.reply_key)
    set_phone(runtime, **case.phone)
    outbox.deliver(runtime, message_id)
    message = row(runtime, message_id)
    assert message.reason == case.reason
    assert message.status == ("blocked" if case.reason else "sent")
    assert len(channel.sent) == (0 if case.reason else 1)


def test_a_stop_overtakes_what_is_queued(
    runtime: Runtime, channel: FakeChannel, reader: TableReader
) -> None:
    reader.means("hello", "greet")
    manager.receive(runtime, inbound("hello", "SM1"), in_response=False)
    manager.receive(runtime, inbound("STOP", "SM2"), in_response=False)
    runtime.clock.forward(minutes=1)  # type: ignore[attr-defined]
    manager.sweep(runtime)
    assert [m.text.partition(" from")[0] for m in channel.sent] == ["You will get no more texts"]


# Failing


@dataclass(frozen=True)
class Failing:
    name: str
    error: SendError
    status: str = "failed"
    wait: int | None = None
    opted_out: bool = False
    barred: str = ""

    def __str__(self) -> str:
        return self.name


FAILING = [
    Failing("no line", ChannelUnavailable("503"), "queued", 30),
    Failing("too fast", ChannelThrottled("20429"), "queued", 30),
    Failing("phone off", HandsetUnreachable("30003"), "queued", 30),
    Failing("opted out at the provider", RecipientOptedOut("21610"), opted_out=True),
    Failing("no such number", BadNumber("21211"), barred="unreachable"),
    Failing("wrong account", ChannelMisconfigured("20003")),
    Failing("refused", rejected("29999")),
    Failing("unsure whether it went", SendUncertain(), "sending"),
]


@pytest.mark.parametrize("case", FAILING, ids=str)
def test_sending_fails(runtime: Runtime, channel: FakeChannel, clock: Clock, case: Failing) -> None:
    message_id = queue(runtime)
    channel.fails_with = [case.error]
    outbox.deliver(runtime, message_id)

    message, phone = row(runtime, message_id), phone_of(runtime)
    assert (message.status, message.error_code) == (case.status, case.error.code)
    waits = (message.retry_at - clock()).seconds if message.retry_at else None
    assert waits == case.wait
    assert (phone.opted_out_at is not None) == case.opted_out
    assert opt_outs(runtime) == (["provider"] if case.opted_out else [])
    assert phone.barred_reason == case.barred
    assert message.reason == (type(case.error).__name__ if case.status == "failed" else None)


def test_a_retry_waits_its_time_and_longer_each_time(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    message_id = queue(runtime)
    channel.fails_with = [ChannelUnavailable() for _ in range(9)]
    waits = []
    for _ in range(4):
        outbox.deliver(runtime, message_id)
        retry_at = row(runtime, message_id).retry_at
        assert retry_at is not None
        waits.append((retry_at - clock()).seconds)
        outbox.deliver(runtime, message_id)
        assert len(channel.fails_with) == 9 - len(waits), "it was sent before its time"
        clock.now = retry_at
    assert waits == [30, 90, 270, 810]
    outbox.deliver(runtime, message_id)
    message = row(runtime, message_id)
    assert (message.status, message.attempts, message.reason) == ("failed", 5, "ChannelUnavailable")


def test_a_retry_that_succeeds_is_sent(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    message_id = queue(runtime)
    channel.fails_with = [ChannelThrottled("20429")]
    outbox.deliver(runtime, message_id)
    clock.forward(seconds=29)
    assert manager.sweep(runtime) == 0
    clock.forward(seconds=1)
    assert manager.sweep(runtime) == 1
    assert row(runtime, message_id).status == "sent"


def test_what_a_crash_left_claimed_is_not_sent_by_the_sweep(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    queue(runtime, status="sending")
    clock.forward(hours=1)
    assert manager.sweep(runtime) == 0
    assert channel.sent == []


def test_the_sweep_leaves_fresh_rows_to_their_jobs(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    queue(runtime)
    assert manager.sweep(runtime) == 0
    clock.forward(seconds=31)
    assert manager.sweep(runtime) == 1
    assert len(channel.sent) == 1


def test_an_unreachable_phone_is_tried_again_at_most_twice(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    message_id = queue(runtime)
    outbox.deliver(runtime, message_id)
    for _ in range(5):
        sid = row(runtime, message_id).external_id
        assert sid is not None
        update = StatusUpdate("twilio", sid, "undelivered", "30003", message_id)
        outbox.record_status(runtime, update)
        clock.forward(hours=1)
        manager.sweep(runtime)
    assert len(channel.sent) == 3
    assert row(runtime, message_id).status == "failed"


def test_a_reply_in_the_response_counts_as_the_first_attempt(
    runtime: Runtime, channel: FakeChannel, clock: Clock, reader: TableReader
) -> None:
    reader.means("hello", "greet")
    (reply,) = manager.receive(runtime, inbound("hello", "SM1")).replies
    sid = "SMtwiml"
    for _ in range(6):
        update = StatusUpdate("twilio", sid, "undelivered", "30003", reply.id)
        outbox.record_status(runtime, update)
        clock.forward(hours=1)
        manager.sweep(runtime)
        sid = row(runtime, reply.id).external_id or sid
    assert len(channel.sent) == 2


# News


@dataclass(frozen=True)
class News:
    name: str
    words: str
    status: str
    code: str | None = None

    def __str__(self) -> str:
        return self.name


NEWS = [
    News("in order", "queued sending sent delivered read", "read"),
    News("one is missing", "queued delivered", "delivered"),
    News("late words never take it back", "delivered sent sending queued", "delivered"),
    News("repeated", "sent sent delivered delivered", "delivered"),
    News("read before delivered", "read delivered", "read"),
    News("not delivered", "sent undelivered:30005", "failed", "30005"),
    News("failed", "failed:30007", "failed", "30007"),
    News("failed without a code", "failed", "failed"),
    News("the first end counts", "delivered failed:30008", "delivered", "30008"),
    News("an end is not taken back", "failed:30007 delivered", "failed", "30007"),
    News("the error stays", "undelivered:30007 failed sent", "failed", "30007"),
    News("cancelled", "canceled sent", "canceled"),
    News("to be tried again", "sent undelivered:30003", "queued", "30003"),
    News("it arrived after all", "undelivered:30003 sent delivered", "delivered", "30003"),
]


@pytest.mark.parametrize("case", NEWS, ids=str)
def test_news_of_a_text(runtime: Runtime, channel: FakeChannel, case: News) -> None:
    message_id = queue(runtime, status="sending")
    for word in case.words.split():
        status, _, code = word.partition(":")
        update = StatusUpdate("twilio", "SMa", status, code or None, message_id)
        outbox.record_status(runtime, update)
    message = row(runtime, message_id)
    assert (message.status, message.error_code) == (case.status, case.code)
    assert message.external_id == "SMa"


def test_news_finds_its_text_by_the_providers_id_before_ours(
    runtime: Runtime, channel: FakeChannel
) -> None:
    first, second = queue(runtime, external_id="SMa", status="sent"), queue(runtime, status="sent")
    outbox.record_status(runtime, StatusUpdate("twilio", "SMa", "delivered", message_id=second))
    assert row(runtime, first).status == "delivered"
    assert row(runtime, second).status == "sent"


@pytest.mark.parametrize(
    "update",
    [
        StatusUpdate("twilio", "SMnone", "delivered"),
        StatusUpdate("twilio", "SMnone", "delivered", message_id=999),
        StatusUpdate("twilio", "SMother", "delivered", message_id=1),
        StatusUpdate("other", "SMa", "delivered", message_id=1),
    ],
    ids=["no id of ours", "unknown id", "of another text", "of another channel"],
)
def test_news_of_nothing_that_we_know_changes_nothing(
    runtime: Runtime, channel: FakeChannel, update: StatusUpdate
) -> None:
    message_id = queue(runtime, external_id="SMa", status="sent")
    outbox.record_status(runtime, update)
    assert row(runtime, message_id).status == "sent"


def test_news_of_an_inbound_message_changes_nothing(runtime: Runtime, channel: FakeChannel) -> None:
    message_id = queue(runtime, direction="inbound", external_id="SMin", status="processed")
    outbox.record_status(runtime, StatusUpdate("twilio", "SMin", "read", message_id=message_id))
    assert row(runtime, message_id).status == "processed"


def test_an_opt_out_that_comes_as_news_is_recorded_once(
    runtime: Runtime, channel: FakeChannel
) -> None:
    message_id = queue(runtime, status="sending")
    for status in ("undelivered", "undelivered", "failed"):
        update = StatusUpdate("twilio", "SMa", status, "21610", message_id)
        outbox.record_status(runtime, update)
    other = queue(runtime, status="sending")
    outbox.record_status(runtime, StatusUpdate("twilio", "SMb", "failed", "21610", other))
    assert phone_of(runtime).opted_out_at is not None
    assert opt_outs(runtime) == ["provider"]


def test_late_news_of_an_earlier_attempt_is_not_news_of_this_one(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    message_id = queue(runtime)
    outbox.deliver(runtime, message_id)
    failed = StatusUpdate("twilio", "SMsent1", "undelivered", "30003", message_id, attempt=1)
    outbox.record_status(runtime, failed)
    clock.forward(hours=1)
    channel.fails_with = [SendUncertain()]
    outbox.deliver(runtime, message_id)
    assert row(runtime, message_id).status == "sending"
    outbox.record_status(runtime, failed)
    assert row(runtime, message_id).status == "sending"
