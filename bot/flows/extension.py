"""More time: what the lender's rules allow, the borrower's choice, a read-back, a yes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bot.effects import GrantExtension
from bot.flows.answers import choice, is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.flows.options import open_agreement
from bot.policy import offers
from bot.policy.offers import ExtensionOffer, Terms
from bot.turn import Days, LoanView, Outcome, Reply, Slots, Turn, ask, done, say

TIME = frozenset({"date", "duration_days"})
LIKE_MORE_TIME = frozenset({"promise_to_pay"})


def _ask_choice(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    options = (
        *(
            say("extension.option", days=Days(o.days), due_on=o.due_on)
            for o in offers.extensions(Terms.of(turn, loan))
        ),
        say("extension.option_person"),
    )
    fee = turn.policy.extension.fee
    if fee > 0:
        amount = loan.money(loan.due_amount)
        return say("extension.offer_fee", *options, amount=amount, fee=loan.money(fee))
    return say("extension.offer", *options, amount=loan.money(loan.due_amount))


def _read_back(slots: Slots) -> ExtensionOffer:
    """The offer that was put to the borrower. It stands, even if midnight has passed since."""
    due_on, fee = date.fromisoformat(slots["due_on"]), Decimal(slots.get("fee", "0.00"))
    return ExtensionOffer(slots["days"], due_on, fee)


def _values(loan: LoanView, offer: ExtensionOffer) -> dict[str, object]:
    return {
        "amount": loan.money(loan.due_amount + offer.fee),
        "due_on": offer.due_on,
        "days": Days(offer.days),
        "fee": loan.money(offer.fee),
    }


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan, offer = loan_of(turn, slots), _read_back(slots)
    return Reply(
        "extension.confirm_fee" if offer.fee > 0 else "extension.confirm",
        _values(loan, offer),
        (say("extension.confirm_yes"), say("extension.confirm_no")),
    )


def _wanted_days(turn: Turn, loan: LoanView) -> int | None:
    """How much time the borrower named, as a length or as a day."""
    if turn.entities.duration_days is not None:
        return turn.entities.duration_days
    if turn.entities.date is not None and loan.due_on is not None:
        return (turn.entities.date - offers.extension_from(Terms.of(turn, loan))).days
    return None


def offer(turn: Turn, loan: LoanView, *first: Reply) -> Outcome:
    """Put the choices."""
    slots: Slots = {"loan": loan.id}
    return ask("extension.choose", *first, _ask_choice(turn, slots), slots=slots)


def _propose(turn: Turn, loan: LoanView, days: int) -> Outcome:
    """Read back what was asked for; where it is more than the rules allow, say so and offer."""
    terms, most = Terms.of(turn, loan), turn.policy.extension.most_days
    if days > most:
        return offer(turn, loan, say("extension.too_long", due_on=_latest(terms)))
    if days <= 0:
        return offer(turn, loan, say("extension.not_later", due_on=offers.extension_from(terms)))
    made = offers.extension(terms, days)
    wanted = turn.entities.date
    if wanted is not None and made.due_on > wanted:
        return _put(turn, loan, made, say("extension.moved", wanted=wanted, due_on=made.due_on))
    return _put(turn, loan, made)


def _put(turn: Turn, loan: LoanView, made: ExtensionOffer, *first: Reply) -> Outcome:
    """Read an offer back."""
    slots: Slots = {
        "loan": loan.id,
        "days": made.days,
        "due_on": made.due_on.isoformat(),
        "fee": str(made.fee),
    }
    return ask("extension.confirm", *first, _ask_confirm(turn, slots), slots=slots)


def _latest(terms: Terms) -> date:
    return offers.extension(terms, terms.policy.extension.most_days).due_on


def _start(turn: Turn) -> Outcome:
    loan = turn.loan
    if loan is None:
        return done(say("balance.nothing"))
    refused = _refused(turn, loan)
    if refused is not None:
        return refused
    days = _wanted_days(turn, loan)
    return offer(turn, loan) if days is None else _propose(turn, loan, days)


def _refused(turn: Turn, loan: LoanView) -> Outcome | None:
    """Why no time can be given, asked anew at each step: meanwhile the loan may be paid."""
    refusal = offers.extension_refusal(Terms.of(turn, loan))
    if refusal is None:
        return None
    if refusal.reason == "agreed":
        return done(*open_agreement(loan))
    return done(say(f"extension.refused_{refusal.reason}"), say("extension.instead"))


def _take_choice(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    refused = _refused(turn, loan)
    if refused is not None:
        return refused
    choices = offers.extensions(Terms.of(turn, loan))
    number = choice(turn, len(choices) + 1)
    if number == len(choices) + 1:
        return to_person("general", "extension_wanted", turn=turn)
    if number is not None:
        return _put(turn, loan, choices[number - 1])
    days = _wanted_days(turn, loan)
    if days is not None:
        return _propose(turn, loan, days)
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    return None


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    refused = _refused(turn, loan)
    if refused is not None:
        return refused
    days = _wanted_days(turn, loan)
    if days is not None and not _is_read_back(turn, loan, days, slots):
        return _propose(turn, loan, days)  # "no, until the 20th"
    if is_yes(turn):
        agreed = _read_back(slots)
        key = "extension.granted_fee" if agreed.fee > 0 else "extension.granted"
        return done(
            Reply(key, _values(loan, agreed)),
            effects=(GrantExtension(loan.id, agreed.days, agreed.due_on, agreed.fee),),
        )
    return offer(turn, loan) if is_no(turn) else None


def _is_read_back(turn: Turn, loan: LoanView, days: int, slots: Slots) -> bool:
    """Whether the time that was named is what stands to be confirmed."""
    if days < 1:
        return False
    made = offers.extension(Terms.of(turn, loan), days)
    return made.due_on == _read_back(slots).due_on or days == slots["days"]


EXTENSION = Flow(
    "extension",
    frozenset({"request_extension"}),
    _start,
    {
        "choose": Step(_take_choice, _ask_choice, wants=TIME, reads=LIKE_MORE_TIME),
        "confirm": Step(_take_confirm, _ask_confirm, wants=TIME, reads=LIKE_MORE_TIME),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (EXTENSION,)
