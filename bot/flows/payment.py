"""Paying now: an amount, then a link to a page where it is paid."""

from __future__ import annotations

from decimal import Decimal

from bot.effects import CreatePaymentLink
from bot.flows.answers import choice, loan_of
from bot.flows.flow import Flow, Step
from bot.turn import LoanView, Outcome, Reply, Slots, Turn, ask, done, say

WANTS = frozenset({"amount"})


def _amounts(loan: LoanView) -> tuple[tuple[str, Decimal], ...]:
    """The amounts on offer, each once, smallest first."""
    offers = (("due", loan.due_amount), ("all", loan.balance))
    seen: set[Decimal] = set()
    kept = []
    for kind, amount in offers:
        if amount > 0 and amount not in seen:
            seen.add(amount)
            kept.append((kind, amount))
    return tuple(kept)


def _ask_amount(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    options = tuple(
        say(f"payment.option_{kind}", amount=loan.money(amount)) for kind, amount in _amounts(loan)
    )
    return say("payment.ask_amount", *options)


def _pay(turn: Turn, loan: LoanView, amount: Decimal) -> Outcome:
    """A link for the amount, or the reason why not and the question again."""
    slots: Slots = {"loan": loan.id}
    minimum = min(turn.policy.payment.minimum, loan.balance)
    if amount > loan.balance:
        reply = say("payment.too_much", balance=loan.money(loan.balance))
        return ask("payment.amount", reply, _ask_amount(turn, slots), slots=slots)
    if amount < minimum:
        reply = say("payment.too_little", minimum=loan.money(minimum))
        return ask("payment.amount", reply, _ask_amount(turn, slots), slots=slots)
    return done(
        say("payment.link", amount=loan.money(amount), hours=turn.policy.payment.link_hours),
        effects=(CreatePaymentLink(loan.id, amount),),
    )


def _start(turn: Turn) -> Outcome:
    loan = turn.loan
    if loan is None:
        return done(say("balance.nothing"))
    if turn.entities.amount is not None:
        return _pay(turn, loan, turn.entities.amount)
    slots: Slots = {"loan": loan.id}
    amounts = _amounts(loan)
    if len(amounts) == 1:
        return _pay(turn, loan, amounts[0][1])
    return ask("payment.amount", _ask_amount(turn, slots), slots=slots)


def _take_amount(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    amounts = _amounts(loan)
    number = choice(turn, len(amounts))
    if number is not None:
        return _pay(turn, loan, amounts[number - 1][1])
    amount = turn.entities.amount
    if turn.entities.option is not None:  # a figure that is no choice of the menu is an amount
        amount = Decimal(turn.entities.option)
    if amount is not None:
        return _pay(turn, loan, amount)
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    return None


PAYMENT = Flow(
    "payment",
    frozenset({"pay_now"}),
    _start,
    {"amount": Step(_take_amount, _ask_amount, wants=WANTS, reads=frozenset({"promise_to_pay"}))},
    about_debt=True,
    one_loan=True,
)
FLOWS = (PAYMENT,)
