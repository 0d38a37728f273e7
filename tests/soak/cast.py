"""Who texts: borrowers of four languages and several countries, with and without loans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.replies import language_of
from models import Borrower, Phone, Sender
from tests import builders

SENDERS = (("+15550109999", "US"), ("+15550108888", "US"))
BOOKED = date(2026, 3, 4)
"""The day from which the loans' due dates are counted."""
ANSWERS = {"birth_year": "1990", "id_last4": "4037", "postcode": "10101"}


@dataclass(frozen=True)
class Person:
    """A phone in the cast."""

    name: str
    number: str
    language: str
    timezone: str = "UTC"


NOBODY = Person("a stranger", "+15550107777", "en")

_PEOPLE: tuple[tuple[str, str, str, str, str, list[dict[str, Any]]], ...] = (
    ("Maya", "en", "US", "America/New_York", "USD", [{}]),
    (
        *("Luis", "es", "US", "America/Chicago", "USD"),
        [{}, {"product": "credit_card", "due_in": 11, "late_charges": "0.00", "paid": 6}],
    ),
    ("Ana", "es_MX", "MX", "America/Mexico_City", "MXN", [{"instalment": "1799.99", "paid": 0}]),
    ("伟", "zh_Hans", "CN", "Asia/Shanghai", "CNY", [{"due_in": -3, "late_charges": "0.00"}]),
    (
        *("婷", "zh_Hant", "TW", "Asia/Taipei", "TWD"),
        [{"paid": 9, "late_charges": "0.03"}, {"product": "business_loan", "due_in": 0}],
    ),
    (
        *("Kit", "zh_Hant_HK", "HK", "Asia/Hong_Kong", "HKD"),
        [{"paid": 10, "late_charges": "0.00"}, {"due_in": -95}],
    ),
    ("George", "en_GB", "GB", "Europe/London", "GBP", [{"paid": 10, "late_charges": "0.00"}]),
    ("Nora", "en", "US", "America/Los_Angeles", "USD", []),
    ("Rosa", "es", "ES", "Europe/Madrid", "EUR", [{"paid": 10, "late_charges": "33.33"}]),
    ("Old Tom", "en", "US", "America/Denver", "USD", [{"due_in": -200, "late_charges": "210.01"}]),
    ("Unproven", "en", "US", "America/New_York", "USD", [{}]),
    ("Barred", "en", "US", "America/New_York", "USD", [{}]),
    ("Silent", "es", "US", "America/Chicago", "USD", [{}]),
    ("Two Phones", "en", "US", "Pacific/Auckland", "USD", [{"due_in": -40}]),
)


def _number(at: int) -> str:
    return f"+155501000{at:02}"


SECOND_PHONE = Person("Two Phones' other phone", "+15550106666", "en", "Pacific/Auckland")
CAST: tuple[Person, ...] = (
    *(
        Person(name, _number(at), language_of(locale), zone)
        for at, (name, locale, _, zone, _, _) in enumerate(_PEOPLE, 1)
    ),
    SECOND_PHONE,
    NOBODY,
)

_OWING = ("Maya", "Luis", "Ana", "伟", "婷", "Kit", "Old Tom", "Two Phones", "Rosa")
BORROWERS = tuple(person for person in CAST if person.name in _OWING)
"""Those who owe something and can show who they are."""


def fill(session: Session) -> None:
    """Everybody, with their loans, into an empty database."""
    for address, country in SENDERS:
        session.add(Sender(channel="twilio", address=address, country=country))
    for at, (name, locale, country, zone, currency, loans) in enumerate(_PEOPLE, 1):
        borrower = builders.borrower(
            phone=_number(at),
            reference=f"B{at:04}",
            first_name=name,
            locale=locale,
            country=country,
            timezone=zone,
            identity_answers={} if name == "Unproven" else ANSWERS,
            loans=tuple(
                builders.loan(BOOKED, **{"reference": f"L{at:02}{n}", "currency": currency, **x})
                for n, x in enumerate(loans)
            ),
        )
        _mark(borrower, name)
        session.add(borrower)
        session.flush()
    session.commit()


def _mark(borrower: Borrower, name: str) -> None:
    """What is particular about some: a number given up, texts refused, a second phone."""
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    if name == "Barred":
        borrower.phones[0].barred_at = long_ago
        borrower.phones[0].barred_reason = "wrong_number"
    if name == "Silent":
        borrower.phones[0].opted_out_at = long_ago
    if name == "Two Phones":
        borrower.phones.append(Phone(number=SECOND_PHONE.number))
