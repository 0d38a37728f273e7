"""Greetings, thanks, a stray yes or no, other business, and who is writing."""

from __future__ import annotations

from bot.flows.flow import Flow
from bot.turn import Outcome, Turn, done, say


def _greet(turn: Turn) -> Outcome:
    if turn.first_name is None:
        return done(say("greet.unknown"))
    return done(say("greet.hello", name=turn.first_name))


def _saying(intent: str, key: str) -> Flow:
    return Flow(intent, frozenset({intent}), lambda turn: done(say(key)))


FLOWS = (
    Flow("greet", frozenset({"greet"}), _greet),
    _saying("thanks", "thanks.welcome"),
    _saying("affirm", "smalltalk.affirm"),
    _saying("deny", "smalltalk.deny"),
    _saying("out_of_scope", "smalltalk.out_of_scope"),
    _saying("ask_identity", "identity.who"),
)
