"""How somebody wants to pay in parts: "50 a month", "half now", "每月还500", "50 por quincena".

Only asked where parts are spoken of: "a month" is a rate beside a sum, and elsewhere none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.entities.lexer import MAX_CHARS, to_decimal
from bot.entities.vocabulary import plain


@dataclass(frozen=True)
class Rate:
    """What a message says of parts, beside the entities that every message may name."""

    every_days: int | None = None
    amount: Decimal | None = None
    """The sum that stands beside the interval."""
    count: int | None = None
    half: bool = False
    now: bool = False
    less: bool = False
    """Something is to be taken off: a discount, interest waived or frozen."""


_NUMBER = r"(?P<number>\d[\d.,']*\d|\d)"
_UNIT_DAYS = {
    7: "week|wk|weeks|wks|weekly|semana|semanas|semanal|semanales|周|週|星期|礼拜|禮拜",
    14: "fortnight|fortnightly|biweekly|bi-weekly|paycheck|payday",
    15: "quincena|quincenas|quincenal|quincenales|半月|半个月|半個月",
    30: "month|mo|months|monthly|mes|meses|mensual|mensuales|月",
}
_DAYS = {word: days for days, words in _UNIT_DAYS.items() for word in words.split("|")}
_SMALL = {"two": 2, "other": 2, "dos": 2, "两": 2, "兩": 2, "二": 2, "2": 2, "3": 3, "三": 3}
_SMALL |= {"three": 3, "tres": 3, "4": 4, "four": 4, "cuatro": 4, "四": 4}
_TIMES = "|".join(_SMALL)
_LATIN = (
    r"(?:(?:a|an|per|each|every|al|por|a la|cada|/)\s*"
    rf"(?:(?P<times>{_TIMES})\s+)?"
    r"(?P<unit>weeks?|wks?|fortnight|paycheck|payday|months?|mo|semanas?|quincena|mes|meses)"
    r"|(?P<adverb>weekly|fortnightly|bi-?weekly|monthly|semanal(?:es)?|quincenal(?:es)?"
    r"|mensual(?:es)?))\b"
)
_HAN = (
    rf"(?:每|一)\s*(?P<times>{_TIMES})?\s*(?:个|個)?"
    r"(?P<unit>半个月|半個月|半月|月|周|週|星期|礼拜|禮拜)"
)
_CURRENCY = r"(?:\$|€|£|¥|dollars?|bucks|usd|pesos?|euros?|块|塊|元)?"
_SUM_FIRST = re.compile(rf"{_NUMBER}\s*{_CURRENCY}\s*{_LATIN}")
_LATIN_ALONE = re.compile(_LATIN.replace("(?:a|an|per|each", "(?:per|each"))
_OVER = re.compile(
    r"(?:\b(?:over|in|en)\s+\d{1,2}\s+|分\s*\d{1,2}\s*(?:个|個)?)"
    r"(?P<unit>weeks|months|semanas|meses|quincenas|周|週|星期|月)"
)
_HAN_FIRST = re.compile(rf"{_HAN}\s*(?:还|還|繳|缴|付|供|交|俾|畀)?\D{{0,3}}{_NUMBER}")
_HAN_ALONE = re.compile(_HAN.replace("(?:每|一)", "每"))
_ALONE = (_OVER, _LATIN_ALONE, _HAN_ALONE)
_HALF = re.compile(
    r"\b(?:(?:half|haf)(?! (?:a |an )?(?:month|year|hour|day))|1/2|mitad(?! del? mes)|50\s?%)"
    r"|一半"
)
_NOW = re.compile(
    r"\b(?:now|today|rn|up front|upfront|right away|ahora|hoy|de una vez)\b"
    r"|(?:现在|現在|今天|今日|马上|馬上|立刻|而家|家陣)(?![^,.]{0,2}[不没沒唔冇])"
    r"|先(?=还|還|繳|缴|付|交|俾|畀)"
)
_NOT_NOW = re.compile(
    r"(?:\b(?:can'?t|cannot|can not|not|no|never|unable)\b|不|没|沒|冇|唔)[^,.;!?。]{0,24}$"
)
_IN_COUNT = re.compile(
    r"\b(?:in|into|over|en)\s+(?P<number>[2-9]|1\d)\s*"
    r"(?:[.?!,]|pls|please|then|entonces|mejor|$)"
)
_HAN_COUNT = re.compile(r"(?<![第每了过過])(?P<number>[2-9]|1\d|[二两兩三四五六七八九十])\s*期")
_HAN_NUMBERS = {han: n for n, han in enumerate("二三四五六七八九十", 2)} | {"两": 2, "兩": 2}
SHORT = 12
"""Characters: in a longer text "3期" may be those that were paid."""
_LESS = re.compile(
    r"\b(?:waive|waiver|waived|lower|reduce|reduced|reduction|discount|settle|settlement|forgive"
    r"|forgiven|freeze|frozen|descuento|rebaja|rebajar|rebajen|baj(?:ar|en)\w*|quita|quit(?:ar|en)\w*|condonar|condonacion|perdonar"
    r"|perdonan|perdonen|congelar|congelen)\b"
    r"|减免|減免|减息|減息|免息|停息|减点|減點|减少|減少|少还|少還|少缴|少繳|打折|优惠|優惠|免掉"
)


def read(text: str) -> Rate:
    """Return what a message says of the way to pay in parts."""
    said = plain(text[:MAX_CHARS])
    beside = _SUM_FIRST.search(said) or _HAN_FIRST.search(said)
    every = beside or next(filter(None, (what.search(said) for what in _ALONE)), None)
    count = _IN_COUNT.search(said) or (_HAN_COUNT.search(said) if len(text) <= SHORT else None)
    return Rate(
        every_days=_days(every) if every else None,
        amount=to_decimal(beside["number"].rstrip(".,'")) if beside else None,
        count=_count(count["number"]) if count else None,
        half=bool(_HALF.search(said)),
        now=any(not _NOT_NOW.search(said[: found.start()]) for found in _NOW.finditer(said)),
        less=bool(_LESS.search(said)),
    )


def _count(written: str) -> int:
    return int(written) if written.isdecimal() else _HAN_NUMBERS[written]


def _days(found: re.Match[str]) -> int | None:
    groups = found.groupdict()
    unit = groups.get("unit") or groups.get("adverb") or ""
    days = _DAYS.get(unit)
    return None if days is None else days * _SMALL.get(groups.get("times") or "", 1)
