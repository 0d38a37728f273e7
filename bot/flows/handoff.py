"""What a person must see: the bot says so, hands over and, where it holds, falls silent."""

from __future__ import annotations

from bot.effects import BarNumber, HandOff
from bot.flows.flow import Flow
from bot.turn import Outcome, Turn, done, say


def to_person(queue: str, reason: str, key: str = "handoff.person") -> Outcome:
    """Hand over, saying that a person will write."""
    return done(say(key), effects=(HandOff(queue, reason),))


def crisis(turn: Turn) -> Outcome:
    """The helpline of the place, a person at once, and everything automatic stops."""
    return done(
        say("crisis.helpline", helpline=turn.policy.helpline(turn.country)),
        effects=(HandOff("crisis", "crisis"),),
    )


def _wrong_person(turn: Turn) -> Outcome:
    return done(
        say("wrong_person.sorry"),
        effects=(BarNumber(), HandOff("general", "wrong_number", hold=False)),
    )


def _handing(intent: str, queue: str, key: str) -> Flow:
    """A topic that goes to a person at once."""
    return Flow(intent, frozenset({intent}), lambda turn: to_person(queue, intent, key))


FLOWS = (
    Flow("crisis", frozenset({"crisis"}), crisis),
    Flow("wrong_person", frozenset({"wrong_person"}), _wrong_person),
    _handing("talk_to_agent", "general", "handoff.person"),
    _handing("complaint", "complaint", "complaint.noted"),
    _handing("hardship", "hardship", "hardship.noted"),
    _handing("request_plan", "general", "plan.noted"),
    _handing("already_paid", "general", "already_paid.noted"),
)
