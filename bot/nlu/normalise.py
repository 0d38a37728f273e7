"""Text normalisation shared by training (Rasa, Python 3.10) and serving (Python 3.11+).

Only the standard library and OpenCC are used. Both sides import *this* file: if they ever
normalised differently, the exported model would silently answer differently from Rasa.

Two views of a message are produced:

* ``for_encoder``: NFKC, Traditional -> Simplified Chinese, lower case, elongations squeezed.
  Accents stay, because the encoder knows them.
* ``for_sparse``: the same with accents removed, for the word and character n-grams.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

VERSION = 1
"""Raise when the behaviour changes; a model records the version that it was trained with."""

MAX_CHARS = 1000
"""Longer messages are cut first, so that every later step has bounded work."""

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Body of a regular-expression character class with all Han characters."""

HAN_RUN = re.compile(f"[{HAN}]")
"""One Han character."""
_SPACES = re.compile(r"\s+")
# Invisible characters, and those that the encoder's own rules would turn into spaces (joiners,
# sentencepiece's space mark, the replacement character). "\ufe0f", the emoji style, stays.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b\u200e\u200f\u2060\ufeff]"
)
_QUOTES = str.maketrans("\u2018\u2019\u02bc\u00b4\u201c\u201d", "''''\"\"")  # phones curl them
# A lone surrogate cannot be written as UTF-8, so no later step may see one.
_BLANKS = re.compile("[\u200c\u200d\u2581\ufffd\ud800-\udfff]")
_ELONGATION = re.compile(r"([^\d\s])\1{2,}")  # "sooo" -> "soo", "!!!!" -> "!!"; numbers stay
_TOKEN = re.compile(
    f"[{HAN}]"  # one token per Han character
    f"|[^\\W_{HAN}]+(?:'[^\\W_{HAN}]+)*"  # words and numbers, "don't" in one piece
    r"|[^\w\s\u0000-\u007f\ufe0f]"  # emoji and other non-ASCII symbols, one each
)


@functools.lru_cache(maxsize=1)
def _to_simplified() -> Callable[[str], str]:
    """The Traditional -> Simplified converter, loaded when the first Chinese text arrives."""
    import opencc

    convert = opencc.OpenCC("t2s").convert
    # OpenCC leaves the old spellings of "what" and "account", which people still write.
    return lambda text: str(convert(text)).replace("甚么", "什么").replace("帐", "账")


def _strip_accents(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    kept = "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", kept)


def for_encoder(text: str) -> str:
    """The normalised text that the encoder reads (accents kept)."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARS].translate(_QUOTES))[:MAX_CHARS]
    text = _BLANKS.sub(" ", _UNSEEN.sub("", text))
    if HAN_RUN.search(text):
        text = _to_simplified()(text)
    text = unicodedata.normalize("NFKC", text.lower())  # lower() may undo NFKC (U+0130)
    text = _ELONGATION.sub(r"\1\1", text)
    return _SPACES.sub(" ", text).strip()


def for_sparse(text: str) -> str:
    """The normalised text that the n-gram features read (accents removed)."""
    return plain(for_encoder(text))


def plain(encoder_text: str) -> str:
    """The sparse view made from the encoder's view, for callers that need both."""
    return _strip_accents(encoder_text)


def tokens(sparse_text: str) -> list[str]:
    """Split the result of :func:`for_sparse` into words; every Han character stands alone."""
    return _TOKEN.findall(sparse_text)
