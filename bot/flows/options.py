"""All that the lender's rules allow for a loan, as one short menu."""

from __future__ import annotations

from datetime import date

from bot.flows.answers import loan_of
from bot.policy import offers, plans
from bot.policy.offers import ExtensionOffer, Refusal, ReliefOffer, Terms
from bot.policy.plans import Plan, Wish
from bot.turn import LoanView, Reply, ShortDay, Slots, Turn, say

NEAR_DAYS = 300
"""A day within them is said without its year."""

Item = Plan | ReliefOffer | ExtensionOffer | None
"""An entry of the menu: parts, less, more time (the longest), or a person."""


def items(turn: Turn, loan: LoanView, wish: Wish | None = None) -> tuple[Item, ...]:
    """What can be chosen, in the order of the menu; a person comes last."""
    terms = Terms.of(turn, loan)
    found: list[Item] = []
    if plans.plan_refusal(terms) is None:
        found += plans.plans(terms, wish)
    for kind in ("settlement", "waiver"):
        relief = offers.relief(terms, kind)
        if not isinstance(relief, Refusal):
            found.append(relief)
    if offers.extension_refusal(terms) is None:
        found.append(offers.extensions(terms)[-1])
    return (*found, None)


def menu(turn: Turn, slots: Slots) -> Reply:
    """The question which of them it shall be; ``slots`` may hold a wish."""
    loan = loan_of(turn, slots)
    choices = items(turn, loan, wish_of(slots))
    parts = any(isinstance(item, Plan) for item in choices)
    options = (_option(turn, loan, item) for item in choices)
    key = "plan.offer" if parts else "plan.offer_other"
    return say(key, *options, amount=loan.money(loan.due_amount))


def _option(turn: Turn, loan: LoanView, item: Item) -> Reply:
    if item is None:
        return say("plan.option_person")
    if isinstance(item, ExtensionOffer):
        return say("plan.option_time", due_on=near(turn, item.due_on))
    if isinstance(item, ReliefOffer):
        return say(
            f"relief.option_{item.kind}",
            amount=loan.money(item.amount),
            forgiven=loan.money(item.forgiven),
            due_on=near(turn, item.pay_by),
        )
    first, second, last = item.parts[0], item.parts[1], item.parts[-1]
    if first.due_on == turn.today:
        return say(
            "plan.option_down",
            amount=loan.money(first.amount),
            count=len(item.parts) - 1,
            part=loan.money(second.amount),
            ends_on=near(turn, last.due_on),
        )
    return say(
        "plan.option_parts",
        count=len(item.parts),
        part=loan.money(first.amount),
        due_on=near(turn, first.due_on),
        ends_on=near(turn, last.due_on),
    )


def near(turn: Turn, day: date) -> ShortDay | date:
    """A day to be said, as short as it is plain."""
    return ShortDay(day) if (day - turn.today).days <= NEAR_DAYS else day


def wish_of(slots: Slots) -> Wish:
    """The wish that was remembered."""
    return Wish.from_json(slots.get("wish", {}))


def open_agreement(loan: LoanView) -> tuple[Reply, ...]:
    """What stands agreed on a loan, and that a person can change it; nothing where none does."""
    agreed = loan.agreement
    if agreed is None:
        return ()
    if agreed.kind == "plan":
        stands = say(
            "plan.open",
            amount=loan.money(loan.due_amount),
            due_on=loan.due_on or agreed.ends_on,
            ends_on=agreed.ends_on,
        )
    else:
        stands = say(
            f"relief.open_{agreed.kind}",
            amount=loan.money(agreed.amount),
            forgiven=loan.money(agreed.forgiven),
            due_on=agreed.ends_on,
        )
    return (stands, say("plan.change"))
