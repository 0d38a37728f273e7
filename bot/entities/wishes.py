"""How often, and when, somebody would like to be written to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from bot.entities import times
from bot.nlu.normalise import for_sparse

_COUNTS = {
    **dict.fromkeys(("once", "one", "a", "un", "una", "uno", "一"), 1),
    **dict.fromkeys(("twice", "two", "dos", "二", "两"), 2),
    **dict.fromkeys(("three", "tres", "三"), 3),
    **dict.fromkeys(("four", "cuatro", "四"), 4),
}
_DAY = frozenset({"day", "dia", "天", "日"})
_OFTEN = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?P<count>once|twice|one|two|three|four|a|\d)(?: (?:text|message|msg|sms|reminder)s?)?"
        r"(?: (?:time|x)s?)?(?: is (?:enough|fine|ok))? (?:a|per|every|each|in a) "
        r"(?P<unit>day|week|month)\b",
        r"\b(?P<count>una?|uno|dos|tres|cuatro|\d)(?: (?:mensaje|aviso|recordatorio|sms|texto"
        r"|ve[zc]"
        r"\w*)s?)?(?: \w+)? (?:al?|por|cada|a la|en la|x) (?P<unit>dia|semana|mes)\b",
        r"(?:每|一)个?(?P<unit>天|日|周|星期|礼拜|月)[^,。!?]{0,5}?(?P<count>[一二两三四]|\d)"
        r"(?:次|条|则|封|个)",
    )
)
_WEEKLY = re.compile(
    r"\bweekly\b|\b(?:every|each) week\b|\bsemanal\w*|\bcada semana\b|每(?:周|星期|礼拜)"
)
_EVERY_OTHER_DAY = re.compile(r"\bevery (?:other|second|two) days?\b|\bun dia si y otro no\b|隔天")

_NOT = re.compile(
    r"\b(?:no|not|do ?n'?t|dont|dnt|never|stop|nunca|ni|without|quit|deje\w*|sin)\b|\btoo\b|\bso\b"
    r"|\btan\b|\bdemasiado\b|别|不要|勿|唔好|唔想|不想|不准|莫|咪|太|这么"
)
_ONLY = re.compile(r"\b(?:only|just|solo|solamente|nomas|mejor|better|prefer\w*)\b|只|再|可以|先")
_SPAN = re.compile(
    r"\b(?:between|from|entre(?: las?)?|de"
    r"|desde(?: las?)?)? ?(?P<from>\d{1,2}(?::\d\d)? ?(?:[ap]\.?m"
    r"\.?)?)\b ?(?:and|to|till|until|-|–|y(?: las?)?|a(?: las?)?|hasta(?: las?)?)"
    r" ?(?P<to>\d{1,2}(?::\d\d)? ?(?:[ap]\.?m\.?)?)(?! ?(?:texts?|mensajes?|times|veces|days?"
    r"|dias))"
)
_ZH_SPAN = re.compile(
    r"(?P<from>[早上午下晚晨中]{0,2}[\d一二两三四五六七八九十]{1,3})点?(?:到|至|-|~)"
    r"(?P<to>[早上午下晚晨中]{0,2}[\d一二两三四五六七八九十]{1,3})点"
)
_BEFORE = re.compile(r"\b(?:before|earlier than|until|till|antes|hasta)\b|前(?!天|几)")
_AFTER = re.compile(r"\b(?:after|later than|past|from|despues|desde|pasadas)\b|后(?!天)|过了")
_AT_WORK = re.compile(
    r"\b(?:at|during|while \w+ at|in the) (?:my )?work|\bwork ?(?:hours|time|ing)|\bon (?:the|my)"
    r" (?:job|shift)|\btrabaj|上班|工作时间|开工|返工"
)
_EARLY = re.compile(r"\bearly\b|\btemprano\b|\bmadrugada\b|太早|这么早|一大早|咁早|凌晨")
_LATE = re.compile(r"\blate\b|\btan tarde\b|太晚|这么晚|咁晚|咁夜|半夜|三更|深夜")

NIGHT = {"night": time(20), "evening": time(18)}
NOON, EVENING = time(12), time(18)


@dataclass(frozen=True)
class Wishes:
    """What was said; None where nothing was."""

    a_week: int | None = None
    earliest: time | None = None
    latest: time | None = None


def read(text: str) -> Wishes:
    """How many texts a week are welcome, and from when to when."""
    plain = for_sparse(text)
    earliest, latest = _window(plain)
    return Wishes(_a_week(plain), earliest, latest)


def _a_week(plain: str) -> int | None:
    """The fewest that the message names: the other number is what there are now."""
    named = [
        _COUNTS.get(found["count"]) or int(found["count"])
        for pattern in _OFTEN
        for found in pattern.finditer(plain)
        if found["unit"] not in _DAY and found["count"] != "0"
    ]
    if not named and _WEEKLY.search(plain):
        named.append(1)
    if _EVERY_OTHER_DAY.search(plain):
        named.append(3)
    return min(named, default=None)


def _window(plain: str) -> tuple[time | None, time | None]:
    spanned = _span(plain)
    if spanned is not None:
        return spanned
    refused = bool(_NOT.search(plain))
    early = bool(_BEFORE.search(plain)) and refused
    named = times.read(plain, early=early) if _has_clock(plain) else None
    if named is not None:
        return _side(plain, named, refused=refused)
    if _AT_WORK.search(plain):
        return (EVENING, None) if refused else (None, None)
    part = times.part_of_day(plain)
    if refused and not _ONLY.search(plain):
        if _EARLY.search(plain) or part == "morning":
            return (NOON if part == "morning" and not _EARLY.search(plain) else time(10)), None
        return None, NIGHT["evening" if "晚" in plain else part or ""] if part in NIGHT else (
            time(19) if _LATE.search(plain) else None
        )
    return _PART_ALONE.get(part or "", (None, None))


_PART_ALONE: dict[str, tuple[time | None, time | None]] = {
    "morning": (None, NOON),
    "afternoon": (NOON, EVENING),
    "evening": (EVENING, None),
    "night": (EVENING, None),
}


def _span(plain: str) -> tuple[time | None, time | None] | None:
    found = _SPAN.search(plain) or _ZH_SPAN.search(plain)
    if found is None:
        return None
    first = times.read(_as_clock(found["from"]), early=True, bare=True)
    last = times.read(_as_clock(found["to"]), early=True, bare=True)
    if first is None or last is None:
        return None
    if last <= first and last.hour < 12:
        last = last.replace(hour=last.hour + 12)  # "9 to 5"
    return (first, last) if first < last else None


def _as_clock(written: str) -> str:
    return f"{written}点" if re.search("[一-鿿]", written) else written


def _has_clock(plain: str) -> bool:
    return bool(
        re.search(r"\d|点|\blas? (?:una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez)", plain)
    )


def _side(plain: str, named: time, *, refused: bool) -> tuple[time | None, time | None]:
    """Whether a time is the first or the last that is welcome."""
    if _BEFORE.search(plain):
        return (named, None) if refused else (None, named)
    if _AFTER.search(plain):
        if not refused or _ONLY.search(plain):
            return named, None
        return None, named.replace(hour=named.hour + 12) if named.hour < 12 else named
    return None, None
