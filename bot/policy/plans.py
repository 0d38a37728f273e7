"""What is due, in parts: what the rules offer, and what a borrower asks for instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from bot.effects import PlanPart
from bot.policy.offers import CENT, Refusal, Terms, between, half_up, standing_refusal


@dataclass(frozen=True)
class Plan:
    """Parts on rising days, which together are what is due."""

    parts: tuple[PlanPart, ...]

    @property
    def amount(self) -> Decimal:
        """What is paid in all."""
        return sum((part.amount for part in self.parts), Decimal("0.00"))


@dataclass(frozen=True)
class Wish:
    """What a borrower asks of a plan; what is None was not said.

    Attributes:
        count: how many parts.
        amount: how much a part.
        half: two halves.
        now: something is paid today.
        on: when the first part is paid or, with ``now``, the one after it.
        rest_on: when the rest is paid, where there is one part before it.
        every_days: from one part to the next.

    """

    count: int | None = None
    amount: Decimal | None = None
    half: bool = False
    now: bool = False
    on: date | None = None
    rest_on: date | None = None
    every_days: int | None = None

    def changed(self, new: Wish) -> Wish:
        """This wish with what was said later; a new number of parts replaces an amount."""
        kept = self
        if new.count is not None or new.amount is not None or new.half:
            kept = replace(kept, count=new.count, amount=new.amount, half=new.half)
        return replace(
            kept,
            now=kept.now or new.now,
            on=new.on or kept.on,
            rest_on=new.rest_on,
            every_days=new.every_days or kept.every_days,
        )

    def to_json(self) -> dict[str, Any]:
        """For a flow's memory: what was said, as JSON values."""
        said = {name: value for name, value in asdict(self).items() if value}
        return {n: str(v) if isinstance(v, Decimal | date) else v for n, v in said.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Wish:
        """What ``to_json`` wrote."""
        values = dict(data)
        for name in ("on", "rest_on"):
            if name in values:
                values[name] = date.fromisoformat(values[name])
        if "amount" in values:
            values["amount"] = Decimal(values["amount"])
        return cls(**values)


def plan_refusal(terms: Terms) -> Refusal | None:
    """Why what is due cannot be paid in parts; None where it can."""
    rules, loan = terms.policy.plan, terms.loan
    refused = standing_refusal(terms)
    if refused is not None:
        return refused
    if loan.due_amount <= 0:
        return Refusal("nothing_due")
    if loan.plans >= rules.most_per_loan:
        return Refusal("used_up", "plan.most_per_loan", rules.most_per_loan)
    refused = between(terms, "plan", rules.from_days_overdue, rules.until_days_overdue)
    if refused is not None:
        return refused
    if isinstance(plan(terms, Wish(count=2)), Refusal):
        return Refusal("too_small", "plan.smallest_part", rules.smallest_part)
    return None


def plans(terms: Terms, wish: Wish | None = None) -> tuple[Plan, ...]:
    """The plans on offer, fewest parts first, from the day that the borrower named if it fits.

    Where what is due is too little for any of the numbers of parts that the policy offers, the
    most parts that it is enough for.
    """
    asked = replace(wish or Wish(), amount=None, half=False)
    counts = sorted(set(terms.policy.plan.offer_parts))
    found = [plan(terms, replace(asked, count=count)) for count in counts]
    made = tuple(item for item in found if isinstance(item, Plan))
    if not made:
        least = plan(terms, replace(asked, count=max(2, most_parts(terms))))
        made = (least,) if isinstance(least, Plan) else ()
    return made


def plan(terms: Terms, wish: Wish) -> Plan | Refusal:
    """The plan that a wish asks for, or why it cannot be, with what could."""
    refused = _too_slow(terms, wish)
    if refused is not None:
        return refused
    amounts = _amounts(terms, wish)
    if isinstance(amounts, Refusal):
        return amounts
    days = _days(terms, wish, len(amounts))
    return Plan(tuple(PlanPart(day, amount) for day, amount in zip(days, amounts, strict=True)))


def most_parts(terms: Terms) -> int:
    """In how many parts what is due may be paid at most, none below the smallest."""
    rules = terms.policy.plan
    counts = range(rules.most_parts, 1, -1)
    fits = (n for n in counts if isinstance(_equal(terms, n), tuple))
    return next(fits, 1)


def first_part_by(terms: Terms) -> date:
    """The last day for the first part: no longer from now than from one part to the next."""
    spaced = terms.today + timedelta(days=terms.policy.plan.days_between)
    return max(spaced, terms.loan.due_on or spaced)


def down_payment(terms: Terms) -> Decimal:
    """What is paid at once; nothing where the policy asks for none."""
    rules = terms.policy.plan
    if rules.down_payment_percent == 0:
        return Decimal("0.00")
    return max(half_up(terms.loan.due_amount * rules.down_payment_percent / 100), CENT)


def _too_slow(terms: Terms, wish: Wish) -> Refusal | None:
    most_days = terms.policy.plan.days_between
    if wish.every_days is not None and wish.every_days > most_days:
        return Refusal("too_slow", "plan.days_between", most_days)
    latest = first_part_by(terms)
    if _pays_today(terms, wish):
        latest = terms.today + timedelta(days=most_days)
    if wish.on is not None and wish.on > latest:
        return Refusal("too_far", "plan.days_between", latest)
    if wish.rest_on is not None:
        last = _first_day(terms, wish) + timedelta(days=most_days)
        if wish.rest_on > last:
            return Refusal("too_far", "plan.days_between", last)
    return None


def _pays_today(terms: Terms, wish: Wish) -> bool:
    return wish.now or down_payment(terms) > 0


def _amounts(terms: Terms, wish: Wish) -> tuple[Decimal, ...] | Refusal:
    due = terms.loan.due_amount
    if wish.half:
        return _first_then_rest(terms, half_up(due / 2))
    if wish.amount is None:
        return _equal(terms, wish.count or 2)
    amount = half_up(wish.amount)
    if amount >= due:
        return Refusal("whole", "", due)
    one_payment_now = wish.now and wish.count is None and wish.every_days is None
    if one_payment_now or wish.count == 2 or wish.rest_on is not None:
        return _first_then_rest(terms, amount)
    return _of(terms, amount)


def _first_then_rest(terms: Terms, first: Decimal) -> tuple[Decimal, ...] | Refusal:
    """Two parts, the first at least the down payment."""
    due = terms.loan.due_amount
    first = max(first, down_payment(terms))
    return _checked(terms, (first, due - first))


def _equal(terms: Terms, count: int) -> tuple[Decimal, ...] | Refusal:
    """So many parts; a down payment is the first of them."""
    rules, due = terms.policy.plan, terms.loan.due_amount
    if count < 2:
        return Refusal("whole", "", due)
    if count > rules.most_parts:
        return Refusal("too_many", "plan.most_parts", most_parts(terms))
    down = down_payment(terms)
    if down > 0:
        down = max(down, rules.smallest_part)
        return _checked(terms, (down, *_split(due - down, count - 1)))
    return _checked(terms, _split(due, count))


def _split(amount: Decimal, count: int) -> tuple[Decimal, ...]:
    """Equal parts in whole cents; the last takes the rest."""
    each = (amount / count).quantize(CENT, ROUND_FLOOR)
    return (*(each,) * (count - 1), amount - each * (count - 1))


def _of(terms: Terms, each: Decimal) -> tuple[Decimal, ...] | Refusal:
    """Parts of an amount; a rest that is too small for a part of its own goes with the last."""
    rules, due = terms.policy.plan, terms.loan.due_amount
    if each < rules.smallest_part:
        return Refusal("part_too_small", "plan.smallest_part", rules.smallest_part)
    down = down_payment(terms)
    if down > 0:
        down = max(down, each)
    left = due - down
    whole, rest = divmod(left, each)
    parts = [each] * int(whole)
    if rest >= rules.smallest_part or (rest and not parts):
        parts.append(rest)
    elif rest:
        parts[-1] += rest
    amounts = (down, *parts) if down > 0 else tuple(parts)
    if len(amounts) > rules.most_parts:
        least = ((due - down) / (rules.most_parts - (down > 0))).quantize(CENT, ROUND_CEILING)
        return Refusal("part_too_small", "plan.most_parts", max(least, rules.smallest_part))
    if len(amounts) < 2:
        return Refusal("whole", "", due)
    return _checked(terms, amounts)


def _checked(terms: Terms, amounts: tuple[Decimal, ...]) -> tuple[Decimal, ...] | Refusal:
    smallest = terms.policy.plan.smallest_part
    if min(amounts) < smallest:
        return Refusal("part_too_small", "plan.smallest_part", smallest)
    return amounts


def _first_day(terms: Terms, wish: Wish) -> date:
    """When the first part is paid."""
    if _pays_today(terms, wish):
        return terms.today
    due_on = terms.loan.due_on
    coming = due_on if due_on is not None and due_on > terms.today else None
    return wish.on or coming or terms.today + _interval(terms, wish)


def _interval(terms: Terms, wish: Wish) -> timedelta:
    return timedelta(days=wish.every_days or terms.policy.plan.days_between)


def _days(terms: Terms, wish: Wish, count: int) -> tuple[date, ...]:
    """Rising days, moved to business days where the policy says so.

    The first is the one that was named; else the due date where it is still to come, or one
    interval from now. What is paid at once is paid today, whatever day it is.
    """
    first, interval = _first_day(terms, wish), _interval(terms, wish)
    at_once = _pays_today(terms, wish)
    second = wish.rest_on or (wish.on if at_once else None) or first + interval
    days = [first if at_once else terms.moved(first)]
    planned = second
    while len(days) < count:
        days.append(terms.moved(max(planned, days[-1] + timedelta(days=1))))
        planned += interval
    return tuple(days)
