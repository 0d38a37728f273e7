"""Spans of time, in days: "10 more days", "半个月", "quince días"."""

from __future__ import annotations

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import SPAN, Found, clause, finds, is_past, span_days

_TERM = pattern(SPAN)
_READ = code("opaque")
_RECURRING = codes("before le each last since hace time")
_GONE = codes("ago before hace")
_QUANTITY = codes("number currency percent time part vague opaque unit")
_ASKED = codes("will pay")
_THE = codes("the el")
_LE = code("le")
_WANTED = pattern("[grace will] [pronoun cue]* $")
_NOT = codes("not no")
_OPEN_END = pattern("[or to] (?:number|few)")
_OFTEN = pattern("[^stop more grace]{0,3} number [word]? time")
_RATE = pattern("[the]? [pay pronoun counter han will cue]? (?:number|few|vague)")
_MORE, _ASKING = codes("more another grace odd"), code("asking")


def read(words: Words) -> int | None:
    """Return the first span that is asked for or offered, in days.

    "In 10 days" and "10天后" are days to come and were read as dates before; a span that repeats
    ("every 2 weeks", "$50 a week") or lies behind ("2 days ago", "三个月了") is none.
    """
    best: int | None = None
    for found in finds(words, _TERM):
        months_and_days = span_days(found)
        if best is None and months_and_days is not None and not _is_hidden(words, found):
            best = 30 * months_and_days[0] + months_and_days[1]
        if months_and_days is not None:
            words.mark(found.start, found.end, _READ)
    return best


def _is_hidden(words: Words, found: Found) -> bool:
    """Tell whether the span repeats, lies behind, or is left open."""
    shape, start, end = words.shape, found.start, found.end
    begin, stop = clause(shape, start)
    before, after, lead = shape[start - 1 : start], shape[end : end + 1], shape[begin:start][-4:]
    more = found.has("more") or found.has("another") or bool(_MORE & set(lead))
    single = found.first("number") == 1 and not _MORE & set(lead)
    return (
        before in _RECURRING
        or after in _GONE
        or bool(_OPEN_END.match(shape, end))  # "a week or two"
        or bool(_OFTEN.match(shape, end))  # "两天一条", "一周透析三次"
        or (found.has("another") and before in _THE)  # "la otra semana" is the next one
        or (_is_some_day(found) and not _WANTED.search(shape[begin:start]))
        or (found.has("article") and before in _QUANTITY)  # "$50 a week", "3 times a day"
        or (single and bool(_RATE.match(shape, end)))  # "一个月还500"
        or (single and _ASKING in shape[begin:stop])  # "一天利息多少"
        or (after == _LE and not _MORE & set(lead))  # "三个月了"
        or (after in _NOT and not more and not _ASKED & set(lead))  # "三个月没工作了"
        or (not (found.has("more") or found.has("another")) and is_past(shape, start, end))
    )


def _is_some_day(found: Found) -> bool:
    """Tell whether the words may mean no day in particular: "another day", "otro día"."""
    return found.all("another") == [None] and found.all("unit") == [1]
