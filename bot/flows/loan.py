"""Which loan is meant, where there are several."""

from __future__ import annotations

from bot.flows.answers import choice, open_loans
from bot.flows.flow import Flow, Step
from bot.turn import THEN, LoanView, Outcome, Reply, Slots, State, Turn, ask, done, say

DIGITS = 4
"""So much of a loan's reference is said: enough to know it by, too little to misuse."""


def named(loan: LoanView, turn: Turn) -> Reply:
    """What a loan is called: its product; where several are open, with its reference's end."""
    product = say(f"product.{loan.product}")
    if len(open_loans(turn)) < 2:
        return product
    return say("loan.ending", product=product, digits=_ending(loan, turn))


def _ending(loan: LoanView, turn: Turn) -> str:
    """The last digits of the reference: more than four where they would not tell it apart."""
    alike = [x.reference for x in open_loans(turn) if x.product == loan.product and x.id != loan.id]
    for size in range(DIGITS, len(loan.reference)):
        ending = loan.reference[-size:]
        if ending[0].isalnum() and not any(other.endswith(ending) for other in alike):
            return ending
    return loan.reference


def _ask(turn: Turn, slots: Slots) -> Reply:
    options = (
        say(
            "loan.option",
            product=say(f"product.{x.product}"),
            balance=x.money(x.balance),
            digits=_ending(x, turn),
        )
        for x in open_loans(turn)
    )
    return say("loan.which", *options)


def gate(turn: Turn) -> Outcome | None:
    """The question, where more than one loan is open; None where there is nothing to choose."""
    return ask("loan.choose", _ask(turn, {})) if len(open_loans(turn)) > 1 else None


def _take(turn: Turn, slots: Slots) -> Outcome | None:
    loans = open_loans(turn)
    number = choice(turn, len(loans))
    return Outcome(State(THEN, {"loan": loans[number - 1].id})) if number else None


LOAN = Flow("loan", frozenset(), lambda turn: done(), {"choose": Step(_take, _ask)})
FLOWS = (LOAN,)
