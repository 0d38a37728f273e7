"""What happens by itself when time has passed; each on the borrower's own clock, and once."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot import followups, manager
from bot.book import still_promised
from bot.runtime import Runtime
from models import (
    Agreement,
    Borrower,
    Case,
    Conversation,
    Handoff,
    LenderEvent,
    Loan,
    Message,
    Payment,
    Phone,
    Promise,
)
from tests import builders
from tests.builders import inbound
from tests.fakes import POLICY_TEXT, Clock, TableReader, make_runtime

FAR = datetime(2100, 1, 1, tzinfo=UTC)
CONFIRMED_AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
FRIDAY = date(2026, 3, 6)
IN_THE_MORNING = "2026-03-07T14:00:00"
"""Of the day after, at nine in New York."""


def at(runtime: Runtime, now: str) -> None:
    assert isinstance(runtime.clock, Clock)
    runtime.clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)


def set_up(runtime: Runtime, count: int = 1, **person: Any) -> None:
    """Borrowers who have shown who they are and have written before, each in a conversation."""
    with runtime.unit_of_work() as uow:
        owner = builders.sender()
        uow.session.add(owner)
        for n in range(count):
            phone = f"+1555010{n:04d}"
            made = builders.borrower(
                phone=phone, loans=(builders.loan(reference=f"L{n:04d}"),), **person
            )
            talk = builders.conversation(
                made,
                owner,
                verified_until=FAR,
                state={},
                held_by="bot",
                last_inbound_at=CONFIRMED_AT,
            )
            made.phones[0].confirmed_at = CONFIRMED_AT
            uow.session.add_all([made, talk])
        uow.commit()


def word_of(session: Any, talk: Conversation, key: str = "") -> Message:
    made = Message(
        conversation_id=talk.id,
        direction="inbound",
        channel="twilio",
        external_id=f"SM-word-{talk.id}{key}",
        body="CONFIRM",
        status="processed",
        created_at=CONFIRMED_AT,
        updated_at=CONFIRMED_AT,
    )
    session.add(made)
    session.flush()
    return made


def promise(runtime: Runtime, amount: str = "134.50", due_on: date = FRIDAY) -> None:
    """One by everybody."""
    with runtime.unit_of_work() as uow:
        for talk in uow.session.scalars(select(Conversation)).all():
            borrower = talk.phone.borrower
            assert borrower is not None
            uow.session.add(
                Promise(
                    loan_id=borrower.loans[0].id,
                    message_id=word_of(uow.session, talk).id,
                    amount=Decimal(amount),
                    due_on=due_on,
                    created_at=CONFIRMED_AT,
                )
            )
        uow.commit()


def agree(runtime: Runtime, kind: str, **values: Any) -> None:
    with runtime.unit_of_work() as uow:
        talk = uow.session.scalars(select(Conversation)).one()
        loan = uow.session.scalars(select(Loan)).one()
        parts = values.pop("parts", [])
        made = Agreement(
            loan_id=loan.id,
            message_id=word_of(uow.session, talk).id,
            kind=kind,
            created_at=CONFIRMED_AT,
            **{"amount": Decimal("134.50"), "ends_on": FRIDAY, **values},
        )
        uow.session.add(made)
        uow.session.flush()
        if parts:
            loan.put_into_parts(parts, date(2026, 3, 4), made.id)
        uow.commit()


def pay(runtime: Runtime, amount: str, now: str) -> None:
    with runtime.unit_of_work() as uow:
        loan = uow.session.scalars(select(Loan)).one()
        loan.apply(Decimal(amount))
        uow.session.add(
            Payment(
                loan_id=loan.id,
                amount=Decimal(amount),
                currency="USD",
                gateway="book",
                external_id=f"P-{now}",
                paid_at=datetime.fromisoformat(now).replace(tzinfo=UTC),
            )
        )
        uow.commit()


def change(runtime: Runtime, table: Any, **values: Any) -> None:
    with runtime.unit_of_work() as uow:
        for row in uow.session.scalars(select(table)):
            for name, value in values.items():
                setattr(row, name, value)
        uow.commit()


def texts(runtime: Runtime) -> list[str]:
    """The keys of what was said by itself and not blocked."""
    with runtime.reading() as session:
        said = select(Message.reply_key).where(
            Message.direction == "outbound",
            Message.in_reply_to_id.is_(None),
            Message.status != "blocked",
        )
        return [str(key) for key in session.scalars(said.order_by(Message.id))]


def column(runtime: Runtime, what: Any) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(what).order_by(what.class_.id)))


ASKED = ["followup.hello promise.missed_promise"]


# The day


@pytest.mark.parametrize(
    ("timezone", "last_quiet", "first_asked"),
    [
        ("America/New_York", "2026-03-07T12:59:00", "2026-03-07T13:00:00"),
        ("Asia/Shanghai", "2026-03-06T23:59:00", "2026-03-07T00:00:00"),
        ("Pacific/Kiritimati", "2026-03-06T17:59:00", "2026-03-06T18:00:00"),
        ("Pacific/Pago_Pago", "2026-03-07T18:59:00", "2026-03-07T19:00:00"),
    ],
)
def test_it_is_asked_on_the_morning_after_where_the_borrower_lives(
    runtime: Runtime, timezone: str, last_quiet: str, first_asked: str
) -> None:
    set_up(runtime, timezone=timezone)
    promise(runtime)
    at(runtime, last_quiet)
    followups.follow_up(runtime)
    assert texts(runtime) == []
    assert column(runtime, Promise.status) == ["open"]
    at(runtime, first_asked)
    followups.follow_up(runtime)
    assert texts(runtime) == ASKED
    assert column(runtime, Promise.status) == ["broken"]


def test_nothing_happens_at_midnight_of_the_day_itself(runtime: Runtime) -> None:
    set_up(runtime, timezone="America/Los_Angeles")
    promise(runtime)
    for hour in range(24):
        at(runtime, f"2026-03-06T{hour:02}:00:00")
        assert followups.follow_up(runtime) == 0
    at(runtime, "2026-03-07T07:59:00")  # a minute before midnight there
    assert followups.follow_up(runtime) == 0


def test_the_morning_comes_an_hour_earlier_once_the_clock_is_put_forward(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime, due_on=date(2026, 3, 7))  # the 8th has 23 hours in New York
    at(runtime, "2026-03-08T11:59:00")
    followups.follow_up(runtime)
    assert texts(runtime) == []
    at(runtime, "2026-03-08T12:00:00")
    followups.follow_up(runtime)
    assert texts(runtime) == ASKED


def test_it_is_asked_so_many_days_later_as_the_policy_says(database_url: str, clock: Clock) -> None:
    rules = POLICY_TEXT.replace("ask_after_days = 1", "ask_after_days = 3")
    runtime = make_runtime(database_url, policy=rules, clock=clock)
    set_up(runtime)
    promise(runtime)
    at(runtime, "2026-03-08T20:00:00")
    assert followups.follow_up(runtime) == 0
    at(runtime, "2026-03-09T14:00:00")
    assert followups.follow_up(runtime) == 1
    assert texts(runtime) == ASKED
    runtime.engine.dispose()


# The money


def test_paid_a_day_late_but_before_the_question_is_kept(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime)
    pay(runtime, "134.50", "2026-03-07T12:00:00")
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == []
    assert column(runtime, Promise.status) == ["kept"]
    assert column(runtime, Promise.closed_at) != [None]


def test_two_halves_are_the_whole(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime, "100.00")
    pay(runtime, "50.00", "2026-03-03T12:00:00")
    pay(runtime, "50.00", "2026-03-05T12:00:00")
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert column(runtime, Promise.status) == ["kept"]


def test_what_was_paid_before_the_word_does_not_fulfil_it(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime, "100.00")
    pay(runtime, "100.00", "2026-03-02T14:59:59")
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert column(runtime, Promise.status) == ["broken"]


def test_one_cent_less_is_asked_about(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime, "100.00")
    pay(runtime, "99.99", "2026-03-05T12:00:00")
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == ASKED


def test_a_loan_that_is_settled_asks_for_nothing(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime)
    with runtime.unit_of_work() as uow:
        loan = uow.session.scalars(select(Loan)).one()
        loan.forgive(Decimal("734.50"))
        uow.commit()
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == []
    assert column(runtime, Promise.status) == ["kept"]


def test_money_fulfils_the_part_before_the_rest(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime, "100.00")
    with runtime.unit_of_work() as uow:
        first = uow.session.scalars(select(Promise)).one()
        uow.session.add(
            Promise(
                loan_id=first.loan_id,
                message_id=first.message_id,
                amount=Decimal("34.50"),
                due_on=date(2026, 3, 20),
                created_at=CONFIRMED_AT,
            )
        )
        uow.commit()
    pay(runtime, "100.00", "2026-03-05T12:00:00")
    with runtime.reading() as session:
        words = session.scalars(select(Promise).order_by(Promise.id)).all()
        assert [still_promised(session, word) for word in words] == [
            Decimal("0.00"),
            Decimal("34.50"),
        ]


# Who must not be written to


def _opted_out(runtime: Runtime) -> None:
    change(runtime, Phone, opted_out_at=CONFIRMED_AT)


def _barred(runtime: Runtime) -> None:
    change(runtime, Phone, barred_at=CONFIRMED_AT, barred_reason="wrong_number")


def _held(runtime: Runtime) -> None:
    change(runtime, Conversation, held_by="agent")


def _hard(runtime: Runtime) -> None:
    change(runtime, Borrower, hardship_until=date(2026, 4, 1))


def _unconfirmed(runtime: Runtime) -> None:
    change(runtime, Phone, confirmed_at=datetime(2025, 12, 1, tzinfo=UTC))


def _unverified(runtime: Runtime) -> None:
    change(runtime, Conversation, verified_until=None)


def _disputed(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        loan = uow.session.scalars(select(Loan)).one()
        message = uow.session.scalars(select(Message)).first()
        assert message is not None
        uow.session.add(
            Case(
                borrower_id=loan.borrower_id,
                loan_id=loan.id,
                message_id=message.id,
                case_number="D-1",
                topic="dispute",
                kind="other",
                statement="wrong",
                status="open",
                created_at=CONFIRMED_AT,
                answer_due_on=date(2026, 4, 1),
            )
        )
        uow.commit()


def _somebody_elses(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        phone = uow.session.scalars(select(Phone)).one()
        other = builders.borrower(phone="+15550108888", loans=(), reference="B-other")
        uow.session.add(other)
        uow.session.flush()
        phone.borrower_id = other.id
        uow.commit()


@pytest.mark.parametrize(
    ("meanwhile", "people"),
    [
        (_opted_out, [("general", "promise_broken")]),
        (_barred, [("general", "promise_broken")]),
        (_unconfirmed, [("general", "promise_broken")]),
        (_unverified, [("general", "promise_broken")]),
        (_somebody_elses, [("general", "promise_broken")]),
        (_hard, [("hardship", "promise_broken")]),
        (_held, []),
        (_disputed, []),
    ],
)
def test_where_nothing_may_be_said_it_is_closed_in_silence(
    runtime: Runtime, meanwhile: Any, people: list[tuple[str, str]]
) -> None:
    set_up(runtime)
    promise(runtime)
    meanwhile(runtime)
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == []
    assert column(runtime, Promise.status) == ["broken"]
    assert column(runtime, Promise.closed_at) != [None]
    with runtime.reading() as session:
        rows = session.execute(select(Handoff.queue, Handoff.reason)).all()
        assert [tuple(row) for row in rows] == people
    assert column(runtime, LenderEvent.kind) == ["promise.broken"]
    assert followups.follow_up(runtime) == 0


def test_after_too_many_texts_it_waits_and_then_a_person_has_it(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime)
    change(runtime, Phone, wishes={"a_week": 1})
    with runtime.unit_of_work() as uow:
        reminder = word_of(uow.session, uow.session.scalars(select(Conversation)).one(), "-first")
        reminder.direction, reminder.facts = "outbound", {"kind": "first"}
        reminder.reply_key, reminder.status = "reminder", "sent"
        reminder.created_at = datetime(2026, 3, 6, 14, tzinfo=UTC)
        uow.commit()
    at(runtime, IN_THE_MORNING)
    assert followups.follow_up(runtime) == 0
    assert column(runtime, Promise.status) == ["open"]
    at(runtime, "2026-03-09T14:00:00")
    followups.follow_up(runtime)
    assert texts(runtime) == ["reminder"]
    assert column(runtime, Handoff.reason) == ["promise_broken"]


def test_somebody_in_the_middle_of_a_talk_is_not_interrupted(
    runtime: Runtime, reader: TableReader
) -> None:
    set_up(runtime)
    promise(runtime)
    at(runtime, "2026-03-07T13:30:00")
    reader.means("can i get more time", "request_extension")
    manager.receive(runtime, inbound("can i get more time", "SM1", "+15550100000"))
    at(runtime, IN_THE_MORNING)
    assert followups.follow_up(runtime) == 0
    at(runtime, "2026-03-08T13:31:00")
    followups.follow_up(runtime)  # closes the question
    followups.follow_up(runtime)
    assert texts(runtime)[-1:] == ASKED


# Afterwards


def test_no_answer_goes_to_a_person_once(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime)
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    at(runtime, "2026-03-09T13:59:00")
    assert followups.follow_up(runtime) == 0
    at(runtime, "2026-03-09T14:00:00")
    followups.follow_up(runtime)
    assert column(runtime, Handoff.reason) == ["promise_broken"]
    assert column(runtime, Conversation.held_by) == ["bot"]
    for day in range(10, 20):
        at(runtime, f"2026-03-{day}T14:00:00")
        assert followups.follow_up(runtime) == 0
    assert texts(runtime) == ASKED


def test_any_answer_closes_it(runtime: Runtime, reader: TableReader) -> None:
    set_up(runtime)
    promise(runtime)
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    at(runtime, "2026-03-08T20:00:00")
    reader.means("hello", "greet")
    manager.receive(runtime, inbound("hello", "SM1", "+15550100000"))
    at(runtime, "2026-03-10T14:00:00")
    followups.follow_up(runtime)
    assert column(runtime, Handoff.reason) == []
    assert column(runtime, Promise.closed_at) != [None]


def test_while_a_person_has_it_nothing_more_is_asked(runtime: Runtime) -> None:
    set_up(runtime)
    promise(runtime)
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    at(runtime, "2026-03-10T14:00:00")
    followups.follow_up(runtime)
    with runtime.unit_of_work() as uow:
        first = uow.session.scalars(select(Promise)).one()
        uow.session.add(
            Promise(
                loan_id=first.loan_id,
                message_id=first.message_id,
                amount=Decimal("20.00"),
                due_on=date(2026, 3, 11),
                created_at=CONFIRMED_AT,
            )
        )
        uow.commit()
    at(runtime, "2026-03-12T14:00:00")
    followups.follow_up(runtime)
    assert texts(runtime) == ASKED
    assert column(runtime, Promise.status) == ["broken", "broken"]
    assert column(runtime, Handoff.reason) == ["promise_broken"]


# Agreements


def test_a_settlement_that_was_not_paid_ends(runtime: Runtime) -> None:
    set_up(runtime)
    agree(runtime, "settlement", amount=Decimal("500.00"), forgiven=Decimal("234.50"))
    at(runtime, "2026-03-07T04:00:00")  # still the 6th in New York
    assert followups.follow_up(runtime) == 0
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == ["followup.hello promise.missed_relief"]
    assert column(runtime, Agreement.status) == ["broken"]
    assert column(runtime, LenderEvent.kind) == ["agreement.broken"]
    at(runtime, "2026-03-12T14:00:00")
    followups.follow_up(runtime)
    assert column(runtime, Handoff.reason) == []


def test_a_settlement_that_was_paid_late_but_in_full_is_left_to_the_person_who_has_it(
    runtime: Runtime,
) -> None:
    set_up(runtime)
    agree(runtime, "settlement", paid=Decimal("134.50"))
    at(runtime, IN_THE_MORNING)
    assert followups.follow_up(runtime) == 0
    assert column(runtime, Agreement.status) == ["open"]


PARTS = [(FRIDAY, Decimal("67.25")), (date(2026, 3, 20), Decimal("67.25"))]


def test_a_plan_goes_on_when_its_part_comes_after_the_question(runtime: Runtime) -> None:
    set_up(runtime)
    agree(runtime, "plan", parts=PARTS, ends_on=date(2026, 3, 20))
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert texts(runtime) == ["followup.hello promise.missed_plan"]
    assert column(runtime, LenderEvent.kind) == ["plan.part_missed"]
    pay(runtime, "67.25", "2026-03-08T14:00:00")
    at(runtime, "2026-03-12T14:00:00")
    followups.follow_up(runtime)
    assert column(runtime, Agreement.status) == ["open"]
    assert column(runtime, Handoff.reason) == []
    at(runtime, "2026-03-21T14:00:00")
    followups.follow_up(runtime)
    assert texts(runtime) == ["followup.hello promise.missed_plan"] * 2


def test_a_plan_whose_part_does_not_come_ends_with_a_person(runtime: Runtime) -> None:
    set_up(runtime)
    agree(runtime, "plan", parts=PARTS, ends_on=date(2026, 3, 20))
    for day in ("07", "09", "10"):
        at(runtime, f"2026-03-{day}T14:00:00")
        followups.follow_up(runtime)
    assert column(runtime, Agreement.status) == ["broken"]
    assert column(runtime, LenderEvent.kind) == ["plan.part_missed", "agreement.broken"]
    assert column(runtime, Handoff.reason) == ["plan_broken"]


# Silence


def open_question(runtime: Runtime, reader: TableReader) -> None:
    reader.means("can i get more time", "request_extension")
    manager.receive(runtime, inbound("can i get more time", "SM1", "+15550100000"))


def test_a_question_wakes_the_line_and_an_end_does_not(
    runtime: Runtime, reader: TableReader
) -> None:
    set_up(runtime)
    at(runtime, "2026-03-04T17:00:00")
    open_question(runtime, reader)
    assert column(runtime, Conversation.wake_at) == [runtime.clock() + timedelta(hours=3)]
    reader.means("never mind", "deny")
    manager.receive(runtime, inbound("never mind", "SM2", "+15550100000"))
    assert column(runtime, Conversation.wake_at) == [None]


def test_a_question_is_reminded_of_once_and_closed(runtime: Runtime, reader: TableReader) -> None:
    set_up(runtime)
    at(runtime, "2026-03-04T17:00:00")
    open_question(runtime, reader)
    for hour in range(30):
        at(runtime, "2026-03-04T17:00:00")
        runtime.clock.forward(hours=hour)  # type: ignore[attr-defined]
        followups.follow_up(runtime)
    assert texts(runtime) == ["flow.still_open extension.offer"]
    assert column(runtime, Conversation.wake_at) == [None]
    (state,) = column(runtime, Conversation.state)
    assert state["step"] == "idle"


def test_what_fails_for_one_is_done_for_the_others(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    set_up(runtime, 3)
    promise(runtime)
    with runtime.unit_of_work() as uow:
        first = uow.session.scalars(select(Borrower).order_by(Borrower.id)).first()
        assert first is not None
        first.loans[0].product = "no_such_product"
        first.locale = "xx-$"
        first.loans[0].currency = "???"
        uow.commit()
    at(runtime, IN_THE_MORNING)
    followups.follow_up(runtime)
    assert len(texts(runtime)) >= 2
    assert "Maya" not in caplog.text


# Many at once


def test_two_workers_do_nothing_twice(runtime: Runtime) -> None:
    set_up(runtime, 12)
    promise(runtime)
    at(runtime, IN_THE_MORNING)
    start = threading.Barrier(2)
    done: list[int] = []

    def work() -> None:
        start.wait()
        done.append(followups.follow_up(runtime))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert texts(runtime) == ASKED * 12
    assert column(runtime, LenderEvent.kind) == ["promise.broken"] * 12
    at(runtime, "2026-03-09T14:00:00")
    start.reset()
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert column(runtime, Handoff.reason) == ["promise_broken"] * 12


def test_two_workers_remind_once(runtime: Runtime, reader: TableReader) -> None:
    set_up(runtime, 8)
    reader.means("can i get more time", "request_extension")
    at(runtime, "2026-03-04T17:00:00")
    for n in range(8):
        manager.receive(runtime, inbound("can i get more time", f"SM{n}", f"+1555010{n:04d}"))
    at(runtime, "2026-03-04T20:30:00")
    start = threading.Barrier(2)

    def work() -> None:
        start.wait()
        followups.follow_up(runtime)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert texts(runtime) == ["flow.still_open extension.offer"] * 8
