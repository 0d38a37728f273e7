from __future__ import annotations

import pytest

from bot.nlu import normalise
from tests.nlu.trained import HOSTILE

READABLE = {
    "full width": ("ＰＡＹ　１００", "pay 100"),
    "traditional": ("還款帳號是什麼", "还款账号是什么"),
    "old spelling of what": ("甚麼時候還", "什么时候还"),
    "elongated": ("nooooo!!!!!", "noo!!"),
    "numbers stay": ("50000", "50000"),
    "curled quotes": ("don’t “stop”", 'don\'t "stop"'),
    "invisible characters": ("pay\u200bnow\u0000", "paynow"),
    "joiners": ("a\u200db", "a b"),
    "accents stay": ("Cuánto  debo", "cuánto debo"),
    "composed": ("cua\u0301nto", "cuánto"),
    "dotted capital I": ("İ", "i̇"),
    "lone surrogate": ("ok \ud83d", "ok"),
    "nothing": (" \t\n ", ""),
}


@pytest.mark.parametrize(("text", "expected"), READABLE.values(), ids=READABLE)
def test_the_encoder_reads(text: str, expected: str) -> None:
    assert normalise.for_encoder(text) == expected


PLAIN = {
    "spanish": ("¿Cuándo págo?", "¿cuando pago?"),
    "ñ": ("mañana", "manana"),
    "german": ("grüße", "gruße"),
}


@pytest.mark.parametrize(("text", "expected"), PLAIN.values(), ids=PLAIN)
def test_n_grams_see_no_accents(text: str, expected: str) -> None:
    assert normalise.for_sparse(text) == expected


TOKENS = {
    "words": ("pay now", ["pay", "now"]),
    "apostrophe": ("don't", ["don't"]),
    "han one by one": ("我要pay款", ["我", "要", "pay", "款"]),
    "emoji": ("ok👍", ["ok", "👍"]),
    "punctuation is no word": ("ok, no!", ["ok", "no"]),
}


@pytest.mark.parametrize(("text", "expected"), TOKENS.values(), ids=TOKENS)
def test_words(text: str, expected: list[str]) -> None:
    assert normalise.tokens(text) == expected


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_normalising_twice_changes_nothing_and_stays_bounded(text: str) -> None:
    once = normalise.for_encoder(text)
    assert normalise.for_encoder(once) == once
    assert len(once) <= 18 * normalise.MAX_CHARS
    once.encode()  # no lone surrogate is left
