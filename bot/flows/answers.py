"""Reading yes, no and a choice, wherever a flow asks for one."""

from __future__ import annotations

from decimal import Decimal

from bot.turn import LoanView, Slots, Turn


def is_yes(turn: Turn) -> bool:
    """The first choice or any plain yes; CONFIRM among them, as the reader knows."""
    return turn.entities.option == 1 or (
        turn.entities.option is None and turn.intent == "affirm" and turn.is_clear
    )


def is_no(turn: Turn) -> bool:
    """The second choice or any plain no."""
    return turn.entities.option == 2 or (
        turn.entities.option is None and turn.intent == "deny" and turn.is_clear
    )


def choice(turn: Turn, count: int) -> int | None:
    """The number that was chosen, from 1 to ``count``."""
    option = turn.entities.option
    return option if option is not None and 1 <= option <= count else None


def open_loans(turn: Turn) -> tuple[LoanView, ...]:
    """The loans on which something is owed."""
    return tuple(loan for loan in turn.loans if loan.balance > 0)


def loan_of(turn: Turn, slots: Slots) -> LoanView:
    """The loan that a flow remembered."""
    return next(loan for loan in turn.loans if loan.id == slots["loan"])


def amount_of(slots: Slots) -> Decimal:
    """The amount that a flow remembered."""
    return Decimal(slots["amount"])
