"""When the rest is to be paid, where a message names a part before: "50 now, the rest friday"."""

from __future__ import annotations

import datetime

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import clause

_ANY = pattern("rest|[half share] [^rest]* [half share]")
_REST, _DATE = code("rest"), code("date")
_HALF = codes("half share")
_SUM = codes("number currency half share percent tenth slash")


def read(words: Words, today: datetime.date) -> datetime.date | None:
    """Return the day of the rest, once the dates were read and before the sums are.

    The first day behind the words for the rest counts ("剩下的15号还"), or else the last one
    before them in their own clause ("10号还1000，25号还剩下的").
    """
    if not _ANY.search(words.shape):
        return None
    at = _where(words.shape)
    if at is None:
        return None
    days = {
        place: day
        for place, day in enumerate(words.values)
        if words.shape[place] == _DATE and isinstance(day, datetime.date) and day >= today
    }
    begin, _ = clause(words.shape, at)
    part = next(place for place, kind in enumerate(words.shape) if kind in _SUM)
    behind = [place for place in days if place > at]
    before = [place for place in days if part < begin <= place < at]
    return days[min(behind)] if behind else days[max(before)] if before else None


def _where(shape: str) -> int | None:
    """Return the place of the words for the rest; None where no part stands before them."""
    parts = [place for place, kind in enumerate(shape) if kind in _SUM]
    for place, kind in enumerate(shape):
        second_half = kind in _HALF and any(shape[p] in _HALF for p in parts if p < place)
        if parts and parts[0] < place and (kind == _REST or second_half):
            return place
    return None
