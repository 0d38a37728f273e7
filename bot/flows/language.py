"""The language that they would like to be written to in, whoever they are and whatever goes on."""

from __future__ import annotations

from bot.effects import SetLanguage
from bot.flows.answers import choice
from bot.flows.flow import Flow, Step
from bot.keywords import language_asked
from bot.turn import Outcome, Reply, Slots, Turn, ask, done, say

TRADITIONAL = frozenset({"TW", "HK", "MO"})


def heard(turn: Turn) -> Outcome | None:
    """The new language, or which ones there are; None where the message asks for none."""
    asked = language_asked(turn.text)
    return None if asked is None else _answer(turn, asked)


def _answer(turn: Turn, asked: str) -> Outcome:
    language = _script(turn) if asked == "zh" else asked
    offered = turn.policy.lender.languages
    if language not in offered:
        return ask("language.choose", _ask(turn, {}))
    return done(say("language.now"), effects=(SetLanguage(language),))


def _script(turn: Turn) -> str:
    """Which Chinese is read where they live, unless they write the other one."""
    offered = turn.policy.lender.languages
    written = turn.understanding.language == "zh_Hant"
    wanted = "zh_Hant" if written or turn.country in TRADITIONAL else "zh_Hans"
    other = "zh_Hans" if wanted == "zh_Hant" else "zh_Hant"
    return wanted if wanted in offered or other not in offered else other


def _ask(turn: Turn, slots: Slots) -> Reply:
    names = (say(f"language.name_{language}") for language in turn.policy.lender.languages)
    return say("language.which", *names)


def _take(turn: Turn, slots: Slots) -> Outcome | None:
    offered = turn.policy.lender.languages
    number = choice(turn, len(offered))
    if number is not None:
        return done(say("language.now"), effects=(SetLanguage(offered[number - 1]),))
    return done(say("language.kept")) if turn.intent == "deny" and turn.is_clear else None


LANGUAGE = Flow(
    "language",
    frozenset(),
    lambda turn: done(),
    {"choose": Step(_take, _ask)},
    resumes=False,
)
FLOWS = (LANGUAGE,)
