"""The words of every language, one module a language, and the trie that finds them.

A module holds ``WORDS``, lines of ``kind: phrase, phrase`` or ``kind value: phrase, phrase`` that
indented lines go on with, and ``GUARDED``, words that mean something else in another language and
are heard only where the text is in their own. A new language is a new module, named in
``LANGUAGES``; each phrase has one kind a language.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType
from typing import Any

from bot.entities.codes import code
from bot.entities.vocabulary import en, es, zh

LANGUAGES: dict[str, ModuleType] = {"en": en, "es": es, "zh": zh}

Trie = dict[str, Any]
"""Word → the trie of what may follow; ``END`` → the (code, value) of the phrase that ends here."""
END = ""

# A wide comma parts clauses; made narrow between figures it would read as a decimal comma.
_PUNCTUATION = str.maketrans({"，": ", ", "、": ", ", "：": ": ", "．": ". ", "\u2019": "'"})
_WORD = re.compile(r"\d+(?:st|nd|rd|th)?|[a-z]+(?:'[a-z]+)?|\S")


def plain(text: str) -> str:
    """Return the text as the vocabularies write it: half width, lower case, no accents."""
    text = unicodedata.normalize("NFKC", text.translate(_PUNCTUATION)).lower()
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    kept = [c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return unicodedata.normalize("NFC", "".join(kept))


@functools.cache
def trie(language: str) -> Trie:
    """Return the words of all languages, those of ``language`` before the others'."""
    root: Trie = {}
    for name in sorted(LANGUAGES, key=lambda name: name == language):
        guarded = set() if name == language else set(LANGUAGES[name].GUARDED.split())
        for kind, value, phrase in phrases(name):
            if phrase not in guarded:
                node = root
                for word in _WORD.findall(phrase):
                    node = node.setdefault(word, {})
                node[END] = (code(kind), value)
    return root


def phrases(language: str) -> Iterator[tuple[str, Any, str]]:
    """Return every phrase of a language with its kind and value."""
    for line in LANGUAGES[language].WORDS.replace("\n ", "").strip().splitlines():
        head, _, listed = line.partition(": ")
        kind, _, value = head.partition(" ")
        for phrase in listed.split(","):
            yield kind, _value(value), plain(phrase.strip())


def _value(written: str) -> Any:
    """Return 7, ``Fraction(1, 2)`` of "1/2", (12, 25) of "12-25", a name as it is."""
    if not written[:1].isdigit():
        return written or None
    if "/" in written:
        return Fraction(written)
    numbers = tuple(map(int, written.split("-")))
    return numbers if len(numbers) > 1 else numbers[0]
