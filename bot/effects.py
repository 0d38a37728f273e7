"""What a turn wants done, as data. ``bot.manager`` does it, in the turn's own transaction.

An effect that makes something with a name (a link, a case) gives the reply a value of the same
turn: the catalogues may write ``{payment_url}``, ``{case_number}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class OptOut:
    """Consent is withdrawn. ``source``: keyword, model or confirmed."""

    source: str


@dataclass(frozen=True)
class OptIn:
    """Consent is given again."""

    source: str


@dataclass(frozen=True)
class WantFewer:
    """Fewer or better-timed messages are wished."""


@dataclass(frozen=True)
class BarNumber:
    """The number is not the borrower's: never text it again."""


@dataclass(frozen=True)
class Verified:
    """The person has shown who they are."""


@dataclass(frozen=True)
class IdentityMiss:
    """A wrong answer to the identity question."""


@dataclass(frozen=True)
class HandOff:
    """A person is wanted. With ``hold`` the bot falls silent until it is handed back."""

    queue: str
    reason: str
    hold: bool = True


@dataclass(frozen=True)
class CreatePaymentLink:
    """A signed link to pay ``amount``; gives ``payment_url``."""

    loan_id: int
    amount: Decimal


@dataclass(frozen=True)
class GrantExtension:
    """What is due now moves to ``new_due_on``."""

    loan_id: int
    days: int
    new_due_on: date


@dataclass(frozen=True)
class RecordPromise:
    """The borrower's word to pay."""

    loan_id: int
    amount: Decimal
    due_on: date


@dataclass(frozen=True)
class OpenDispute:
    """A case with the borrower's own words; pauses reminders; gives ``case_number``."""

    loan_id: int
    kind: str
    statement: str
    answer_due_on: date


Effect = (
    OptOut
    | OptIn
    | WantFewer
    | BarNumber
    | Verified
    | IdentityMiss
    | HandOff
    | CreatePaymentLink
    | GrantExtension
    | RecordPromise
    | OpenDispute
)
