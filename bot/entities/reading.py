"""What the readers of dates, terms, counts, choices and amounts share."""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words

# The one place that says how a span of time is worded; terms and dates both build on it.
SPAN = (
    "(?:(?:number|article) [more another the]* classifier? [more]* [unit sunmark]"
    "(?: and (?:article|pronoun)? half| half)?"
    "|number (?:and article? half) [more]* unit"
    "|number classifier half [unit monthmark]"
    "|[article number]? half [article classifier]? [unit monthmark]"
    "|unit and half|classifier half [unit monthmark]"
    "|(?<! few) another more? classifier? [unit quincena]|(?<! number) odd classifier? unit"
    "|[number half] yearmark"
    "|[article number] quincena"
    "|(?:number|article) [more]* hour"
    "|term)"
)

_REACH = 60
"""Words further off decide nothing, and a text without a stop costs no more."""

_STOP = code("stop")
_FUTURE = codes("will pay until rest next coming")
_PAST = codes("paid lost since last")
_LOST = codes("lost since last")
_NOT_BEFORE = pattern(
    "[not no] (?:will|pronoun)* [pay cue] [^will pay until before not no stop]{0,3}$"
)
_NOT_DIRECTLY = pattern("not [will the on el]* $|[not no] pronoun? word pronoun? [on el]+ $")
_NOT_TODAY = pattern("[not no] [^stop will pay until before rest now]{0,3} $")
_NOT_AFTER = pattern("[pronoun]? [not no]")


@dataclass(frozen=True)
class Found:
    """One match of a pattern over the shape of a message."""

    words: Words
    start: int
    end: int

    def all(self, kind: str) -> list[Any]:
        """Return the values of the words of a kind, in order."""
        wanted = code(kind)
        shape = self.words.shape
        return [self.words.values[i] for i in range(self.start, self.end) if shape[i] == wanted]

    def first(self, kind: str) -> Any:
        """Return the value of the first word of a kind, or None."""
        return next(iter(self.all(kind)), None)

    def has(self, kind: str) -> bool:
        """Tell whether a word of a kind is in the match."""
        return code(kind) in self.words.shape[self.start : self.end]

    def whole(self, *kinds: str) -> int | None:
        """Return the first whole number among the words of the kinds, or None."""
        for kind in kinds:
            for value in self.all(kind):
                if value == int(value):
                    return int(value)
        return None


def finds(words: Words, what: re.Pattern[str]) -> list[Found]:
    """Return the matches of a pattern, first to last."""
    return [Found(words, match.start(), match.end()) for match in what.finditer(words.shape)]


def clause(shape: str, at: int) -> tuple[int, int]:
    """Return where the clause around a place begins and ends, as far as it can matter."""
    first, last = max(0, at - _REACH), min(len(shape), at + _REACH)
    end = shape.find(_STOP, at, last)
    return max(first, shape.rfind(_STOP, first, at) + 1), last if end < 0 else end


def is_past(shape: str, start: int, end: int, *, paying_too: bool = True) -> bool:
    """Tell whether the sentence speaks of the past where it names something.

    The nearest word before it that shows a time decides, then the nearest one after it.
    """
    begin, stop = clause(shape, start)
    past = _PAST if paying_too else _LOST
    for at in (*range(start - 1, begin - 1, -1), *range(end, stop)):
        if shape[at] in past:
            return True
        if shape[at] in _FUTURE or shape[at] in _PAST:
            return False
    return False


def is_denied(shape: str, start: int, end: int, *, today: bool = False) -> bool:
    """Tell whether the sentence says *not* then: "can't pay today", "今天还不了"."""
    begin, stop = clause(shape, start)
    before = shape[begin:start]
    return bool(
        _NOT_BEFORE.search(before)
        or _NOT_DIRECTLY.search(before)
        or (today and _NOT_TODAY.search(before))
        or _NOT_AFTER.match(shape[end:stop])
    )


def span_days(found: Found) -> tuple[int, int] | None:
    """Return a span of time as (months, days); a half month is 15 days, a half year 180."""
    number = found.first("number")
    count = Decimal(1) if number is None else Decimal(number)
    if found.has("term"):
        return 0, found.first("term")
    if found.has("half"):
        classified = found.has("classifier") and found.first("unit") != 30  # "個半月"
        added = found.has("and") or found.has("number") or classified or _trails(found)
        count = count * added + Decimal("0.5")
    if found.has("hour"):
        return (0, int(count) // 24) if count and count % 24 == 0 else None
    unit = found.first("unit")
    if unit is None:
        unit = next((days for kind, days in _UNITS.items() if found.has(kind)), 30)
    if unit == 365 and count == Decimal("0.5"):
        unit = 360
    days = int((count * unit).to_integral_value("ROUND_HALF_UP"))
    if not 0 < days <= LONGEST:
        return None
    return (int(count), 0) if unit == 30 and count == int(count) else (0, days)


LONGEST = 731
"""Days; what is longer is no term that a lender grants but somebody's age or history."""
_UNITS = {"quincena": 15, "yearmark": 365, "sunmark": 1}


def _trails(found: Found) -> bool:
    """Tell whether the half stands behind the unit: "mes y medio", "两个星期半"."""
    shape = found.words.shape[found.start : found.end]
    return code("unit") in shape and shape.index(code("half")) > shape.index(code("unit"))


def add_months(day: datetime.date, months: int) -> datetime.date:
    """Return the same day some months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return datetime.date(year, month + 1, min(day.day, month_length(year, month + 1)))


def month_length(year: int, month: int) -> int:
    """Return the number of days of a month."""
    return calendar.monthrange(year, month)[1]
