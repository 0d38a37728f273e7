"""The borrower says that the debt, or a figure, is wrong: their words, a case, peace meanwhile."""

from __future__ import annotations

from datetime import timedelta

from bot.effects import HandOff, OpenCase
from bot.flows.answers import choice
from bot.flows.flow import Flow, Step
from bot.turn import Outcome, Reply, Slots, Turn, ask, done, say

KINDS = ("not_mine", "wrong_amount", "paid", "fraud", "other")
NO_REASON = frozenset({"affirm", "greet", "thanks", "help"})
"""Said instead of a reason, these are none."""


def _ask_reason(turn: Turn, slots: Slots) -> Reply:
    return say("dispute.ask_reason", *(say(f"dispute.kind_{kind}") for kind in KINDS))


def _start(turn: Turn) -> Outcome:
    if turn.loan is None:
        return done(say("dispute.no_loan"), effects=(HandOff("dispute", "dispute"),))
    slots: Slots = {"loan": turn.loan.id, "statement": turn.text}
    return ask("dispute.reason", _ask_reason(turn, slots), slots=slots)


def _open(turn: Turn, slots: Slots, kind: str, statement: str) -> Outcome:
    answer_due_on = turn.today + timedelta(days=turn.policy.cases.dispute_days)
    return done(
        say("dispute.opened", answer_due_on=answer_due_on),
        effects=(
            OpenCase("dispute", kind, statement, answer_due_on, slots["loan"]),
            HandOff("dispute", kind, hold=False),
        ),
    )


def _take_reason(turn: Turn, slots: Slots) -> Outcome | None:
    number = choice(turn, len(KINDS))
    if number is not None:
        return _open(turn, slots, KINDS[number - 1], slots["statement"])
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    if turn.intent in NO_REASON and turn.is_clear:
        return None
    if turn.entities.option is not None or not any(c.isalpha() for c in turn.text):
        return None
    kind = "paid" if turn.intent == "already_paid" and turn.is_clear else "other"
    return _open(turn, slots, kind, f"{slots['statement']}\n{turn.text}")


DISPUTE = Flow(
    "dispute",
    frozenset({"dispute"}),
    _start,
    {"reason": Step(_take_reason, _ask_reason, any_words=True)},
    about_debt=True,
    one_loan=True,
)
FLOWS = (DISPUTE,)
