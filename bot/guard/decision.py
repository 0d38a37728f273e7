"""The one decision before every outbound text: it may go, it must wait, or it never goes.

Pure: a text and the facts of this moment in, a verdict out. Nothing passes an opt-out but its
one confirmation; an answer to what was just written passes hours and caps, nothing else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bot.guard import content, figures
from bot.guard.hours import Stretch, day_of, openings
from bot.guard.keys import (
    APOLOGY,
    AT_ANY_HOUR,
    MUST_GO,
    WHILE_HELD,
    discloses,
    is_last_word,
    topics,
)
from bot.policy import Policy
from bot.replies import segments
from bot.turn import LoanView, Reply

MAX_LENGTH = 1600
"""Twilio takes no longer message."""
CONFIRMED_WITHIN = timedelta(days=60)
"""12 CFR 1006.6(d)(5): how fresh the last sign must be that the number is still theirs."""
JUST_WRITTEN = timedelta(hours=1)
"""An answer that was held up for longer finds nobody waiting for it: it does not go at night."""
WEEK, SLOWED_WEEK = 7, 14


class Kind(StrEnum):
    """Why a text goes out."""

    ANSWER = "answer"
    """To what the borrower has just written."""
    RECEIPT = "receipt"
    """Of what the borrower has just done: money that arrived."""
    FIRST = "first"
    """The line speaks first: reminders, follow-ups, an agent who writes out of the blue."""


@dataclass(frozen=True)
class Text:
    """A text as it would be sent.

    Attributes:
        keys: of the replies that it is made of; empty for an agent's own words.
        body: the words.
        kind: why it goes out.
        locale: the language that it is written in.
        replies: what it was rendered from: their amounts may stand in it.
        by_agent: a person wrote it, or sent it.
        written_at: since when it waits; None means that it was written now.

    """

    keys: tuple[str, ...]
    body: str
    kind: Kind = Kind.ANSWER
    locale: str = "en"
    replies: tuple[Reply, ...] = ()
    by_agent: bool = False
    written_at: datetime | None = None


@dataclass(frozen=True)
class Facts:
    """What decides whether a text may go, as it stands at this moment."""

    now: datetime
    policy: Policy
    opted_out: bool
    barred: bool
    verified: bool
    """Whether the person has shown who they are, or the policy does not ask."""
    held: bool = False
    """A person held the conversation when the text came to be."""
    crisis: bool = False
    """A cry for help is with a person, and not closed."""
    paused: bool = False
    """Reminders rest on a loan that the text is about."""
    confirmed_at: datetime | None = None
    country: str = "US"
    timezones: tuple[str, ...] = ()
    """Where the person may live: one zone where it is known, none where nothing is."""
    wishes: Mapping[str, Any] = field(default_factory=dict)
    """What they asked for: ``a_week``, how many; ``window``, when."""
    hardship_until: date | None = None
    spoken_at: tuple[datetime, ...] = ()
    """When the line spoke first in the last two weeks, or will."""
    loans: tuple[LoanView, ...] | None = None
    """The books; None where the figures were looked at before."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a text.

    Attributes:
        reason: why it may not go now, in one word for the record; None where it may.
        retry_at: when it may be tried again, where that is a matter of time.
        expires_at: when it must have gone: a text that speaks first does not go at night.

    """

    reason: str | None = None
    retry_at: datetime | None = None
    expires_at: datetime | None = None


GO = Verdict()


def decide(text: Text, facts: Facts) -> Verdict:
    """Whether a text may go."""
    reason = _forever(text, facts)
    if reason:
        return Verdict(reason)
    if text.kind is Kind.FIRST:
        return _in_time(facts)
    return _held_up(text, facts)


def _forever(text: Text, facts: Facts) -> str | None:
    """What no waiting would change."""
    keys, body = text.keys, text.body
    if facts.opted_out and not is_last_word(keys):
        return "opted_out"
    if facts.barred and set(keys) != {APOLOGY}:
        return "barred"
    if not body.strip():
        return "empty"
    if len(body) > MAX_LENGTH:
        return "too_long"
    return _not_the_bots(text, facts) or _disclosed(text, facts) or _unfit(text, facts)


def _not_the_bots(text: Text, facts: Facts) -> str | None:
    """Where everything automatic rests because a person is wanted, or it is unsure who reads."""
    if text.kind is Kind.FIRST and not _is_confirmed(facts):
        return "unconfirmed"
    if text.by_agent:
        return None
    if text.kind is Kind.ANSWER:
        heard = topics(text.keys) <= WHILE_HELD
        return "held" if facts.held and not heard else None
    if facts.crisis:
        return "crisis"
    if text.kind is Kind.FIRST and facts.held:
        return "held"
    return "paused" if text.kind is Kind.FIRST and facts.paused else None


def _is_confirmed(facts: Facts) -> bool:
    confirmed = facts.confirmed_at
    return confirmed is not None and facts.now - confirmed <= CONFIRMED_WITHIN


def _disclosed(text: Text, facts: Facts) -> str | None:
    """What of the debt would be said to somebody who may be anybody."""
    if facts.verified:
        return None
    told = discloses(text.keys) or _amounts(text)
    return "not_verified" if told else None


def _amounts(text: Text) -> tuple[Decimal, ...]:
    return figures.amounts(text.body, text.locale, freely=text.by_agent)


def _unfit(text: Text, facts: Facts) -> str | None:
    """What is wrong with the words themselves."""
    policy = facts.policy
    if topics(text.keys) & MUST_GO:
        return None
    found = content.fault(text.body, policy.content.forbidden)
    if found:
        return found.reason
    if facts.loans is not None and figures.unknown(
        _amounts(text), text.replies, facts.loans, policy
    ):
        return "unknown_figure"
    if text.kind is Kind.FIRST and segments(text.body).count > policy.contact.most_segments:
        return "segments"
    return None


def _windows(facts: Facts) -> list[str]:
    hours = facts.policy.hours
    wished = facts.wishes.get("window")
    return [hours.get(facts.country, hours["*"]), *([wished] if wished else [])]


def _held_up(text: Text, facts: Facts) -> Verdict:
    """An answer goes at any hour while somebody waits for it."""
    waited = facts.now - (text.written_at or facts.now)
    if waited <= JUST_WRITTEN or topics(text.keys) & AT_ANY_HOUR:
        return GO
    open_ = openings(facts.now, _windows(facts), facts.timezones)
    if not open_ or open_[0][0] == facts.now:
        return GO
    return Verdict("hours", retry_at=open_[0][0])


def _in_time(facts: Facts) -> Verdict:
    """When a text that speaks first may go: inside the hours, and not too often."""
    open_ = openings(facts.now, _windows(facts), facts.timezones)
    slowed = facts.hardship_until is not None and (
        day_of(facts.now, facts.timezones) <= facts.hardship_until
    )
    fits = next((s for s in open_ if _is_rare(s, facts, slowed=slowed)), None)
    retry_at, expires_at = fits or (None, None)
    if not open_ or open_[0][0] > facts.now:
        return Verdict("hours", retry_at, expires_at)
    if fits == open_[0]:
        return Verdict(expires_at=expires_at)
    pace = "slowed" if _is_rare(open_[0], facts, slowed=False) else "cap"
    return Verdict(pace, retry_at, expires_at)


def _is_rare(stretch: Stretch, facts: Facts, *, slowed: bool) -> bool:
    """Whether one text more is not too many on that day and in that week.

    Money trouble halves the pace: a week's number for two weeks.
    """
    contact = facts.policy.contact
    wished = facts.wishes.get("a_week")
    most = contact.most_a_week if wished is None else min(contact.most_a_week, wished)
    day = day_of(stretch[0], facts.timezones)
    apart = [abs((day - day_of(at, facts.timezones)).days) for at in facts.spoken_at]
    near = SLOWED_WEEK if slowed else WEEK
    return apart.count(0) < contact.most_a_day and sum(d < near for d in apart) < most
