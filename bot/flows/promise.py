"""A word to pay later: a day, a read-back, a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.effects import RecordPromise
from bot.flows.answers import amount_of, is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.turn import LoanView, Outcome, Reply, Slots, Turn, ask, done, say

WANTS = frozenset({"amount", "date", "duration_days"})
LIKE_A_PROMISE = frozenset({"request_extension", "pay_now"})


def _ask_date(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say("promise.ask_date", amount=loan.money(amount_of(slots)))


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say(
        "promise.confirm",
        say("promise.confirm_yes"),
        say("promise.confirm_no"),
        amount=loan.money(amount_of(slots)),
        due_on=date.fromisoformat(slots["due_on"]),
    )


def _wanted_date(turn: Turn) -> date | None:
    if turn.entities.date is not None:
        return turn.entities.date
    if turn.entities.duration_days is not None:
        return turn.today + timedelta(days=turn.entities.duration_days)
    return None


def _with_date(turn: Turn, slots: Slots, due_on: date, *first: Reply) -> Outcome:
    """The read-back, or the reason why that day is too far off."""
    latest = turn.today + timedelta(days=turn.policy.promise.longest_days)
    if due_on > latest:
        return ask("promise.date", *first, say("promise.too_late", due_on=latest), slots=slots)
    slots = {**slots, "due_on": due_on.isoformat()}
    return ask("promise.confirm", *first, _ask_confirm(turn, slots), slots=slots)


def _slots(turn: Turn, loan: LoanView) -> Slots:
    amount = turn.entities.amount
    if amount is None or not turn.policy.payment.minimum <= amount <= loan.balance:
        amount = loan.due_amount
    return {"loan": loan.id, "amount": str(amount)}


def _start(turn: Turn) -> Outcome:
    if turn.loan is None:
        return done(say("balance.nothing"))
    slots = _slots(turn, turn.loan)
    due_on, first = _wanted_date(turn), _too_much(turn, turn.loan)
    if due_on is None:
        return ask("promise.date", *first, _ask_date(turn, slots), slots=slots)
    return _with_date(turn, slots, due_on, *first)


def _too_much(turn: Turn, loan: LoanView) -> tuple[Reply, ...]:
    """Said before what is due is read back instead of more than is owed."""
    amount = turn.entities.amount
    if amount is None or amount <= loan.balance:
        return ()
    return (say("payment.too_much", balance=loan.money(loan.balance)),)


def _take_date(turn: Turn, slots: Slots) -> Outcome | None:
    due_on = _wanted_date(turn)
    if due_on is not None:
        return _with_date(turn, slots, due_on)
    return done(say("flow.dropped")) if turn.intent == "deny" and turn.is_clear else None


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    if loan.balance < amount_of(slots):  # meanwhile it was paid, or part of it
        return _start(replace(turn, loan=loan if loan.balance > 0 else None))
    due_on, amount = _wanted_date(turn), turn.entities.amount
    if is_no(turn) and turn.entities.date is None and amount is None:
        kept = {key: slots[key] for key in ("loan", "amount")}
        return ask("promise.date", _ask_date(turn, kept), slots=kept)
    if due_on is not None or amount is not None:  # "make it 80", "rather monday"
        changed = {**slots} if amount is None else {**slots, **_slots(turn, loan)}
        return _with_date(turn, changed, due_on or date.fromisoformat(slots["due_on"]))
    if is_yes(turn):
        due_on = date.fromisoformat(slots["due_on"])
        return done(
            say("promise.recorded", amount=loan.money(amount_of(slots)), due_on=due_on),
            effects=(RecordPromise(loan.id, amount_of(slots), due_on),),
        )
    return None


PROMISE = Flow(
    "promise",
    frozenset({"promise_to_pay"}),
    _start,
    {
        "date": Step(_take_date, _ask_date, menu=False, wants=WANTS, reads=LIKE_A_PROMISE),
        "confirm": Step(_take_confirm, _ask_confirm, wants=WANTS, reads=LIKE_A_PROMISE),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (PROMISE,)
