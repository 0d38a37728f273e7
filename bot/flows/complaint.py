"""A complaint: taken up as it is said, with a number and a day, and never argued with."""

from __future__ import annotations

from datetime import timedelta

from bot.effects import HandOff, OpenCase
from bot.flows import cases
from bot.flows.flow import Flow
from bot.nlu import sorts
from bot.turn import Outcome, Turn, done, say


def _start(turn: Turn) -> Outcome:
    case = cases.on_topic(turn, "complaint")
    if case is not None:
        return cases.add(turn, case, "complaint")
    kind = sorts.complaint(turn.text) or "other"
    answer_due_on = turn.today + timedelta(days=turn.policy.cases.complaint_days)
    return done(
        say("complaint.opened", answer_due_on=answer_due_on),
        effects=(
            OpenCase("complaint", kind, turn.text, answer_due_on),
            HandOff("complaint", kind),
        ),
    )


FLOWS = (Flow("complaint", frozenset({"complaint"}), _start),)
