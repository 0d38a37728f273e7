"""Whether a message names a time, but no day: "in a few days", "过几天", "un día de estos"."""

from __future__ import annotations

from bot.entities import lexer
from bot.entities.codes import pattern

_SOME_DAY = pattern("few [unit day sunmark]|vague")


def is_vague(text: str, language: str) -> bool:
    """Return whether a message has words for some day, of which nobody knows which it is."""
    return bool(_SOME_DAY.search(lexer.read(text, language.partition("_")[0]).shape))
