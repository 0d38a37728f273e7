"""Rows for tests, with defaults for all that a test does not speak of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.turn import LoanView
from channels.base import InboundMessage
from models import Borrower, Conversation, Instalment, Loan, Phone, Sender

SENDER = "+15550109999"
PHONE = "+15550100001"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


def sender(**values: Any) -> Sender:
    return Sender(**{"channel": "twilio", "address": SENDER, "country": "US", **values})


def loan(
    today: date = date(2026, 3, 4),
    *,
    instalment: str = "120.00",
    count: int = 10,
    paid: int = 4,
    due_in: int = -9,
    late_charges: str = "14.50",
    **values: Any,
) -> Loan:
    amount = Decimal(instalment)
    oldest = today + timedelta(days=due_in)
    parts = [
        Instalment(
            number=n + 1,
            due_on=oldest + timedelta(days=30 * (n - paid)),
            amount=amount,
            paid=amount if n < paid else Decimal("0.00"),
        )
        for n in range(count)
    ]
    defaults = {
        "reference": "L0001-1234",
        "product": "personal_loan",
        "currency": "USD",
        "principal": amount * count,
        "opened_on": date(2025, 10, 1),
    }
    return Loan(**{**defaults, **values}, late_charges=Decimal(late_charges), instalments=parts)


def loan_view() -> LoanView:
    """The loan above as the dialogue sees it."""
    return LoanView(
        id=1,
        product="personal_loan",
        reference="L0001-1234",
        currency="USD",
        balance=Decimal("734.50"),
        past_due=Decimal("134.50"),
        late_charges=Decimal("14.50"),
        due_on=date(2026, 2, 23),
        due_amount=Decimal("134.50"),
        days_overdue=9,
        extensions=0,
        disputed=False,
    )


def borrower(
    *, phone: str = PHONE, loans: tuple[Loan, ...] | None = None, **values: Any
) -> Borrower:
    defaults = {
        "reference": f"B{phone[-4:]}",
        "first_name": "Maya",
        "last_name": "Brooks",
        "locale": "en",
        "timezone": "America/New_York",
        "country": "US",
        "identity_answers": {"birth_year": "1990", "id_last4": "4037", "postcode": "10101"},
        "created_at": CREATED,
    }
    made = Borrower(**{**defaults, **values})
    made.phones = [Phone(number=phone)]
    made.loans = list(loans) if loans is not None else [loan()]
    return made


def conversation(borrower: Borrower, sender: Sender, **values: Any) -> Conversation:
    return Conversation(
        **{"sender": sender, "phone": borrower.phones[0], "created_at": CREATED, **values}
    )


def inbound(text: str, external_id: str, phone: str = PHONE, **values: Any) -> InboundMessage:
    return InboundMessage(
        **{
            "channel": "twilio",
            "external_id": external_id,
            "from_number": phone,
            "to": SENDER,
            "text": text,
            **values,
        }
    )
