"""What a loan may be offered on a day and why not more, in plain lines for the lender's people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from bot.policy import offers, plans, reading
from bot.policy.offers import Refusal, Terms
from bot.policy.plans import Plan


@dataclass(frozen=True)
class Explained:
    """One thing that could be offered: what, and the lines that say how or why not."""

    name: str
    offered: bool
    lines: tuple[str, ...]


def explain(terms: Terms, text: str) -> tuple[Explained, ...]:
    """Everything that the rules know of, for a loan.

    Args:
        terms: the rules, the loan and the day.
        text: the policy as it is written, to name lines.

    """
    return (
        _extension(terms, text),
        _plan(terms, text),
        _relief(terms, text, "settlement"),
        _relief(terms, text, "waiver"),
        _promise(terms, text),
    )


def described(terms: Terms, text: str) -> Iterator[str]:
    """The lines that ``flask policy check`` prints for a loan."""
    loan = terms.loan
    yield f"{loan.reference} ({loan.product}): {_state(terms)}"
    for found in explain(terms, text):
        head, *others = found.lines
        yield f"  {'' if found.offered else 'no '}{found.name}: {head}"
        yield from (f"    {line}" for line in others)


def _state(terms: Terms) -> str:
    loan = terms.loan
    if loan.balance <= 0:
        return "nothing is owed"
    owed = f"{_money(terms, loan.balance)} owed, {_money(terms, loan.due_amount)} of it due"
    return f"{owed}{f' on {loan.due_on}' if loan.due_on else ''} ({_lateness(terms)})"


def _lateness(terms: Terms) -> str:
    days = terms.days_overdue
    return f"{_count(days, 'day')} overdue" if days >= 0 else f"due in {_count(-days, 'day')}"


def _money(terms: Terms, amount: Decimal) -> str:
    return f"{amount:.2f} {terms.loan.currency}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _extension(terms: Terms, text: str) -> Explained:
    refused = offers.extension_refusal(terms)
    if refused is not None:
        return _none(terms, text, "extension", refused)
    rules = terms.policy.extension
    offered = [f"{_count(o.days, 'day')}, until {o.due_on}" for o in offers.extensions(terms)]
    latest = offers.extension(terms, rules.most_days).due_on
    cost = f", for {_money(terms, rules.fee)}" if rules.fee else ""
    left = rules.most_per_loan - terms.loan.extensions
    limits = f"by the borrower's wish any day until {latest}{cost}; {left} left for this loan"
    return Explained("extension", True, ("; ".join(offered), limits))


def _plan(terms: Terms, text: str) -> Explained:
    refused = plans.plan_refusal(terms)
    if refused is not None:
        return _none(terms, text, "plan", refused)
    lines = [_parts(terms, made) for made in plans.plans(terms)]
    rules = terms.policy.plan
    limits = (
        f"by the borrower's wish up to {_count(plans.most_parts(terms), 'part')} of "
        f"{_money(terms, rules.smallest_part)} or more, the first until "
        f"{plans.first_part_by(terms)}, {_count(rules.days_between, 'day')} apart at most"
    )
    return Explained("plan", True, (*lines, limits))


def _parts(terms: Terms, made: Plan) -> str:
    listed = ", ".join(f"{part.amount:.2f} on {part.due_on}" for part in made.parts)
    return f"{_count(len(made.parts), 'part')}: {listed}"


def _relief(terms: Terms, text: str, kind: str) -> Explained:
    found = offers.relief(terms, kind)
    if isinstance(found, Refusal):
        return _none(terms, text, kind, found)
    paid = f"{_money(terms, found.amount)} by {found.pay_by}"
    return Explained(kind, True, (f"{paid}; {_money(terms, found.forgiven)} is forgiven",))


def _promise(terms: Terms, text: str) -> Explained:
    refused = offers.promise_refusal(terms)
    if refused is not None:
        return _none(terms, text, "promise", refused)
    rules = terms.policy.promise
    latest = terms.today + timedelta(days=rules.longest_days)
    least = min(rules.smallest, terms.loan.balance)
    return Explained("promise", True, (f"until {latest}, of {_money(terms, least)} or more",))


def _none(terms: Terms, text: str, name: str, refusal: Refusal) -> Explained:
    why = _why(terms, name, refusal)
    if refusal.rule:
        section, _, key = refusal.rule.partition(".")
        why += f" ({refusal.rule}, line {reading.line_of(text, section, key)})"
    return Explained(name, False, (why,))


def _why(terms: Terms, name: str, refusal: Refusal) -> str:
    loan, limit = terms.loan, refusal.limit
    agreed = loan.agreement
    return {
        "nothing_due": "nothing is due",
        "disputed": "a case on this loan is open",
        "agreed": f"a {agreed.kind} stands until {agreed.ends_on}" if agreed else "",
        "used_up": f"this loan has had {loan.plans if name == 'plan' else loan.extensions}, "
        f"{limit} being the most",
        "too_soon": f"the last was on {loan.extended_on}, the next may be on {_day(limit)}",
        "too_early": f"{_lateness(terms)}, {name}s begin at {limit}",
        "too_late": f"{_lateness(terms)}, {name}s end at {limit}",
        "too_small": f"{_money(terms, loan.due_amount)} is too little for two parts, "
        f"none of which may be below {limit}",
        "off": "the policy forgives nothing",
        "nothing_to_forgive": "there is nothing to forgive",
        "broken": f"{_count(loan.promises_broken, 'promise')} broken, after {limit} a person "
        "takes the next",
    }[refusal.reason]


def _day(limit: object) -> str:
    return str(limit) if isinstance(limit, date) else ""
