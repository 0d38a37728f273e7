"""What is written down when a person's trouble is taken up: words, details, calls, languages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot import manager
from bot.runtime import Runtime
from models import Borrower, Case, Conversation, Handoff, LenderEvent, Loan, Phone
from tests import builders
from tests.builders import inbound
from tests.fakes import Clock, TableReader

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def only(runtime: Runtime, table: type[Any], **where: Any) -> Any:
    with runtime.reading() as session:
        return session.scalars(select(table).filter_by(**where)).one()


@pytest.fixture
def maya(runtime: Runtime) -> Borrower:
    person, owner = builders.borrower(), builders.sender()
    talk = builders.conversation(person, owner, state={}, held_by="bot", verified_until=FAR)
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, talk])
        uow.commit()
    return person


def write(runtime: Runtime, *texts: str) -> list[str]:
    """What each message is answered."""
    said = []
    for number, text in enumerate(texts):
        received = manager.receive(runtime, inbound(text, f"SM{text[:9]}{number}"))
        said.append("\n".join(reply.text for reply in received.replies))
    return said


def test_every_word_of_a_dispute_is_kept_with_the_figure(
    runtime: Runtime, reader: TableReader, maya: Borrower
) -> None:
    reader.means("that amount is WRONG!!", "dispute")
    write(runtime, "that amount is WRONG!!", "i say 500, ask Dana")
    case = only(runtime, Case)
    assert case.statement == "that amount is WRONG!!\ni say 500, ask Dana"
    assert (case.topic, case.kind, case.details) == ("dispute", "wrong_amount", {"figure": "500"})
    assert case.answer_due_on == date(2026, 4, 3)
    assert only(runtime, Loan).reminders_paused_at is not None


def test_more_words_on_an_open_case_make_no_second_one(
    runtime: Runtime, reader: TableReader, maya: Borrower
) -> None:
    reader.means("i never took this loan", "dispute")
    reader.means("someone stole my identity", "dispute")
    write(runtime, "i never took this loan", "someone stole my identity")
    assert only(runtime, Case).statement == "i never took this loan\nsomeone stole my identity"
    with runtime.reading() as session:
        assert set(session.scalars(select(Handoff.queue))) == {"dispute", "fraud"}
    told = only(runtime, LenderEvent, kind="case.added_to")
    assert "identity" not in str(told.data)


def test_what_was_learnt_of_a_payment_is_kept(
    runtime: Runtime, reader: TableReader, maya: Borrower
) -> None:
    reader.means("paid 134 by zelle", "already_paid")
    write(runtime, "paid 134 by zelle", "on monday")
    case = only(runtime, Case)
    assert case.details == {"amount": "134", "paid_on": "2026-03-02", "means": "transfer"}
    assert (case.topic, case.kind) == ("already_paid", "transfer")


def test_a_call_is_asked_of_a_person_in_universal_time(
    runtime: Runtime, reader: TableReader, maya: Borrower, clock: Clock
) -> None:
    clock.now = datetime(2026, 3, 7, 20, tzinfo=UTC)
    said = write(runtime, "AGENT", "monday at 11")
    assert "Mon, Mar 9, 11:00 AM" in said[1]
    handoff = only(runtime, Handoff)
    # The clocks go forward on Sunday: eleven in New York is fifteen, not sixteen, in Greenwich.
    assert handoff.call_back_at == datetime(2026, 3, 9, 15, tzinfo=UTC)
    assert (handoff.queue, handoff.reason) == ("general", "call_back")
    assert only(runtime, Conversation).held_by == "bot"


def test_a_wish_is_kept_with_the_number(
    runtime: Runtime, reader: TableReader, maya: Borrower
) -> None:
    reader.means("once a week, not before 9", "fewer_messages")
    write(runtime, "once a week, not before 9")
    assert only(runtime, Phone).wishes == {"a_week": 1, "window": "09:00-21:00"}


def test_trouble_slows_the_reminders(runtime: Runtime, reader: TableReader, maya: Borrower) -> None:
    reader.means("i lost my job", "hardship")
    write(runtime, "i lost my job")
    assert only(runtime, Borrower).hardship_until == date(2026, 4, 3)
    assert only(runtime, Handoff).queue == "hardship"


def test_the_language_that_was_asked_for_outweighs_the_one_that_asks(
    runtime: Runtime, reader: TableReader, maya: Borrower
) -> None:
    (said,) = write(runtime, "¿me puede escribir en español por favor?")
    assert "seguimos en español" in said
    assert only(runtime, Conversation).locale == "es"
    (said,) = write(runtime, "can you please write to me in english now")
    assert "we go on in English" in said
    assert only(runtime, Conversation).locale == "en"


def test_a_stranger_is_answered_in_their_language(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.sender())
        uow.commit()
    asked, chosen, told = write(runtime, "french please", "2", "hola")
    assert "1) English" in asked
    assert "seguimos en español" in chosen
    assert "No reconocemos este número" in told
