"""What a person must see: in their hours they take over, else a call or an answer is arranged.

While people are there, the bot hands over and falls silent. While nobody is, it goes on helping:
silence over a weekend would help nobody, and the request stands in the queue all the same.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.effects import BarNumber, HandOff
from bot.entities import times
from bot.flows.flow import Flow, Step
from bot.nlu import sorts
from bot.policy.calendar import opens_at
from bot.turn import Outcome, Reply, Slots, Turn, ask, done, say

PERSON = "handoff.person"
SOON = timedelta(minutes=5)
"""A call is not asked for in less time than this."""


def to_person(queue: str, reason: str, key: str = PERSON, *, turn: Turn | None = None) -> Outcome:
    """Hand over, saying that a person will write.

    With the turn, what is said fits the hour: outside people's hours the bot does not hold its
    tongue, says when they are back, and asks when a call would suit.
    """
    opens = _opens(turn) if turn is not None else None
    if turn is None or opens is None:
        hours = {"lender_hours": _hours(turn)} if turn and turn.first_name else {}
        return done(say(key, **hours), effects=(HandOff(queue, reason),))
    first = () if key == PERSON else (say(key),)
    slots: Slots = {"queue": queue}
    return ask(
        "handoff.call_back",
        *first,
        _ask_call_back(turn, slots),
        slots=slots,
        effects=(HandOff(queue, reason, hold=False),),
    )


def _opens(turn: Turn, at: datetime | None = None) -> datetime | None:
    """When people are back, on the borrower's clock; None while they are there.

    A stranger's clock is not known: to them the hours are said as they are.
    """
    opens = opens_at(turn.policy, at or turn.now) if turn.first_name is not None else None
    return opens.astimezone(ZoneInfo(turn.timezone)) if opens is not None else None


def _hours(turn: Turn) -> str:
    """When people answer, on the borrower's clock."""
    lender = turn.policy.lender
    here, there = ZoneInfo(turn.timezone), ZoneInfo(lender.timezone)
    today = turn.now.astimezone(there).date()
    first, _, last = lender.hours.partition("-")
    if last == "24:00":
        return lender.hours
    local = (
        datetime.combine(today, time.fromisoformat(hour), there).astimezone(here)
        for hour in (first, last)
    )
    return "-".join(f"{at:%H:%M}" for at in local)


# Calls


def _ask_call_back(turn: Turn, slots: Slots) -> Reply:
    if "day" in slots:
        return say("handoff.ask_time")
    opens = _opens(turn)
    return say("handoff.closed", opens_at=opens) if opens else say("handoff.ask_call_back")


def _talk(turn: Turn) -> Outcome:
    """A person is wanted; with a time in the same breath, that is when they call."""
    if turn.first_name is None:
        return to_person("general", "talk_to_agent")
    at = times.read(turn.text)
    day = turn.entities.date
    slots: Slots = {"queue": "general"}
    if at is not None:
        return _arrange(turn, slots, day, at)
    if day is not None and day > turn.today:
        slots = {**slots, "day": day.isoformat()}
        kept = (HandOff("general", "talk_to_agent", hold=False),)
        asked = _ask_call_back(turn, slots)
        return ask("handoff.call_back", asked, slots=slots, effects=kept)
    return to_person("general", "talk_to_agent", turn=turn)


def _arrange(turn: Turn, slots: Slots, day: date | None, at: time) -> Outcome:
    """The call is noted where people are there at that time; else the next moment is named."""
    zone = ZoneInfo(turn.timezone)
    wanted = datetime.combine(day or turn.today, at, zone)
    if day is None and wanted < turn.now + SOON:
        wanted += timedelta(days=1)
    opens = _opens(turn, wanted)
    if wanted < turn.now or opens is not None:
        kept: Slots = {"queue": slots["queue"]}
        effects = (HandOff(slots["queue"], "talk_to_agent", hold=False),)
        soonest = opens if opens is not None and opens > turn.now else _opens(turn) or turn.now
        told = say("handoff.not_then", opens_at=soonest.astimezone(zone))
        return ask("handoff.call_back", told, slots=kept, effects=effects)
    effects = (HandOff(slots["queue"], "call_back", False, wanted.astimezone(UTC)),)
    return done(say("handoff.call_back_set", call_back_at=wanted), effects=effects)


def _take_call_back(turn: Turn, slots: Slots) -> Outcome | None:
    at = times.read(turn.text, bare=True)
    day = turn.entities.date
    if day is None and "day" in slots:
        day = date.fromisoformat(slots["day"])
    if at is not None:
        return _arrange(turn, slots, day, at)
    if turn.entities.date is not None:
        later: Slots = {**slots, "day": turn.entities.date.isoformat()}
        return ask("handoff.call_back", _ask_call_back(turn, later), slots=later)
    if times.is_any(turn.text):
        opens = _opens(turn)
        if opens is None:
            return to_person(slots["queue"], "talk_to_agent", turn=turn)
        return _arrange(turn, slots, opens.date(), opens.timetz().replace(tzinfo=None))
    if turn.is_clear and turn.intent in {"deny", "thanks", "affirm"}:
        return done(say("handoff.will_write"))
    return None


# What is not for the bot at all


def crisis(turn: Turn) -> Outcome:
    """The helpline of the place, a person at once, and everything automatic stops."""
    return done(
        say("crisis.helpline", helpline=turn.policy.helpline(turn.country)),
        effects=(HandOff("crisis", "crisis"),),
    )


def _wrong_person(turn: Turn) -> Outcome:
    if sorts.is_death(turn.text):
        # A person decides what follows: a barred number could not be answered any more.
        return done(say("wrong_person.condolence"), effects=(HandOff("hardship", "death"),))
    return done(
        say("wrong_person.sorry"),
        effects=(BarNumber(), HandOff("general", "wrong_number", hold=False)),
    )


HANDOFF = Flow(
    "handoff",
    frozenset({"talk_to_agent"}),
    _talk,
    {"call_back": Step(_take_call_back, _ask_call_back, menu=False, any_words=True)},
    resumes=False,
)
FLOWS = (
    HANDOFF,
    Flow("crisis", frozenset({"crisis"}), crisis),
    Flow("wrong_person", frozenset({"wrong_person"}), _wrong_person),
)
