"""Money is exact, instants have a zone, and a payment goes where it should."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from bot.runtime import Runtime
from models import Instalment, Loan, MessageStatus, Money, UtcDateTime
from tests import builders

# Types

AMOUNTS = ["0.00", "0.01", "120.00", "-14.50", "92233720368547758.07", "5", "5.100"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_money_comes_back_as_it_went(runtime: Runtime, amount: str) -> None:
    with runtime.unit_of_work() as uow:
        person = builders.borrower()
        person.loans[0].principal = Decimal(amount)
        uow.session.add(person)
        uow.commit()
    with runtime.reading() as session:
        found = session.scalars(select(Loan.principal)).one()
        stored = session.scalar(text("SELECT principal FROM loans"))
    assert found == Decimal(amount)
    assert found.as_tuple().exponent == -2
    assert stored == int(Decimal(amount) * 100)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        (5, TypeError),
        ("5.00", TypeError),
        (Decimal("0.001"), ValueError),
        (Decimal("1E-3"), ValueError),
    ],
    ids=str,
)
def test_money_is_nothing_but_a_decimal_of_two_places(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Money().process_bind_param(value, sqlite.dialect())


def test_money_refuses_a_float_on_the_way_to_the_database(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        person = builders.borrower()
        person.loans[0].principal = 1.1  # type: ignore[assignment]
        uow.session.add(person)
        with pytest.raises(StatementError, match="money is a Decimal"):
            uow.commit()


@given(st.decimals(-(10**15), 10**15, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        stored = Money().process_bind_param(amount, dialect)
        assert isinstance(stored, int)
        assert Money().process_result_value(stored, dialect) == amount


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 3, 4), sqlite.dialect())


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 3, 4, 17, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 3, 4, 1, 0, tzinfo=timezone(timedelta(hours=8))),
        datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=-4))),
    ],
    ids=["to the microsecond", "another zone", "before the clocks go back"],
)
def test_an_instant_comes_back_in_utc(runtime: Runtime, instant: datetime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower(created_at=instant))
        uow.commit()
    with runtime.reading() as session:
        found = session.scalars(select(builders.Borrower.created_at)).one()
    assert found == instant
    assert found.tzinfo is UTC


# Payments


@dataclass(frozen=True)
class Payment:
    name: str
    amount: str
    left: str
    charges: str
    paid: list[str]
    """What is paid of each of three instalments of 100.00, with 10.00 of charges before."""

    def __str__(self) -> str:
        return self.name


PAYMENTS = [
    Payment("a part of the charges", "4.00", "0.00", "6.00", ["0.00", "0.00", "0.00"]),
    Payment("the charges first", "10.00", "0.00", "0.00", ["0.00", "0.00", "0.00"]),
    Payment("then the oldest", "60.00", "0.00", "0.00", ["50.00", "0.00", "0.00"]),
    Payment("then the next", "110.01", "0.00", "0.00", ["100.00", "0.01", "0.00"]),
    Payment("everything", "310.00", "0.00", "0.00", ["100.00", "100.00", "100.00"]),
    Payment("more than all", "310.01", "0.01", "0.00", ["100.00", "100.00", "100.00"]),
    Payment("nothing", "0.00", "0.00", "10.00", ["0.00", "0.00", "0.00"]),
]


@pytest.mark.parametrize("case", PAYMENTS, ids=str)
def test_a_payment_of(case: Payment) -> None:
    loan = builders.loan(instalment="100.00", count=3, paid=0, late_charges="10.00")
    assert loan.apply(Decimal(case.amount)) == Decimal(case.left)
    assert loan.late_charges == Decimal(case.charges)
    assert [str(part.paid) for part in loan.instalments] == case.paid


CENTS = st.decimals("0.00", "500.00", places=2)


@given(st.lists(CENTS, max_size=6), CENTS, st.lists(CENTS, max_size=6))
def test_no_money_is_made_or_lost(
    amounts: list[Decimal], charges: Decimal, payments: list[Decimal]
) -> None:
    parts = [Instalment(number=n, amount=a, paid=Decimal("0.00")) for n, a in enumerate(amounts)]
    loan = Loan(late_charges=charges, instalments=parts)
    left = sum((loan.apply(payment) for payment in payments), Decimal(0))
    booked = charges - loan.late_charges + sum((p.paid for p in parts), Decimal(0))
    assert booked + left == sum(payments, Decimal(0))
    assert 0 <= loan.late_charges <= charges
    assert all(0 <= part.paid <= part.amount for part in parts)
    if left:
        assert not loan.late_charges
        assert not any(part.open for part in parts)
    for older, newer in pairwise(parts):
        assert not (older.open and newer.paid), "a newer instalment was paid before an older one"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("instalments", "paid", 12001),
        ("instalments", "paid", -1),
        ("loans", "late_charges", -1),
    ],
)
def test_the_database_refuses_impossible_books(
    runtime: Runtime, table: str, column: str, value: int
) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.commit()
    with runtime.unit_of_work() as uow, pytest.raises(IntegrityError):
        uow.session.execute(text(f"UPDATE {table} SET {column} = {value}"))


# The book


@dataclass(frozen=True)
class Book:
    name: str
    loan: dict[str, Any]
    balance: str
    past_due: str
    due_amount: str
    days_overdue: int
    due_on: date | None

    def __str__(self) -> str:
        return self.name


TODAY = date(2026, 3, 4)
BOOKS = [
    Book("late", {}, "734.50", "134.50", "134.50", 9, date(2026, 2, 23)),
    Book(
        "two late",
        {"due_in": -40},
        *("734.50", "254.50", "254.50", 40, date(2026, 1, 23)),
    ),
    Book(
        "due today is not late",
        {"due_in": 0, "late_charges": "0.00"},
        *("720.00", "0.00", "120.00", 0, TODAY),
    ),
    Book(
        "not due yet",
        {"due_in": 5, "late_charges": "0.00"},
        *("720.00", "0.00", "120.00", 0, date(2026, 3, 9)),
    ),
    Book(
        "charges are asked for with what is due next",
        {"due_in": 5},
        *("734.50", "0.00", "134.50", 0, date(2026, 3, 9)),
    ),
    Book("all paid", {"paid": 10, "late_charges": "0.00"}, *("0.00", "0.00", "0.00", 0, None)),
    Book("charges are left", {"paid": 10}, *("14.50", "14.50", "14.50", 0, None)),
]


@pytest.mark.parametrize("case", BOOKS, ids=str)
def test_the_book_of_a_loan_that_is(runtime: Runtime, case: Book) -> None:
    from bot import book

    with runtime.unit_of_work() as uow:
        person = builders.borrower(loans=(builders.loan(**case.loan),))
        uow.session.add(person)
        uow.commit()
    with runtime.unit_of_work() as uow:
        (seen,) = book.loans_of(uow.session, person, TODAY)
    assert [str(x) for x in (seen.balance, seen.past_due, seen.due_amount)] == [
        *(case.balance, case.past_due, case.due_amount)
    ]
    assert (seen.days_overdue, seen.due_on) == (case.days_overdue, case.due_on)


def test_today_is_the_borrowers() -> None:
    from bot.book import today_of

    late = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    assert today_of(builders.borrower(timezone="Asia/Shanghai"), late) == date(2026, 3, 5)
    assert today_of(builders.borrower(timezone="America/New_York"), late) == date(2026, 3, 4)
    assert today_of(None, late) == date(2026, 3, 4)


# Statuses


def test_statuses_rank_as_messages_travel() -> None:
    way = ["queued", "sending", "sent", "delivered", "read"]
    ranks = [MessageStatus(word).rank for word in way]
    assert ranks == sorted(set(ranks))
    inward = [MessageStatus(word).rank for word in ("received", "unprocessed", "processed")]
    assert inward == sorted(set(inward))


def test_the_ends_exclude_each_other_and_every_status_has_a_rank() -> None:
    ends = ("delivered", "undelivered", "failed", "canceled", "blocked")
    assert len({MessageStatus(word).rank for word in ends}) == 1
    assert all(status.rank >= 0 for status in MessageStatus)
