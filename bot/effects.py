"""What a turn wants done, as data. ``bot.manager`` does it, in the turn's own transaction.

An effect that makes something with a name (a link, a case) gives the reply a value of the same
turn: the catalogues may write ``{payment_url}``, ``{case_number}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
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
    """Fewer or better-timed messages are wished; what is None was not said.

    Attributes:
        a_week: how many are welcome.
        window: when they are welcome, on the borrower's clock, as "09:00-18:00".

    """

    a_week: int | None = None
    window: str | None = None


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
    call_back_at: datetime | None = None
    """When the borrower wants to be called."""


@dataclass(frozen=True)
class SetLanguage:
    """The borrower asked to be written to in a language: en, es, zh_Hans or zh_Hant."""

    language: str


@dataclass(frozen=True)
class CreatePaymentLink:
    """A signed link to pay ``amount``; gives ``payment_url``."""

    loan_id: int
    amount: Decimal


@dataclass(frozen=True)
class ChargeMethod:
    """Take ``amount`` from a way to pay that the borrower has saved; a job does it."""

    loan_id: int
    amount: Decimal
    method_id: int


@dataclass(frozen=True)
class GrantExtension:
    """What is due now moves to ``new_due_on``; ``fee`` is added to the late charges."""

    loan_id: int
    days: int
    new_due_on: date
    fee: Decimal = Decimal("0.00")


@dataclass(frozen=True)
class PlanPart:
    """One payment of a plan."""

    due_on: date
    amount: Decimal


@dataclass(frozen=True)
class AgreePlan:
    """What is due now is paid in parts: the loan's schedule changes to them."""

    loan_id: int
    parts: tuple[PlanPart, ...]


@dataclass(frozen=True)
class AgreeRelief:
    """Part of the debt is forgiven once ``amount`` has been paid by ``pay_by``.

    ``kind``: settlement (of the whole balance) or waiver (of late charges).
    """

    loan_id: int
    kind: str
    amount: Decimal
    forgiven: Decimal
    pay_by: date


@dataclass(frozen=True)
class RecordPromise:
    """The borrower's word to pay."""

    loan_id: int
    amount: Decimal
    due_on: date


@dataclass(frozen=True)
class OpenCase:
    """Something that a person must look into and answer by a day; gives ``case_number``.

    A case about a loan pauses its reminders until it is answered.

    Attributes:
        topic: dispute, already_paid or complaint.
        kind: which sort of its topic.
        statement: the borrower's own words.
        answer_due_on: until when it must be answered.
        loan_id: the loan, where it is about one.
        details: what else was learnt, as JSON values: when and how it was paid.

    """

    topic: str
    kind: str
    statement: str
    answer_due_on: date
    loan_id: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AddToCase:
    """More words on a case that is open already; gives ``case_number``."""

    case_number: str
    statement: str


@dataclass(frozen=True)
class NoteHardship:
    """The borrower is in trouble: reminders slow down until ``until``."""

    until: date


Effect = (
    OptOut
    | OptIn
    | WantFewer
    | BarNumber
    | Verified
    | IdentityMiss
    | HandOff
    | SetLanguage
    | CreatePaymentLink
    | ChargeMethod
    | GrantExtension
    | AgreePlan
    | AgreeRelief
    | RecordPromise
    | OpenCase
    | AddToCase
    | NoteHardship
)
