"""Showing who one is, before anything about the debt is said."""

from __future__ import annotations

import re
import unicodedata

from bot.effects import HandOff, IdentityMiss, Verified
from bot.flows.flow import Flow, Step
from bot.flows.handoff import to_person
from bot.policy import IDENTITY_KINDS
from bot.turn import THEN, Outcome, Reply, Slots, State, Turn, ask, done, say

_HAN_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_MINGUO = re.compile(r"民[國国]\s*(\d{1,3})", re.ASCII)
"""A year as Taiwan counts it: 民國79年 is 1990."""
_POSTCODE = re.compile(r"\b[a-z]{0,2}\d[a-z\d]*(?: ?\d[a-z]{2})?\b", re.ASCII)
_FOUR_DIGITS = re.compile(r"(?<!\d)\d{4}(?!\d)", re.ASCII)


def _ask(turn: Turn, slots: Slots) -> Reply:
    # A policy that asks nothing any more may still meet a question that it had open.
    return say(f"identity.ask_{turn.policy.identity.ask or IDENTITY_KINDS[0]}")


def gate(turn: Turn) -> Outcome | None:
    """The question, where it must be asked first; None where the way is free."""
    if turn.verified or not turn.policy.identity.ask:
        return None
    if turn.policy.identity.ask not in turn.identity_answers:
        return to_person("general", "identity_unknown", turn=turn)
    return ask("identity.answer", _ask(turn, {}))


def _answers(turn: Turn) -> list[str]:
    """What in the message has the form of an answer.

    Several years in one message are several guesses; a message without any is no attempt.
    """
    text = unicodedata.normalize("NFKC", turn.text).casefold()
    if turn.policy.identity.ask == "postcode":
        return _POSTCODE.findall(text)
    text = text.translate(_HAN_DIGITS)
    if turn.policy.identity.ask == "birth_year":
        text = _MINGUO.sub(lambda found: f" {int(found[1]) + 1911} ", text)
    return _FOUR_DIGITS.findall(text)


def _take(turn: Turn, slots: Slots) -> Outcome | None:
    asked = turn.policy.identity.ask
    if asked not in turn.identity_answers:  # the policy changed since the question was asked
        return gate(turn) or Outcome(State(THEN))
    expected = turn.identity_answers[asked].casefold().replace(" ", "")
    answers = _answers(turn)
    if not answers and turn.intent == "deny" and turn.is_clear:
        return ask("identity.answer", say("identity.why"), slots=slots)
    if not answers:
        return None
    if [answer.replace(" ", "") for answer in answers] == [expected]:
        return Outcome(State(THEN), effects=(Verified(),))
    if turn.identity_misses + 1 >= turn.policy.identity.tries:
        effects = (IdentityMiss(), HandOff("general", "identity_failed"))
        return done(say("identity.failed"), effects=effects)
    return ask("identity.answer", say("identity.wrong"), effects=(IdentityMiss(),), slots=slots)


IDENTITY = Flow(
    "identity",
    frozenset(),
    lambda turn: done(),
    {"answer": Step(_take, _ask, menu=False, any_words=True)},
)
FLOWS = (IDENTITY,)
