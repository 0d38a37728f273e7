"""The loan book as this line sees it, and what was agreed over it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
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
    """A dispute pauses reminders on the debt until it is answered."""

    borrower: Mapped[Borrower] = relationship(back_populates="loans")
    instalments: Mapped[list[Instalment]] = relationship(
        back_populates="loan", order_by="Instalment.number", cascade="all, delete-orphan"
    )

    __table_args__ = (CheckConstraint("late_charges >= 0", name="late_charges_not_negative"),)

    def apply(self, amount: Decimal) -> Decimal:
        """Book a payment: late charges first, then instalments from the oldest.

        Returns:
            What was left over because nothing more was owed.

        """
        part = min(amount, self.late_charges)
        self.late_charges -= part
        amount -= part
        for instalment in self.instalments:
            part = min(amount, instalment.open)
            instalment.paid += part
            amount -= part
        return amount


class Instalment(Base):
    """One due part of a loan."""

    __tablename__ = "instalments"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"))
    number: Mapped[int]
    due_on: Mapped[date]
    amount: Mapped[Decimal]
    paid: Mapped[Decimal] = mapped_column(default=Decimal("0.00"))

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
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("days > 0", name="days_positive"),)


class Dispute(Base):
    """A case: the borrower says that the debt, or a figure, is wrong."""

    __tablename__ = "disputes"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loans.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"))
    case_number: Mapped[str] = mapped_column(String(16), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    statement: Mapped[str] = mapped_column(Text)
    """The borrower's own words."""
    status: Mapped[str] = mapped_column(String(16), default="open")
    created_at: Mapped[datetime]
    answer_due_on: Mapped[date]
