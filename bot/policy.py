"""What the lender's rules allow, read from ``policy.toml`` and checked once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

if TYPE_CHECKING:
    from bot.turn import LoanView

IDENTITY_KINDS = ("birth_year", "id_last4", "postcode")


class PolicyError(ValueError):
    """The policy makes no sense. The text names the value and says what to write."""


@dataclass(frozen=True)
class Lender:
    """Who writes: the name and the telephone that borrowers are given."""

    name: str
    phone: str
    hours: str
    reminders_a_week: int


@dataclass(frozen=True)
class UnderstandingRules:
    """How sure the bot must be."""

    sure: float
    wrong_person: float
    forget_after_hours: int


@dataclass(frozen=True)
class IdentityRules:
    """What is asked before anything about the debt is said."""

    ask: str
    tries: int
    holds_hours: int


@dataclass(frozen=True)
class PaymentRules:
    """Payments by link."""

    minimum: Decimal
    link_hours: int


@dataclass(frozen=True)
class ExtensionRules:
    """More time."""

    offer_days: tuple[int, ...]
    most_days: int
    most_per_loan: int
    until_days_overdue: int


@dataclass(frozen=True)
class PromiseRules:
    """A borrower's word to pay later."""

    longest_days: int


@dataclass(frozen=True)
class DisputeRules:
    """Cases."""

    answer_days: int


@dataclass(frozen=True)
class ExtensionOffer:
    """One way to get more time: pay by ``due_on``, ``days`` from the later of today and due."""

    days: int
    due_on: date


@dataclass(frozen=True)
class Policy:
    """The lender's rules."""

    lender: Lender
    understanding: UnderstandingRules
    identity: IdentityRules
    payment: PaymentRules
    extension: ExtensionRules
    promise: PromiseRules
    dispute: DisputeRules
    helplines: Mapping[str, str]

    @classmethod
    def from_toml(cls, text: str) -> Policy:
        """Read and check a policy.

        Raises:
            PolicyError: a sentence about the first thing that is wrong.

        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise PolicyError(f"The policy is not valid TOML: {error}.") from error
        sections = get_type_hints(cls)
        for name in data:
            if name not in sections:
                raise PolicyError(f"[{name}] is no section of a policy: {', '.join(sections)} are.")
        for name in sections:
            if not isinstance(data.get(name), dict):
                raise PolicyError(f"The policy lacks the section [{name}].")
        helplines = data["helplines"]
        if "*" not in helplines or not all(isinstance(v, str) and v for v in helplines.values()):
            raise PolicyError('[helplines] needs a text for each country and one for "*".')
        made = {n: _section(n, t, data[n]) for n, t in sections.items() if n != "helplines"}
        policy = cls(helplines=helplines, **made)
        policy._check()
        return policy

    def _check(self) -> None:
        rules = (
            (0 < self.understanding.sure < 1, "understanding.sure must lie between 0 and 1"),
            (
                0 < self.understanding.wrong_person < 1,
                "understanding.wrong_person must lie between 0 and 1",
            ),
            (
                self.identity.ask in ("", *IDENTITY_KINDS),
                f"identity.ask must be empty or one of {', '.join(IDENTITY_KINDS)}",
            ),
            (self.identity.tries >= 1, "identity.tries must be 1 or more"),
            (self.payment.minimum > 0, "payment.minimum must be more than nothing"),
            (self.payment.link_hours >= 1, "payment.link_hours must be 1 or more"),
            (
                bool(self.extension.offer_days)
                and all(1 <= d <= self.extension.most_days for d in self.extension.offer_days),
                "extension.offer_days must name days from 1 to extension.most_days",
            ),
            (len(self.extension.offer_days) <= 8, "extension.offer_days may name 8 choices"),
            (self.promise.longest_days >= 1, "promise.longest_days must be 1 or more"),
        )
        for holds, sentence in rules:
            if not holds:
                raise PolicyError(f"{sentence}.")

    def helpline(self, country: str) -> str:
        """Where somebody in despair is sent."""
        return self.helplines.get(country, self.helplines["*"])

    def extension_refusal(self, loan: LoanView) -> str | None:
        """Why no more time can be given: a reply key's last part, or None where it can."""
        if loan.due_on is None:
            return "nothing_due"
        if loan.disputed:
            return "disputed"
        if loan.extensions >= self.extension.most_per_loan:
            return "used_up"
        if loan.days_overdue > self.extension.until_days_overdue:
            return "too_late"
        return None

    def extension_offer(self, loan: LoanView, days: int, today: date) -> ExtensionOffer:
        """What ``days`` more would mean. Time runs from today where the due date has passed."""
        return ExtensionOffer(days, max(today, loan.due_on or today) + timedelta(days=days))

    def extension_offers(self, loan: LoanView, today: date) -> tuple[ExtensionOffer, ...]:
        """The choices that are offered where the borrower names none."""
        return tuple(self.extension_offer(loan, d, today) for d in self.extension.offer_days)


T = TypeVar("T")


def _section(name: str, kind: type[T], data: Mapping[str, Any]) -> T:
    """A section's dataclass from its table."""
    hints = get_type_hints(kind)
    for key in data:
        if key not in hints:
            raise PolicyError(f"{name}.{key} is unknown; [{name}] knows {', '.join(hints)}.")
    values: dict[str, Any] = {}
    for field_ in fields(kind):  # type: ignore[arg-type]
        if field_.name not in data:
            if field_.default is MISSING:
                raise PolicyError(f"{name}.{field_.name} is missing from the policy.")
            continue
        values[field_.name] = _value(f"{name}.{field_.name}", hints[field_.name], data[field_.name])
    return kind(**values)


def _value(name: str, kind: Any, value: Any) -> Any:
    if kind is Decimal and isinstance(value, str):
        try:
            amount = Decimal(value)
            if amount.is_finite() and amount == amount.quantize(Decimal("0.01")):
                return amount
        except InvalidOperation:
            pass  # neither is a figure too large to have cents
    if kind == tuple[int, ...] and isinstance(value, list):
        if all(type(item) is int for item in value):
            return tuple(value)
    elif kind is float and type(value) in (int, float):
        return float(value)
    elif kind in (int, str) and type(value) is kind and (kind is str or value >= 0):
        return value
    wanted = {
        Decimal: 'an amount in quotes, such as "5.00"',
        float: "a number",
        int: "a whole number, 0 or more",
        str: "a text in quotes",
    }.get(kind, "a list of whole numbers")
    raise PolicyError(f"{name} must be {wanted}.")
