"""The language of short messages: told where they show it, left open where they do not."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.language import NOTHING, detect

EXAMPLES = Path(__file__).parents[2] / "nlu_data" / "examples"

TOLD = [
    ("plain English", "ok how do i pay this now", "en"),
    ("English shorthand", "wen is it due", "en"),
    ("English, two words", "send link", "en"),
    ("English, shouted", "WILL PAY FRIDAY", "en"),
    ("English with a curly quote", "I can’t pay this", "en"),
    ("plain Spanish", "no reconozco esa deuda", "es"),
    ("Spanish without accents", "cuanto debo", "es"),
    ("Spanish shorthand", "xq me cobran", "es"),
    ("Spanish, one accented word", "llámenme", "es"),
    ("Spanish, yes", "sí dale", "es"),
    ("Spanish, si", "si", "es"),
    ("Simplified", "我现在还款", "zh_Hans"),
    ("Simplified by words written otherwise", "怎么还", "zh_Hans"),
    ("Traditional", "可以延期到下個月嗎", "zh_Hant"),
    ("Traditional, Taiwan", "還款帳號是什麼", "zh_Hant"),
    ("Cantonese", "我哋冇錢", "zh_Hant"),
    ("Cantonese characters alone", "唔得", "zh_Hant"),
    ("Cantonese in Simplified script", "唔好再发", "zh_Hans"),
    ("characters of both scripts", "我不是本人", "zh_Hans"),
    ("Chinese with English words", "我要 pay by alipay", "zh_Hans"),
    ("English with a Chinese name", "how to pay with 支付宝", "en"),
    ("English with a Spanish day", "can i pay el viernes", "en"),
    ("a link beside it", "no abre https://pay.example.com/this-is-the-link", "es"),
]

OPEN = ["", "  ", "50", "$50", "👍", "ok", "OK!!", "no", "td", "y", "k", "?", "2)", "stop"]
OTHERS = ["можно завтра", "ありがとうございます", "내일 갚을게요"]

CLEAR = [
    ("a sentence in English", "this is harassment im calling the cfpb", True),
    ("a sentence in Spanish", "no puedo pagar hasta el viernes", True),
    ("a sentence in Simplified", "我现在没有钱可以下个月还吗", True),
    ("a sentence in Traditional", "請問還款日是什麼時候", True),
    ("two words", "send link", False),
    ("a name of the other language", "can i pay el viernes", False),
    ("two languages", "i already paid esa cuota", False),
    ("two languages and scripts", "我要 pay by alipay", False),
    ("no character of one script", "我不是本人", False),
    ("two characters", "还款", False),
]


@pytest.mark.parametrize(("text", "code"), [pytest.param(t, c, id=i) for i, t, c in TOLD])
def test_the_language_is_told(text, code):
    assert detect(text).code == code


@pytest.mark.parametrize("text", OPEN)
def test_a_text_that_shows_nothing_is_left_open(text):
    assert detect(text) == NOTHING


@pytest.mark.parametrize("text", OTHERS)
def test_a_language_that_is_not_ours_is_left_open(text):
    assert detect(text) == NOTHING


@pytest.mark.parametrize(("text", "clear"), [pytest.param(t, c, id=i) for i, t, c in CLEAR])
def test_only_a_long_plain_text_is_clear(text, clear):
    assert detect(text).clear is clear


def messages(language):
    for path in sorted((EXAMPLES / language).glob("*.yml")):
        for block in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            yield from (line[2:].strip() for line in block["examples"].splitlines())


# The examples mix languages on purpose, and Traditional ones are filed by where they come from
# also where no character shows the script.
@pytest.mark.parametrize(
    ("language", "share"), [("en", 0.98), ("es", 0.96), ("zh_Hans", 0.96), ("zh_Hant", 0.88)]
)
def test_nearly_every_example_of_three_words_is_told_right(language, share):
    long = [m for m in messages(language) if len(m.split() if language[0] == "e" else m) >= 3]
    told = Counter(detect(message).code for message in long)
    assert told[language] >= share * len(long)


@pytest.mark.parametrize("language", ["en", "es", "zh_Hans", "zh_Hant"])
def test_an_example_is_hardly_ever_clearly_another_language(language):
    found = [detect(message) for message in messages(language)]
    wrong = [one for one in found if one.clear and one.code != language]
    assert len(wrong) <= 0.01 * len(found)


@given(st.text(max_size=300))
def test_no_text_raises_and_what_is_clear_has_a_language(text):
    language = detect(text)
    assert language.code in {None, "en", "es", "zh_Hans", "zh_Hant"}
    assert language.code or not language.clear
