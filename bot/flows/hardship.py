"""Money trouble: no pressure, the ways there are, a person if wanted, and slower reminders."""

from __future__ import annotations

from datetime import timedelta

from bot.effects import HandOff, NoteHardship
from bot.flows import identity
from bot.flows.answers import choice
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.nlu import sorts
from bot.turn import THEN, Outcome, Reply, Slots, State, Turn, ask, done, say

LEADS_TO = {"time": "request_extension", "parts": "request_plan", "less": "request_plan"}
"""Where each way is taken up, with its own checks and its own yes."""


def _ways(turn: Turn) -> tuple[str, ...]:
    """What the lender's rules have at all; what they allow on a loan is said where it is asked."""
    policy = turn.policy
    there = {
        "time": policy.extension.most_per_loan > 0,
        "parts": policy.plan.most_per_loan > 0,
        "less": bool(policy.settlement.percent_by_days_overdue),
        "person": True,
        "later": True,
    }
    return tuple(way for way, is_there in there.items() if is_there)


def _ask_way(turn: Turn, slots: Slots) -> Reply:
    return say("hardship.ways", *(say(f"hardship.way_{way}") for way in slots["ways"]))


def sympathy(turn: Turn) -> Outcome:
    """A fitting word, slower reminders, and somebody who knows of it."""
    trouble = sorts.trouble(turn.text)
    until = turn.today + timedelta(days=turn.policy.hardship.slow_days)
    return done(
        say(f"hardship.{trouble or 'noted'}"),
        effects=(NoteHardship(until), HandOff("hardship", trouble or "hardship", hold=False)),
    )


def _start(turn: Turn) -> Outcome:
    then: Slots = {"intent": "hardship", "text": "", "entities": {}}
    slots: Slots = {"ways": list(_ways(turn)), "then": then}
    felt = sympathy(turn)
    if identity.gate(turn) is not None:
        # Nobody who tells of a death is asked for a year of birth, and the ways show a debt.
        return done(*felt.replies, say("hardship.colleague"), effects=felt.effects)
    asked = _ask_way(turn, slots)
    return ask("hardship.choose", *felt.replies, asked, slots=slots, effects=felt.effects)


def _take_way(turn: Turn, slots: Slots) -> Outcome | None:
    number = choice(turn, len(slots["ways"]))
    if number is None:
        settled = turn.is_clear and turn.intent in {"deny", "thanks", "affirm"}
        more = turn.is_clear and turn.intent == "hardship"
        return done(say("hardship.later")) if settled or more else None
    way = slots["ways"][number - 1]
    if way == "later":
        return done(say("hardship.later"))
    if way == "person":
        return to_person("hardship", "person_wanted", turn=turn)
    return Outcome(State(THEN, {"intent": LEADS_TO[way]}))


HARDSHIP = Flow(
    "hardship",
    frozenset({"hardship"}),
    _start,
    {"choose": Step(_take_way, _ask_way)},
    resumes=False,
)
FLOWS = (HARDSHIP,)
