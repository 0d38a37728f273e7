"""The loan book as the dialogue sees it, on the borrower's own date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import queries
from bot.turn import (
    AgreementView,
    CaseView,
    DueView,
    LoanView,
    MethodView,
    PaymentView,
    PromiseView,
)
from models import Borrower, Payment, Promise

NOTHING = Decimal("0.00")
RECENT_DAYS = 60
"""Payments older than this are no answer to "i paid it"."""


def today_of(borrower: Borrower | None, now: datetime) -> date:
    """The date where the borrower lives; in UTC for a stranger."""
    return now.astimezone(ZoneInfo(borrower.timezone if borrower else "UTC")).date()


def loans_of(session: Session, borrower: Borrower, today: date) -> tuple[LoanView, ...]:
    """A borrower's loans on a date, locked until the transaction ends."""
    known = {"borrower_id": borrower.id}
    rows = session.execute(queries.loans(), known).all()
    agreed = session.execute(queries.commitments(), known).all()
    zone = ZoneInfo(borrower.timezone)
    return tuple(
        _view(list(group), [row for row in agreed if row.loan_id == loan_id], today, zone)
        for loan_id, group in groupby(rows, lambda row: row.id)
    )


def payments_of(session: Session, borrower: Borrower, now: datetime) -> tuple[PaymentView, ...]:
    """What a borrower paid in the last sixty days, newest first."""
    known = {"borrower_id": borrower.id, "since": now - timedelta(days=RECENT_DAYS)}
    zone = ZoneInfo(borrower.timezone)
    return tuple(
        PaymentView(row.loan_id, row.amount, row.paid_at.astimezone(zone).date())
        for row in session.execute(queries.payments(), known)
    )


def methods_of(session: Session, borrower: Borrower) -> tuple[MethodView, ...]:
    """The ways to pay that a borrower has saved, newest first."""
    rows = session.execute(queries.methods(), {"borrower_id": borrower.id})
    return tuple(MethodView(row.id, row.label) for row in rows)


def cases_of(session: Session, borrower: Borrower) -> tuple[CaseView, ...]:
    """A borrower's open cases, newest first."""
    rows = session.execute(queries.cases(), {"borrower_id": borrower.id})
    return tuple(CaseView(*row) for row in rows)


def still_promised(session: Session, word: Promise) -> Decimal:
    """What of a promise has not been paid since it was given.

    Of two that one message gave, a part and the rest, money fulfils the earlier one first.
    """
    session.flush()
    together = select(func.sum(Promise.amount)).where(
        Promise.loan_id == word.loan_id,
        Promise.message_id == word.message_id,
        Promise.due_on <= word.due_on,
    )
    since = select(func.sum(Payment.amount)).where(
        Payment.loan_id == word.loan_id, Payment.paid_at >= word.created_at
    )
    return (session.scalar(together) or NOTHING) - (session.scalar(since) or NOTHING)


def _view(rows: Sequence[Any], agreed: Sequence[Any], today: date, zone: ZoneInfo) -> LoanView:
    """One loan from its rows, one for each unpaid instalment, and what is agreed over it."""
    loan = rows[0]
    unpaid = [
        DueView(row.due_on, row.amount - row.paid, row.agreement_id is not None)
        for row in rows
        if row.due_on is not None
    ]
    overdue = [part for part in unpaid if part.due_on < today]
    # Late charges are asked for with what is late, or with what is due next.
    charged = sum((part.amount for part in overdue), loan.late_charges)
    past_due = charged if overdue or not unpaid else NOTHING
    next_due = loan.late_charges + (unpaid[0].amount if unpaid else NOTHING)
    promised = [PromiseView(row.amount, row.ends_on) for row in agreed if row.kind == "promise"]
    promised.sort(key=lambda word: word.due_on)
    agreements = [
        AgreementView(row.kind, row.amount, row.forgiven, row.ends_on, row.paid)
        for row in agreed
        if row.kind != "promise"
    ]
    return LoanView(
        id=loan.id,
        product=loan.product,
        reference=loan.reference,
        currency=loan.currency,
        balance=sum((part.amount for part in unpaid), loan.late_charges),
        past_due=past_due,
        late_charges=loan.late_charges,
        due_on=unpaid[0].due_on if unpaid else None,
        due_amount=past_due if past_due > 0 else next_due,
        days_overdue=(today - overdue[0].due_on).days if overdue else 0,
        extensions=loan.extensions,
        disputed=loan.disputes > 0,
        unpaid=tuple(unpaid),
        extended_on=loan.extended_at.astimezone(zone).date() if loan.extended_at else None,
        plans=loan.plans,
        promises_broken=loan.promises_broken,
        promise=next(iter(promised), None),
        agreement=next(iter(agreements), None),
    )
