"""Days on which people work: weekends and public holidays by country, and the lender's hours."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.policy.reading import weekdays

if TYPE_CHECKING:
    from bot.policy.policy import Policy

LOOK_AHEAD_DAYS = 30
"""No run of days off is longer; a lender that never opens would be looked for in vain."""


def is_business_day(day: date, country: str) -> bool:
    """Whether people work in a country on a day; where nothing is known of it, Monday to Friday.

    A Saturday that makes up for a holiday, as China has them, is a business day.
    """
    known = _days_off(country, day.year)
    return day.weekday() < 5 if known is None else bool(known.is_working_day(day))


def moved(policy: Policy, day: date, country: str) -> date:
    """The day that is agreed on in place of ``day``: itself, or the next on which people work."""
    if policy.calendar.move == "next_business_day":
        for _ in range(LOOK_AHEAD_DAYS):
            if is_business_day(day, country):
                break
            day += timedelta(days=1)
    return day


def opens_at(policy: Policy, now: datetime) -> datetime | None:
    """When people answer next, on the lender's clock; None where they do so now.

    A lender that answers on seven days a week does so on public holidays, too.
    """
    lender = policy.lender
    local = now.astimezone(ZoneInfo(lender.timezone))
    opening, closing = lender.hours.split("-")
    open_on = weekdays(lender.days)
    country = country_of(lender.timezone)
    for ahead in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=ahead)
        if day.weekday() not in open_on or (len(open_on) < 7 and _is_holiday(day, country)):
            continue
        start = datetime.combine(day, time.fromisoformat(opening), local.tzinfo)
        if ahead or local < start:
            return start
        if closing == "24:00" or local.time() < time.fromisoformat(closing):
            return None
    return None


def country_of(timezone: str) -> str:
    """The country that a time zone lies in; empty where it belongs to none."""
    from babel.core import get_global  # here, as it reads a large file

    return str(get_global("zone_territories").get(timezone, ""))


def _is_holiday(day: date, country: str) -> bool:
    known = _days_off(country, day.year)
    return known is not None and day in known


@cache
def _days_off(country: str, year: int) -> Any:
    """A country's calendar of a year; None where there is none for it."""
    # Here, as it takes a tenth of a second, and most policies keep a day as it is.
    from holidays import country_holidays

    try:
        return country_holidays(country, years=year, expand=False)
    except NotImplementedError:
        return None
