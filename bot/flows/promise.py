"""A word to pay later: what and when, a read-back, a yes; and what follows where it was missed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.effects import CreatePaymentLink, Effect, RecordPromise
from bot.entities import is_vague
from bot.flows.answers import amount_of, choice, is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.policy.offers import Refusal, Terms, promise_refusal
from bot.turn import THEN, LoanView, Outcome, Reply, Slots, State, Turn, ask, done, say

WANTS = frozenset({"amount", "date", "duration_days"})
LIKE_A_PROMISE = frozenset({"request_extension", "pay_now", "request_plan"})
"""Intents in which a day or a sum comes: "make it 80", "can i do the 20th instead?"."""
NO_DAY = frozenset({"promise_to_pay", "affirm", "out_of_scope"})
"""Said to "on which day?" without one, these mean that they do not know it yet."""
LATER = frozenset({"promise_to_pay", "request_extension"})
SHORT = 24
"""Characters: "when my refund comes", "过几天"."""
RECENT = timedelta(days=60)
_FIGURE = re.compile(r"\d{1,6}(?:\.\d\d)?", re.ASCII)
MISSED = ("promise", "plan", "relief")
"""What may have been missed when the line asks."""


# What was said so far


def _due(loan: LoanView) -> Decimal:
    """What is meant where no sum is named: what stands agreed, else what is due."""
    agreed = loan.agreement
    if agreed is not None and agreed.kind != "plan":
        return min(agreed.amount, loan.balance)
    return loan.due_amount


def _figure(turn: Turn) -> str:
    """The bare figure that a message is, or nothing."""
    text = unicodedata.normalize("NFKC", turn.text).strip(" .!$¥")
    return text if _FIGURE.fullmatch(text) else ""


def _day_of_month(turn: Turn) -> date | None:
    """The next such day, where "15" answers "on which day?"."""
    figure = _figure(turn)
    if not figure.isdigit() or not 1 <= int(figure) <= 31:
        return None
    days = (turn.today + timedelta(days=n) for n in range(62))
    return next((day for day in days if day.day == int(figure)), None)


def _wanted_date(turn: Turn) -> date | None:
    if turn.entities.date is not None:
        return turn.entities.date
    if turn.entities.duration_days is not None:
        return turn.today + timedelta(days=turn.entities.duration_days)
    return None


def _is_past(turn: Turn, day: date) -> bool:
    """Whether a day that was read as one of next year is rather one that has just passed."""
    year_before = day - timedelta(days=365)
    return turn.today - RECENT < year_before < turn.today


def _share(loan: LoanView, amount: Decimal) -> Decimal:
    """A half of the balance, beside "the rest", is rather a half of what is due."""
    due = _due(loan)
    is_half = abs(2 * amount - loan.balance) <= Decimal("0.01")
    return (due / 2).quantize(Decimal("0.01")) if is_half and due < loan.balance else amount


def _with_rest(turn: Turn, loan: LoanView, part: Decimal, slots: Slots) -> Slots:
    """A part now, or on a day, and the rest on another."""
    rest_on, due = turn.entities.rest_on, _due(loan)
    assert rest_on is not None
    part = _share(loan, part)
    whole = due if part < due else loan.balance
    named = turn.entities.date
    first_on = named if named is not None and named < rest_on else turn.today
    return {
        **slots,
        "first": str(part),
        "first_on": first_on.isoformat(),
        "amount": str(whole - part),
        "due_on": rest_on.isoformat(),
    }


def _with_sum(loan: LoanView, amount: Decimal, slots: Slots) -> Slots:
    """Another sum: of a word in two parts it is the first."""
    whole = amount_of(slots) + Decimal(slots["first"]) if "first" in slots else amount
    if amount < whole:
        return {**slots, "first": str(amount), "amount": str(whole - amount)}
    return {**_in_one(slots), "amount": str(amount)}


def _in_one(slots: Slots) -> Slots:
    """A word in two parts as one, for the later day."""
    kept = {name: value for name, value in slots.items() if name not in ("first", "first_on")}
    if "first" in slots:
        kept["amount"] = str(amount_of(slots) + Decimal(slots["first"]))
    return kept


def _taken_in(turn: Turn, loan: LoanView, slots: Slots) -> Slots:
    """The slots with the sum and the day that a message names."""
    amount, due_on = turn.entities.amount, _wanted_date(turn)
    if turn.entities.rest_on is not None and amount is not None and amount < loan.balance:
        return _with_rest(turn, loan, amount, slots)
    slots = {"amount": str(_due(loan)), **slots}
    if amount is not None and amount <= loan.balance:
        slots = _with_sum(loan, amount, slots)
    if due_on is None:
        return slots
    slots = {**slots, "due_on": due_on.isoformat()}
    return _in_one(slots) if slots.get("first_on", "") >= slots["due_on"] else slots


def _least_named(slots: Slots) -> Decimal:
    return min(amount_of(slots), Decimal(slots.get("first") or slots["amount"]))


# The questions


def _ask_amount(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    least = min(turn.policy.promise.smallest, loan.balance)
    return say("promise.ask_amount", minimum=loan.money(least))


def _ask_date(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say("promise.ask_date", amount=loan.money(amount_of(slots)))


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    options = (say("promise.confirm_yes"), say("promise.confirm_no"))
    amount, due_on = loan.money(amount_of(slots)), date.fromisoformat(slots["due_on"])
    if "first" in slots:
        first, first_on = loan.money(Decimal(slots["first"])), date.fromisoformat(slots["first_on"])
        values = {"part": first, "part_on": first_on, "amount": amount, "due_on": due_on}
        key = "promise.confirm_parts" if first_on > turn.today else "promise.confirm_now"
        return Reply(key, values, options)
    if due_on <= turn.today:
        return say("promise.confirm_today", *options, amount=amount, due_on=turn.today)
    return say("promise.confirm", *options, amount=amount, due_on=due_on)


def _ask_missed(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say(
        f"promise.missed_{slots['kind']}",
        say("promise.option_pay"),
        say("promise.option_day"),
        say("promise.option_changed"),
        say("promise.option_person"),
        amount=loan.money(amount_of(slots)),
        due_on=date.fromisoformat(slots["due_on"]),
    )


def _ask_changed(turn: Turn, slots: Slots) -> Reply:
    return say("promise.ask_changed", *(say(f"clarify.{intent}") for intent in CHANGED_WAYS))


CHANGED_WAYS = ("request_extension", "request_plan", "hardship", "talk_to_agent")
"""What may help where something has changed."""


# From what was said to the next question


def _heard(turn: Turn, slots: Slots, *first: Reply) -> Outcome:
    """What is still missing, what cannot be, or else the read-back."""
    loan = loan_of(turn, slots)
    amount = turn.entities.amount
    if amount is not None and amount > loan.balance:
        first = (*first, say("payment.too_much", balance=loan.money(loan.balance)))
    slots = _taken_in(turn, loan, slots)
    due = _due(loan)
    if not turn.policy.payment.partial and ("first" in slots or amount_of(slots) < due):
        slots = {**_in_one(slots), "amount": str(due)}
        first = (*first, say("promise.whole", amount=loan.money(due)))
    refused = promise_refusal(Terms.of(turn, loan), amount=_least_named(slots))
    if refused is not None:
        return _refused(turn, loan, slots, refused, *first)
    if "due_on" not in slots:
        return ask("promise.date", *first, _ask_date(turn, slots), slots=slots)
    return _dated(turn, loan, slots, *first)


def _dated(turn: Turn, loan: LoanView, slots: Slots, *first: Reply) -> Outcome:
    """The read-back, or the reason why that day cannot be."""
    due_on = date.fromisoformat(slots["due_on"])
    undated = {name: value for name, value in slots.items() if name != "due_on"}
    if _is_past(turn, due_on):
        return ask("promise.date", *first, say("promise.past"), slots=undated)
    refused = promise_refusal(Terms.of(turn, loan), amount=_least_named(slots), due_on=due_on)
    # Where the day that stands agreed has passed already, a new one is better than none.
    if refused is not None and not (refused.reason == "agreed" and refused.limit == turn.today):
        return _refused(turn, loan, undated, refused, *first)
    if _is_same(loan, slots):
        values = {"amount": loan.money(amount_of(slots)), "due_on": due_on}
        return done(Reply("promise.same", values))
    return ask("promise.confirm", *first, _ask_confirm(turn, slots), slots=slots)


def _is_same(loan: LoanView, slots: Slots) -> bool:
    """Whether this very word stands already."""
    given, day = loan.promise, date.fromisoformat(slots["due_on"])
    if given is None or "first" in slots:
        return False
    return (given.amount, given.due_on) == (amount_of(slots), day)


def _refused(turn: Turn, loan: LoanView, slots: Slots, refused: Refusal, *first: Reply) -> Outcome:
    """Why not so; where another sum or day would do, the question for it."""
    match refused.reason:
        case "broken":
            return to_person("general", "promises_broken", "promise.person", turn=turn)
        case "disputed":
            return done(say("promise.disputed"))
        case "too_small" if isinstance(refused.limit, Decimal):
            kept = {n: v for n, v in _in_one(slots).items() if n != "amount"}
            too_little = say("promise.too_little", minimum=loan.money(refused.limit))
            return ask("promise.amount", *first, too_little, slots=kept)
        case "too_far":
            return _other_day("promise.too_late", refused, slots, *first)
        case "agreed":
            return _other_day("promise.agreed", refused, slots, *first)
    return done(say("balance.nothing"))


def _other_day(key: str, refused: Refusal, slots: Slots, *first: Reply) -> Outcome:
    return ask("promise.date", *first, say(key, due_on=refused.limit), slots=slots)


def _start(turn: Turn) -> Outcome:
    loan = turn.loan
    if loan is None:
        return done(say("balance.nothing"))
    refused = promise_refusal(Terms.of(turn, loan))
    if refused is not None:
        return _refused(turn, loan, {}, refused)
    return _heard(turn, {"loan": loan.id}, *_replacing(loan))


def _replacing(loan: LoanView) -> tuple[Reply, ...]:
    """That a word given before gives way."""
    if loan.promise is None:
        return ()
    amount, due_on = loan.money(loan.promise.amount), loan.promise.due_on
    return (say("promise.replaces", amount=amount, due_on=due_on),)


# The answers


def _take_amount(turn: Turn, slots: Slots) -> Outcome | None:
    figure = _figure(turn)
    if turn.entities.amount is None and figure:
        turn = replace(turn, entities=replace(turn.entities, amount=Decimal(figure)))
    if turn.entities.amount is not None:
        return _heard(turn, slots)
    return done(say("flow.dropped")) if turn.intent == "deny" and turn.is_clear else None


def _take_date(turn: Turn, slots: Slots) -> Outcome | None:
    day = _day_of_month(turn)
    if day is not None and turn.entities.date is None:
        turn = replace(turn, entities=replace(turn.entities, date=day, amount=None))
    if _wanted_date(turn) is not None or turn.entities.amount is not None:
        return _heard(turn, slots)
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    return _some_day(turn, slots) if _knows_no_day(turn) else None


def _knows_no_day(turn: Turn) -> bool:
    """Whether they would pay but do not know when: "soon", "when my refund comes", "过几天"."""
    if turn.is_clear and turn.intent in NO_DAY:
        return turn.entities.count is None
    likely = {intent for intent, _ in turn.understanding.ranking}
    language = turn.understanding.language or turn.language
    short = len(turn.text) <= SHORT and not turn.text.rstrip().endswith(("?", "？"))
    return short and (is_vague(turn.text, language) or (not turn.is_clear and bool(likely & LATER)))


def _some_day(turn: Turn, slots: Slots) -> Outcome:
    """Asked for a rough guess once; then they may come back when they know."""
    if slots.get("vague"):
        return done(say("promise.later"))
    latest = turn.today + timedelta(days=turn.policy.promise.longest_days)
    return ask("promise.date", say("promise.some_day", due_on=latest), slots={**slots, "vague": 1})


def _names_something(turn: Turn) -> bool:
    return _wanted_date(turn) is not None or turn.entities.amount is not None


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    if turn.intent == "request_plan" and turn.is_clear and turn.entities.count is not None:
        return None  # "rather in 3 parts"
    if loan.balance < amount_of(slots) + Decimal(slots.get("first", 0)):
        return _start(replace(turn, loan=loan if loan.balance > 0 else None))  # paid meanwhile
    if _names_something(turn):  # "make it 80", "no, rather monday"
        return _heard(turn, slots)
    if is_no(turn):
        kept = {name: _in_one(slots)[name] for name in ("loan", "amount")}
        return ask("promise.date", _ask_date(turn, kept), slots=kept)
    return _given(turn, loan, slots) if is_yes(turn) else None


def _given(turn: Turn, loan: LoanView, slots: Slots) -> Outcome:
    """The word is given; what is to be paid today gets its link at once."""
    amount, due_on = amount_of(slots), max(date.fromisoformat(slots["due_on"]), turn.today)
    values = {"amount": loan.money(amount), "due_on": due_on}
    word = RecordPromise(loan.id, amount, due_on)
    effects: tuple[Effect, ...] = (word,)
    key = "promise.recorded"
    if "first" in slots:
        first, first_on = Decimal(slots["first"]), date.fromisoformat(slots["first_on"])
        values |= {"part": loan.money(first), "part_on": first_on}
        key, effects = "promise.recorded_parts", (RecordPromise(loan.id, first, first_on), word)
        if first_on <= turn.today:
            part = RecordPromise(loan.id, first, turn.today)
            key, effects = "promise.recorded_now", (CreatePaymentLink(loan.id, first), part, word)
    elif due_on == turn.today:
        key, effects = "promise.recorded_today", (CreatePaymentLink(loan.id, amount), word)
    return done(Reply(key, values), effects=effects)


def missed(loan_id: int, kind: str, amount: Decimal, due_on: date, *, open_until: str) -> State:
    """Where the dialogue stands once the line has asked about what was missed.

    Args:
        loan_id: the loan.
        kind: one of ``MISSED``.
        amount: what was to be paid.
        due_on: by when.
        open_until: until which instant an answer is one.

    """
    then: Slots = {"text": "", "entities": {}, "intent": "pay_now", "loan": loan_id}
    slots: Slots = {"loan": loan_id, "kind": kind, "amount": str(amount)}
    return State(
        "promise.missed",
        {**slots, "due_on": due_on.isoformat(), "open_until": open_until, "then": then},
    )


def _take_missed(turn: Turn, slots: Slots) -> Outcome | None:
    if _names_something(turn):
        return _start(replace(turn, loan=loan_of(turn, slots)))
    number = choice(turn, 4)
    if number == 1:
        return Outcome(State(THEN, {"intent": "pay_now"}))
    if number == 2 or (turn.intent == "promise_to_pay" and turn.is_clear):
        return _start(replace(turn, loan=loan_of(turn, slots)))
    if number == 3 or (turn.intent == "deny" and turn.is_clear):
        kept = {name: slots[name] for name in ("loan", "then")}
        return ask("promise.changed", _ask_changed(turn, kept), slots=kept)
    return to_person("general", "promise_missed", turn=turn) if number == 4 else None


def _take_changed(turn: Turn, slots: Slots) -> Outcome | None:
    number = choice(turn, len(CHANGED_WAYS))
    return None if number is None else Outcome(State(THEN, {"intent": CHANGED_WAYS[number - 1]}))


PROMISE = Flow(
    "promise",
    frozenset({"promise_to_pay"}),
    _start,
    {
        "amount": Step(_take_amount, _ask_amount, menu=False, wants=WANTS, reads=LIKE_A_PROMISE),
        "date": Step(
            _take_date,
            _ask_date,
            menu=False,
            wants=WANTS,
            reads=LIKE_A_PROMISE | {"ask_due_date"},
        ),
        "confirm": Step(_take_confirm, _ask_confirm, wants=WANTS, reads=LIKE_A_PROMISE),
        "missed": Step(_take_missed, _ask_missed, wants=WANTS),
        "changed": Step(_take_changed, _ask_changed),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (PROMISE,)
