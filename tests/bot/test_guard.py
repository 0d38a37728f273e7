"""The gate before every text: what stops one for good, what makes it wait, and what passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import guard
from bot.guard import Facts, Kind, Text, Verdict, decide, needs_footer
from bot.guard.hours import NoWindowError, day_of, openings, read_window
from bot.guard.keys import TELLING
from bot.policy import Policy
from bot.turn import Money, Reply
from tests import builders
from tests.bot.test_replies import KEYS
from tests.fakes import POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)
NEW_YORK = ("America/New_York",)
NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)
"""In New York; a Wednesday."""
LONG = "x" * 400
ALLOWED = Facts(
    now=NOON,
    policy=POLICY,
    opted_out=False,
    barred=False,
    verified=True,
    confirmed_at=NOON - timedelta(days=2),
    timezones=NEW_YORK,
)


def at(text: str, zone: str = "America/New_York") -> datetime:
    """An instant by the clock of a place."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def with_contact(**values: Any) -> Policy:
    return replace(POLICY, contact=replace(POLICY.contact, **values))


# For good


@dataclass(frozen=True)
class Case:
    name: str
    keys: str
    reason: str | None
    kind: Kind = Kind.ANSWER
    body: str = "Hello"
    by_agent: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


OUT, BARRED, STRANGER = {"opted_out": True}, {"barred": True}, {"verified": False}
HELD, CRISIS, PAUSED = {"held": True}, {"crisis": True}, {"paused": True}
FORBIDDING = {"policy": replace(POLICY, content=replace(POLICY.content, forbidden=("debt",)))}
FIRST, RECEIPT = Kind.FIRST, Kind.RECEIPT
CASES = [
    Case("nothing stands against it", "balance.late", None),
    # consent
    Case("opted out", "greet.hello", "opted_out", facts=OUT),
    Case("opted out, even a helpline", "crisis.helpline", "opted_out", facts=OUT),
    Case("opted out, a receipt", "payment.receipt", "opted_out", RECEIPT, facts=OUT),
    Case("opted out, an agent's words", "", "opted_out", FIRST, by_agent=True, facts=OUT),
    Case("the one confirmation", "consent.stopped", None, facts=OUT),
    Case("the confirmation while an agent holds", "consent.stopped", None, facts=OUT | HELD),
    Case("nothing beside it", "consent.stopped balance.late", "opted_out", facts=OUT),
    Case("barred", "greet.hello", "barred", facts=BARRED),
    Case("barred, an agent's words", "", "barred", by_agent=True, facts=BARRED),
    Case("the apology", "wrong_person.sorry", None, facts=BARRED),
    Case("nothing beside it", "wrong_person.sorry help.who", "barred", facts=BARRED),
    Case("barred and opted out", "wrong_person.sorry", "opted_out", facts=BARRED | OUT),
    # disclosure
    Case("unverified, a balance", "balance.late", "not_verified", facts=STRANGER),
    Case("unverified, among others", "greet.hello due.today", "not_verified", facts=STRANGER),
    Case("unverified, a payment", "payment.link", "not_verified", facts=STRANGER),
    Case("unverified, a choice of loans", "loan.which", "not_verified", facts=STRANGER),
    Case("unverified, a plan", "plan.offer", "not_verified", facts=STRANGER),
    Case("unverified, relief", "relief.fixed", "not_verified", facts=STRANGER),
    Case("unverified, a case", "dispute.opened", "not_verified", facts=STRANGER),
    Case("unverified, an ear", "hardship.illness hardship.colleague", None, facts=STRANGER),
    Case("unverified, ways out", "hardship.ways", "not_verified", facts=STRANGER),
    Case("unverified, who collects", "collector.who", "not_verified", facts=STRANGER),
    Case("unverified, a follow-up", "followup.hello", "not_verified", FIRST, facts=STRANGER),
    Case("unverified, a topic that nobody knows", "new.thing", "not_verified", facts=STRANGER),
    Case("unverified, the question", "identity.ask_birth_year", None, facts=STRANGER),
    Case("unverified, a greeting", "greet.hello", None, facts=STRANGER),
    Case("unverified, a helpline", "crisis.helpline", None, facts=STRANGER),
    Case("unverified, a figure", "greet.hello", "not_verified", body="$5.00", facts=STRANGER),
    Case("unverified, an agent's figure", "", "not_verified", body="you owe $5", by_agent=True,
         facts=STRANGER),
    Case("unverified, an agent's greeting", "", None, by_agent=True, facts=STRANGER),
    # a person is wanted
    Case("held, an answer", "balance.late", "held", facts=HELD),
    Case("held, help", "help.what help.who", None, facts=HELD),
    Case("held, a cry for help", "crisis.helpline", None, facts=HELD),
    Case("held, texts again", "consent.resumed", None, facts=HELD),
    Case("held, speaking first", "followup.hello", "held", FIRST, facts=HELD),
    Case("held, a receipt", "payment.receipt", None, RECEIPT, facts=HELD),
    Case("held, an agent's words", "", None, by_agent=True, facts=HELD),
    Case("crisis, speaking first", "followup.hello", "crisis", FIRST, facts=CRISIS),
    Case("crisis, a receipt", "payment.receipt", "crisis", RECEIPT, facts=CRISIS),
    Case("crisis, an agent's words", "", None, FIRST, by_agent=True, facts=CRISIS),
    Case("crisis, an answer", "crisis.helpline", None, facts=CRISIS),
    # whether it is still their number
    Case("never confirmed", "followup.hello", "unconfirmed", FIRST, facts={"confirmed_at": None}),
    Case("sixty days ago", "followup.hello", None, FIRST,
         facts={"confirmed_at": NOON - timedelta(days=60)}),
    Case("longer ago", "followup.hello", "unconfirmed", FIRST,
         facts={"confirmed_at": NOON - timedelta(days=60, seconds=1)}),
    Case("longer ago, an answer", "balance.late", None, facts={"confirmed_at": None}),
    Case("longer ago, a receipt", "payment.receipt", None, RECEIPT, facts={"confirmed_at": None}),
    Case("longer ago, an agent", "", "unconfirmed", FIRST, by_agent=True,
         facts={"confirmed_at": None}),
    # reminders rest
    Case("paused, speaking first", "followup.hello", "paused", FIRST, facts=PAUSED),
    Case("paused, an answer", "balance.late", None, facts=PAUSED),
    Case("paused, a receipt", "payment.receipt", None, RECEIPT, facts=PAUSED),
    Case("paused, an agent", "", None, FIRST, by_agent=True, facts=PAUSED),
    # the words
    Case("empty", "greet.hello", "empty", body=" \n"),
    Case("as long as may be", "greet.hello", None, body="x" * 1600),
    Case("too long", "greet.hello", "too_long", body="x" * 1601),
    Case("long, speaking first", "followup.hello", "segments", FIRST, body=LONG),
    Case("long, an answer", "balance.late", None, body=LONG),
    Case("a threat", "balance.late", "lawsuit", body="We will sue you."),
    Case("a threat of an agent's", "", "third_party", body="I will call your boss", by_agent=True),
    Case("a word of the lender's", "balance.late", "forbidden", body="A debt", facts=FORBIDDING),
    Case("not in a helpline", "crisis.helpline", None, body="no debt counts", facts=FORBIDDING),
    # figures
    Case("in the books", "balance.late", None, body="$734.50",
         facts={"loans": (builders.loan_view(),)}),
    Case("in no book", "balance.late", "unknown_figure", body="$734.51",
         facts={"loans": (builders.loan_view(),)}),
    Case("where nobody looks", "balance.late", None, body="$734.51"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c}: {c.keys}")
def test_what_stands_against_a_text(case: Case) -> None:
    text = Text(tuple(case.keys.split()), case.body, case.kind, by_agent=case.by_agent)
    verdict = decide(text, replace(ALLOWED, **case.facts))
    assert verdict.reason == case.reason
    assert verdict.retry_at is None, "what stands against it does not pass with time"


def test_the_amounts_of_the_reply_itself_are_known() -> None:
    reply = Reply("payment.too_little", {"minimum": Money(Decimal("7.77"), "USD")})
    text = Text(("payment.too_little",), "at least $7.77", replies=(reply,))
    assert decide(text, replace(ALLOWED, loans=())) == guard.GO
    assert decide(replace(text, replies=()), replace(ALLOWED, loans=())).reason == "unknown_figure"


# In time


@dataclass(frozen=True)
class Moment:
    name: str
    now: datetime
    reason: str | None = None
    retry_at: datetime | None = None
    kind: Kind = FIRST
    keys: str = "followup.hello"
    waited: timedelta = timedelta(0)
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


LATE = timedelta(hours=2)
CHINA = {"country": "CN", "timezones": ("Asia/Shanghai",)}
MOMENTS = [
    Moment("at noon", NOON),
    Moment("as the window opens", at("2026-03-04T08:00")),
    Moment("a moment before", at("2026-03-04T07:59:59"), "hours", at("2026-03-04T08:00")),
    Moment("the last moment", at("2026-03-04T20:59:59")),
    Moment("as it closes", at("2026-03-04T21:00"), "hours", at("2026-03-05T08:00")),
    Moment("midnight", at("2026-03-05T00:00"), "hours", at("2026-03-05T08:00")),
    Moment("a moment before midnight", at("2026-03-04T23:59:59"), "hours", at("2026-03-05T08:00")),
    Moment("China at half past nine", at("2026-03-04T21:30", "Asia/Shanghai"), facts=CHINA),
    Moment("China at night", at("2026-03-04T22:30", "Asia/Shanghai"), "hours",
           at("2026-03-05T08:00", "Asia/Shanghai"), facts=CHINA),
    Moment("a country without hours of its own", at("2026-03-04T21:30", "Europe/Madrid"), "hours",
           at("2026-03-05T08:00", "Europe/Madrid"),
           facts={"country": "ES", "timezones": ("Europe/Madrid",)}),
    # the clock is put forward on 8 March and back on 1 November
    Moment("the night before a short day", at("2026-03-07T22:00"), "hours", at("2026-03-08T08:00")),
    Moment("the night before a long day", at("2026-10-31T22:00"), "hours", at("2026-11-01T08:00")),
    # where they live is not known
    Moment("no zone", NOON, "hours", facts={"timezones": ()}),
    Moment("a zone that nobody knows", NOON, "hours", facts={"timezones": ("Mars/Base",)}),
    Moment("open in both zones", NOON, facts={"timezones": (*NEW_YORK, "America/Los_Angeles")}),
    Moment("open in one of two", at("2026-03-04T09:00"), "hours", at("2026-03-04T11:00"),
           facts={"timezones": (*NEW_YORK, "America/Los_Angeles")}),
    # what they wished
    Moment("before their own window", at("2026-03-04T08:30"), "hours", at("2026-03-04T10:00"),
           facts={"wishes": {"window": "10:00-12:00"}}),
    Moment("inside it", at("2026-03-04T11:30"), facts={"wishes": {"window": "10:00-12:00"}}),
    Moment("their window is wider", at("2026-03-04T07:00"), "hours", at("2026-03-04T08:00"),
           facts={"wishes": {"window": "06:00-23:00"}}),
    Moment("over midnight", at("2026-03-04T12:00"), "hours", at("2026-03-04T20:00"),
           facts={"wishes": {"window": "20:00-02:00"}}),
    Moment("at night alone", NOON, "hours", facts={"wishes": {"window": "22:00-23:00"}}),
    Moment("unreadable", NOON, facts={"wishes": {"window": "later"}}),
    # how often
    Moment("once today already", NOON, "cap", at("2026-03-05T08:00"),
           facts={"spoken_at": (at("2026-03-04T08:00"),)}),
    Moment("yesterday, late at night in UTC", at("2026-03-04T08:30"),
           facts={"spoken_at": (at("2026-03-03T20:59"),)}),
    Moment("one waits for today", NOON, "cap", at("2026-03-05T08:00"),
           facts={"spoken_at": (at("2026-03-04T19:00"),)}),
    Moment("three in the week", NOON, "cap", at("2026-03-05T08:00"), facts={
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-26", "3-01", "3-03"))}),
    Moment("three, the first a week ago", NOON, facts={
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-25", "3-01", "3-03"))}),
    Moment("one a week is wished", NOON, "cap", at("2026-03-10T08:00"),
           facts={"wishes": {"a_week": 1}, "spoken_at": (at("2026-03-03T09:00"),)}),
    Moment("none is wished", NOON, "cap", facts={"wishes": {"a_week": 0}}),
    Moment("many are wished", NOON, "cap", at("2026-03-05T08:00"), facts={
        "wishes": {"a_week": 9},
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-26", "3-01", "3-03"))}),
    Moment("none is allowed", NOON, "cap", facts={"policy": with_contact(most_a_day=0)}),
    Moment("two a day are allowed", NOON, facts={
        "policy": with_contact(most_a_day=2), "spoken_at": (at("2026-03-04T08:00"),)}),
    # money trouble
    Moment("slowed, three in two weeks", NOON, "slowed", at("2026-03-05T08:00"), facts={
        "hardship_until": date(2026, 3, 30),
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-19", "2-24", "2-28"))}),
    Moment("slowed until yesterday", NOON, facts={
        "hardship_until": date(2026, 3, 3),
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-19", "2-24", "2-28"))}),
    Moment("slowed until today", NOON, "slowed", at("2026-03-05T08:00"), facts={
        "hardship_until": date(2026, 3, 4),
        "spoken_at": tuple(at(f"2026-0{d}T09:00") for d in ("2-19", "2-24", "2-28"))}),
    # what is no first word
    Moment("an answer at night", at("2026-03-04T03:00"), kind=Kind.ANSWER, keys="balance.late"),
    Moment("an answer an hour later", at("2026-03-04T03:00"), kind=Kind.ANSWER,
           keys="balance.late", waited=timedelta(hours=1)),
    Moment("an answer hours later", at("2026-03-04T03:00"), "hours", at("2026-03-04T08:00"),
           kind=Kind.ANSWER, keys="balance.late", waited=LATE),
    Moment("an answer hours later, by day", NOON, kind=Kind.ANSWER, keys="balance.late",
           waited=LATE),
    Moment("an answer to a stranger", NOON, kind=Kind.ANSWER, keys="unknown.number", waited=LATE,
           facts={"timezones": ()}),
    Moment("a receipt at night", at("2026-03-04T03:00"), kind=RECEIPT, keys="payment.receipt"),
    Moment("a receipt hours later", at("2026-03-04T03:00"), "hours", at("2026-03-04T08:00"),
           kind=RECEIPT, keys="payment.receipt", waited=LATE),
    Moment("a confirmation hours later", at("2026-03-04T03:00"), kind=Kind.ANSWER,
           keys="consent.stopped", waited=LATE, facts={"opted_out": True}),
    Moment("a helpline hours later", at("2026-03-04T03:00"), kind=Kind.ANSWER,
           keys="crisis.helpline", waited=LATE),
    Moment("an answer counts for no cap", NOON, kind=Kind.ANSWER, keys="balance.late",
           facts={"spoken_at": (at("2026-03-04T08:00"),)}),
]  # fmt: skip


@pytest.mark.parametrize("case", MOMENTS, ids=str)
def test_when_a_text_may_go(case: Moment) -> None:
    keys = tuple(case.keys.split())
    text = Text(keys, "Hello", case.kind, written_at=case.now - case.waited)
    facts = replace(ALLOWED, now=case.now, confirmed_at=case.now, **case.facts)
    verdict = decide(text, facts)
    assert (verdict.reason, verdict.retry_at) == (case.reason, case.retry_at)


def test_what_speaks_first_expires_when_its_window_ends() -> None:
    text = Text(("followup.hello",), "Hello", FIRST)
    assert decide(text, ALLOWED) == Verdict(expires_at=at("2026-03-04T21:00"))
    night = replace(ALLOWED, now=at("2026-03-04T22:00"))
    assert decide(text, night) == Verdict(
        "hours", retry_at=at("2026-03-05T08:00"), expires_at=at("2026-03-05T21:00")
    )


ZONES = st.sampled_from(
    ("America/New_York", "Asia/Shanghai", "Europe/London", "America/Sao_Paulo", "Asia/Kathmandu")
)
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
WINDOWS = st.tuples(TIMES, TIMES).map(lambda t: f"{t[0]:%H:%M}-{t[1]:%H:%M}")
INSTANTS = st.datetimes(datetime(2026, 2, 20), datetime(2026, 4, 20), timezones=st.just(UTC))


@given(
    now=INSTANTS,
    zones=st.lists(ZONES, min_size=1, max_size=2, unique=True),
    window=st.none() | WINDOWS,
    a_week=st.none() | st.integers(0, 4),
    spoken=st.lists(st.timedeltas(timedelta(days=-20), timedelta(days=2)), max_size=8),
    country=st.sampled_from(("US", "CN", "TW", "XX")),
    slowed=st.booleans(),
)
def test_whoever_waits_as_long_as_told_may_go(
    now: datetime,
    zones: list[str],
    window: str | None,
    a_week: int | None,
    spoken: list[timedelta],
    country: str,
    slowed: bool,
) -> None:
    wishes = {"window": window, "a_week": a_week}
    facts = replace(
        ALLOWED,
        now=now,
        country=country,
        timezones=tuple(zones),
        wishes={k: v for k, v in wishes.items() if v is not None},
        spoken_at=tuple(now + by for by in spoken),
        hardship_until=date(2027, 1, 1) if slowed else None,
        confirmed_at=now + timedelta(days=20),
    )
    text = Text(("followup.hello",), "Hello", FIRST)
    verdict = decide(text, facts)
    if verdict.reason is None:
        _check_hours(facts, now)
        assert verdict.expires_at is not None
        assert verdict.expires_at > now
        _check_hours(facts, verdict.expires_at - timedelta(microseconds=1))
        same_day = [t for t in facts.spoken_at if _day(facts, t) == _day(facts, now)]
        assert len(same_day) < POLICY.contact.most_a_day
    elif verdict.retry_at is not None:
        assert verdict.retry_at > now
        again = decide(text, replace(facts, now=verdict.retry_at))
        assert again == Verdict(expires_at=verdict.expires_at)


def _day(facts: Facts, instant: datetime) -> date:
    return day_of(instant, facts.timezones)


def _check_hours(facts: Facts, instant: datetime) -> None:
    for zone in facts.timezones:
        clock = instant.astimezone(ZoneInfo(zone)).time()
        start, end = read_window(POLICY.hours.get(facts.country, POLICY.hours["*"]))
        assert start <= clock < end


# Windows


@pytest.mark.parametrize(
    ("text", "read"),
    [("08:00-21:00", ("08:00", "21:00")), ("00:00-24:00", ("00:00", "00:00")),
     ("22:00 - 06:30", ("22:00", "06:30"))],
)  # fmt: skip
def test_a_window_is_read(text: str, read: tuple[str, str]) -> None:
    start, end = read_window(text)
    assert (f"{start:%H:%M}", f"{end:%H:%M}") == read


@pytest.mark.parametrize("text", ["", "8-21", "08:00", "08:00-08:00", "soon-later", "25:00-26:00"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(NoWindowError):
        read_window(text)


def test_a_window_over_the_hour_that_comes_twice_is_the_narrower_one() -> None:
    """On 1 November 2026 New York has 01:30 twice: at 05:30 and at 06:30 UTC."""
    midnight = at("2026-11-01T00:00")
    (until, *_) = openings(midnight, ["00:00-01:30"], NEW_YORK)
    (since, *_) = openings(midnight, ["01:30-03:00"], NEW_YORK)
    assert until == (midnight, datetime(2026, 11, 1, 5, 30, tzinfo=UTC))
    assert since[0] == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_a_window_over_the_hour_that_is_left_out_is_the_narrower_one() -> None:
    """On 8 March 2026 New York has no 02:30."""
    midnight = at("2026-03-08T00:00")
    (since, *_) = openings(midnight, ["02:30-05:00"], NEW_YORK)
    (until, *_) = openings(midnight, ["00:00-02:30"], NEW_YORK)
    assert since[0] == at("2026-03-08T03:30")
    assert until[1] == at("2026-03-08T01:30")


def test_a_day_that_is_open_all_day_has_no_gap() -> None:
    found = openings(NOON, ["00:00-24:00"], NEW_YORK)
    assert found[0][0] == NOON
    assert all(end == start for (_, end), (start, _) in pairwise(found))


# Topics


@pytest.mark.parametrize(
    ("keys", "footer"),
    [
        ("balance.late balance.next", True),
        ("payment.receipt", True),
        ("dispute.opened", True),
        ("followup.hello", True),
        ("greet.hello", False),
        ("greet.hello balance.late", True),
        ("consent.stopped", False),
        ("help.what help.who", False),
        ("crisis.helpline", False),
        ("identity.ask_birth_year", False),
        ("unknown.number", False),
    ],
)
def test_the_opt_out_line_stands_below_what_is_about_the_debt(keys: str, footer: bool) -> None:
    assert needs_footer(keys.split()) == footer


def test_each_topic_is_known_to_be_of_the_debt_or_not() -> None:
    spoken = {key.partition(".")[0] for key in KEYS} - {"page", "guide"}
    assert not guard.ABOUT_DEBT & guard.NEUTRAL
    assert not guard.ABOUT_DEBT & guard.WITHOUT_FOOTER
    assert not spoken - guard.ABOUT_DEBT - guard.NEUTRAL, "say of a new topic what it speaks of"
    assert {guard.OPT_OUT_CONFIRMATION, guard.APOLOGY} <= KEYS


def test_the_tables_name_only_what_exists() -> None:
    spoken = {key.partition(".")[0] for key in KEYS}
    assert spoken >= guard.ABOUT_DEBT | guard.NEUTRAL | guard.WITHOUT_FOOTER
    assert TELLING <= KEYS
