"""The loan book as this line sees it, and what was agreed over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identity
from models.people import Borrower


class Loan(Base):
    """One loan. What is owed is the sum over its instalments plus late charges."""

    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrowers.id"), index=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    product: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(String(3))
    principal: Mapped[Decimal]
    opened_on: Mapped[date]
    late_charges: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    """Interest and fees for lateness still unpaid, as the lender's system last reported them."""
    reminders_paused_at: Mapped[datetime | None]
    """An open case pauses reminders on the debt until it is answered."""

    borrower: Mapped[Borrower] = relationship(back_populates="loans")
    instalments: Mapped[list[Instalment]] = relationship(
        back_populates="loan",
        order_by="(Instalment.due_on, Instalment.number)",
        cascade="all, delete-orphan",
    )

    __table_args__ = (CheckConstraint("late_charges >= 0", name="late_charges_not_negative"),)

    def apply(self, amount: Decimal) -> Decimal:
        """Book a payment: late charges first, then instalments from the oldest.

        Returns:
            What was left over because nothing more was owed.

        """
        # A plan adds parts in front of what was there: the day decides, not the number.
        self.instalments.sort(key=lambda i: (i.due_on, i.number))
        part = min(amount, self.late_charges)
        self.late_charges -= part
        amount -= part
        for instalment in self.instalments:
            part = min(amount, instalment.open)
            instalment.paid += part
            amount -= part
        return amount

    def due(self, today: date) -> Decimal:
        """All that is past due with the late charges; else the next instalment with them."""
        unpaid = [i for i in self.instalments if i.open > 0]
        late = [i for i in unpaid if i.due_on < today] or unpaid[:1]
        return sum((i.open for i in late), self.late_charges)

    def put_into_parts(
        self, parts: Sequence[tuple[date, Decimal]], today: date, agreement_id: int
    ) -> None:
        """Let what is due be paid in parts; the sum owed stays what it was.

        Args:
            parts: days and amounts, which together are :meth:`due`.
            today: the borrower's date.
            agreement_id: the plan.

        Raises:
            ValueError: the parts are not what is due.

        """
        if sum((amount for _, amount in parts), Decimal("0.00")) != self.due(today):
            raise ValueError("the parts of a plan must be what is due")
        unpaid = [i for i in self.instalments if i.open > 0]
        number = max((i.number for i in self.instalments), default=0)
        for instalment in [i for i in unpaid if i.due_on < today] or unpaid[:1]:
            instalment.amount = instalment.paid
        self.late_charges = Decimal("0.00")
        for n, (due_on, amount) in enumerate(parts, number + 1):
            self.instalments.append(
                Instalment(number=n, due_on=due_on, amount=amount, agreement_id=agreement_id)
            )

    def forgive(self, amount: Decimal) -> None:
        """Take something off the debt: late charges first, then from the last instalment on.

        Raises:
            ValueError: it is more than is owed.

        """
        part = min(amount, self.late_charges)
        self.late_charges -= part
        amount -= part
        for instalment in sorted(
            self.instalments, key=lambda i: (i.due_on, i.number), reverse=True
        ):
            part = min(amount, instalment.open)
            instalment.amount -= part
            amount -= part
        if amount > 0:
            raise ValueError("no more can be forgiven than is owed")


class Instalment(Base):
    """One due part of a loan."""

    __tablename__ = "instalments"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"))
    number: Mapped[int]
    due_on: Mapped[date]
    amount: Mapped[Decimal]
    paid: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("agreements.id"))
    """The plan that it is a part of."""

    loan: Mapped[Loan] = relationship(back_populates="instalments")

    __table_args__ = (
        UniqueConstraint("loan_id", "number"),
        CheckConstraint("paid >= 0 AND paid <= amount", name="paid_within_amount"),
    )

    @property
    def open(self) -> Decimal:
        """What is still to be paid of it."""
        return self.amount - self.paid


class PaymentLink(Base):
    """A link that was texted. It names an amount, expires, and dies when it is paid."""

    __tablename__ = "payment_links"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    amount: Mapped[Decimal]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]

    loan: Mapped[Loan] = relationship()


class Payment(Base):
    """Money that arrived. The gateway's own id makes a repeated report harmless."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    payment_link_id: Mapped[int | None] = mapped_column(ForeignKey("payment_links.id"))
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    gateway: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(80))
    unallocated: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    """What exceeded the debt: to be paid back by a person."""
    paid_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("gateway", "external_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )


class PaymentMethod(Base):
    """A way to pay that a borrower saved at the gateway; no card number ever comes here."""

    __tablename__ = "payment_methods"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrowers.id"), index=True)
    gateway: Mapped[str] = mapped_column(String(16))
    customer: Mapped[str] = mapped_column(String(80))
    """The gateway's id of the borrower."""
    external_id: Mapped[str] = mapped_column(String(80))
    label: Mapped[str] = mapped_column(String(40))
    """What a person knows it by: "Visa 4242"."""
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("gateway", "external_id"),)


class PaymentEvent(Base):
    """What a gateway reported, once each; a repeated report finds the first row."""

    __tablename__ = "payment_events"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    gateway: Mapped[str] = mapped_column(String(16))
    external_id: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(60))
    """The gateway's own word for it."""
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Ids, amounts and states only."""
    result: Mapped[str] = mapped_column(String(24), index=True)
    """What followed: booked, ignored, mismatch, late, failed, …"""
    received_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("gateway", "external_id"),)


class Agreement(Base):
    """A plan, a settlement or a waiver, agreed within the lender's rules and confirmed.

    A plan's parts are instalments of the loan. A settlement or waiver changes nothing until its
    amount has been paid in time; then what it forgives is taken off the debt.
    """

    __tablename__ = "agreements"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    """The message that confirmed it."""
    kind: Mapped[str] = mapped_column(String(16))
    """plan, settlement or waiver."""
    amount: Mapped[Decimal]
    """What is to be paid in all."""
    paid: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    """What has been paid on the loan since."""
    forgiven: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    ends_on: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), default="open")
    """open, kept, broken or canceled."""
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("forgiven >= 0", name="forgiven_not_negative"),
        # Two agreements on one loan would contradict each other.
        Index(
            "uq_agreements_open",
            "loan_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )


class Promise(Base):
    """A borrower's word to pay an amount by a day."""

    __tablename__ = "promises"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    """The message that confirmed it."""
    amount: Mapped[Decimal]
    due_on: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), default="open")
    """open, kept, broken or replaced."""
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    """When the one question after it was broken was put."""
    closed_at: Mapped[datetime | None]
    """When nothing more is to be done about it."""

    __table_args__ = (
        # What the follow-ups look for, every minute.
        Index(
            "ix_promises_waiting",
            "due_on",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )


class Extension(Base):
    """More time, granted within the lender's rules and confirmed by the borrower."""

    __tablename__ = "extensions"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    """The message that confirmed it."""
    days: Mapped[int]
    old_due_on: Mapped[date]
    new_due_on: Mapped[date]
    fee: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("days > 0", name="days_positive"),)


class Case(Base):
    """Something that a person must look into and answer: a dispute, a payment, a complaint."""

    __tablename__ = "cases"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrowers.id"), index=True)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    case_number: Mapped[str] = mapped_column(String(16), unique=True)
    topic: Mapped[str] = mapped_column(String(16))
    """dispute, already_paid or complaint."""
    kind: Mapped[str] = mapped_column(String(16))
    statement: Mapped[str] = mapped_column(Text)
    """The borrower's own words."""
    details: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(String(16), default="open")
    """open or closed."""
    created_at: Mapped[datetime]
    answer_due_on: Mapped[date]


class LenderEvent(Base):
    """Something that the lender's own system must hear of. Rows are only ever added."""

    __tablename__ = "lender_events"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    borrower_id: Mapped[int | None] = mapped_column(ForeignKey("borrowers.id"), index=True)
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    kind: Mapped[str] = mapped_column(String(40))
    """As ``extension.granted``, ``plan.agreed``, ``payment.booked``."""
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
