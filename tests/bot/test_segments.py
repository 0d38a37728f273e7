"""Segments are counted as carriers bill them. Cases checked against Twilio's own count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import Segments, segments

CASES = {
    "nothing": ("", 1, "GSM-7"),
    "one letter": ("a", 1, "GSM-7"),
    "160 letters": ("a" * 160, 1, "GSM-7"),
    "161 letters": ("a" * 161, 2, "GSM-7"),
    "306 letters fill two parts": ("a" * 306, 2, "GSM-7"),
    "307 letters": ("a" * 307, 3, "GSM-7"),
    "CR and LF count one each": ("a" * 80 + "\r\n" + "a" * 79, 2, "GSM-7"),
    "LF counts one": ("a" * 80 + "\n" + "a" * 79, 1, "GSM-7"),
    "CR and LF in a long text": ("a" * 200 + "\r\n" + "a" * 105, 3, "GSM-7"),
    "é as one code point": ("é" * 70, 1, "GSM-7"),
    "e with a combining accent": ("e\u0301" * 70, 3, "UCS-2"),
    "70 Han": ("中" * 70, 1, "UCS-2"),
    "71 Han": ("中" * 71, 2, "UCS-2"),
    "134 Han fill two parts": ("中" * 134, 2, "UCS-2"),
    "135 Han": ("中" * 135, 3, "UCS-2"),
    "a bar": ("|", 1, "GSM-7"),
    "an emoji and a bar": ("😀|", 1, "UCS-2"),
    "a curly quote turns the whole text": ("a" * 70 + "’", 2, "UCS-2"),
    "á is not in the alphabet": ("á", 1, "UCS-2"),
    "ñ and ¿ are": ("¿mañana?", 1, "GSM-7"),
    "Ç is, ç is not": ("ç", 1, "UCS-2"),
    "a backtick is not": ("`", 1, "UCS-2"),
    "a tab is not": ("\t", 1, "UCS-2"),
    "a no-break space is not": ("12\u00a0€", 1, "UCS-2"),
    "80 escapes fill one": ("€" * 80, 1, "GSM-7"),
    "an escape too many": ("€" * 80 + "a", 2, "GSM-7"),
    "an escape is not split: it moves to the next part": ("a" * 152 + "€" + "a" * 152, 3, "GSM-7"),
    "an escape that just fits": ("a" * 151 + "€" + "a" * 153, 2, "GSM-7"),
    "35 emoji fill one": ("😀" * 35, 1, "UCS-2"),
    "36 emoji": ("😀" * 36, 2, "UCS-2"),
    "an emoji is not split: 33 fit in a part of 67": ("😀" * 67, 3, "UCS-2"),
    "an emoji that just fits": ("中" * 65 + "😀" + "中" * 67, 2, "UCS-2"),
    "an emoji that does not": ("中" * 66 + "😀" + "中" * 66, 3, "UCS-2"),
}


@pytest.mark.parametrize(("text", "count", "encoding"), CASES.values(), ids=CASES)
def test_segments_of(text: str, count: int, encoding: str) -> None:
    assert segments(text) == Segments(count, encoding)


@given(st.text(alphabet="aé€|中😀’\n", max_size=400), st.sampled_from("a€中😀"))
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    assert segments(text + more).count >= segments(text).count


@given(st.text(alphabet="a€中😀", max_size=400))
def test_the_parts_hold_the_text_and_are_not_wasted(text: str) -> None:
    found = segments(text)
    units = (
        sum(2 if c == "€" else 1 for c in text)
        if found.encoding == "GSM-7"
        else len(text.encode("utf-16-le")) // 2
    )
    part = 153 if found.encoding == "GSM-7" else 67
    if found.count > 1:
        assert (found.count - 1) * (part - 1) < units <= found.count * part
