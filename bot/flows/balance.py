"""How much, when, by which ways, and what follows: answers from the loan book."""

from __future__ import annotations

from bot.flows.answers import open_loans
from bot.flows.flow import Flow
from bot.turn import Days, LoanView, Outcome, Reply, Turn, done, say


def _balance_line(loan: LoanView) -> Reply:
    values = {
        "product": say(f"product.{loan.product}"),
        "balance": loan.money(loan.balance),
        "past_due": loan.money(loan.past_due),
        "late_charges": loan.money(loan.late_charges),
        "due_amount": loan.money(loan.due_amount),
        "due_on": loan.due_on,
    }
    if loan.due_on is None:
        return Reply("balance.charges_only", values)
    if loan.past_due <= 0:
        return Reply("balance.current", values)
    return Reply("balance.late_charged" if loan.late_charges > 0 else "balance.late", values)


def _due_line(loan: LoanView, turn: Turn) -> Reply:
    values = {
        "product": say(f"product.{loan.product}"),
        "due_amount": loan.money(loan.due_amount),
        "due_on": loan.due_on,
        "overdue": Days(loan.days_overdue),
    }
    if loan.due_on is None:
        return _balance_line(loan)
    if loan.days_overdue > 0:
        return Reply("due.overdue", values)
    return Reply("due.today" if loan.due_on == turn.today else "due.coming", values)


def _balance(turn: Turn) -> Outcome:
    loans = open_loans(turn)
    if not loans:
        return done(say("balance.nothing"))
    return done(*(_balance_line(loan) for loan in loans), say("balance.next"))


def _due_date(turn: Turn) -> Outcome:
    loans = open_loans(turn)
    if not loans:
        return done(say("balance.nothing"))
    return done(*(_due_line(loan, turn) for loan in loans), say("balance.next"))


BALANCE = Flow("balance", frozenset({"ask_balance"}), _balance, about_debt=True)
DUE_DATE = Flow("due_date", frozenset({"ask_due_date"}), _due_date, about_debt=True)
METHODS = Flow(
    "methods", frozenset({"ask_payment_methods"}), lambda turn: done(say("methods.ways"))
)
CONSEQUENCES = Flow(
    "consequences", frozenset({"ask_consequences"}), lambda turn: done(say("consequences.facts"))
)

FLOWS = (BALANCE, DUE_DATE, METHODS, CONSEQUENCES)
