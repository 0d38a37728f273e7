"""More time: what the lender's rules allow, the borrower's choice, a read-back, a yes."""

from __future__ import annotations

from datetime import date

from bot.effects import GrantExtension
from bot.flows.answers import choice, is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.policy import ExtensionOffer
from bot.turn import Days, LoanView, Outcome, Reply, Slots, Turn, ask, done, say

TIME = frozenset({"date", "duration_days"})


def _ask_choice(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    offers = turn.policy.extension_offers(loan, turn.today)
    options = (
        *(say("extension.option", days=Days(o.days), due_on=o.due_on) for o in offers),
        say("extension.option_person"),
    )
    return say("extension.offer", *options, amount=loan.money(loan.due_amount))


def _read_back(slots: Slots) -> ExtensionOffer:
    """The offer that was put to the borrower. It stands, even if midnight has passed since."""
    return ExtensionOffer(slots["days"], date.fromisoformat(slots["due_on"]))


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    loan = loan_of(turn, slots)
    offer = _read_back(slots)
    return say(
        "extension.confirm",
        say("extension.confirm_yes"),
        say("extension.confirm_no"),
        amount=loan.money(loan.due_amount),
        days=Days(offer.days),
        due_on=offer.due_on,
    )


def _wanted_days(turn: Turn, loan: LoanView) -> int | None:
    """How much time the borrower named, as a length or as a day."""
    if turn.entities.duration_days is not None:
        return turn.entities.duration_days
    if turn.entities.date is not None and loan.due_on is not None:
        return (turn.entities.date - max(turn.today, loan.due_on)).days
    return None


def _offer(turn: Turn, loan: LoanView, *first: Reply) -> Outcome:
    slots: Slots = {"loan": loan.id}
    return ask("extension.choose", *first, _ask_choice(turn, slots), slots=slots)


def _propose(turn: Turn, loan: LoanView, days: int) -> Outcome:
    """Read back what was asked for; where it is more than the rules allow, say so and offer."""
    if days > turn.policy.extension.most_days:
        latest = turn.policy.extension_offer(loan, turn.policy.extension.most_days, turn.today)
        return _offer(turn, loan, say("extension.too_long", due_on=latest.due_on))
    if days <= 0:
        due_on = max(turn.today, loan.due_on or turn.today)
        return _offer(turn, loan, say("extension.not_later", due_on=due_on))
    due_on = turn.policy.extension_offer(loan, days, turn.today).due_on
    slots: Slots = {"loan": loan.id, "days": days, "due_on": due_on.isoformat()}
    return ask("extension.confirm", _ask_confirm(turn, slots), slots=slots)


def _start(turn: Turn) -> Outcome:
    loan = turn.loan
    if loan is None:
        return done(say("balance.nothing"))
    refused = _refused(turn, loan)
    if refused is not None:
        return refused
    days = _wanted_days(turn, loan)
    return _offer(turn, loan) if days is None else _propose(turn, loan, days)


def _refused(turn: Turn, loan: LoanView) -> Outcome | None:
    """Why no time can be given, asked anew at each step: meanwhile the loan may be paid."""
    refusal = turn.policy.extension_refusal(loan)
    if refusal is None:
        return None
    return done(say(f"extension.refused_{refusal}"), say("extension.instead"))


def _take_choice(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    refused = _refused(turn, loan)
    if refused is not None:
        return refused
    offers = turn.policy.extension_offers(loan, turn.today)
    number = choice(turn, len(offers) + 1)
    if number == len(offers) + 1:
        return to_person("general", "extension_wanted")
    if number is not None:
        return _propose(turn, loan, offers[number - 1].days)
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
    if days is not None and days != slots["days"]:
        return _propose(turn, loan, days)  # "no, until the 20th"
    if is_yes(turn):
        offer = _read_back(slots)
        return done(
            say("extension.granted", amount=loan.money(loan.due_amount), due_on=offer.due_on),
            effects=(GrantExtension(loan.id, offer.days, offer.due_on),),
        )
    return _offer(turn, loan) if is_no(turn) else None


EXTENSION = Flow(
    "extension",
    frozenset({"request_extension"}),
    _start,
    {
        "choose": Step(_take_choice, _ask_choice, wants=TIME, reads=frozenset({"promise_to_pay"})),
        "confirm": Step(
            _take_confirm, _ask_confirm, wants=TIME, reads=frozenset({"promise_to_pay"})
        ),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (EXTENSION,)
