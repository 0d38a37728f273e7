"""Which entry of a numbered menu a message names: "2", "②", "第二个", "option b", "la primera"."""

from __future__ import annotations

from bot.entities.codes import code, codes, pattern
from bot.entities.lexer import Words
from bot.entities.reading import finds

MOST = 9
"""The longest menu; a larger bare figure is a sum of money."""

_ANY = pattern("[number letter article rank ordinal to]")
_NUMBER, _ORDINAL, _ARTICLE = code("number"), code("ordinal"), code("article")
_NOT = codes("not no")
_VALUED = codes("rank letter to")
_AROUND = "[ok stop pronoun]*"
_BARE = pattern(f"^{_AROUND} hash? number (?:tail|the)? {_AROUND} $")
_LETTER = pattern("^[ok stop]* [the el]? (?:letter|article|to) [ok stop]* $")
_RANK = pattern(
    "^ [ok stop pronoun choose will the el]* (?:rank (?:number|classifier|choice)?"
    "|ordinal (?:number|choice)) [ok stop the choose]* $"
)
_FEMININE = pattern(f"^{_AROUND} the? ordinal {_AROUND} $")
_NAMED = pattern(
    "choice hash? (?:number|letter|article|to (?=stop|ok|$)) (?! currency|unit|scale|month)"
    "|[letter number] choice (?!hash|number)"
    "|hash number (?! currency|unit)"
    "|rank classifier (?=stop|ok|tail|the|le|will|choose|choice|$)"
    "|(?:choose|will|pay) rank classifier|(?:rank|ordinal) choice|number daymark choice"
    "|(?:the|el|choose|will) (?:rank|ordinal) number"
    "|choose [the el]? (?:rank|letter|number) [classifier ok]* (?=stop|$)"
    "|(?:letter|number) ok? choose"
)
_THE_NUMBER = pattern(f"(?:^|stop) {_AROUND} (?:the|choose)+ (?:number|letter) {_AROUND} $")


def read(words: Words) -> int | None:
    """Return the number of the entry that is chosen."""
    shape = words.shape
    if not _ANY.search(shape):
        return None
    for what in (_BARE, _LETTER, _RANK, _FEMININE, _THE_NUMBER, _NAMED):
        for found in finds(words, what):
            if what is _BARE and not _is_figure(words, shape.index(_NUMBER)):
                continue
            if what is _FEMININE and "a" not in words.values[shape.index(_ORDINAL)]:
                continue  # "2nd" is a day, "2da" and "2a" are choices
            if found.start and shape[found.start - 1] in _NOT:
                continue  # "not the second one"
            option = _entry(found.words, found.start, found.end, shape)
            if option is not None and 1 <= option <= MOST:
                words.mark(found.start, found.end, code("opaque"))
                return option
    return None


def _is_figure(words: Words, at: int) -> bool:
    """Tell whether the number is a word or a plain figure: "2", not "2.00"."""
    return words.written[at] in ("", str(words.values[at]))


def _entry(words: Words, start: int, end: int, shape: str) -> int | None:
    """Return the number that the words from start to end give, ranks before figures."""
    for at in range(start, end):
        if shape[at] in _VALUED and words.values[at]:
            return int(words.values[at])
        if shape[at] == _ORDINAL:
            return int("".join(c for c in words.values[at] if c.isdigit()))
    for at in range(start, end):
        if shape[at] == _NUMBER and words.values[at] == int(words.values[at]):
            return int(words.values[at])
    return 1 if _ARTICLE in shape[start:end] else None
