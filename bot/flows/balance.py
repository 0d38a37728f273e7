"""How much, when, made up of what, by which ways, and what follows: answers from the loan book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from bot.flows import asked
from bot.flows.answers import is_no, is_yes, open_loans
from bot.flows.flow import Flow, Step
from bot.flows.loan import named
from bot.turn import (
    THEN,
    Days,
    DueView,
    LoanView,
    Outcome,
    Reply,
    Slots,
    State,
    Turn,
    ask,
    done,
    say,
)

Lines = tuple[Reply, ...]
ONLINE = ("card", "bank_debit", "alipay", "wechat_pay")
"""Ways to pay behind a link; the others are told in words."""


def _balance_line(loan: LoanView, turn: Turn) -> Reply:
    values = {
        "product": named(loan, turn),
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


def _made_up(loan: LoanView, turn: Turn) -> Lines:
    """The parts of what is owed, which add up to it."""
    late = [part for part in loan.unpaid if part.due_on < turn.today]
    coming = [part for part in loan.unpaid if part.due_on >= turn.today]
    if not loan.unpaid:
        return (_balance_line(loan, turn),)
    lines = [
        say("balance.made_up", product=named(loan, turn), balance=loan.money(loan.balance)),
    ]
    if late:
        lines.append(say("balance.part_late", due_on=late[0].due_on, sum=_sum(loan, late)))
    if loan.late_charges > 0:
        lines.append(say("balance.part_charges", late_charges=loan.money(loan.late_charges)))
    if coming:
        lines.append(say("balance.part_coming", due_on=coming[0].due_on, sum=_sum(loan, coming)))
    return tuple(lines)


def _sum(loan: LoanView, parts: Sequence[DueView]) -> Reply:
    """Some instalments: the one amount, so many times the same, or how many together."""
    total = loan.money(sum((part.amount for part in parts), Decimal("0.00")))
    if len(parts) == 1:
        return say("balance.sum_one", total=total)
    if len({part.amount for part in parts}) > 1:
        return say("balance.sum_of", count=len(parts), total=total)
    each = loan.money(parts[0].amount)
    return say("balance.sum_equal", count=len(parts), each=each, total=total)


def _due_line(loan: LoanView, turn: Turn) -> Reply:
    late = [part for part in loan.unpaid if part.due_on < turn.today]
    values = {
        "product": named(loan, turn),
        "due_amount": loan.money(loan.due_amount),
        "due_on": loan.due_on,
        "overdue": Days(loan.days_overdue),
        "count": len(late),
        "moved": say("due.as_agreed") if _was_moved(loan, turn) else "",
    }
    if loan.due_on is None:
        return _balance_line(loan, turn)
    if loan.days_overdue > 0:
        return Reply("due.several" if len(late) > 1 else "due.overdue", values)
    return Reply("due.today" if loan.due_on == turn.today else "due.coming", values)


def _last_line(loan: LoanView, turn: Turn) -> Reply:
    if not loan.unpaid:
        return _due_line(loan, turn)
    last = loan.unpaid[-1]
    return say(
        "due.last",
        product=named(loan, turn),
        amount=loan.money(last.amount),
        due_on=last.due_on,
    )


def _was_moved(loan: LoanView, turn: Turn) -> bool:
    """Whether what is due next is due then because more time was given."""
    if loan.extended_on is None:
        return False
    return not any(
        paid.loan_id == loan.id and paid.paid_on >= loan.extended_on for paid in turn.payments
    )


def _agreed(loan: LoanView, turn: Turn) -> Reply | None:
    """What stands between the borrower and this loan already, so that nobody is asked twice."""
    if loan.disputed:
        return say("balance.case_open")
    agreement, promise = loan.agreement, loan.promise
    if agreement is not None and agreement.kind == "plan":
        return say("balance.plan_late" if loan.past_due > 0 else "balance.plan_runs")
    if agreement is not None and agreement.ends_on >= turn.today:
        return say(
            "balance.waiver_open" if agreement.kind == "waiver" else "balance.settlement_open",
            amount=loan.money(agreement.amount),
            forgiven=loan.money(agreement.forgiven),
            due_on=agreement.ends_on,
        )
    if promise is not None and promise.due_on >= turn.today:
        return say("balance.promised", amount=loan.money(promise.amount), due_on=promise.due_on)
    return None


def _told(
    turn: Turn, line: Callable[[LoanView, Turn], Lines], last: Reply, *more: Reply
) -> Outcome:
    """A line or more for each loan, with what is agreed on it; else what one can do next."""
    loans = open_loans(turn)
    if not loans:
        return done(say("balance.nothing"))
    replies: list[Reply] = []
    for loan in loans:
        agreed = _agreed(loan, turn)
        replies += [*line(loan, turn), *([agreed] if agreed else [])]
    replies += more
    if not any(_agreed(loan, turn) for loan in loans):
        replies.append(last)
    return done(*replies)


def _balance(turn: Turn) -> Outcome:
    if not asked.parts(turn.text):
        return _told(turn, lambda loan, turn: (_balance_line(loan, turn),), say("balance.next"))
    interest = (say("balance.interest"),) if asked.interest(turn.text) else ()
    return _told(turn, _made_up, say("balance.check"), *interest)


def _due_date(turn: Turn) -> Outcome:
    if asked.how_many(turn.text):
        return _told(turn, _made_up, say("balance.next"))
    line = _last_line if asked.last_day(turn.text) else _due_line
    return _told(turn, lambda loan, turn: (line(loan, turn),), say("balance.next"))


def _listed(keys: Sequence[str]) -> Reply:
    """Several things as one phrase: "card, bank account or Alipay"."""
    if len(keys) == 1:
        return say(keys[0])
    if len(keys) == 2:
        return say("methods.or", first=say(keys[0]), last=say(keys[1]))
    return say("methods.comma", first=say(keys[0]), rest=_listed(keys[1:]))


def _ways(turn: Turn) -> Outcome:
    rules = turn.policy.payment
    online = [f"methods.way_{way}" for way in ONLINE if way in rules.ways]
    phone = "phone" in rules.ways
    replies: list[Reply] = []
    if online:
        key = "methods.ways" if phone else "methods.online"
        replies.append(Reply(key, {"ways": _listed(online)}))
    if "transfer" in rules.ways:
        replies.append(say("methods.transfer", account=rules.transfer_account))
    if phone and not online:
        replies.append(say("methods.phone"))
    return done(*replies)


def _methods(turn: Turn) -> Outcome:
    has_link = any(way in turn.policy.payment.ways for way in ONLINE)
    if not has_link or not asked.failing(turn.text):
        return _ways(turn)
    then: Slots = {"intent": "pay_now", "text": "", "entities": {}}
    return ask("methods.new_link", _ask_new_link(turn, {}), slots={"then": then})


def _ask_new_link(turn: Turn, slots: Slots) -> Reply:
    return say("methods.fails", say("methods.fails_link"), say("methods.fails_ways"))


def _take_new_link(turn: Turn, slots: Slots) -> Outcome | None:
    if is_yes(turn):
        return Outcome(State(THEN))
    return _ways(turn) if is_no(turn) else None


def _consequences(turn: Turn) -> Outcome:
    own = turn.policy.consequences.get(turn.language)
    return done(say("consequences.own", facts=own) if own else say("consequences.facts"))


BALANCE = Flow("balance", frozenset({"ask_balance"}), _balance, about_debt=True)
DUE_DATE = Flow("due_date", frozenset({"ask_due_date"}), _due_date, about_debt=True)
METHODS = Flow(
    "methods",
    frozenset({"ask_payment_methods"}),
    _methods,
    {"new_link": Step(_take_new_link, _ask_new_link)},
    resumes=False,
)
CONSEQUENCES = Flow("consequences", frozenset({"ask_consequences"}), _consequences)

FLOWS = (BALANCE, DUE_DATE, METHODS, CONSEQUENCES)
