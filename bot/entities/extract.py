"""The reading of one message."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.entities import amounts, choices, counts, dates, lexer, rest, terms


@dataclass(frozen=True)
class Entities:
    """What a message names, resolved in the borrower's zone, currency and language."""

    amount: Decimal | None = None
    date: datetime.date | None = None
    duration_days: int | None = None
    count: int | None = None
    option: int | None = None
    rest_on: datetime.date | None = None
    """When the rest is to be paid, where a part is named before it."""


def extract(
    text: str,
    *,
    now: datetime.datetime,
    timezone: str = "UTC",
    locale: str = "en",
    language: str | None = None,
    currency: str = "USD",
    balance: Decimal | None = None,
    menu: bool = True,
) -> Entities:
    """Return what the message names.

    A text that says it both ways gives both: "need 10 more days, will pay friday" has a duration
    and a date. "In 10 days" and "within 10 days" are a date alone, "10 more days" a duration
    alone. "The 2nd" and "el 2" are a day, "2", "la 2", "2da" and "the second" a choice. A month or
    a week without its day ("next week"), "a few days" and "2 or 3 weeks" name nothing: ask.

    Args:
        text: the message as it arrived.
        now: the time now, aware; today is its date in ``timezone``.
        timezone: the borrower's.
        locale: the borrower's stored locale; says how dates in figures are read.
        language: the language of this text where it is known; else that of the locale.
        currency: the loan's; a sum named in any currency is taken as being in it.
        balance: what shares and "all" are of; without it they are no amounts.
        menu: whether a numbered menu can be open; only then is there an option.

    """
    region = locale.replace("-", "_")
    spoken = (language or region).partition("_")[0]
    words = lexer.read(text, spoken)
    today = now.astimezone(ZoneInfo(timezone)).date()
    calendar = dates.Calendar(
        today, day_first=_is_day_first(region, spoken), pointed=spoken == "zh"
    )
    return Entities(
        option=choices.read(words) if menu else None,
        count=counts.read(words),
        date=dates.read(words, calendar),
        rest_on=rest.read(words, today),
        duration_days=terms.read(words),
        amount=amounts.read(words, balance),
    )


_MONTH_FIRST = frozenset({"en", "en_US", "en_PH", "en_CA"})


def _is_day_first(region: str, spoken: str) -> bool:
    """Tell how "3/4" is written: month first in the States and in Chinese, but for Hong Kong."""
    if spoken == "zh":
        return region.endswith(("_HK", "_MO"))
    return spoken == "es" or region not in _MONTH_FIRST
