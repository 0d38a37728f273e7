"""Being left in peace, and coming back. Opt-out leans to yes: in doubt it is asked once."""

from __future__ import annotations

from bot.effects import OptIn, OptOut, WantFewer
from bot.flows.answers import is_no, is_yes
from bot.flows.flow import Flow, Step
from bot.turn import Outcome, Reply, Slots, Turn, ask, done, say


def stop(source: str) -> Outcome:
    """Done at once, with the one confirmation that the law allows."""
    return done(say("consent.stopped"), effects=(OptOut(source),))


def ask_stop(turn: Turn) -> Outcome:
    """A message that may be an opt-out: ask, and name the word that always works."""
    return ask("consent.confirm_stop", _ask_stop(turn, {}))


def _ask_stop(turn: Turn, slots: Slots) -> Reply:
    return say("consent.ask_stop", say("consent.ask_stop_yes"), say("consent.ask_stop_no"))


def _take_stop(turn: Turn, slots: Slots) -> Outcome | None:
    if is_no(turn):
        return done(say("consent.kept"))
    again = turn.understanding.opt_out != "no" and turn.entities.option is None
    return stop("confirmed") if is_yes(turn) or again else None  # said twice, it is meant


def resume(source: str) -> Outcome:
    """Texts come again."""
    return done(say("consent.resumed"), effects=(OptIn(source),))


def _resume(turn: Turn) -> Outcome:
    return resume("model") if turn.opted_out else done(say("consent.already_on"))


CONSENT = Flow(
    "consent",
    frozenset({"stop_messaging"}),
    ask_stop,
    {"confirm_stop": Step(_take_stop, _ask_stop)},
    resumes=False,
)
FLOWS = (
    CONSENT,
    Flow("resume", frozenset({"resume_messaging"}), _resume),
    Flow(
        "fewer",
        frozenset({"fewer_messages"}),
        lambda turn: done(say("consent.fewer"), effects=(WantFewer(),)),
    ),
    Flow("help", frozenset({"help"}), lambda turn: done(say("help.what"), say("help.who"))),
)
