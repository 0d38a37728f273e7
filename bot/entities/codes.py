"""The kinds of word that matter for entities, and patterns over them.

A message becomes a *shape*: a string with one character a word, which stands for the word's kind.
Grammars are regular expressions over shapes, written with the names of the kinds:
``pattern("number more? unit")``. Shapes are short and every pattern is bounded, so a hostile text
costs no more than a long one.
"""

from __future__ import annotations

import re

# One line a group: quantities; days and spans; parts and choices; how the sentence stands to what
# it names; what a number may be instead; written forms; everything else.
_KINDS = """
number scale multiple article and half few or to odd over percent percent_of tenth share all
all_weak currency
day now ya weekday month unit hour end next coming this last above ago hace before le since in later
more another each the el daymark sunmark monthmark yearmark holiday quincena term vague grace
part split time ordinal rank nth choice choose letter
pay cue paid lost will not no until rest from tail ok of_it pronoun on asking
id street hash rate at clock counter classifier
slash span dated opaque date
stop word han
"""
KINDS = tuple(_KINDS.split())
_CODE = {kind: chr(0x100 + at) for at, kind in enumerate(KINDS)}
_NAME = re.compile("[a-z_]+")


def code(kind: str) -> str:
    """Return the character of a kind."""
    return _CODE[kind]


def codes(kinds: str) -> frozenset[str]:
    """Return the characters of several kinds."""
    return frozenset(map(code, kinds.split()))


def pattern(source: str) -> re.Pattern[str]:
    """Return the expression over shapes that a pattern in the kinds' names stands for."""
    return re.compile(_NAME.sub(lambda name: _CODE[name[0]], source).replace(" ", ""))


def names(shape: str) -> str:
    """Return a shape in words, for people who look at one."""
    return " ".join(KINDS[ord(char) - 0x100] for char in shape)
