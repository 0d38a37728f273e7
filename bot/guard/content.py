"""Words and claims that no text may hold: threats, insults, shame, false urgency, false claims."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from bot.guard import words

_MARKS = re.compile("[\u0300-\u036f]")
_HAN = re.compile("[\u3400-\u9fff]")
_CLAUSE = re.compile(r"[.!?;:\n。！？；：]|, (?=we |i |they |our |then |so |el |la |le |nuestr)|，")
"""Where a denial ends. A comma may stand in a list: "your family, friends or employer"."""


@dataclass(frozen=True)
class Fault:
    """What is wrong: the reason in one word, and the words."""

    reason: str
    words: str


@dataclass(frozen=True)
class _Script:
    """The tables of one script: one pattern to find that all is well, and one for each reason."""

    any_of_it: re.Pattern[str]
    by_reason: dict[str, re.Pattern[str]]
    denied: re.Pattern[str]

    def fault(self, text: str) -> Fault | None:
        """The first thing that is said and not denied."""
        if not self.any_of_it.search(text):
            return None
        for reason, pattern in self.by_reason.items():
            for found in pattern.finditer(text):
                before = _CLAUSE.split(text[: found.start()])[-1]
                if not self.denied.search(before):
                    return Fault(reason, found[0])
        return None


def fault(text: str, forbidden: tuple[str, ...] = ()) -> Fault | None:
    """What a text may not say; None where nothing stands against it.

    Args:
        text: in any language of the line, or in several.
        forbidden: the lender's own words, besides those that no text may hold.

    """
    plain = _plain(text)
    own = _own(forbidden).search(plain) if forbidden else None
    if own:
        return Fault("forbidden", own[0])
    if not plain.isascii() and _HAN.search(plain):
        return _chinese().fault(plain) or _latin().fault(plain)
    return _latin().fault(plain)


def _plain(text: str) -> str:
    """Lower case, no accents, one kind of apostrophe and blank."""
    text = text.casefold()
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text)).replace("’", "'")
    return text


@cache
def _latin() -> _Script:
    reasons = {r: (*words.ENGLISH[r], *words.SPANISH[r]) for r in words.ENGLISH}
    every = [phrase for phrases in reasons.values() for phrase in phrases]
    return _Script(
        _whole_words(every),
        {reason: _whole_words(phrases) for reason, phrases in reasons.items()},
        re.compile(rf"\b{words.DENIED_LATIN}"),
    )


@cache
def _chinese() -> _Script:
    every = [phrase for phrases in words.CHINESE.values() for phrase in phrases]
    return _Script(
        re.compile("|".join(every)),
        {reason: re.compile("|".join(phrases)) for reason, phrases in words.CHINESE.items()},
        re.compile(words.DENIED_HAN),
    )


def _whole_words(phrases: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all, sorted by first letter: at most words a glance is enough."""
    by_letter: dict[str, list[str]] = defaultdict(list)
    for phrase in phrases:
        for part in _spread(phrase):
            by_letter[part[0]].append(part[1:])
    branches = (f"{letter}(?:{'|'.join(rest)})" for letter, rest in sorted(by_letter.items()))
    return re.compile(rf"\b(?:{'|'.join(branches)})\b")


def _spread(phrase: str) -> list[str]:
    """A phrase that begins with a choice, as one phrase for each: "(?:a|b) c" is "a c", "b c"."""
    if not phrase.startswith("(?:"):
        return [phrase]
    depth, parts, begin = 0, [], 3
    for at, char in enumerate(phrase):
        depth += (char == "(") - (char == ")")
        if depth == 1 and char == "|":
            parts.append(phrase[begin:at])
            begin = at + 1
        if depth == 0:
            parts.append(phrase[begin:at])
            return [part + phrase[at + 1 :] for part in parts]
    raise ValueError(phrase)


@cache
def _own(forbidden: tuple[str, ...]) -> re.Pattern[str]:
    """The lender's words: whole ones in Latin letters, anywhere in Chinese."""
    plain = [_plain(word) for word in forbidden if word.strip()]
    return re.compile(
        "|".join(re.escape(w) if _HAN.search(w) else rf"(?<!\w){re.escape(w)}(?!\w)" for w in plain)
        or r"(?!)"
    )
