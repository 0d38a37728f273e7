"""The day in the past on which something was done: "yesterday", "el lunes", "上周五"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from bot.entities.times import numbered
from bot.nlu.normalise import for_sparse

_RELATIVE = (
    (2, r"\b(?:day before yesterday|antier|antes de ayer|anteayer)\b|前天|前日|大前晚"),
    (1, r"\b(?:yesterday|yest|ystrday|last night|ayer|anoche)\b|昨[天日晚夜]|[琴寻][日晚]"),
    (
        0,
        r"\b(?:today|2day|this morning|just (?:now|paid|sent)|hoy|ahorita|recien|acab[oe] de"
        r"|esta manana)\b|今[天日早]|刚刚|刚才|刚还|刚付|啱啱",
    ),
)
_RELATIVES = tuple((days, re.compile(pattern)) for days, pattern in _RELATIVE)
_NUMBERS = {
    **numbered("one two three four five six seven"),
    **numbered("un dos tres cuatro cinco seis siete"),
    **numbered("一 二 三 四 五 六 七"),
    "a": 1,
    "una": 1,
    "两": 2,
    "couple": 2,
    "par": 2,
}
_N = "|".join(sorted(_NUMBERS, key=len, reverse=True))
_AGO = re.compile(
    rf"\b(?P<en>\d{{1,2}}|{_N})(?: of)? (?P<en_unit>day|week)s? ago\b"
    rf"|\bhace (?:como )?(?P<es>\d{{1,2}}|{_N})(?: de)? (?P<es_unit>dia|semana)s?\b"
    rf"|(?P<zh>\d{{1,2}}|[{''.join(n for n in _NUMBERS if len(n) == 1 and n > 'z')}])个?"
    r"(?P<zh_unit>天|日|周|星期|礼拜)(?:之?前|以前)"
)
_DAYS = {
    **numbered("mon tue wed thu fri sat sun", 0),
    **numbered("lunes martes miercoles jueves viernes sabado domingo", 0),
    **numbered("一 二 三 四 五 六 日", 0),
    "天": 6,
}
_WEEKDAY = re.compile(
    r"\b(?P<en>mon|tue|wed|thu|fri|sat|sun)(?:s|nes|rs|ur|urs)?(?:day)?s?\b"
    r"|\b(?P<es>lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b"
    r"|(?P<last>上个?)?(?:周|星期|礼拜)(?P<zh>[一二三四五六日天])"
)
_MONTHS = {
    **numbered("jan feb mar apr may jun jul aug sep oct nov dec"),
    **numbered("ene feb mar abr may jun jul ago sep oct nov dic"),
}
_MONTH = "|".join(sorted(set(_MONTHS)))
_MONTH_DAY = re.compile(
    rf"\b(?P<m1>{_MONTH})[a-z]* (?:the )?(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?:of |de )?(?P<m2>{_MONTH})[a-z]*\b"
    r"|(?P<m3>\d{1,2})月(?P<d3>\d{1,2})(?:[日号]|(?!\d))"
)
_FIGURES = re.compile(r"(?<![\d/.,$])(\d{1,2})[/-](\d{1,2})(?![\d/.,])")
_DAY = re.compile(
    r"\bthe (\d{1,2})(?:st|nd|rd|th)?\b|\b(\d{1,2})(?:st|nd|rd|th)\b"
    r"|\bel (?:dia )?(\d{1,2})\b(?! ?%)|(?<![\d月])(\d{1,2})[号日](?!元)"
)


def read(text: str, today: date, *, day_first: bool = False) -> date | None:
    """The latest day, up to today, that a message may mean; None where it names none."""
    plain = for_sparse(text)
    for days, pattern in _RELATIVES:
        if pattern.search(plain):
            return today - timedelta(days=days)
    if found := _AGO.search(plain):
        return today - timedelta(days=_ago(found))
    if found := _MONTH_DAY.search(plain):
        month = found["m1"] or found["m2"]
        named = _MONTHS[month] if month else int(found["m3"])
        return _latest(today, named, int(found["d1"] or found["d2"] or found["d3"]))
    if found := _FIGURES.search(plain):
        first, second = int(found[1]), int(found[2])
        day, month_in_figures = (first, second) if day_first else (second, first)
        return _latest(today, month_in_figures, day) or _latest(today, day, month_in_figures)
    if found := _WEEKDAY.search(plain):
        return _weekday(found, today)
    if found := _DAY.search(plain):
        return _day_of_month(today, int(next(part for part in found.groups() if part)))
    return None


def _ago(found: re.Match[str]) -> int:
    written = found["en"] or found["es"] or found["zh"]
    unit = found["en_unit"] or found["es_unit"] or found["zh_unit"]
    count = int(written) if written.isdecimal() else _NUMBERS[written]
    return count * (7 if unit in {"week", "semana", "周", "星期", "礼拜"} else 1)


def _weekday(found: re.Match[str], today: date) -> date:
    """The last one before today; "上周五" is the Friday of the week before this."""
    weekday = _DAYS[found["en"] or found["es"] or found["zh"]]
    if found["last"]:
        return today - timedelta(days=today.weekday() + 7 - weekday)
    return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)


def _latest(today: date, month: int, day: int) -> date | None:
    for year in (today.year, today.year - 1):
        try:
            named = date(year, month, day)
        except ValueError:
            continue
        if named <= today:
            return named
    return None


def _day_of_month(today: date, day: int) -> date | None:
    """The latest such day of a month, of the last two."""
    if not 1 <= day <= 31:
        return None
    first = today.replace(day=1)
    for month in (first, (first - timedelta(days=1)).replace(day=1)):
        named = _latest(today, month.month, day)
        if named is not None and (named.year, named.month) == (month.year, month.month):
            return named
    return None
