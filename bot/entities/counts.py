"""How many parts a debt is to be paid in: "3 parts", "三期", "en 4 pagos"."""

from __future__ import annotations

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import clause, finds, is_past

MOST = 60
"""More parts than this are no plan."""

_COUNT = pattern(
    "number [more word]? part (?! part)"
    "|split [word pronoun the this on in will article pay tail part to]{0,4} [in on the until to]*"
    " number [unit classifier]? (?:part|time|share|half)? (?! currency|percent|scale|unit)"
    "|in number time|number time (?=pay)"
)
_SPLIT, _NUMBER, _PART = code("split"), code("number"), code("part")
_BLOCKING = codes("le nth not last ago id street rank")
_BEHIND = codes("ago before rest not no")


def read(words: Words) -> int | None:
    """Return the first number of parts; parts already paid or missed are none."""
    best: int | None = None
    for found in finds(words, _COUNT):
        count = found.whole("number")
        if count is None or not 2 <= count <= MOST:
            continue
        shape = words.shape
        begin, _ = clause(shape, found.start)
        blocked = (
            is_past(shape, found.start, found.end)
            or shape[max(begin, found.start - 1) : found.start] in _BLOCKING
            or (shape[found.start] != _SPLIT and shape[found.end : found.end + 1] in _BEHIND)
        )
        if best is None and not blocked:
            best = count
        number = shape.index(_NUMBER, found.start)
        words.mark(number, found.end, _PART)
    return best
