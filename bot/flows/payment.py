"""Paying now: an amount, then the card that is saved, or a link to a page where it is paid."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

from bot.effects import ChargeMethod, CreatePaymentLink
from bot.flows.answers import amount_of, choice, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.turn import (
    AgreementView,
    LoanView,
    MethodView,
    Outcome,
    Reply,
    Slots,
    Turn,
    ask,
    done,
    say,
)

WANTS = frozenset({"amount"})
OTHER_METHODS = 2
"""So many saved cards are offered beside the newest."""


def owed(loan: LoanView, today: date) -> Decimal:
    """What settles the loan: the balance, less what an agreement forgives that is kept by it."""
    agreement = _relief(loan, today)
    return loan.balance if agreement is None else max(loan.balance - agreement.forgiven, _ZERO)


def due_now(loan: LoanView, today: date) -> Decimal:
    """What a borrower is to pay next: what an agreement wants, or else what is due."""
    agreement = _relief(loan, today)
    if agreement is None:
        return loan.due_amount
    return min(agreement.amount - agreement.paid, owed(loan, today))


_ZERO = Decimal("0.00")


def _relief(loan: LoanView, today: date) -> AgreementView | None:
    """The settlement or waiver that can still be kept."""
    agreement = loan.agreement
    if agreement is None or agreement.kind == "plan" or today > agreement.ends_on:
        return None
    return agreement


def _least(turn: Turn, loan: LoanView) -> Decimal:
    """The smallest amount that may be paid."""
    rules = turn.policy.payment
    least = rules.minimum if rules.partial else max(rules.minimum, due_now(loan, turn.today))
    return min(least, owed(loan, turn.today))


def _amounts(turn: Turn, loan: LoanView) -> tuple[tuple[str, Decimal], ...]:
    """The amounts on offer with the reason for each, smallest first and each once."""
    agreement = _relief(loan, turn.today)
    if agreement is not None:
        offers = [(agreement.kind, due_now(loan, turn.today))]
    else:
        late = [part for part in loan.unpaid if part.due_on < turn.today]
        first = loan.unpaid[0] if loan.unpaid else None
        offers = []
        if first is not None and first.planned:
            offers.append(("plan", first.amount))
        elif first is not None and len(late) > 1:
            offers.append(("instalment", first.amount))
        offers.append(("due", loan.due_amount))
    offers.append(("all", owed(loan, turn.today)))
    least = _least(turn, loan)
    kept: dict[Decimal, str] = {}
    for kind, amount in offers:
        if amount >= least and amount > 0:
            kept.setdefault(amount, kind)
    return tuple((kind, amount) for amount, kind in sorted(kept.items()))


def _ask_amount(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    options = tuple(
        say(f"payment.option_{kind}", amount=loan.money(amount))
        for kind, amount in _amounts(turn, loan)
    )
    return say("payment.ask_amount", *options)


def _others(turn: Turn, slots: Slots) -> tuple[MethodView, ...]:
    """Saved cards beside the one that was proposed."""
    return tuple(m for m in turn.methods if m.id != slots["method"])[:OTHER_METHODS]


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    return say(
        "payment.confirm",
        say("payment.confirm_yes"),
        say("payment.confirm_link"),
        *(say("payment.confirm_other", method=m.label) for m in _others(turn, slots)),
        amount=loan.money(amount_of(slots)),
        method=slots["label"],
    )


def _pay(turn: Turn, loan: LoanView, amount: Decimal) -> Outcome:
    """A read-back or a link for the amount, or the reason why not and the question again."""
    amount, refused = _checked(turn, loan, amount)
    slots: Slots = {"loan": loan.id}
    if refused is not None:
        return ask("payment.amount", refused, _ask_amount(turn, slots), slots=slots)
    if turn.methods:
        return _propose(turn, loan, amount, turn.methods[0])
    return _link(turn, loan, amount)


def _checked(turn: Turn, loan: LoanView, amount: Decimal) -> tuple[Decimal, Reply | None]:
    """The amount in coins that there are, and why it cannot be paid."""
    whole, least = owed(loan, turn.today), _least(turn, loan)
    if amount == loan.balance:
        amount = whole  # "everything", of which an agreement forgives a part
    coin = Decimal(1).scaleb(-get_currency_precision(loan.currency))
    if amount not in (whole, due_now(loan, turn.today)):
        amount = amount.quantize(coin, ROUND_HALF_UP).quantize(Decimal("0.01"))
    if amount > whole:
        key = "payment.too_much" if whole == loan.balance else "payment.too_much_agreed"
        return amount, say(key, balance=loan.money(whole))
    if amount < least:
        return amount, say("payment.too_little", minimum=loan.money(least))
    return amount, None


def _propose(turn: Turn, loan: LoanView, amount: Decimal, method: MethodView) -> Outcome:
    slots: Slots = {
        "loan": loan.id,
        "amount": str(amount),
        "method": method.id,
        "label": method.label,
    }
    return ask("payment.confirm", _ask_confirm(turn, slots), slots=slots)


def _link(turn: Turn, loan: LoanView, amount: Decimal) -> Outcome:
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
    if turn.methods:  # reply-to-pay: one read-back, in which any other amount can be named
        return _pay(turn, loan, due_now(loan, turn.today))
    slots: Slots = {"loan": loan.id}
    amounts = _amounts(turn, loan)
    if len(amounts) == 1:
        return _pay(turn, loan, amounts[0][1])
    return ask("payment.amount", _ask_amount(turn, slots), slots=slots)


def _take_amount(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    amounts = _amounts(turn, loan)
    if not amounts:  # paid meanwhile
        return done(say("balance.nothing"))
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


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    """The one step after which money moves: a plain yes to what was read back, or none."""
    loan, amount = loan_of(turn, slots), amount_of(slots)
    if loan.balance == 0:
        return done(say("balance.nothing"))
    if turn.entities.amount is not None and turn.entities.amount != amount:
        return _pay(turn, loan, turn.entities.amount)  # "no, only 100"
    refused = _checked(turn, loan, amount)[1]
    method = next((m for m in turn.methods if m.id == slots["method"]), None)
    others = _others(turn, slots)
    number = choice(turn, 2 + len(others))
    if refused is not None:  # what is owed has changed since it was read back
        return _pay(turn, loan, amount)
    if is_yes(turn):
        if method is None:
            return _link(turn, loan, amount)
        return done(
            say("payment.charging", amount=loan.money(amount), method=method.label),
            effects=(ChargeMethod(loan.id, amount, method.id),),
        )
    if number is not None and number > 2:
        return _propose(turn, loan, amount, others[number - 3])
    if number == 2 or (turn.entities.option is None and turn.is_clear and turn.intent == "pay_now"):
        return _link(turn, loan, amount)  # "just send me the link": nothing moves by that
    if turn.intent == "deny" and turn.is_clear and turn.entities.option is None:
        return done(say("flow.dropped"))
    return None


READS = frozenset({"promise_to_pay"})
PAYMENT = Flow(
    "payment",
    frozenset({"pay_now"}),
    _start,
    {
        "amount": Step(_take_amount, _ask_amount, wants=WANTS, reads=READS),
        "confirm": Step(_take_confirm, _ask_confirm, wants=WANTS),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (PAYMENT,)
