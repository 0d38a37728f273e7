"""Greetings, thanks, a stray yes or no, other business, and who is writing."""

from __future__ import annotations

from bot.flows import asked
from bot.flows.flow import Flow
from bot.turn import Outcome, Turn, done, say


def _greet(turn: Turn) -> Outcome:
    if turn.first_name is None:
        return done(say("greet.unknown"))
    return done(say("greet.hello", name=turn.first_name))


def _identity(turn: Turn) -> Outcome:
    """Who writes, and how to make sure of it.

    Before the person has shown who they are, it is the lender's name and "your account" alone:
    that a collector writes would say that there is a debt (12 CFR 1006.6(d)).
    """
    if turn.first_name is None:
        return done(say("identity.who_stranger"))
    known = turn.verified or not turn.policy.identity.ask
    if turn.policy.lender.role == "collector" and known:
        # 12 CFR 1006.18(e)
        doubted = (say("identity.check"),) if asked.doubt(turn.text) else ()
        return done(say("collector.who"), *doubted)
    if asked.number_source(turn.text):
        return done(say("identity.number"))
    return done(say("identity.check" if asked.doubt(turn.text) else "identity.who"))


def _saying(intent: str, key: str) -> Flow:
    return Flow(intent, frozenset({intent}), lambda turn: done(say(key)))


FLOWS = (
    Flow("greet", frozenset({"greet"}), _greet),
    _saying("thanks", "thanks.welcome"),
    _saying("affirm", "smalltalk.affirm"),
    _saying("deny", "smalltalk.deny"),
    _saying("out_of_scope", "smalltalk.out_of_scope"),
    Flow("ask_identity", frozenset({"ask_identity"}), _identity),
)
