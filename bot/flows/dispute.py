"""The borrower says that the debt, or a figure, is wrong: their words, a case, peace meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.effects import HandOff, OpenCase
from bot.flows import cases
from bot.flows.answers import choice
from bot.flows.flow import Flow, Step
from bot.nlu import sorts
from bot.turn import Outcome, Reply, Slots, Turn, ask, done, say

KINDS = ("not_mine", "wrong_amount", "paid", "fraud", "other")
NO_REASON = frozenset({"affirm", "greet", "thanks", "help"})
"""Said instead of a reason, these are none."""
ASKS = frozenset({"ask_identity", "ask_consequences"})
"""Questions that no amount is the answer to: they are answered, and the figure asked for again."""
QUEUES = {"fraud": "fraud"}
"""Somebody else may be borrowing in their name at this hour: those are seen first."""


def _ask_reason(turn: Turn, slots: Slots) -> Reply:
    return say("dispute.ask_reason", *(say(f"dispute.kind_{kind}") for kind in KINDS))


def _ask_figure(turn: Turn, slots: Slots) -> Reply:
    return say("dispute.ask_figure", say("dispute.figure_unknown"))


def _start(turn: Turn) -> Outcome:
    if turn.loan is None:
        return done(say("dispute.no_loan"), effects=(HandOff("dispute", "dispute"),))
    kind = sorts.dispute(turn.text)
    case = cases.on_loan(turn, turn.loan)
    if case is not None:
        return cases.add(turn, case, QUEUES.get(kind or "", "dispute"))
    slots: Slots = {"loan": turn.loan.id, "statement": turn.text}
    if kind is None:
        return ask("dispute.reason", _ask_reason(turn, slots), slots=slots)
    return _of_kind(turn, slots, kind, say(f"dispute.heard_{kind}"))


def _of_kind(turn: Turn, slots: Slots, kind: str, *first: Reply) -> Outcome:
    """The case; for a wrong amount after the question which one is right, unless it was said."""
    if kind != "wrong_amount":
        return _open(turn, slots, kind, {}, *first)
    figure = _figure(turn, slots)
    if figure is not None:
        return _open(turn, slots, kind, {"figure": figure}, *first)
    return ask("dispute.figure", *first, _ask_figure(turn, slots), slots=slots)


def _figure(turn: Turn, slots: Slots) -> str | None:
    """The amount that the borrower holds to be right; our own figures are none."""
    loan = next((loan for loan in turn.loans if loan.id == slots["loan"]), None)
    amount = turn.entities.amount
    if loan is None or amount is None:
        return None
    ours = {loan.balance, loan.past_due, loan.due_amount, loan.late_charges}
    return None if amount in ours else str(amount)


def _open(
    turn: Turn, slots: Slots, kind: str, details: Mapping[str, str], *first: Reply
) -> Outcome:
    answer_due_on = turn.today + timedelta(days=turn.policy.cases.dispute_days)
    return done(
        *first,
        say("dispute.opened", answer_due_on=answer_due_on),
        effects=(
            OpenCase("dispute", kind, slots["statement"], answer_due_on, slots["loan"], details),
            HandOff(QUEUES.get(kind, "dispute"), kind, hold=False),
        ),
    )


def _with_words(turn: Turn, slots: Slots) -> Slots:
    """What they say is kept word for word, each message on a line of its own."""
    return {**slots, "statement": f"{slots['statement']}\n{turn.text}"}


def _is_in_words(turn: Turn) -> bool:
    return turn.entities.option is None and any(c.isalnum() for c in turn.text)


def _take_reason(turn: Turn, slots: Slots) -> Outcome | None:
    number = choice(turn, len(KINDS))
    if number is not None:
        return _of_kind(turn, slots, KINDS[number - 1])
    if turn.intent == "deny" and turn.is_clear:
        return done(say("flow.dropped"))
    if turn.intent in NO_REASON and turn.is_clear:
        return None
    if not _is_in_words(turn) or not any(c.isalpha() for c in turn.text):
        return None
    told = "paid" if turn.intent == "already_paid" and turn.is_clear else "other"
    kind = sorts.dispute(turn.text) or told
    slots = _with_words(turn, slots)
    if kind == "wrong_amount":  # they have just explained it, and are not asked once more
        figure = _figure(turn, slots)
        return _open(turn, slots, kind, {"figure": figure} if figure else {})
    return _open(turn, slots, kind, {})


def _take_figure(turn: Turn, slots: Slots) -> Outcome | None:
    unknown = choice(turn, 1) or (turn.intent == "deny" and turn.is_clear)
    if unknown:
        kept = slots if turn.entities.option else _with_words(turn, slots)
        return _open(turn, kept, "wrong_amount", {})
    if turn.intent in NO_REASON | ASKS and turn.is_clear:
        return None
    if not _is_in_words(turn):
        return None
    figure = _figure(turn, slots)
    details = {"figure": figure} if figure else {}
    return _open(turn, _with_words(turn, slots), "wrong_amount", details)


DISPUTE = Flow(
    "dispute",
    frozenset({"dispute"}),
    _start,
    {
        "reason": Step(_take_reason, _ask_reason, any_words=True),
        "figure": Step(_take_figure, _ask_figure, any_words=True),
    },
    about_debt=True,
    one_loan=True,
)
FLOWS = (DISPUTE,)
