"""The day that a message names, from today on."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.entities.choices import MOST as LONGEST_MENU
from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import (
    SPAN,
    Found,
    add_months,
    clause,
    finds,
    is_denied,
    is_past,
    month_length,
    span_days,
)


@dataclass(frozen=True)
class Calendar:
    """Today, and how the borrower writes dates in figures."""

    today: datetime.date
    day_first: bool
    pointed: bool
    """Whether "3.20" may be a day."""


Reading = datetime.date | bool
"""A day; True for words that name no day to come but are read all the same; False for no date."""


def read(words: Words, calendar: Calendar) -> datetime.date | None:
    """Return the first day that the message commits to or asks about.

    Of several, one that is only left behind ("from the 5th to the 20th", "now") gives way. Words
    that were read as dates are taken from ``words``.
    """
    if not _ANY.search(words.shape):
        return None
    best: tuple[tuple[bool, int], datetime.date] | None = None
    for shape, reading, flags in _RULES:
        for found in finds(words, shape):
            day = reading(found, calendar)
            if day is False:
                continue
            kept = day is not True and not _is_hidden(words, found, flags)
            if kept and isinstance(day, datetime.date) and day >= calendar.today:
                rank = (_is_weak(words, found, flags), found.start)
                if best is None or rank < best[0]:
                    best = rank, day
            words.mark(found.start, found.end, _DATE)
            words.values[found.start] = day
    return best[1] if best else None


_ANY = pattern(
    "[day now ya weekday month unit monthmark daymark sunmark yearmark ordinal rank el the term"
    " quincena holiday dated slash span hour from]|number [before pay]"
)
_OFTEN = (code("time"), code("counter"))
_DATE = code("date")
_FROM = codes("from")
_LE = code("le")
_ASKED = codes("grace more odd pay ago last")
_CONNECTORS = codes("the el on")


def _is_hidden(words: Words, found: Found, flags: str) -> bool:
    """Tell whether the day is past, denied, or no matter of the message's."""
    shape, start, end = words.shape, found.start, found.end
    if "floating" in flags and is_past(shape, start, end):
        return True
    today = "day" in flags and found.first("day") == 0
    if today and is_past(shape, start, end, paying_too=False):
        return True
    if found.has("in") and shape[max(0, start - 1) : start] in _OFTEN:
        return True  # "5 reminders in 2 days"
    if "now" in flags and (not _NOW_PAID.search(shape) or _awaits(words, start)):
        return True
    return is_denied(shape, start, end, today=today or "now" in flags)


def _awaits(words: Words, at: int) -> bool:
    """Tell whether what stands before is yet to happen: "发了工资马上还" is not today."""
    begin, _ = clause(words.shape, at)
    return "when" in Found(words, begin, at).all("will")


def _is_weak(words: Words, found: Found, flags: str) -> bool:
    at = found.start if words.shape[found.start] in _FROM else found.start - 1
    while at >= 0 and words.shape[at] in _CONNECTORS:
        at -= 1
    return "now" in flags or (at >= 0 and words.shape[at] in _FROM)


_NOW_PAID = pattern(
    "(?:^|stop) [ok pronoun the]* [now ya] [ok stop pronoun]* $"
    "|pay [^not no paid lost stop]{0,5} [now ya]|[now ya] [^not no paid lost stop]{0,4} pay"
    "|[half share percent of_it slash tenth number currency all all_weak] [now ya]"
    "|[now ya] [cue pronoun word]{0,3} number"
)


def _later_in_week(calendar: Calendar, weekday: int) -> datetime.date:
    ahead = (weekday - calendar.today.weekday() - 1) % 7 + 1
    return calendar.today + datetime.timedelta(days=ahead)


def _weekday(found: Found, calendar: Calendar) -> Reading:
    return _spelled_out(found) or _later_in_week(calendar, found.first("weekday"))


def _spelled_out(found: Found) -> datetime.date | None:
    """Return the date that says which of these weekdays it is: "friday, march 20"."""
    for day in found.all("date"):
        if isinstance(day, datetime.date) and day.weekday() == found.first("weekday"):
            return day
    return None


def _weekday_of_week(found: Found, calendar: Calendar) -> Reading:
    """Return the day in a week counted from Monday: "下周五", "friday next week"."""
    if told := _spelled_out(found):
        return told
    weeks = found.first("next")
    weekday = found.first("weekday")
    if found.has("next"):
        if not weeks and not found.has("unit"):  # "el próximo viernes" is the coming one
            return _later_in_week(calendar, weekday)
        weeks = max(1, weeks)
    elif found.first("this") is None and not found.has("unit"):
        return _later_in_week(calendar, weekday)
    monday = calendar.today - datetime.timedelta(days=calendar.today.weekday())
    return monday + datetime.timedelta(days=7 * (weeks or 0) + weekday)


def _month_day(found: Found, calendar: Calendar) -> Reading:
    """Return "march 3", "3 de marzo", "the 3rd of march, 2027"."""
    days = [_figure(n) for n in found.all("ordinal")] + found.all("rank") + found.all("number")
    if any(day != int(day) for day in days):
        return False
    day, year, *_ = (*map(int, days), None)
    if year is not None and not 2000 <= year <= 2100:
        return False
    return _on(calendar, found.first("month"), day, year)


def _year_month_day(found: Found, calendar: Calendar) -> Reading:
    """Return "2026年3月4日" or "3月4号"."""
    numbers = [int(n) for n in found.all("number")]
    year = numbers.pop(0) if found.has("yearmark") else None
    month, day = numbers
    return _on(calendar, month, day, None if year is None else year + (year < 100) * 2000)


def _figure(written: object) -> int:
    """Return the number of a rank word or of "15th"."""
    return int("".join(c for c in str(written) if c.isdigit()) or 0)


def _on(calendar: Calendar, month: int, day: int, year: int | None) -> Reading:
    today = calendar.today
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return False
    for candidate in (year,) if year else range(today.year, today.year + 5):
        if candidate is not None and day <= month_length(candidate, month):
            found = datetime.date(candidate, month, day)
            if year or found >= today:
                return found
    return False


def _day_of_month(found: Found, calendar: Calendar) -> Reading:
    day = found.whole("number", "rank")
    if day is None:
        day = _figure(found.first("ordinal"))
    if not 1 <= day <= 31 or _is_fraction(found):
        return False
    if found.has("last"):
        return True
    if found.has("next"):
        later = add_months(calendar.today.replace(day=1), max(1, found.first("next")))
        return day <= month_length(later.year, later.month) and later.replace(day=day)
    for month in range(13):
        first = add_months(calendar.today.replace(day=1), month)
        if day <= month_length(first.year, first.month) and first.replace(day=day) >= (
            calendar.today
        ):
            return first.replace(day=day)
    return False


def _is_fraction(found: Found) -> bool:
    return any(n != int(n) for n in found.all("number"))


def _late_day(found: Found, calendar: Calendar) -> Reading:
    """Return "the twentieth"; no menu is so long, while "the second" is a choice."""
    return found.first("rank") > LONGEST_MENU and _day_of_month(found, calendar)


def _point(found: Found, calendar: Calendar) -> Reading:
    """Return "3.20号" or "3.20还", month first in all of Chinese; "还3.20" is a sum."""
    written = found.words.written[found.start]
    if not (calendar.pointed and _POINT.fullmatch(written)):
        return False
    month, day = _parts(written)
    return _on(calendar, month, day, None)


_POINT = re.compile(r"\d\d?\.\d\d?")


def _masculine_day(found: Found, calendar: Calendar) -> Reading:
    """Return the day of "15th" or "1o"; "2da" and "1a" are choices, never days."""
    if str(found.first("ordinal"))[-2:] in ("da", "ra", "ta", "va", "ma", "do") or str(
        found.first("ordinal")
    ).endswith("a"):
        return False
    return _day_of_month(found, calendar)


def _matching_day(found: Found, calendar: Calendar) -> Reading:
    """Return "viernes 13" if the 13th is a Friday; else the number is something else."""
    day = _day_of_month(found, calendar)
    fits = not isinstance(day, bool) and day.weekday() == found.first("weekday")
    return fits and day


def _day_unit(found: Found, calendar: Calendar) -> Reading:
    """Return "día 15"."""
    return found.first("unit") == 1 and _day_of_month(found, calendar)


def _relative(found: Found, calendar: Calendar) -> Reading:
    today, offset = calendar.today, found.first("day")
    if found.has("last"):
        return True
    months = found.first("next")
    ahead = 0 if months is None else max(1, months)
    if isinstance(offset, int):
        if found.has("number"):  # "200 today"
            return False
        return today + datetime.timedelta(days=offset)
    if offset == "year end":
        return today.replace(month=12, day=31)
    if offset == "month start":
        return add_months(today.replace(day=1), 1)
    number = found.whole("number")
    if number is not None and offset == "month end":  # "12月底"
        return _end_of(calendar, number)
    return _last_of(add_months(today.replace(day=1), ahead))


def _last_of(day: datetime.date) -> datetime.date:
    return day.replace(day=month_length(day.year, day.month))


def _end_of(calendar: Calendar, month: int) -> Reading:
    if not 1 <= month <= 12:
        return False
    year = calendar.today.year + (month < calendar.today.month)
    return _last_of(datetime.date(year, month, 1))


def _month_end(found: Found, calendar: Calendar) -> Reading:
    if found.has("month"):
        return _end_of(calendar, found.first("month"))
    if found.has("last"):
        return True
    if found.first("unit") not in (None, 30):
        return False
    ahead = max(1, found.first("next")) if found.has("next") else 0
    return _last_of(add_months(calendar.today.replace(day=1), ahead))


def _after_span(found: Found, calendar: Calendar) -> Reading:
    span = span_days(found)
    if span is None:
        return False
    start = calendar.today
    if found.has("weekday"):
        start = _later_in_week(calendar, found.first("weekday"))
    elif found.has("day") and isinstance(found.first("day"), int):
        start += datetime.timedelta(days=found.first("day"))
    return add_months(start, span[0]) + datetime.timedelta(days=span[1])


def _quincena(found: Found, calendar: Calendar) -> Reading:
    """Return the next payday of Latin America: the 15th or the last of the month."""
    if found.has("last"):
        return True
    today = calendar.today
    middle, last = today.replace(day=15), _last_of(today)
    if today < middle:
        return middle
    return last if today < last else add_months(today.replace(day=1), 1).replace(day=15)


def _holiday(found: Found, calendar: Calendar) -> Reading:
    month, day = found.first("holiday")
    return _on(calendar, month, day, None)


def _dated(found: Found, calendar: Calendar) -> Reading:
    """Return "2026-11-20", "20/11/2026" or "11/20/26"."""
    first, second, third = _parts(found.first("dated"))
    if first > 31:
        return _on(calendar, second, third, first)
    century = 0 if third > 99 else 2000 if third < 70 else 1900
    return _in_figures(calendar, first, second, century + third)


def _slash(found: Found, calendar: Calendar) -> Reading:
    if _SHARED.search(found.words.shape):
        return False  # "1/2 now"
    return _in_figures(calendar, *_parts(found.first("slash")))


def _dash(found: Found, calendar: Calendar) -> Reading:
    return _in_figures(calendar, *_parts(found.first("span")))


def _parts(written: str) -> list[int]:
    figures = "".join(c if c.isdigit() else " " for c in written)
    return [int(part) for part in figures.split()]


def _in_figures(calendar: Calendar, first: int, second: int, year: int | None = None) -> Reading:
    day, month = (first, second) if calendar.day_first else (second, first)
    return _on(calendar, month, day, year) or _on(calendar, day, month, year)


def _sun_day(found: Found, calendar: Calendar) -> Reading:
    """Return "15日", which in Hong Kong may also be a span: "遲10日", "三日"."""
    shape = found.words.shape
    asked = found.start and shape[found.start - 1] in _ASKED
    spent = shape[found.end : found.end + 1] == _LE  # "住院9日喇"
    if asked or spent or (not found.words.written[found.start] and found.first("number") <= 10):
        return False
    return _day_of_month(found, calendar)


def _past(found: Found, calendar: Calendar) -> Reading:
    return True


def _today(found: Found, calendar: Calendar) -> Reading:
    return calendar.today


_SHARED = pattern(
    "pay [the]? slash [^the]{0,1} [now rest day]|slash (?:now|rest|of_it|day)|[pay half] slash $"
)
_SUMS = "currency|percent|hour|part|time|counter|scale|rate|clock|choice|tenth"
_NO_SUM = f"(?! [the]? (?:{_SUMS}))"
_NO_QUANTITY = f"(?! [the]? (?:{_SUMS}|number))"
_OF_MONTH = (
    "(?: [the el on from]* (?:next unit|unit next|this unit|unit this|last unit|unit last|unit"
    "|next monthmark|this monthmark))?"
)

_NO_SPAN = "(?! unit|word|more|odd|another)"
_NO_DAY = "[part unit time choice counter classifier number]"
_OF = "[the el on]"
_SPELLED_OUT = "(?: [the el on stop]{0,3} date)?"
_MONTH_DAY = "weekday? [the el on]* month [the el on]* (?:number|ordinal|rank)"
_DAY_MONTH = "weekday? [the el on from]* (?:number|ordinal|rank) [the el from]* month"

# The order matters: what a rule has read, later rules do not see.
_GRAMMAR: tuple[tuple[str, Callable[[Found, Calendar], Reading], str], ...] = (
    ("dated", _dated, ""),
    ("street number (?:the month|daymark) number?", _past, ""),  # "calle 5 de mayo 340"
    ("(?:[until before on el the from]|^|weekday) span (?=stop|ok|$)", _dash, "floating"),
    ("slash", _slash, "floating"),
    ("number yearmark number monthmark number [daymark sunmark]?", _year_month_day, ""),
    ("number monthmark number [daymark sunmark]? (?! currency)", _year_month_day, "floating"),
    ("(?:number|(?:next|last) monthmark?)? [the]? day next?", _relative, "day"),
    ("(?:next|last|this|each) monthmark the? number [daymark sunmark]?", _day_of_month, "floating"),
    ("last (?:weekday|unit the? weekday|monthmark)", _past, ""),
    ("weekday the* (?:last unit?|unit last)", _past, ""),
    ("each weekday|weekday [to until] weekday", _past, ""),
    (f"weekday {_OF}* (?:next unit|unit next|this unit)", _weekday_of_week, ""),
    (f"(?:next unit|unit next|this unit) {_OF}* weekday", _weekday_of_week, ""),
    (f"{SPAN} from [the el]* (?:weekday|day|now)", _after_span, ""),
    (f"{_MONTH_DAY} [the stop]* number (?! currency|unit|number)", _month_day, ""),
    (f"{_MONTH_DAY} {_NO_QUANTITY}", _month_day, "floating"),
    (f"{_DAY_MONTH} [the el from stop]* number (?! currency|unit|number)", _month_day, ""),
    (_DAY_MONTH, _month_day, "floating"),
    (f"weekday {_OF}* ordinal", _day_of_month, "floating"),
    (f"weekday el number {_NO_QUANTITY}", _day_of_month, "floating"),
    (f"weekday [the el on stop]{{0,3}} (?:ordinal|number daymark|(?<=the) rank) (?! {_NO_DAY})",
     _matching_day, "floating"),
    (f"weekday number {_NO_SUM}", _matching_day, "floating"),
    (f"(?:next weekday|weekday next|coming weekday|this weekday){_SPELLED_OUT}",
     _weekday_of_week, ""),
    (f"weekday{_SPELLED_OUT}", _weekday, "floating"),
    (f"end {_OF}* (?:month|next unit|unit next|this unit|unit)", _month_end, ""),
    (f"ordinal (?! {_NO_DAY} | the? (?:all|all_weak)){_OF_MONTH}", _masculine_day, "floating"),
    (f"[until before on] [the el]* rank (?! {_NO_DAY}|word){_OF_MONTH}",
     _day_of_month, "floating"),
    (f"the rank (?! {_NO_DAY}|word|han)", _late_day, "floating"),
    ("number daymark|(?<![^stop pronoun ok]) number (?=pay|before (?:pay|will|ok|stop|$))",
     _point, "floating"),
    ("number daymark (?! number counter)", _day_of_month, "floating"),
    (f"[el from] number {_NO_QUANTITY} {_NO_SPAN}{_OF_MONTH}", _day_of_month, "floating"),
    (f"unit number {_NO_QUANTITY} (?! unit){_OF_MONTH}", _day_unit, "floating"),
    (f"[until before on in from] the number {_NO_QUANTITY} {_NO_SPAN}{_OF_MONTH}",
     _day_of_month, "floating"),
    (f"in [the cue few]* {SPAN} [later the]*", _after_span, "floating"),
    (f"{SPAN} [more the]* later", _after_span, ""),
    ("number sunmark", _sun_day, "floating"),
    ("each quincena", _past, ""),
    ("[el the this next until in]* (?<! [article number more another]) quincena"
     " (?:next|last|[the el]* unit last)?", _quincena, "floating"),
    ("holiday", _holiday, "floating"),
    ("day", _relative, "day"),
    ("now|ya (?=stop|ok|$)", _today, "now"),
)  # fmt: skip
_RULES = tuple((pattern(shape), reading, flags) for shape, reading, flags in _GRAMMAR)
