"""The time of day that a message names, for calls and for when texts are welcome.

Not an entity of every message: only a question about a time reads it, so a figure that might be
money or a day is never taken for an hour elsewhere.
"""

from __future__ import annotations

import re
from datetime import time

from bot.nlu.normalise import for_sparse

_HAN = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def numbered(words: str, first: int = 1) -> dict[str, int]:
    """Each word with its place: {"one": 1, "two": 2}."""
    return {word: number for number, word in enumerate(words.split(), first)}


_EN_HOURS = "one two three four five six seven eight nine ten eleven twelve"
_ES_HOURS = "una dos tres cuatro cinco seis siete ocho nueve diez once doce"
_WORDS = numbered(_EN_HOURS) | numbered(_ES_HOURS)
_EN, _ES = _EN_HOURS.replace(" ", "|"), _ES_HOURS.replace(" ", "|")
_ZH = r"(?:\d{1,2}|[一二两三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九])"
_HALF = r"(?P<half>am|pm|a\.? ?m\b\.?|p\.? ?m\b\.?)"

_NO_HOUR = (
    r"(?! ?(?:st|nd|rd|th|%|\$|€|dol|buck|usd|eur|peso|k\b|days?|weeks?|months?|hours?|hrs?\b|min"
    r"|dias?|semanas?|mes|horas?|cuotas?|partes?|pagos?|veces|letras?|facturas?|personas?"
    r"|payments?|parts?|times?|[a-z]*s? ago|de (?:cada|los|las)|[.,/-]?\d))"
)
_CLOCKS = (
    # 10:30, 10.30 am, 10h30
    rf"(?<![\d.,:/$€-])(?P<hour>\d{{1,2}})(?: ?: ?|h)(?P<minute>[0-5]\d)(?![\d%])(?: ?{_HALF})?",
    rf"(?<![\d.,:/$€-])(?P<hour>\d{{1,2}})(?:\.(?P<minute>[0-5]\d)|ish)? ?{_HALF}(?![a-z])",
    # 3 o'clock, 15 h, 15 hrs; but not "in 3 hrs"
    rf"(?<![\d.,:/$€-])(?<!in )(?<!en )(?<!de )(?P<hour>\d{{1,2}}|{_EN}) ?(?:o'? ?clock"
    r"|(?:h|hs|hrs)\b(?! (?:ago|later|more|mas|despues)))",
    # half past three, quarter to 4
    rf"\b(?P<quarter>half|quarter) (?P<side>past|after|to) (?P<hour>\d{{1,2}}|{_EN})\b",
    # at 3, after 5, around four
    rf"(?:\b(?:at|around|after|before|until|till|@)|@) ?(?P<hour>\d{{1,2}}|{_EN})(?: ?ish)?\b"
    rf"{_NO_HOUR}",
    # a las 10, a la una y media, despues de las 5
    rf"(?:\b(?:a|de|desde|hasta|sobre|tipo|como|entre|y) |^)las? (?P<hour>\d{{1,2}}|{_ES})\b"
    r"(?:[.:](?P<minute>[0-5]\d)|(?: y (?P<past>media|cuarto|\d{1,2}\b))?(?P<less> menos cuarto)?)"
    rf"(?: ?{_HALF})?{_NO_HOUR}",
    # 三点, 3点半, 下午三点一刻, 十五时三十分
    rf"(?<!率)(?<!率是)(?P<hour>{_ZH}) ?(?:点钟?|时)"
    rf"(?:整|(?P<past>半|[一三]刻|{_ZH}(?=分)"
    rf"|[0-5]\d(?!\d)))?"
    r"(?!\d|[.%]|小|候|间|多?(?:利|钱|块)|[个条]?(?:意见|问题|建议|疑问|原因|要求))",
)
_CLOCK = tuple(re.compile(pattern) for pattern in _CLOCKS)

# "一点" is an hour only where a part of the day, a day or a preposition stands before it.
_A_BIT = re.compile(
    "(?<![上下中晚晨午早日天晏昼一二三四五六十于在到至前后])一点(?!钟|半|整|[一三]刻"
    "|[十\\d二三四五]+分)"
)

_PARTS: tuple[tuple[str, int, str], ...] = (
    (
        "morning",
        10,
        r"\bmornings?\b|\b(?:por|en|de|a) las? mananas?\b|\btemprano\b|早上|早晨|上午|朝早|一早"
        r"|清晨",
    ),
    ("noon", 12, r"\b(?:noon|midday|lunch ?(?:time|break)?)\b|\bmedio ?dia\b|中午|晌午|午饭|午休"),
    ("afternoon", 15, r"\bafternoons?\b|\b(?:por|en|de|a) las? tardes?\b|下午|下昼|晏昼|午后"),
    ("evening", 18, r"\bevenings?\b|\bafter work\b|傍晚|下班"),
    ("night", 20, r"\b(?:to)?nights?\b|\bnoches?\b|晚上|晚间|夜晚|今晚|明晚|听晚|夜里|深夜"),
)
_PART = tuple((name, hour, re.compile(pattern)) for name, hour, pattern in _PARTS)

_ANY = re.compile(
    r"\bany ?time\b|\bwhenever\b|\basap\b|\bas soon as\b|\bearliest\b|\bfirst thing\b"
    r"|\bcuando (?:sea|pueda|quiera|gust|abra)|\bcualquier (?:hora|momento)|\blo antes posible"
    r"|\ben cuanto (?:pueda|abra)|\bcuanto antes|随时|什么时候都|几点都|都可以|都行|都得|尽快"
    r"|几时都|边个钟"
)
LATEST_MORNING = 8
"""An hour below this, without more, is taken for the afternoon: nobody is called at three."""


def read(text: str, *, bare: bool = False, early: bool = False) -> time | None:
    """The first time of day in a message.

    Args:
        text: as it arrived.
        bare: a number that is all of the message is an hour, as it was asked for.
        early: an hour without more is meant as it stands, as in "not before 7".

    """
    plain = _A_BIT.sub("", for_sparse(text))
    part = part_of_day(text)
    for clock in _CLOCK:
        found = clock.search(plain)
        if found:
            return _time(found.groupdict(), part, early=early)
    if bare and (found := re.fullmatch(r"\D{0,8}?(\d{1,2})(?!\d)\D{0,3}", plain)):
        return _time({"hour": found[1]}, part, early=early)
    return next((time(hour) for name, hour, _ in _PART if name == part), None)


def part_of_day(text: str) -> str | None:
    """morning, noon, afternoon, evening or night, where one is named."""
    plain = for_sparse(text)
    return next((name for name, _, pattern in _PART if pattern.search(plain)), None)


def is_any(text: str) -> bool:
    """Whether any time will do: "whenever", "随时"."""
    return bool(_ANY.search(for_sparse(text)))


def _time(found: dict[str, str | None], part: str | None, *, early: bool) -> time | None:
    hour, minute = _number(found["hour"] or ""), _minute(found)
    if found.get("quarter"):
        minute = 30 if found["quarter"] == "half" else 15
        if found["side"] == "to":
            hour, minute = hour - 1, 45
    if found.get("less"):
        hour, minute = hour - 1, 45
    hour = _on_the_clock(hour, (found.get("half") or "")[:1], part, early=early)
    return time(hour, minute) if 0 <= hour <= 23 and 0 <= minute <= 59 else None


def _on_the_clock(hour: int, half: str, part: str | None, *, early: bool) -> int:
    """The hour of twenty-four."""
    if half == "a":
        return hour % 12 if hour <= 12 else hour
    if half == "p" or part in ("afternoon", "evening"):
        return hour % 12 + 12 if hour <= 12 else hour
    if part == "night":
        return (hour + 12) % 24 if hour <= 12 else hour
    if part == "morning" or early:
        return hour
    return hour + 12 if 0 < hour < LATEST_MORNING else hour


def _minute(found: dict[str, str | None]) -> int:
    past = found.get("minute") or found.get("past")
    if not past:
        return 0
    fixed = {"media": 30, "半": 30, "cuarto": 15, "一刻": 15, "三刻": 45}
    return fixed[past] if past in fixed else _number(past)


def _number(written: str) -> int:
    """The value of "15", "three", "tres" or "十五"."""
    if written.isdecimal():
        return int(written)
    if written in _WORDS:
        return _WORDS[written]
    tens, ten, ones = written.partition("十")
    if not ten:
        return _HAN[written]
    return 10 * _HAN.get(tens, 1) + _HAN.get(ones, 0)
