"""Money that arrived: booked once, told to the borrower and to the lender's system.

However money comes (a page that was gone through, a saved card, a report that was late or came
twice), it ends in :func:`book`. Money that really arrived is never lost: where it does not fit, an
agent is told why.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import outbox, queries
from bot.book import loans_of, still_promised, today_of
from bot.runtime import Runtime
from bot.turn import LoanView, Reply
from models import (
    Agreement,
    Borrower,
    Conversation,
    Handoff,
    Instalment,
    LenderEvent,
    Loan,
    Payment,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
    Promise,
    UnitOfWork,
)
from payments.gateways import GatewayEvent, Received, SavedMethod

log = logging.getLogger(__name__)

NOTHING = Decimal("0.00")


def record_payment(
    rt: Runtime,
    *,
    link_id: int,
    gateway: str,
    external_id: str,
    amount: Decimal,
    currency: str | None = None,
    method: SavedMethod | None = None,
) -> bool:
    """Book a payment that came through a link, and text a receipt.

    Args:
        rt: the runtime.
        link_id: the link.
        gateway: who took it.
        external_id: the gateway's id of the payment.
        amount: what arrived.
        currency: in which currency; the loan's where it is not said.
        method: a way to pay that was saved with it.

    Returns:
        Whether it was booked now. A repeated report changes nothing.

    """
    with rt.unit_of_work() as uow:
        link = uow.session.get(PaymentLink, link_id)
        if link is None:
            return False
        received = Received(external_id, amount, currency or link.loan.currency, method)
        result = book(rt, uow, gateway, link_id, received)
        uow.commit()
        return result in BOOKED


BOOKED = frozenset({"booked", "mismatch"})
"""What :func:`book` says where there is a payment now that was not there before."""


@dataclass(frozen=True)
class Place:
    """Where money goes: the link it came by, the loan, whose it is, and the day there."""

    rt: Runtime
    uow: UnitOfWork
    link: PaymentLink
    conversation: Conversation
    loan: Loan
    borrower: Borrower
    now: datetime
    today: date

    @property
    def session(self) -> Session:
        """The open transaction's."""
        return self.uow.session

    def view(self) -> LoanView:
        """The loan as the dialogue sees it, as booked so far."""
        self.session.flush()
        loans = loans_of(self.session, self.borrower, self.today)
        return next(loan for loan in loans if loan.id == self.loan.id)

    def hand_off(self, reason: str) -> None:
        """Tell a person; once, while it is open."""
        same = (
            Handoff.conversation_id == self.conversation.id,
            Handoff.reason == reason,
            Handoff.closed_at.is_(None),
        )
        self.session.flush()
        if self.session.scalar(select(Handoff.id).where(*same).limit(1)) is None:
            self.session.add(
                Handoff(
                    conversation_id=self.conversation.id,
                    queue="general",
                    reason=reason,
                    created_at=self.now,
                )
            )

    def tell_lender(self, topic: str, what: str, **data: Any) -> None:
        """Write down what the lender's system must hear of."""
        said = {name: str(v) if isinstance(v, Decimal) else v for name, v in data.items()}
        self.session.add(
            LenderEvent(
                borrower_id=self.borrower.id,
                loan_id=self.loan.id,
                kind=f"{topic}.{what}",
                data=said,
                created_at=self.now,
            )
        )

    def text(self, *replies: Reply) -> None:
        """Send the borrower a text; nobody, where the number is somebody else's by now."""
        if self.conversation.phone.borrower_id != self.borrower.id:
            return
        given = {"payment_url": self.rt.payment_url(self.link.id)}
        message = outbox.write(self.rt, self.conversation, None, replies, given, self.now)
        self.session.add(message)
        self.session.flush()
        self.uow.after_commit(self.rt.enqueue, "deliver", message.id)

    def keep_link_alive(self) -> None:
        """Let the link be good for as long as a new one."""
        hours = self.rt.policy.payment.link_hours
        self.link.expires_at = max(self.link.expires_at, self.now + timedelta(hours=hours))


def place_of(rt: Runtime, uow: UnitOfWork, link_id: int) -> Place | None:
    """Where a link leads, locked in the order that a turn locks in: conversation, then loans."""
    session, now = uow.session, rt.clock()
    link = session.get(PaymentLink, link_id)
    if link is None:
        return None
    known = {"conversation_id": link.conversation_id}
    conversation = session.scalars(queries.conversation_by_id(), known).one()
    borrower = session.get_one(Borrower, session.get_one(Loan, link.loan_id).borrower_id)
    today = today_of(borrower, now)
    loans_of(session, borrower, today)
    loan = session.get_one(Loan, link.loan_id, populate_existing=True)
    session.refresh(loan, ["instalments"])
    session.refresh(link)
    return Place(rt, uow, link, conversation, loan, borrower, now, today)


def book(rt: Runtime, uow: UnitOfWork, gateway: str, link_id: int, received: Received) -> str:
    """Book money that arrived for a link, within an open transaction.

    Returns:
        What followed: booked; known, it was booked before; unknown, there is no such link;
        mismatch, it is booked and is not what was asked for; foreign, it came in a currency that
        is not the loan's and was left to a person.

    """
    place = place_of(rt, uow, link_id)
    if place is None:
        return "unknown"
    before = (Payment.gateway == gateway, Payment.external_id == received.external_id)
    if place.session.scalar(select(Payment.id).where(*before)) is not None:
        return "known"
    if received.method is not None:
        save_method(place.session, gateway, place.borrower.id, received.method, place.now)
    if received.currency != place.loan.currency:
        place.hand_off("payment_in_another_currency")
        return "foreign"
    twice, asked_for = place.link.paid_at is not None, place.link.amount
    if twice:
        place.hand_off("paid_twice")
    elif received.amount != asked_for:
        place.hand_off("payment_differs")
    place.link.paid_at = place.link.paid_at or place.now
    _book(place, gateway, received)
    return "booked" if received.amount == asked_for or twice else "mismatch"


def _book(place: Place, gateway: str, received: Received) -> None:
    agreement = _open_agreement(place)
    unallocated, kept = _apply(place, agreement, received.amount)
    place.session.add(
        Payment(
            loan_id=place.loan.id,
            payment_link_id=place.link.id,
            amount=received.amount,
            currency=received.currency,
            gateway=gateway,
            external_id=received.external_id,
            unallocated=unallocated,
            paid_at=place.now,
        )
    )
    seen = place.view()
    if unallocated > 0:
        place.hand_off("overpaid")
    place.tell_lender(
        "payment",
        "booked",
        amount=received.amount,
        currency=received.currency,
        gateway=gateway,
        external_id=received.external_id,
        unallocated=unallocated,
        balance=seen.balance,
    )
    said = [_receipt(seen, received.amount, place.today)]
    if agreement is not None:
        said += _end_agreement(place, agreement, seen, kept)
    if _keep_promises(place, seen):
        said.append(Reply("promise.kept"))
    place.text(*said)


def _receipt(seen: LoanView, amount: Decimal, today: date) -> Reply:
    values = {
        "amount": seen.money(amount),
        "paid_on": today,
        "balance": seen.money(seen.balance),
        "product": Reply(f"product.{seen.product}"),
    }
    return Reply("payment.receipt" if seen.balance > 0 else "payment.receipt_settled", values)


# Agreements and promises


def _open_agreement(place: Place) -> Agreement | None:
    open_one = (Agreement.loan_id == place.loan.id, Agreement.status == "open")
    return place.session.scalar(select(Agreement).where(*open_one))


def _apply(place: Place, agreement: Agreement | None, amount: Decimal) -> tuple[Decimal, bool]:
    """Take an amount off the loan, as far as an agreement stands by its rules.

    Returns:
        What was left over because nothing more was owed, and whether a settlement or waiver is
        kept by it.

    """
    loan = place.loan
    if agreement is None:
        return loan.apply(amount), False
    agreement.paid += amount
    if agreement.kind == "plan" or place.today > agreement.ends_on:
        return loan.apply(amount), False
    if agreement.paid >= agreement.amount:
        # First what is forgiven, so that nobody pays what they need not.
        agreement.forgiven = min(agreement.forgiven, _owed(loan))
        loan.forgive(agreement.forgiven)
        return loan.apply(amount), True
    # Part of a waiver's amount: the charges that are to be forgiven are not paid before the rest.
    aside = min(agreement.forgiven, loan.late_charges)
    loan.late_charges -= aside
    left = loan.apply(amount)
    loan.late_charges += aside
    return (loan.apply(left) if left else left), False


def _owed(loan: Loan) -> Decimal:
    return sum((part.open for part in loan.instalments), loan.late_charges)


def _end_agreement(
    place: Place, agreement: Agreement, seen: LoanView, kept: bool
) -> tuple[Reply, ...]:
    """Close an agreement that is fulfilled.

    Returns:
        What is said of it.

    """
    if agreement.kind == "plan":
        parts = select(func.count()).where(
            Instalment.agreement_id == agreement.id, Instalment.paid < Instalment.amount
        )
        kept = place.session.scalar(parts) == 0
    if not kept and seen.balance > 0:
        if agreement.kind != "plan" and agreement.paid >= agreement.amount:
            place.hand_off("agreement_paid_late")
        return ()
    if not kept:
        agreement.forgiven = NOTHING  # it was paid whole
    agreement.status, agreement.ended_at = "kept", place.now
    place.tell_lender(
        "agreement",
        "kept",
        agreement=agreement.id,
        agreed=agreement.kind,
        paid=agreement.paid,
        forgiven=agreement.forgiven if kept else NOTHING,
    )
    if agreement.kind == "plan":
        return (Reply("payment.plan_kept"),)
    if not kept or not agreement.forgiven:
        return ()
    return (Reply("payment.agreement_kept", {"amount": seen.money(agreement.forgiven)}),)


def _keep_promises(place: Place, seen: LoanView) -> bool:
    """Close the promises that the money since then fulfils.

    Returns:
        Whether there were any.

    """
    kept = False
    waiting = (Promise.loan_id == place.loan.id, Promise.status == "open")
    for promise in place.session.scalars(select(Promise).where(*waiting)).all():
        paid = still_promised(place.session, promise) <= 0 or seen.balance == 0
        in_time = place.today <= promise.due_on
        if in_time and paid:
            promise.status, promise.closed_at, kept = "kept", place.now, True
            place.tell_lender("promise", "kept", promise=promise.id, amount=promise.amount)
        elif seen.balance == 0:
            promise.status, promise.closed_at = "broken", place.now  # late, and nothing is left
    return kept


# Ways to pay


def save_method(
    session: Session, gateway: str, borrower_id: int, method: SavedMethod, now: datetime
) -> None:
    """Remember a way to pay; the same card, saved anew, takes the place of the old entry."""
    found = session.scalar(
        select(PaymentMethod).where(
            PaymentMethod.gateway == gateway, PaymentMethod.external_id == method.external_id
        )
    )
    if found is not None:
        return
    same_card = (
        PaymentMethod.borrower_id == borrower_id,
        PaymentMethod.label == method.label,
        PaymentMethod.removed_at.is_(None),
    )
    for older in session.scalars(select(PaymentMethod).where(*same_card)):
        older.removed_at = now
    session.add(
        PaymentMethod(
            borrower_id=borrower_id,
            gateway=gateway,
            customer=method.customer,
            external_id=method.external_id,
            label=method.label,
            created_at=now,
        )
    )


# What a gateway reports


def record_event(rt: Runtime, gateway: str, event: GatewayEvent) -> str:
    """Take in what a gateway reports, once, whatever the order and however often it is told.

    Returns:
        What followed, in a word, as it is kept with the report; repeated, if it was known.

    """
    try:
        with rt.unit_of_work() as uow:
            if _is_known(uow.session, gateway, event):
                return "repeated"
            row = PaymentEvent(
                gateway=gateway,
                external_id=event.external_id,
                kind=event.kind[:60],
                data=dict(event.data),
                result="ignored",
                received_at=rt.clock(),
            )
            uow.session.add(row)
            uow.session.flush()  # here the unique key decides between two at once
            row.result = _followed(rt, uow, gateway, event)
            result = row.result
            uow.commit()
    except IntegrityError:
        with rt.reading() as session:
            if not _is_known(session, gateway, event):
                raise
        return "repeated"
    if result in {"unknown", "foreign", "mismatch"}:
        log.error("a payment needs a person event=%s result=%s", event.external_id, result)
    return result


def _is_known(session: Session, gateway: str, event: GatewayEvent) -> bool:
    same = (PaymentEvent.gateway == gateway, PaymentEvent.external_id == event.external_id)
    return session.scalar(select(PaymentEvent.id).where(*same)) is not None


def _followed(rt: Runtime, uow: UnitOfWork, gateway: str, event: GatewayEvent) -> str:
    if event.meaning == "other":
        return "ignored"
    if event.meaning == "method_removed" and event.method is not None:
        return _method_removed(rt, uow, gateway, event.method)
    link_id = rt.link_of_reference(event.reference) if event.reference else None
    if event.meaning in ("refunded", "disputed"):
        return _money_went_back(rt, uow, gateway, event, link_id)
    if event.reference is None:
        return "ignored"  # another business of the same account
    if link_id is None:
        return "unknown"
    if event.meaning == "paid" and event.received is not None:
        return book(rt, uow, gateway, link_id, event.received)
    place = place_of(rt, uow, link_id)
    if place is None:
        return "unknown"
    if event.meaning == "method_saved" and event.method is not None:
        save_method(place.session, gateway, place.borrower.id, event.method, place.now)
    elif event.meaning == "pending":
        _note_page(place, gateway, "pending")
    elif event.meaning == "failed":
        _failed(place, gateway, event)
    return event.meaning


def page_of(session: Session, gateway: str, link_id: int) -> PaymentEvent | None:
    """The page at the gateway that was opened last for a link."""
    name = (PaymentEvent.gateway == gateway, PaymentEvent.external_id == f"link-{link_id}")
    return session.scalar(select(PaymentEvent).where(*name))


def _note_page(place: Place, gateway: str, result: str) -> None:
    page = page_of(place.session, gateway, place.link.id)
    if page is not None and page.result == "open":
        page.result = result


def _failed(place: Place, gateway: str, event: GatewayEvent) -> None:
    """Money that was on its way did not come: say so, with the link to try again.

    A card that is declined on the gateway's own page is told there, and is not meant here.
    """
    if place.link.paid_at is not None:
        return
    name = (PaymentEvent.gateway == gateway, PaymentEvent.external_id == f"charge-{place.link.id}")
    charge = place.session.scalar(select(PaymentEvent).where(*name))
    page = page_of(place.session, gateway, place.link.id)
    waiting = next((x for x in (charge, page) if x is not None and x.result == "pending"), None)
    if waiting is None and not event.kind.startswith("checkout."):
        return
    for row in (charge, page):
        if row is not None:
            row.result = "failed"
    place.keep_link_alive()
    place.text(Reply("payment.failed", {"amount": place.view().money(place.link.amount)}))


def _money_went_back(
    rt: Runtime, uow: UnitOfWork, gateway: str, event: GatewayEvent, link_id: int | None
) -> str:
    """A refund, or a payment that its owner disputes at the bank: a person decides what follows."""
    same = (Payment.gateway == gateway, Payment.external_id == event.payment_id)
    payment = uow.session.scalar(select(Payment).where(*same))
    if payment is not None and payment.payment_link_id is not None:
        link_id = payment.payment_link_id
    place = place_of(rt, uow, link_id) if link_id is not None else None
    if place is None:
        return "unknown" if event.reference else "ignored"
    place.hand_off(f"payment_{event.meaning}")
    place.tell_lender("payment", event.meaning, external_id=event.payment_id, **_amount(event))
    return event.meaning


def _amount(event: GatewayEvent) -> Mapping[str, str]:
    return {name: event.data[name] for name in ("minor", "currency") if name in event.data}


def _method_removed(rt: Runtime, uow: UnitOfWork, gateway: str, method: SavedMethod) -> str:
    known = (PaymentMethod.gateway == gateway, PaymentMethod.external_id == method.external_id)
    found = uow.session.scalar(select(PaymentMethod).where(*known))
    if found is None:
        return "ignored"
    found.removed_at = found.removed_at or rt.clock()
    return "method_removed"
