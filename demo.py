"""Demo borrowers for the simulator: invented people, invented loans, dates relative to today."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bot import book
from bot.runtime import Runtime
from models import Agent, Borrower, Instalment, Loan, Phone, Sender

SENDER = "+15550109999"
AGENT_EMAIL = "agent@repayline.example"
AGENT_PASSWORD = "repayline-demo"  # noqa: S105 - of the demo, printed at its start


class DemoLoan(NamedTuple):
    """A loan in equal monthly instalments."""

    product: str
    currency: str
    instalment: str
    count: int
    paid: int
    """How many instalments are paid."""
    due_in: int
    """Days from today to the oldest unpaid one; negative when it is overdue."""
    late_charges: str = "0.00"


class DemoBorrower(NamedTuple):
    """A person with a phone and loans."""

    phone: str
    first_name: str
    last_name: str
    locale: str
    timezone: str
    country: str
    birth_year: str
    loans: tuple[DemoLoan, ...]


BORROWERS = (
    DemoBorrower(
        *("+15550100001", "Maya", "Brooks", "en", "America/New_York", "US", "1990"),
        (DemoLoan("personal_loan", "USD", "120.00", 10, 4, -9, "14.50"),),
    ),
    DemoBorrower(
        *("+15550100002", "Lucía", "Herrera", "es", "America/Chicago", "US", "1985"),
        (DemoLoan("personal_loan", "USD", "95.00", 12, 5, -3, "4.00"),),
    ),
    DemoBorrower(
        *("+8613900000003", "晓雯", "李", "zh_Hans", "Asia/Shanghai", "CN", "1993"),
        (DemoLoan("personal_loan", "CNY", "860.00", 12, 7, -5, "21.60"),),
    ),
    DemoBorrower(
        *("+886900000004", "怡君", "陳", "zh_Hant", "Asia/Taipei", "TW", "1988"),
        (DemoLoan("credit_card", "TWD", "3200.00", 6, 2, 4),),
    ),
    DemoBorrower(
        *("+15550100005", "Daniel", "Okafor", "en", "America/Los_Angeles", "US", "1978"),
        (
            DemoLoan("personal_loan", "USD", "210.00", 8, 3, -20, "36.75"),
            DemoLoan("credit_card", "USD", "60.00", 12, 6, 11),
        ),
    ),
    DemoBorrower(
        *("+85290000006", "家明", "黃", "zh_Hant_HK", "Asia/Hong_Kong", "HK", "1995"),
        (DemoLoan("business_loan", "HKD", "4500.00", 10, 4, -2, "60.00"),),
    ),
)


def load(rt: Runtime) -> bool:
    """Load the demo's sender, agent and borrowers into an empty database.

    Returns:
        Whether anything was loaded; a database that has borrowers is left alone.

    """
    with rt.unit_of_work() as uow:
        if uow.session.scalar(select(Borrower.id).limit(1)) is not None:
            return False
        now = rt.clock()
        uow.session.add(Sender(channel="twilio", address=SENDER, country="US"))
        uow.session.add(
            Agent(
                email=AGENT_EMAIL,
                name="Robin Vale",
                role="admin",
                password_hash=PasswordHasher().hash(AGENT_PASSWORD),
                created_at=now,
            )
        )
        for number, demo in enumerate(BORROWERS, 1):
            uow.session.add(_borrower(number, demo, now))
        uow.commit()
    return True


def _borrower(number: int, demo: DemoBorrower, now: datetime) -> Borrower:
    borrower = Borrower(
        reference=f"B{number:04d}",
        first_name=demo.first_name,
        last_name=demo.last_name,
        locale=demo.locale,
        timezone=demo.timezone,
        country=demo.country,
        identity_answers={
            "birth_year": demo.birth_year,
            "id_last4": f"{4000 + number * 37}",
            "postcode": f"{10000 + number * 101}",
        },
        created_at=now,
    )
    borrower.phones = [Phone(number=demo.phone)]
    today = book.today_of(borrower, now)
    borrower.loans = [
        _loan(f"L{number:04d}{part}", loan, today) for part, loan in enumerate(demo.loans, 1)
    ]
    return borrower


def _loan(reference: str, demo: DemoLoan, today: date) -> Loan:
    oldest_unpaid = today + timedelta(days=demo.due_in)
    amount = Decimal(demo.instalment)
    instalments = [
        Instalment(
            number=index + 1,
            due_on=oldest_unpaid + timedelta(days=30 * (index - demo.paid)),
            amount=amount,
            paid=amount if index < demo.paid else Decimal("0.00"),
        )
        for index in range(demo.count)
    ]
    return Loan(
        reference=f"{reference}-{secrets.randbelow(9000) + 1000}",
        product=demo.product,
        currency=demo.currency,
        principal=amount * demo.count,
        opened_on=instalments[0].due_on - timedelta(days=30),
        late_charges=Decimal(demo.late_charges),
        instalments=instalments,
    )


def describe(rt: Runtime) -> dict[str, Any]:
    """The lender's number and the borrowers as they stand now, for people and for scripts."""
    with rt.reading() as session:
        sender = session.scalar(select(Sender).order_by(Sender.id))
        borrowers = session.scalars(
            select(Borrower).order_by(Borrower.id).options(selectinload(Borrower.phones))
        )
        return {
            "lender_number": sender.address if sender else None,
            "borrowers": [_described(rt, session, borrower) for borrower in borrowers],
        }


def _described(rt: Runtime, session: Session, borrower: Borrower) -> dict[str, Any]:
    today = book.today_of(borrower, rt.clock())
    ask = rt.policy.identity.ask
    loans = book.loans_of(session, borrower, today)
    return {
        "phone": borrower.phones[0].number if borrower.phones else None,
        "name": f"{borrower.first_name} {borrower.last_name}".strip(),
        "locale": borrower.locale,
        "timezone": borrower.timezone,
        "verification": ask or None,
        "verification_answer": borrower.identity_answers.get(ask),
        "loans": [
            {
                "reference": loan.reference,
                "product": loan.product,
                "currency": loan.currency,
                "balance": str(loan.balance),
                "past_due": str(loan.past_due),
                "late_charges": str(loan.late_charges),
                "due_on": loan.due_on.isoformat() if loan.due_on else None,
                "due_amount": str(loan.due_amount),
                "days_overdue": loan.days_overdue,
            }
            for loan in loans
        ],
    }
