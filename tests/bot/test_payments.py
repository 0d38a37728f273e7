"""A payment through a link: booked once, in the right place, with a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot import manager, outbox
from bot.runtime import Runtime
from models import (
    Agreement,
    Conversation,
    Handoff,
    LenderEvent,
    Loan,
    Message,
    Payment,
    PaymentLink,
    Promise,
)
from tests import builders
from tests.builders import inbound
from tests.fakes import Clock

TODAY = date(2026, 3, 4)


@pytest.fixture
def link(runtime: Runtime) -> int:
    """A link to pay 134.50, all that is late of 734.50."""
    person, owner = builders.borrower(), builders.sender()
    talk = builders.conversation(person, owner)
    with runtime.unit_of_work() as uow:
        uow.session.add_all([person, owner, talk])
        uow.session.flush()
        made = PaymentLink(
            loan_id=person.loans[0].id,
            conversation_id=talk.id,
            amount=Decimal("134.50"),
            created_at=runtime.clock(),
            expires_at=runtime.clock() + timedelta(hours=24),
        )
        uow.session.add(made)
        uow.commit()
        return made.id


def pay(runtime: Runtime, link_id: int, amount: str = "134.50", external_id: str = "P1") -> bool:
    return manager.record_payment(
        runtime,
        link_id=link_id,
        gateway="sandbox",
        external_id=external_id,
        amount=Decimal(amount),
    )


def rows(runtime: Runtime, table: type[Any]) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def owed(runtime: Runtime) -> Decimal:
    with runtime.reading() as session:
        loan = session.scalars(select(Loan)).one()
        return sum((part.open for part in loan.instalments), loan.late_charges)


@dataclass(frozen=True)
class Case:
    name: str
    amount: str
    owed: str
    receipt: str
    unallocated: str = "0.00"

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("what is late", "134.50", "600.00", "You now owe $600.00."),
    Case("a part", "10.00", "724.50", "You now owe $724.50."),
    Case("everything", "734.50", "0.00", "Your personal loan is fully paid."),
    Case("too much", "800.00", "0.00", "Your personal loan is fully paid.", "65.50"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_payment_of(runtime: Runtime, link: int, clock: Clock, case: Case) -> None:
    jobs: list[Any] = []
    runtime.enqueue = lambda *job: jobs.append(job)

    assert pay(runtime, link, case.amount)

    assert owed(runtime) == Decimal(case.owed)
    (payment,) = rows(runtime, Payment)
    assert payment.amount == Decimal(case.amount)
    assert payment.unallocated == Decimal(case.unallocated)
    assert (payment.currency, payment.gateway, payment.external_id) == ("USD", "sandbox", "P1")
    assert rows(runtime, PaymentLink)[0].paid_at == clock()
    (receipt,) = rows(runtime, Message)
    assert receipt.status == "queued"
    assert f"We received ${case.amount}" in receipt.body
    assert case.receipt in receipt.body
    assert receipt.body.endswith("Reply STOP to stop texts to this number.")
    assert jobs == [("deliver", receipt.id)]


def test_a_link_is_paid_once(runtime: Runtime, link: int) -> None:
    assert pay(runtime, link)
    assert not pay(runtime, link)
    assert owed(runtime) == Decimal("600.00")
    assert len(rows(runtime, Payment)) == len(rows(runtime, Message)) == 1
    assert rows(runtime, Handoff) == []


def test_money_that_arrives_for_a_paid_link_is_booked_and_a_person_told(
    runtime: Runtime, link: int
) -> None:
    assert pay(runtime, link)
    assert pay(runtime, link, external_id="P2")
    assert owed(runtime) == Decimal("465.50")
    assert [h.reason for h in rows(runtime, Handoff)] == ["paid_twice"]


def test_money_that_arrives_for_a_link_that_has_expired_is_booked(
    runtime: Runtime, link: int, clock: Clock
) -> None:
    clock.forward(days=9)
    assert pay(runtime, link)
    assert owed(runtime) == Decimal("600.00")
    assert rows(runtime, Handoff) == []


def test_the_lenders_system_hears_of_it(runtime: Runtime, link: int) -> None:
    pay(runtime, link)
    (told,) = rows(runtime, LenderEvent)
    assert (told.kind, told.loan_id, told.borrower_id) == ("payment.booked", 1, 1)
    assert told.data == {
        "amount": "134.50",
        "currency": "USD",
        "gateway": "sandbox",
        "external_id": "P1",
        "unallocated": "0.00",
        "balance": "600.00",
    }


def test_a_link_that_does_not_exist_books_nothing(runtime: Runtime, link: int) -> None:
    assert not pay(runtime, link + 1)
    assert rows(runtime, Payment) == []


def test_two_reports_at_once_book_one_payment(runtime: Runtime, link: int) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    start = Barrier(3, timeout=10)

    def report(_: int) -> bool:
        start.wait()
        return pay(runtime, link)

    with ThreadPoolExecutor(3) as pool:
        booked = list(pool.map(report, range(3), timeout=30))
    assert sorted(booked) == [False, False, True]
    assert owed(runtime) == Decimal("600.00")


def test_the_receipt_speaks_the_language_that_is_spoken(runtime: Runtime, link: int) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Conversation)).one().locale = "es"
        uow.commit()
    pay(runtime, link)
    assert "Recibimos" in rows(runtime, Message)[0].body


def test_somebody_who_opted_out_gets_no_receipt(runtime: Runtime, link: int) -> None:
    manager.receive(runtime, inbound("STOP", "SM1"))
    assert pay(runtime, link)
    receipt = rows(runtime, Message)[-1]
    outbox.deliver(runtime, receipt.id)
    assert rows(runtime, Message)[-1].reason == "opted_out"
    assert runtime.channels["twilio"].sent == []  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Word:
    name: str
    amount: str
    due_on: date
    status: str
    before: str = "open"

    def __str__(self) -> str:
        return self.name


WORDS = [
    Word("kept in time", "134.50", TODAY + timedelta(days=1), "kept"),
    Word("kept on the last day", "100.00", TODAY, "kept"),
    Word("not kept by a part of it", "135.00", TODAY, "open"),
    Word("not kept a day late", "100.00", TODAY - timedelta(days=1), "open"),
    Word("replaced before", "100.00", TODAY, "replaced", before="replaced"),
]


@pytest.mark.parametrize("case", WORDS, ids=str)
def test_a_promise_is(runtime: Runtime, link: int, case: Word) -> None:
    manager.receive(runtime, inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        promise = Promise(
            loan_id=1,
            message_id=1,
            amount=Decimal(case.amount),
            due_on=case.due_on,
            status=case.before,
            created_at=runtime.clock(),
        )
        uow.session.add(promise)
        uow.commit()
    pay(runtime, link)
    promise = rows(runtime, Promise)[0]
    assert promise.status == case.status
    assert (promise.closed_at is not None) == (case.status == "kept")
    kinds = [told.kind for told in rows(runtime, LenderEvent)]
    assert kinds == ["payment.booked", *(["promise.kept"] if case.status == "kept" else [])]
    said = rows(runtime, Message)[-1].reply_key
    assert said == "payment.receipt" + (" promise.kept" if case.status == "kept" else "")


def promise(runtime: Runtime, amount: str, due_on: date) -> None:
    manager.receive(runtime, inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        word = Promise(
            loan_id=1,
            message_id=1,
            amount=Decimal(amount),
            due_on=due_on,
            created_at=runtime.clock(),
        )
        uow.session.add(word)
        uow.commit()


def test_a_promise_is_kept_by_payments_together(runtime: Runtime, link: int, clock: Clock) -> None:
    pay(runtime, link, "50.00", "P0")  # before it was given
    clock.forward(minutes=1)
    promise(runtime, "100.00", TODAY + timedelta(days=2))
    pay(runtime, link, "60.00", "P1")
    assert rows(runtime, Promise)[0].status == "open"
    pay(runtime, link, "40.00", "P2")
    assert rows(runtime, Promise)[0].status == "kept"


def test_a_promise_that_is_late_does_not_outlive_the_debt(runtime: Runtime, link: int) -> None:
    promise(runtime, "100.00", TODAY - timedelta(days=1))
    pay(runtime, link, "734.50")
    word = rows(runtime, Promise)[0]
    assert (word.status, word.closed_at) == ("broken", runtime.clock())


@dataclass(frozen=True)
class Deal:
    """An agreement over 734.50, of which 134.50 with 14.50 late charges is late."""

    name: str
    kind: str
    agreed: str
    forgiven: str
    payments: tuple[str, ...]
    status: str
    owed: str
    ends_in: int = 5
    unallocated: str = "0.00"
    handoffs: tuple[str, ...] = ()
    said: str = "payment.receipt"
    past_due: str | None = None

    def __str__(self) -> str:
        return self.name


KEPT = "payment.receipt_settled payment.agreement_kept"
DEALS = [
    Deal("settled at once", "settlement", "500.00", "234.50", ("500.00",), "kept", "0.00",
         said=KEPT),
    Deal("settled in parts", "settlement", "500.00", "234.50", ("200.00", "300.00"), "kept", "0.00",
         said=KEPT),
    Deal("settled on the last day", "settlement", "500.00", "234.50", ("500.00",), "kept", "0.00",
         ends_in=0, said=KEPT),
    Deal("paid more than was agreed", "settlement", "500.00", "234.50", ("600.00",), "kept", "0.00",
         unallocated="100.00", handoffs=("overpaid",), said=KEPT),
    Deal("a part of it", "settlement", "500.00", "234.50", ("200.00",), "open", "534.50"),
    Deal("a day late", "settlement", "500.00", "234.50", ("500.00",), "open", "234.50", ends_in=-1,
         handoffs=("agreement_paid_late",)),
    Deal("everything, late", "settlement", "500.00", "234.50", ("734.50",), "kept", "0.00",
         ends_in=-1, said="payment.receipt_settled"),
    Deal("waived", "waiver", "120.00", "14.50", ("120.00",), "kept", "600.00",
         said="payment.receipt payment.agreement_kept", past_due="0.00"),
    Deal("waived after two payments", "waiver", "120.00", "14.50", ("50.00", "70.00"), "kept",
         "600.00", said="payment.receipt payment.agreement_kept", past_due="0.00"),
    Deal("not waived yet", "waiver", "120.00", "14.50", ("119.99",), "open", "614.51",
         past_due="14.51"),
    Deal("waived, and the next instalment too", "waiver", "120.00", "14.50", ("240.00",), "kept",
         "480.00", said="payment.receipt payment.agreement_kept", past_due="0.00"),
]  # fmt: skip


@pytest.mark.parametrize("deal", DEALS, ids=str)
def test_an_agreement_is(runtime: Runtime, link: int, deal: Deal) -> None:
    manager.receive(runtime, inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        agreed = Agreement(
            loan_id=1,
            message_id=1,
            kind=deal.kind,
            amount=Decimal(deal.agreed),
            forgiven=Decimal(deal.forgiven),
            ends_on=TODAY + timedelta(days=deal.ends_in),
            created_at=runtime.clock(),
        )
        uow.session.add(agreed)
        uow.commit()
    for number, amount in enumerate(deal.payments):
        assert pay(runtime, link, amount, f"P{number}")
    (agreement,) = rows(runtime, Agreement)
    assert (agreement.status, agreement.paid) == (deal.status, sum(map(Decimal, deal.payments)))
    assert (agreement.ended_at is not None) == (deal.status != "open")
    assert owed(runtime) == Decimal(deal.owed)
    assert sum(p.unallocated for p in rows(runtime, Payment)) == Decimal(deal.unallocated)
    reasons = {h.reason for h in rows(runtime, Handoff)} - {"payment_differs", "paid_twice"}
    assert reasons == set(deal.handoffs)
    assert rows(runtime, Message)[-1].reply_key == deal.said
    kinds = [e.kind for e in rows(runtime, LenderEvent) if e.kind != "payment.booked"]
    assert kinds == (["agreement.kept"] if deal.status == "kept" else [])
    if deal.past_due is not None:
        with runtime.reading() as session:
            loan = session.scalars(select(Loan)).one()
            late = [part.open for part in loan.instalments if part.due_on < TODAY]
            assert sum(late, loan.late_charges) == Decimal(deal.past_due)


def test_a_plan_is_kept_with_its_last_part(runtime: Runtime, link: int) -> None:
    manager.receive(runtime, inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        agreed = Agreement(
            loan_id=1,
            message_id=1,
            kind="plan",
            amount=Decimal("134.50"),
            ends_on=TODAY + timedelta(days=14),
            created_at=runtime.clock(),
        )
        uow.session.add(agreed)
        uow.session.flush()
        parts = [(TODAY, Decimal("67.25")), (TODAY + timedelta(days=14), Decimal("67.25"))]
        uow.session.scalars(select(Loan)).one().put_into_parts(parts, TODAY, agreed.id)
        uow.commit()
    pay(runtime, link, "67.25", "P1")
    assert rows(runtime, Agreement)[0].status == "open"
    pay(runtime, link, "67.25", "P2")
    (plan,) = rows(runtime, Agreement)
    assert (plan.status, plan.paid, owed(runtime)) == ("kept", Decimal("134.50"), Decimal("600.00"))
    assert rows(runtime, Message)[-1].reply_key == "payment.receipt payment.plan_kept"


def test_the_link_that_is_texted_names_its_row_and_nobody_else_can_make_one(
    runtime: Runtime,
) -> None:
    url = runtime.payment_url(12)
    prefix, _, token = url.rpartition("/")
    assert prefix == "http://localhost:8000/pay"
    assert runtime.payment_link_id(token) == 12
    for forged in (token[:-1], token + "x", "12", "", "é", token.replace(token[0], "z", 1)):
        assert runtime.payment_link_id(forged) is None, forged
