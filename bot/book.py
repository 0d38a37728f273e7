"""The loan book as the dialogue sees it: one query a turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot import queries
from bot.turn import LoanView
from models import Borrower

NOTHING = Decimal("0.00")


def today_of(borrower: Borrower | None, now: datetime) -> date:
    """The date where the borrower lives; in UTC for a stranger."""
    return now.astimezone(ZoneInfo(borrower.timezone if borrower else "UTC")).date()


def loans_of(session: Session, borrower_id: int, today: date) -> tuple[LoanView, ...]:
    """A borrower's loans on a date, locked until the transaction ends."""
    rows = session.execute(queries.loans(), {"borrower_id": borrower_id}).all()
    return tuple(_view(list(group), today) for _, group in groupby(rows, lambda row: row.id))


def _view(rows: Sequence[Any], today: date) -> LoanView:
    """One loan from its rows, one for each unpaid instalment."""
    loan = rows[0]
    unpaid = sorted((row.due_on, row.amount - row.paid) for row in rows if row.due_on is not None)
    overdue = [(due_on, amount) for due_on, amount in unpaid if due_on < today]
    # Late charges are asked for with what is late, or with what is due next.
    charged = sum((amount for _, amount in overdue), loan.late_charges)
    past_due = charged if overdue or not unpaid else NOTHING
    next_due = loan.late_charges + (unpaid[0][1] if unpaid else NOTHING)
    return LoanView(
        id=loan.id,
        product=loan.product,
        reference=loan.reference,
        currency=loan.currency,
        balance=sum((amount for _, amount in unpaid), loan.late_charges),
        past_due=past_due,
        late_charges=loan.late_charges,
        due_on=unpaid[0][0] if unpaid else None,
        due_amount=past_due if past_due > 0 else next_due,
        days_overdue=(today - overdue[0][0]).days if overdue else 0,
        extensions=loan.extensions,
        disputed=loan.disputes > 0,
    )
