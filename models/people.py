"""Borrowers and their phones; the lender's agents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identity


class Borrower(Base):
    """A person who has, or had, a loan. Known by the lender's own reference."""

    __tablename__ = "borrowers"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    reference: Mapped[str] = mapped_column(String(64), unique=True)
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80), default="")
    locale: Mapped[str] = mapped_column(String(16))
    """Language of the replies: en, es, zh_Hans or zh_Hant, with a territory where it matters."""
    timezone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2))
    identity_answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """What proves who writes, by kind as in the policy: birth_year, id_last4, postcode."""
    hardship_until: Mapped[date | None]
    """They told of trouble: until then reminders come slowly."""
    created_at: Mapped[datetime]

    phones: Mapped[list[Phone]] = relationship(back_populates="borrower")
    loans: Mapped[list[Loan]] = relationship(back_populates="borrower", order_by="Loan.id")  # type: ignore[name-defined]  # noqa: F821


class Phone(Base):
    """A number that wrote to us or that we write to. Consent belongs to the number."""

    __tablename__ = "phones"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    """E.164."""
    borrower_id: Mapped[int | None] = mapped_column(ForeignKey("borrowers.id"), index=True)
    opted_out_at: Mapped[datetime | None]
    barred_at: Mapped[datetime | None]
    """Somebody else answered, or the number is dead: never text it again."""
    barred_reason: Mapped[str] = mapped_column(String(32), default="")
    wishes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What was wished of reminders: ``a_week``, how many; ``window``, when ("09:00-18:00")."""
    confirmed_at: Mapped[datetime | None]
    """Last message from it: 12 CFR 1006.6(d)(5) wants a number confirmed within 60 days."""

    borrower: Mapped[Borrower | None] = relationship(back_populates="phones", lazy="joined")


class Agent(Base):
    """A person at the lender who uses the console."""

    __tablename__ = "agents"

    id: Mapped[int] = mapped_column(Identity, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(16), default="agent")
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
