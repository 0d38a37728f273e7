"""What the lender's rules allow for a loan on a day: offers, or the one reason why not.

Pure: a loan, a day and the rules in; nothing is agreed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from bot.policy import calendar
from bot.policy.policy import Policy

if TYPE_CHECKING:
    from bot.policy.sections import Steps
    from bot.turn import LoanView, Turn

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Terms:
    """What decides: the rules, the loan, and the borrower's date and country."""

    policy: Policy
    loan: LoanView
    today: date
    country: str = ""

    @classmethod
    def of(cls, turn: Turn, loan: LoanView) -> Terms:
        """Those of a turn."""
        return cls(turn.policy, loan, turn.today, turn.country)

    @property
    def days_overdue(self) -> int:
        """Negative before the due date; 0 where only charges are left."""
        if self.loan.days_overdue > 0 or self.loan.due_on is None:
            return self.loan.days_overdue
        return (self.today - self.loan.due_on).days

    def moved(self, day: date) -> date:
        """The day agreed on in place of ``day``, where the policy moves days off."""
        return calendar.moved(self.policy, day, self.country)


@dataclass(frozen=True)
class Refusal:
    """Why something is not offered.

    Attributes:
        reason: in one word.
        rule: the policy's value that decides, as ``plan.from_days_overdue``; "" where none does.
        limit: what would be possible, where something is.

    """

    reason: str
    rule: str = ""
    limit: Decimal | date | int | None = None


@dataclass(frozen=True)
class ExtensionOffer:
    """More time: pay by ``due_on``, ``days`` from the later of today and due."""

    days: int
    due_on: date
    fee: Decimal = NOTHING


@dataclass(frozen=True)
class ReliefOffer:
    """Part of the debt forgiven once ``amount`` has been paid by ``pay_by``."""

    kind: str
    """settlement or waiver."""
    amount: Decimal
    forgiven: Decimal
    pay_by: date


def half_up(amount: Decimal) -> Decimal:
    """An amount in whole cents."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def standing_refusal(terms: Terms) -> Refusal | None:
    """What stands against any agreement: nothing owed, an open case, another agreement."""
    if terms.loan.balance <= 0:
        return Refusal("nothing_due")
    if terms.loan.disputed:
        return Refusal("disputed")
    return Refusal("agreed") if terms.loan.agreement is not None else None


def between(terms: Terms, section: str, first: int, last: int) -> Refusal | None:
    """Why not, where the loan is too little or too much overdue for what a section offers."""
    if terms.days_overdue < first:
        return Refusal("too_early", f"{section}.from_days_overdue", first)
    if terms.days_overdue > last:
        return Refusal("too_late", f"{section}.until_days_overdue", last)
    return None


def extension_refusal(terms: Terms) -> Refusal | None:
    """Why no more time can be given; None where it can."""
    rules, loan = terms.policy.extension, terms.loan
    if loan.due_on is None:
        return Refusal("nothing_due")
    refused = standing_refusal(terms)
    if refused is not None:
        return refused
    if loan.extensions >= rules.most_per_loan:
        return Refusal("used_up", "extension.most_per_loan", rules.most_per_loan)
    if loan.extended_on is not None:
        again_on = loan.extended_on + timedelta(days=rules.days_between)
        if terms.today < again_on:
            return Refusal("too_soon", "extension.days_between", again_on)
    return between(terms, "extension", rules.from_days_overdue, rules.until_days_overdue)


def extension_from(terms: Terms) -> date:
    """The day from which more time runs: today, where the due date has passed."""
    return max(terms.today, terms.loan.due_on or terms.today)


def extension(terms: Terms, days: int) -> ExtensionOffer:
    """What ``days`` more would mean; where the last is a day off, it may be some more."""
    start = extension_from(terms)
    due_on = terms.moved(start + timedelta(days=days))
    return ExtensionOffer((due_on - start).days, due_on, terms.policy.extension.fee)


def extensions(terms: Terms) -> tuple[ExtensionOffer, ...]:
    """The choices that are offered where the borrower names none, each day once."""
    offers = (extension(terms, days) for days in sorted(terms.policy.extension.offer_days))
    return tuple({offer.due_on: offer for offer in offers}.values())


def percent_of(steps: Steps, days_overdue: int) -> int:
    """The percentage that holds from so many days overdue; 0 before the first."""
    return max((percent for days, percent in steps if days <= days_overdue), default=0)


def settlement(terms: Terms) -> ReliefOffer | Refusal:
    """The whole balance for less, paid at once."""
    rules = terms.policy.settlement
    return _relief(terms, "settlement", rules.percent_by_days_overdue, rules.pay_within_days)


def waiver(terms: Terms) -> ReliefOffer | Refusal:
    """Late charges forgiven where the rest of what is past due is paid."""
    rules = terms.policy.waiver
    return _relief(terms, "waiver", rules.percent_by_days_overdue, rules.pay_within_days)


def relief(terms: Terms, kind: str) -> ReliefOffer | Refusal:
    """A settlement or a waiver."""
    return settlement(terms) if kind == "settlement" else waiver(terms)


def _relief(terms: Terms, kind: str, steps: Steps, within: int) -> ReliefOffer | Refusal:
    rule = f"{kind}.percent_by_days_overdue"
    if not steps:
        return Refusal("off", rule)
    refused = standing_refusal(terms)
    if refused is not None:
        return refused
    percent = percent_of(steps, terms.days_overdue)
    if percent == 0:
        return Refusal("too_early", rule, min(days for days, _ in steps))
    loan = terms.loan
    whole, of = (
        (loan.balance, loan.balance) if kind == "settlement" else (loan.past_due, loan.late_charges)
    )
    forgiven = half_up(of * percent / 100)
    if forgiven <= 0 or whole <= forgiven:
        return Refusal("nothing_to_forgive")
    pay_by = terms.moved(terms.today + timedelta(days=within))
    return ReliefOffer(kind, whole - forgiven, forgiven, pay_by)


def promise_refusal(
    terms: Terms, *, amount: Decimal | None = None, due_on: date | None = None
) -> Refusal | None:
    """Why a word to pay cannot be taken as it is; None where it can, as far as it is known.

    Reasons: nothing_due, disputed, broken (too many: a person), too_much, too_small (``limit`` is
    the least), too_far and agreed (later than the lender waits, or than what stands agreed;
    ``limit`` is the last day).
    """
    rules, loan = terms.policy.promise, terms.loan
    if loan.balance <= 0:
        return Refusal("nothing_due")
    if loan.disputed:
        return Refusal("disputed")
    if loan.promises_broken >= rules.most_broken:
        return Refusal("broken", "promise.most_broken", rules.most_broken)
    least = min(rules.smallest, loan.balance)
    if amount is not None and amount > loan.balance:
        return Refusal("too_much", "", loan.balance)
    if amount is not None and amount < least:
        return Refusal("too_small", "promise.smallest", least)
    latest = terms.today + timedelta(days=rules.longest_days)
    if due_on is not None and due_on > latest:
        return Refusal("too_far", "promise.longest_days", latest)
    agreed_on = _agreed_on(loan)
    if due_on is not None and agreed_on is not None and due_on > max(agreed_on, terms.today):
        return Refusal("agreed", "", max(agreed_on, terms.today))
    return None


def _agreed_on(loan: LoanView) -> date | None:
    """Until when an open agreement wants its next payment; a word may not say later."""
    if loan.agreement is None:
        return None
    return loan.due_on if loan.agreement.kind == "plan" else loan.agreement.ends_on
