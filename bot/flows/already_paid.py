"""The borrower has paid: found among the payments, they are thanked; else it is looked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.effects import HandOff, OpenCase
from bot.entities import past
from bot.flows import cases
from bot.flows.answers import choice, open_loans
from bot.flows.flow import Flow, Step
from bot.nlu import sorts
from bot.turn import Outcome, PaymentView, Reply, Slots, Turn, ask, done, say

MEANS = ("card", "transfer", "wallet", "cash", "other")
LATELY = timedelta(days=7)
"""A payment that nothing was said of but that it was made is one of the last days."""
EARLY, LATE = timedelta(days=1), timedelta(days=4)
"""So much before and after the day that was said it may be in the books: banks take their time."""
ABOUT = Decimal("0.02")
"""What a person says of an amount may be off by so much: 134 for 134.50."""
NO_ANSWER = frozenset({"affirm", "greet", "thanks", "help"}) | {
    *("ask_balance", "ask_consequences", "ask_identity")
}


def _paid_on(turn: Turn) -> date | None:
    day_first = turn.language == "es" or turn.country not in ("US", "CA", "PH")
    return past.read(turn.text, turn.today, day_first=day_first and turn.language[:2] != "zh")


def _found(turn: Turn) -> PaymentView | None:
    """The payment that is meant, newest first: the amount and the day must fit where said."""
    amount, day = turn.entities.amount, _paid_on(turn)
    for payment in turn.payments:
        if turn.loan is not None and payment.loan_id != turn.loan.id:
            continue
        about = amount is None or abs(payment.amount - amount) <= payment.amount * ABOUT
        if day is not None:
            timely = day - EARLY <= payment.paid_on <= day + LATE
        else:
            timely = amount is not None or turn.today - payment.paid_on <= LATELY
        if about and timely:
            return payment
    return None


def _start(turn: Turn) -> Outcome:
    payment = _found(turn)
    if payment is not None:
        return _thanked(turn, payment)
    loan = turn.loan or next(iter(open_loans(turn)), None)
    if loan is None:
        return done(say("already_paid.nothing_left"))
    case = cases.on_loan(turn, loan)
    if case is not None:
        return cases.add(turn, case, "general")
    return _next(turn, _learnt(turn, {"loan": loan.id, "statement": turn.text}), first=True)


def _thanked(turn: Turn, payment: PaymentView) -> Outcome:
    loan = next((loan for loan in turn.loans if loan.id == payment.loan_id), None)
    if loan is None:
        return done(say("already_paid.nothing_left"))
    paid = {"amount": loan.money(payment.amount), "paid_on": payment.paid_on}
    if loan.balance <= 0:
        return done(say("already_paid.found_settled", **paid))
    return done(say("already_paid.found", **paid, balance=loan.money(loan.balance)))


def _learnt(turn: Turn, slots: Slots) -> Slots:
    """What a message adds: how much, when and by which means."""
    amount, day, means = (
        turn.entities.amount,
        _paid_on(turn),
        sorts.means_of_payment(turn.text),
    )
    told = {
        "amount": str(amount) if amount is not None else None,
        "paid_on": day.isoformat() if day else None,
        "means": means,
    }
    return {**slots, **{name: value for name, value in told.items() if value is not None}}


def _next(turn: Turn, slots: Slots, *, first: bool = False) -> Outcome:
    """The question that is still open, when and then how, or else the case."""
    for name, step in (("paid_on", "when"), ("means", "how")):
        if name not in slots:
            asked = STEPS[step].ask(turn, slots)
            opening = (say("already_paid.not_found"),) if first else ()
            return ask(f"already_paid.{step}", *opening, asked, slots=slots)
    return _open(turn, slots)


def _ask_when(turn: Turn, slots: Slots) -> Reply:
    return say("already_paid.ask_when")


def _ask_how(turn: Turn, slots: Slots) -> Reply:
    return say("already_paid.ask_how", *(say(f"already_paid.by_{means}") for means in MEANS))


def _take_when(turn: Turn, slots: Slots) -> Outcome | None:
    taken = _with_picture_or_words(turn, slots)
    if taken is None:
        return None
    slots = _learnt(turn, taken)
    again = _found_now(turn, slots)
    if again is not None:
        return again
    return _next(turn, {"paid_on": "", **slots})


def _take_how(turn: Turn, slots: Slots) -> Outcome | None:
    number = choice(turn, len(MEANS))
    if number is not None:
        return _open(turn, {**slots, "means": MEANS[number - 1]})
    taken = _with_picture_or_words(turn, slots)
    return None if taken is None else _open(turn, {"means": "other", **_learnt(turn, taken)})


def _found_now(turn: Turn, slots: Slots) -> Outcome | None:
    """With the day told, the payment may be there after all."""
    if "paid_on" not in slots or _paid_on(turn) is None:
        return None
    amount = Decimal(slots["amount"]) if "amount" in slots else None
    loan = next((loan for loan in turn.loans if loan.id == slots["loan"]), None)
    known = replace(turn, entities=replace(turn.entities, amount=amount), loan=loan)
    payment = _found(known)
    return _thanked(turn, payment) if payment is not None else None


def _with_picture_or_words(turn: Turn, slots: Slots) -> Slots | None:
    """The answer kept as it is; None where it is none."""
    if turn.has_media:
        slots = {**slots, "picture": "yes"}
        return _with_words(turn, slots) if turn.text.strip() else slots
    if turn.entities.option is not None or (turn.intent in NO_ANSWER and turn.is_clear):
        return None
    return _with_words(turn, slots) if any(c.isalnum() for c in turn.text) else None


def _with_words(turn: Turn, slots: Slots) -> Slots:
    return {**slots, "statement": f"{slots['statement']}\n{turn.text}"}


def _open(turn: Turn, slots: Slots) -> Outcome:
    answer_due_on = turn.today + timedelta(days=turn.policy.cases.already_paid_days)
    told = ("amount", "paid_on", "means", "picture")
    details = {name: slots[name] for name in told if slots.get(name)}
    statement, loan = slots["statement"], slots["loan"]
    kind = slots.get("means", "other")
    return done(
        say("already_paid.opened", answer_due_on=answer_due_on),
        effects=(
            OpenCase("already_paid", kind, statement, answer_due_on, loan, details),
            HandOff("general", "already_paid", hold=False),
        ),
    )


STEPS = {
    "when": Step(_take_when, _ask_when, menu=False, any_words=True, media=True),
    "how": Step(_take_how, _ask_how, any_words=True, media=True),
}
ALREADY_PAID = Flow(
    "already_paid",
    frozenset({"already_paid"}),
    _start,
    STEPS,
    about_debt=True,
    one_loan=True,
)
FLOWS = (ALREADY_PAID,)
