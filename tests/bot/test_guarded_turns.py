"""What becomes of a turn whose answer the guard keeps back, and of an answer that was held up."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot import manager, outbox
from bot.runtime import Runtime
from models import Conversation, Handoff, LenderEvent, Message
from tests import builders
from tests.builders import PHONE, inbound
from tests.fakes import Clock, FakeChannel, TableReader

FAR = datetime(2100, 1, 1, tzinfo=UTC)
NIGHT = datetime(2026, 3, 5, 7, tzinfo=UTC)
"""Two in the morning in New York."""


@pytest.fixture(autouse=True)
def maya(runtime: Runtime, reader: TableReader) -> None:
    """A borrower who has shown who she is."""
    person, owner = builders.borrower(), builders.sender()
    talk = builders.conversation(person, owner, verified_until=FAR)
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, owner, talk])
        uow.commit()
    reader.means("hello", "greet")
    reader.means("how much", "ask_balance")
    reader.means("more time", "request_extension")
    reader.means("it hurts", "crisis")


@pytest.fixture
def channel(runtime: Runtime) -> FakeChannel:
    found = runtime.channels["twilio"]
    assert isinstance(found, FakeChannel)
    return found


def forbid(runtime: Runtime, *words: str) -> None:
    content = replace(runtime.policy.content, forbidden=words)
    runtime.policy = replace(runtime.policy, content=content)


def rename(runtime: Runtime, name: str) -> None:
    runtime.policy = replace(runtime.policy, lender=replace(runtime.policy.lender, name=name))


def rows(runtime: Runtime, table: type[Any], **where: Any) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(table).filter_by(**where).order_by(table.id)))


def test_a_person_gets_what_may_not_be_answered_and_the_borrower_hears_so(
    runtime: Runtime,
) -> None:
    forbid(runtime, "owe")
    (reply,) = manager.receive(runtime, inbound("how much", "SM1")).replies
    assert reply.text.startswith("Of course. A colleague takes over")
    blocked, said = rows(runtime, Message, direction="outbound")
    assert (blocked.status, blocked.reason) == ("blocked", "forbidden")
    assert (said.status, said.reason, said.reply_key) == ("sending", None, "handoff.person")
    assert blocked.in_reply_to_id == said.in_reply_to_id
    (handoff,) = rows(runtime, Handoff)
    assert (handoff.queue, handoff.reason) == ("general", "reply_blocked")
    assert "conversation.handed_off" in {event.kind for event in rows(runtime, LenderEvent)}
    assert rows(runtime, Conversation)[0].held_by == "agent"


def test_a_question_that_nobody_has_read_is_not_left_open(runtime: Runtime) -> None:
    forbid(runtime, "suits")
    manager.receive(runtime, inbound("more time", "SM1"))
    assert rows(runtime, Message, direction="outbound")[0].reason == "forbidden"
    assert rows(runtime, Conversation)[0].state["step"] == "idle"


def test_an_amount_that_stands_in_no_book_is_not_said(runtime: Runtime) -> None:
    rename(runtime, "Acme $7.00")
    (reply,) = manager.receive(runtime, inbound("hello", "SM1")).replies
    assert "$" not in reply.text
    assert rows(runtime, Message, direction="outbound")[0].reason == "unknown_figure"


def test_nor_any_amount_to_somebody_who_may_be_anybody(runtime: Runtime) -> None:
    rename(runtime, "Acme $7.00")
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Conversation)).one().verified_until = None
        uow.commit()
    manager.receive(runtime, inbound("hello", "SM1"))
    assert rows(runtime, Message, direction="outbound")[0].reason == "not_verified"


def test_even_if_nothing_at_all_may_be_said_a_person_has_it(runtime: Runtime) -> None:
    forbid(runtime, "owe", "colleague")
    assert manager.receive(runtime, inbound("how much", "SM1")).replies == ()
    reasons = [m.reason for m in rows(runtime, Message, direction="outbound")]
    assert reasons == ["forbidden", "forbidden"]
    assert rows(runtime, Handoff)[0].reason == "reply_blocked"


def test_while_a_person_holds_the_conversation_nothing_is_said_instead(runtime: Runtime) -> None:
    forbid(runtime, "rates")
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Conversation)).one().held_by = "agent"
        uow.commit()
    assert manager.receive(runtime, inbound("HELP", "SM1")).replies == ()
    assert len(rows(runtime, Message, direction="outbound")) == 1


def test_no_list_of_words_keeps_back_a_helpline_or_the_end_of_texts(runtime: Runtime) -> None:
    forbid(runtime, "payment", "texts")
    assert len(manager.receive(runtime, inbound("it hurts", "SM1")).replies) == 1
    assert len(manager.receive(runtime, inbound("STOP", "SM2")).replies) == 1


def test_a_repeated_delivery_gets_what_was_said_instead(runtime: Runtime) -> None:
    forbid(runtime, "owe")
    first = manager.receive(runtime, inbound("how much", "SM1")).replies
    assert manager.receive(runtime, inbound("how much", "SM1")).replies == first != ()


def test_what_is_said_instead_goes_through_the_outbox_too(
    runtime: Runtime, channel: FakeChannel, clock: Clock
) -> None:
    forbid(runtime, "owe")
    manager.receive(runtime, inbound("how much", "SM1"), in_response=False)
    clock.forward(minutes=1)
    manager.sweep(runtime)
    assert [m.text.partition(".")[0] for m in channel.sent] == ["Of course"]


def test_the_log_names_the_message_and_the_reason_alone(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    forbid(runtime, "owe")
    manager.receive(runtime, inbound("how much", "SM1"))
    assert "reply blocked message=1 reason=forbidden" in caplog.messages
    for secret in (PHONE, "how much", "734.50", "owe"):
        assert secret not in caplog.text


# Held up

HELD_UP = [
    ("how much", 0, "sent"),
    ("how much", 59, "sent"),
    ("how much", 61, "queued"),
    ("HELP", 61, "sent"),
    ("it hurts", 61, "sent"),
    ("STOP", 61, "sent"),
]


@pytest.mark.parametrize(("text", "minutes", "status"), HELD_UP)
def test_an_answer_goes_at_night_while_somebody_waits_for_it(
    runtime: Runtime, channel: FakeChannel, clock: Clock, text: str, minutes: int, status: str
) -> None:
    clock.now = NIGHT
    manager.receive(runtime, inbound(text, "SM1"), in_response=False)
    (answer,) = rows(runtime, Message, direction="outbound")
    clock.forward(minutes=minutes)
    outbox.deliver(runtime, answer.id)
    (answer,) = rows(runtime, Message, direction="outbound")
    assert answer.status == status
    if status == "queued":
        assert answer.reason == "hours"
        clock.now = datetime(2026, 3, 5, 13, tzinfo=UTC)
        manager.sweep(runtime)
        (answer,) = rows(runtime, Message, direction="outbound")
        assert (answer.status, answer.reason) == ("sent", None)


@pytest.mark.parametrize(
    ("held_by", "crisis", "status"),
    [("bot", False, "sent"), ("agent", False, "sent"), ("agent", True, "blocked")],
)
def test_a_receipt_goes_at_any_hour_but_not_to_somebody_in_despair(
    runtime: Runtime, channel: FakeChannel, clock: Clock, held_by: str, crisis: bool, status: str
) -> None:
    clock.now = NIGHT
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Conversation)).one().held_by = held_by
        if crisis:
            cry = Handoff(conversation_id=1, queue="crisis", reason="crisis", created_at=NIGHT)
            uow.session.add(cry)
        receipt = Message(
            conversation_id=1,
            direction="outbound",
            channel="twilio",
            body="Thank you, Maya! We received $10.00.",
            status="queued",
            reply_key="payment.receipt",
            created_at=NIGHT,
            updated_at=NIGHT,
        )
        uow.session.add(receipt)
        uow.commit()
    outbox.deliver(runtime, receipt.id)
    (found,) = rows(runtime, Message)
    assert (found.status, found.reason) == (status, "crisis" if crisis else None)
