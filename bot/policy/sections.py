"""The sections of ``policy.toml``, typed. What a value means stands in the file, beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

IDENTITY_KINDS = ("birth_year", "id_last4", "postcode")
ROLES = ("creditor", "collector")
TONES = ("warm", "formal")
MOVES = ("keep", "next_business_day")
WAYS = ("card", "bank_debit", "alipay", "wechat_pay", "transfer", "phone")
Steps = tuple[tuple[int, int], ...]
"""Pairs of days overdue and the percentage from then on, rising."""


@dataclass(frozen=True)
class Lender:
    """Who writes: the name and the telephone that borrowers are given."""

    name: str
    phone: str
    hours: str
    """When people answer, as "09:00-18:00" on the lender's clock."""
    days: str
    """On which weekdays, as "mon-fri"."""
    timezone: str
    role: str
    tone: str
    languages: tuple[str, ...]
    reminders_a_week: int


@dataclass(frozen=True)
class UnderstandingRules:
    """How sure the bot must be."""

    sure: float
    wrong_person: float
    forget_after_hours: int


@dataclass(frozen=True)
class SilenceRules:
    """A question that nobody answers: reminded of once, then closed."""

    remind_after_hours: int
    close_after_hours: int


@dataclass(frozen=True)
class IdentityRules:
    """What is asked before anything about the debt is said."""

    ask: str
    tries: int
    holds_hours: int


@dataclass(frozen=True)
class ContactRules:
    """How often the line may speak first."""

    most_a_day: int
    most_a_week: int
    most_segments: int


@dataclass(frozen=True)
class CalendarRules:
    """What happens to a day on which nobody works."""

    move: str


@dataclass(frozen=True)
class PaymentRules:
    """Payments now."""

    minimum: Decimal
    partial: bool
    link_hours: int
    ways: tuple[str, ...]
    transfer_account: str


@dataclass(frozen=True)
class ExtensionRules:
    """More time."""

    offer_days: tuple[int, ...]
    most_days: int
    most_per_loan: int
    days_between: int
    from_days_overdue: int
    until_days_overdue: int
    fee: Decimal


@dataclass(frozen=True)
class PlanRules:
    """What is due, in parts."""

    offer_parts: tuple[int, ...]
    most_parts: int
    smallest_part: Decimal
    days_between: int
    down_payment_percent: int
    most_per_loan: int
    from_days_overdue: int
    until_days_overdue: int


@dataclass(frozen=True)
class SettlementRules:
    """The whole balance for less, paid at once."""

    percent_by_days_overdue: Steps
    pay_within_days: int


@dataclass(frozen=True)
class WaiverRules:
    """Late charges forgiven where the rest of what is past due is paid."""

    percent_by_days_overdue: Steps
    pay_within_days: int


@dataclass(frozen=True)
class PromiseRules:
    """A borrower's word to pay later."""

    longest_days: int
    smallest: Decimal
    most_broken: int
    ask_after_days: int
    person_after_days: int


@dataclass(frozen=True)
class CaseRules:
    """Until when a case must be answered, in days, and whether reminders rest meanwhile."""

    dispute_days: int
    already_paid_days: int
    complaint_days: int


@dataclass(frozen=True)
class HardshipRules:
    """What money trouble changes."""

    slow_days: int


@dataclass(frozen=True)
class ContentRules:
    """Words that no text of this lender may hold, besides those that none may."""

    forbidden: tuple[str, ...]
