"""A way out: what is due in parts, less paid at once, more time, or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from bot.effects import AgreePlan, CreatePaymentLink, Effect, PlanPart
from bot.entities import rates
from bot.flows import extension, options, relief
from bot.flows.answers import is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.flows.options import near, open_agreement, wish_of
from bot.policy import plans
from bot.policy.offers import ExtensionOffer, Refusal, ReliefOffer, Terms
from bot.policy.plans import Plan, Wish
from bot.turn import Days, LoanView, Outcome, Reply, Slots, Turn, ask, done, say

WANTS = frozenset({"amount", "count", "date", "rest_on"})
LIKE_A_PLAN = frozenset({"promise_to_pay", "pay_now"})
"""Intents in which a counter-offer may come: "i'll pay 50 a month"."""
LIKE_A_RATE = frozenset({"fewer_messages", "request_extension"})
"""What "25 a week" and "from the 20th instead" may be taken for."""


def _wish(turn: Turn, loan: LoanView) -> Wish | None:
    """What the message asks of a plan; None where it asks nothing."""
    said, rate = turn.entities, rates.read(turn.text)
    amount, count = rate.amount or said.amount, said.count or rate.count or None
    if amount is not None and count is None and _is_count(turn, amount):
        count, amount = int(amount), None  # "what about 5?"
    half = rate.half and count is None
    on, now = said.date, rate.now
    if on is not None and on <= turn.today:
        on, now = None, True
    two = now and (on or said.rest_on) and amount is None and not half
    wish = Wish(
        count=count or (2 if two else None),
        amount=None if half else amount,
        half=half,
        now=now and bool(half or amount or count or two),
        on=on,
        rest_on=said.rest_on if said.rest_on != on else None,
        every_days=rate.every_days if amount or count else None,
    )
    if wish.rest_on is not None and wish.now:
        wish = replace(wish, on=None)
    return None if wish == Wish() else wish


def _is_count(turn: Turn, amount: Decimal) -> bool:
    """Whether a bare figure is a number of parts: too little for a part, and not too many."""
    rules = turn.policy.plan
    few = 2 <= amount <= rules.most_parts and amount < rules.smallest_part
    return few and amount == int(amount)


def _offer(turn: Turn, loan: LoanView, *first: Reply, wish: Wish | None = None) -> Outcome:
    """The menu of all that is possible; only a person where nothing else is."""
    slots: Slots = {"loan": loan.id}
    if wish is not None and (wish.on or wish.every_days):
        slots["wish"] = Wish(on=wish.on, every_days=wish.every_days).to_json()
    if len(options.items(turn, loan)) == 1:
        return done(*first, say("plan.instead"))
    return ask("plan.choose", *first, options.menu(turn, slots), slots=slots)


def _start(turn: Turn) -> Outcome:
    loan = turn.loan
    if loan is None:
        return done(say("balance.nothing"))
    refusal = plans.plan_refusal(Terms.of(turn, loan))
    if refusal is not None:
        return _refused(turn, loan, refusal)
    wish = _wish(turn, loan)
    if wish is not None and wish.amount is not None and wish.amount >= loan.due_amount:
        wish = replace(wish, amount=None)  # "i owe 734, can i pay it in parts"
    if wish is None or wish == Wish():
        return _offer(turn, loan, *_no_less(turn, loan))
    return _propose(turn, loan, wish, {"loan": loan.id})


def _no_less(turn: Turn, loan: LoanView) -> tuple[Reply, ...]:
    """Said where something is to be taken off the debt, and the rules allow nothing of it."""
    given = any(isinstance(item, ReliefOffer) for item in options.items(turn, loan))
    return (say("plan.no_less"),) if rates.read(turn.text).less and not given else ()


def _refused(turn: Turn, loan: LoanView, refusal: Refusal) -> Outcome:
    """Why there can be no plan, and what is possible instead."""
    if refusal.reason == "nothing_due":
        return done(say("balance.nothing"))
    if refusal.reason == "agreed":
        return done(*open_agreement(loan))
    return _offer(turn, loan, say(f"plan.refused_{refusal.reason}"))


def _propose(turn: Turn, loan: LoanView, wish: Wish, slots: Slots) -> Outcome:
    """Read back the plan that was asked for; or say what of it cannot be, and ask again."""
    terms = Terms.of(turn, loan)
    made = plans.plan(terms, wish)
    if isinstance(made, Refusal):
        return _ask_again(turn, loan, _limit(loan, made), slots)
    if wish.amount is None and wish.count is None and not (wish.half or wish.rest_on):
        return _offer(turn, loan, wish=wish)  # only a day was named
    return _put(turn, loan, made, wish)


def _ask_again(turn: Turn, loan: LoanView, limit: Reply, slots: Slots) -> Outcome:
    """What cannot be was said; the read-back, or the menu, stands as before."""
    if "parts" in slots:
        return ask("plan.confirm", limit, _ask_confirm(turn, slots), slots=slots)
    offered = _offer(turn, loan, limit, wish=wish_of(slots))
    return replace(offered, state=replace(offered.state, slots={**offered.state.slots, "limit": 1}))


def _limit(loan: LoanView, refusal: Refusal) -> Reply:
    """What cannot be, with what can."""
    limit = refusal.limit
    if refusal.reason == "too_many":
        return say("plan.limit_too_many", count=limit)
    if refusal.reason == "too_far":
        return say("plan.limit_too_far", due_on=limit)
    if refusal.reason == "too_slow" and isinstance(limit, int):
        return say("plan.limit_too_slow", days=Days(limit))
    assert isinstance(limit, Decimal)
    return say(f"plan.limit_{refusal.reason}", amount=loan.money(limit))


def _put(turn: Turn, loan: LoanView, made: Plan, wish: Wish) -> Outcome:
    slots: Slots = {
        "loan": loan.id,
        "parts": [[part.due_on.isoformat(), str(part.amount)] for part in made.parts],
        "wish": wish.to_json(),
    }
    moved = next(
        (p.due_on for p in made.parts if wish.on is not None and p.due_on >= wish.on), None
    )
    if wish.on is not None and moved is not None and moved > wish.on:
        first = say("plan.moved", wanted=wish.on, due_on=moved)
        return ask("plan.confirm", first, _ask_confirm(turn, slots), slots=slots)
    return ask("plan.confirm", _ask_confirm(turn, slots), slots=slots)


def _read_back(slots: Slots) -> Plan:
    """The plan that was put to the borrower."""
    return Plan(
        tuple(PlanPart(date.fromisoformat(on), Decimal(amount)) for on, amount in slots["parts"])
    )


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say(
        "plan.confirm",
        say("plan.confirm_yes"),
        say("plan.confirm_no"),
        parts=_listed(turn, loan, _read_back(slots).parts),
    )


def _listed(turn: Turn, loan: LoanView, parts: tuple[PlanPart, ...]) -> Reply:
    """All parts with their days, as one text."""
    part = parts[0]
    key = "plan.part_today" if part.due_on == turn.today else "plan.part"
    first = say(key, amount=loan.money(part.amount), due_on=near(turn, part.due_on))
    if len(parts) == 1:
        return first
    return say("plan.list", first=first, rest=_listed(turn, loan, parts[1:]))


def _take_choice(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    if loan.balance <= 0 or loan.agreement is not None:
        return _start(replace(turn, loan=loan if loan.balance > 0 else None))
    choices = options.items(turn, loan, wish_of(slots))
    number = turn.entities.option
    if number is not None and number <= len(choices):
        return _chosen(turn, loan, choices[number - 1], wish_of(slots))
    wish = Wish(count=number) if number is not None else _wish(turn, loan)
    if wish is not None:
        return None if _is_other(turn, loan, wish, slots) else _asked(turn, loan, wish, slots)
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    return _start(replace(turn, loan=loan)) if turn.intent == "request_plan" else None


def _is_other(turn: Turn, loan: LoanView, wish: Wish, slots: Slots) -> bool:
    """Whether a clear message is about all of it, and no plan: "ok i'll pay it friday".

    Where a plan stands to be confirmed, or was just said to be impossible on a day, another day
    is a day for that plan.
    """
    if not (turn.intent in LIKE_A_PLAN | LIKE_A_RATE and turn.is_clear):
        return False
    if wish.amount is not None:
        return wish.amount >= loan.due_amount
    if wish.count or wish.half or wish.rest_on:
        return False
    return turn.intent == "fewer_messages" or not {"parts", "limit"} & set(slots)


def _asked(turn: Turn, loan: LoanView, wish: Wish, slots: Slots) -> Outcome:
    """A counter-offer, where there may be a plan at all."""
    refusal = plans.plan_refusal(Terms.of(turn, loan))
    if refusal is not None:
        return _refused(turn, loan, refusal)
    return _propose(turn, loan, wish_of(slots).changed(wish), slots)


def _chosen(turn: Turn, loan: LoanView, item: options.Item, wish: Wish) -> Outcome:
    if isinstance(item, Plan):
        return _put(turn, loan, item, replace(wish, count=len(item.parts)))
    if isinstance(item, ReliefOffer):
        return relief.propose(turn, loan, item)
    if isinstance(item, ExtensionOffer):
        return extension.offer(turn, loan)
    return to_person("general", "plan_wanted", turn=turn)


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    loan, stands = loan_of(turn, slots), _read_back(slots)
    refusal = plans.plan_refusal(Terms.of(turn, loan))
    if refusal is not None:
        return _refused(turn, loan, refusal)
    if stands.amount != loan.due_amount or stands.parts[0].due_on < turn.today:
        return _offer(turn, loan, say("plan.changed"))  # paid in part meanwhile, or midnight passed
    number = turn.entities.option
    wish = Wish(count=number) if number is not None and number > 2 else _wish(turn, loan)
    if wish is not None and not _names_it(turn, stands, wish):
        return None if _is_other(turn, loan, wish, slots) else _asked(turn, loan, wish, slots)
    if is_yes(turn):
        return _agreed(turn, loan, stands)
    return _offer(turn, loan) if is_no(turn) or turn.intent == "request_plan" else None


def _names_it(turn: Turn, stands: Plan, wish: Wish) -> bool:
    """Whether a yes names only what was read back: "ok the 15th is fine"."""
    if not (turn.intent == "affirm" and turn.is_clear):
        return False
    days = {part.due_on for part in stands.parts} | {None}
    amounts = {part.amount for part in stands.parts} | {None, stands.amount}
    return (
        wish.on in days
        and wish.rest_on in days
        and wish.amount in amounts
        and wish.count in (None, len(stands.parts))
    )


def _agreed(turn: Turn, loan: LoanView, stands: Plan) -> Outcome:
    """The whole plan in writing and, where something is paid today, the link for it."""
    parts = _listed(turn, loan, stands.parts)
    replies = [say("plan.agreed", amount=loan.money(stands.amount), parts=parts)]
    wanted: list[Effect] = [AgreePlan(loan.id, stands.parts)]
    first = stands.parts[0]
    if first.due_on == turn.today:
        replies.append(say("plan.pay_first", hours=turn.policy.payment.link_hours))
        wanted.append(CreatePaymentLink(loan.id, first.amount))
    return done(*replies, effects=tuple(wanted))


PLAN = Flow(
    "plan",
    frozenset({"request_plan"}),
    _start,
    {
        "choose": Step(_take_choice, options.menu, wants=WANTS, reads=LIKE_A_PLAN | LIKE_A_RATE),
        "confirm": Step(_take_confirm, _ask_confirm, wants=WANTS, reads=LIKE_A_PLAN | LIKE_A_RATE),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (PLAN,)
