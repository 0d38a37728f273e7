"""Days on which people work, and when the lender is open."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Policy
from bot.policy.calendar import country_of, is_business_day, moved, opens_at
from demo import BORROWERS
from settings import PROJECT
from tests.fakes import POLICY_TEXT

KEEP = Policy.from_toml(POLICY_TEXT)
MOVE = Policy.from_toml(POLICY_TEXT.replace('move = "keep"', 'move = "next_business_day"'))

BUSINESS_DAYS = {
    "a Wednesday": ("2026-03-04", "US", True),
    "a Saturday": ("2026-03-07", "US", False),
    "Independence Day, kept on the Friday before": ("2026-07-03", "US", False),
    "that Friday in Mexico": ("2026-07-03", "MX", True),
    "the Spring Festival": ("2026-02-18", "CN", False),
    "a Saturday that makes up for it": ("2026-02-14", "CN", True),
    "that Saturday in Taiwan": ("2026-02-14", "TW", False),
    "Peace Memorial Day, kept on the Friday before": ("2026-02-27", "TW", False),
    "Buddha's birthday in Hong Kong": ("2026-05-25", "HK", False),
    "Constitution Day in Spain": ("2026-12-08", "ES", False),
    "nothing is known of the country": ("2026-12-25", "ZZ", True),
    "a Sunday there": ("2026-12-27", "ZZ", False),
    "no country": ("2026-12-25", "", True),
}


@pytest.mark.parametrize(("day", "country", "works"), BUSINESS_DAYS.values(), ids=BUSINESS_DAYS)
def test_a_business_day(day: str, country: str, works: bool) -> None:
    assert is_business_day(date.fromisoformat(day), country) is works


@pytest.mark.parametrize(
    "country", sorted({*(b.country for b in BORROWERS), *KEEP.helplines} - {"*"})
)
def test_the_holidays_of_every_country_served_are_known(country: str) -> None:
    assert not is_business_day(date(2026, 1, 1), country)


def test_a_day_off_moves_only_where_the_policy_says_so() -> None:
    saturday = date(2026, 3, 7)
    assert moved(KEEP, saturday, "US") == saturday
    assert moved(MOVE, saturday, "US") == date(2026, 3, 9)
    assert moved(MOVE, date(2026, 2, 15), "CN") == date(2026, 2, 24)


@given(st.dates(date(2024, 1, 1), date(2032, 12, 31)), st.sampled_from(["US", "CN", "ES", "ZZ"]))
def test_a_moved_day_is_the_next_business_day(day: date, country: str) -> None:
    to = moved(MOVE, day, country)
    assert to >= day
    assert is_business_day(to, country)
    between = (day + timedelta(days=n) for n in range((to - day).days))
    assert not any(is_business_day(x, country) for x in between)


OPENS = {
    "in the middle of the day": ("2026-03-04T17:00", None),
    "as it opens": ("2026-03-04T14:00", None),
    "a minute before": ("2026-03-04T13:59", "2026-03-04T09:00-05:00"),
    "as it closes": ("2026-03-04T23:00", "2026-03-05T09:00-05:00"),
    "a Friday night": ("2026-03-07T01:00", "2026-03-09T09:00-04:00"),  # clocks go forward
    "a holiday": ("2026-12-25T15:00", "2026-12-28T09:00-05:00"),
}


@pytest.mark.parametrize(("now", "opens"), OPENS.values(), ids=OPENS)
def test_when_people_answer(now: str, opens: str | None) -> None:
    found = opens_at(KEEP, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(opens) if opens else None)


def test_a_lender_that_is_open_every_day_is_so_on_holidays() -> None:
    text = POLICY_TEXT.replace('"mon-fri"', '"mon-sun"').replace("09:00-18:00", "00:00-24:00")
    always = Policy.from_toml(text)
    for hour in range(48):
        now = datetime(2026, 12, 24, tzinfo=UTC) + timedelta(hours=hour)
        assert opens_at(always, now) is None


def test_a_zone_lies_in_a_country() -> None:
    assert country_of("America/New_York") == "US"
    assert country_of("Asia/Shanghai") == "CN"
    assert country_of("UTC") == ""


def test_holidays_are_not_loaded_before_they_are_needed() -> None:
    code = "import sys, bot.dialog, bot.manager; print('holidays' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "False\n", ran.stderr[-500:]


def test_a_day_is_moved_in_no_time() -> None:
    day = date(2026, 2, 15)
    moved(MOVE, day, "CN")
    start = time.perf_counter()
    for _ in range(100):
        moved(MOVE, day, "CN")
    assert time.perf_counter() - start < 0.1
