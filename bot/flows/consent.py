"""Being left in peace, and coming back. Opt-out leans to yes: in doubt it is asked once."""

from __future__ import annotations

from bot.effects import OptIn, OptOut, WantFewer
from bot.entities import wishes
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


def _fewer(turn: Turn) -> Outcome:
    """What was wished, said back; where no number and no hours were, half as many come."""
    wished = wishes.read(turn.text)
    usual = turn.policy.lender.reminders_a_week
    window = _window(turn, wished)
    a_week = wished.a_week
    if a_week is None and window is None:
        a_week = max(1, usual // 2)
    if a_week is not None and usual:
        a_week = min(a_week, usual)
    effects = (WantFewer(a_week, window),)
    if window is None:
        return done(say("consent.fewer", a_week=a_week), effects=effects)
    if a_week is None:
        return done(say("consent.hours", window=window), effects=effects)
    return done(say("consent.fewer_and_hours", a_week=a_week, window=window), effects=effects)


def _window(turn: Turn, wished: wishes.Wishes) -> str | None:
    """The hours that are left of those in which texts may come at all."""
    if wished.earliest is None and wished.latest is None:
        return None
    hours = turn.policy.hours
    first, _, last = hours.get(turn.country, hours["*"]).partition("-")
    earliest = max(first, f"{wished.earliest:%H:%M}") if wished.earliest else first
    latest = min(last, f"{wished.latest:%H:%M}") if wished.latest else last
    return f"{earliest}-{latest}" if earliest < latest else None


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
    Flow("fewer", frozenset({"fewer_messages"}), _fewer),
    Flow("help", frozenset({"help"}), lambda turn: done(say("help.what"), say("help.who"))),
)
