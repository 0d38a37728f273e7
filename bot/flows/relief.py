"""Less than what is owed, paid at once: a settlement or a waiver, read back and confirmed."""

from __future__ import annotations

from datetime import date

from bot.effects import AgreeRelief
from bot.flows import options
from bot.flows.answers import amount_of, is_no, is_yes, loan_of
from bot.flows.flow import Flow, Step
from bot.flows.options import open_agreement
from bot.policy import offers
from bot.policy.offers import Refusal, ReliefOffer, Terms
from bot.turn import LoanView, Outcome, Reply, Slots, Turn, ask, done, say


def propose(turn: Turn, loan: LoanView, offer: ReliefOffer) -> Outcome:
    """Read an offer back."""
    slots: Slots = {
        "loan": loan.id,
        "kind": offer.kind,
        "amount": str(offer.amount),
        "forgiven": str(offer.forgiven),
        "due_on": offer.pay_by.isoformat(),
    }
    return ask("relief.confirm", _ask_confirm(turn, slots), slots=slots)


def _ask_confirm(turn: Turn, slots: Slots) -> Reply:
    return Reply(
        f"relief.confirm_{slots['kind']}",
        _values(loan_of(turn, slots), slots),
        (say("relief.confirm_yes"), say("relief.confirm_no")),
    )


def _values(loan: LoanView, slots: Slots) -> dict[str, object]:
    return {
        "amount": loan.money(amount_of(slots)),
        "forgiven": loan.money(amount_of({"amount": slots["forgiven"]})),
        "due_on": date.fromisoformat(slots["due_on"]),
    }


def _refused(loan: LoanView, slots: Slots, offer: ReliefOffer | Refusal) -> Outcome | None:
    """Why the offer does not stand any more: asked anew, as the loan may be paid meanwhile."""
    if isinstance(offer, Refusal):
        if offer.reason == "agreed":
            return done(*open_agreement(loan))
        return done(say("balance.nothing" if loan.balance <= 0 else "relief.gone"))
    same = offer.amount == amount_of(slots)
    return None if same else done(say("relief.gone"))


def _take_confirm(turn: Turn, slots: Slots) -> Outcome | None:
    loan = loan_of(turn, slots)
    refused = _refused(loan, slots, offers.relief(Terms.of(turn, loan), slots["kind"]))
    if refused is not None:
        return refused
    if turn.entities.count is not None:
        return None  # "in 3 parts rather": a plan
    named = {turn.entities.amount, turn.entities.date} - {None}
    if named - {amount_of(slots), date.fromisoformat(slots["due_on"])}:
        return ask("relief.confirm", say("relief.fixed"), _ask_confirm(turn, slots), slots=slots)
    if is_yes(turn):
        effect = AgreeRelief(
            loan.id,
            slots["kind"],
            amount=amount_of(slots),
            forgiven=amount_of({"amount": slots["forgiven"]}),
            pay_by=date.fromisoformat(slots["due_on"]),
        )
        return done(
            Reply(f"relief.agreed_{slots['kind']}", _values(loan, slots)), effects=(effect,)
        )
    if is_no(turn):
        back: Slots = {"loan": loan.id}
        return ask("plan.choose", options.menu(turn, back), slots=back)
    return None


RELIEF = Flow(
    "relief",
    frozenset(),
    lambda turn: done(),
    {
        "confirm": Step(
            _take_confirm,
            _ask_confirm,
            wants=frozenset({"amount", "date"}),
            reads=frozenset({"request_plan", "promise_to_pay", "pay_now"}),
        )
    },
    about_debt=True,
)
FLOWS = (RELIEF,)
