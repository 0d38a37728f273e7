"""Which loan is meant, where there are several."""

from __future__ import annotations

from bot.flows.answers import choice, open_loans
from bot.flows.flow import Flow, Step
from bot.turn import THEN, Outcome, Reply, Slots, State, Turn, ask, done, say


def _ask(turn: Turn, slots: Slots) -> Reply:
    options = (
        say("loan.option", product=say(f"product.{x.product}"), balance=x.money(x.balance))
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
