"""Asking what was meant, with a numbered choice, instead of guessing."""

from __future__ import annotations

from bot.flows.answers import choice
from bot.flows.flow import Flow, Step
from bot.turn import THEN, Outcome, Reply, Slots, State, Turn, ask, done, say

NEVER_OFFERED = frozenset({"affirm", "deny", "greet", "thanks", "out_of_scope", "crisis"})
"""What nobody would pick from a menu; a crisis is acted on, not asked about."""
MOST = 3
"""So many readings are offered, and "something else"."""


def _ask(turn: Turn, slots: Slots) -> Reply:
    options = (say(f"clarify.{intent}") for intent in slots["intents"])
    return say("clarify.which", *options, say("clarify.other"))


def which(turn: Turn) -> Outcome | None:
    """The question, with the likeliest readings; None where there is none to offer."""
    ranking = turn.understanding.ranking
    intents = [intent for intent, _ in ranking if intent not in NEVER_OFFERED][:MOST]
    if not intents:
        return None
    slots: Slots = {"intents": intents}
    return ask("clarify.choose", _ask(turn, slots), slots=slots)


def _take(turn: Turn, slots: Slots) -> Outcome | None:
    intents = slots["intents"]
    number = choice(turn, len(intents) + 1)
    if number is None:
        return None
    if number > len(intents):
        return done(say("clarify.say_again"))
    return Outcome(State(THEN, {"intent": intents[number - 1]}))


CLARIFY = Flow(
    "clarify", frozenset(), lambda turn: done(), {"choose": Step(_take, _ask)}, resumes=False
)
FLOWS = (CLARIFY,)
