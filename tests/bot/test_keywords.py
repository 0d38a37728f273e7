"""Carrier keywords are whole messages, in any dress; anything longer is not theirs to judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import keywords
from bot.keywords import match

WHOLE = [
    ("bare", "STOP", "stop"),
    ("lower case", "stop", "stop"),
    ("shouted with marks", "STOP!!", "stop"),
    ("thanked", "Stop. Thank you", "stop"),
    ("asked politely", "please stop", "stop"),
    ("greeted", "hello, stop please", "stop"),
    ("emoji", "stop 🙏", "stop"),
    ("emoji with skin tone and style", "🙏🏽 STOP ❤️", "stop"),
    ("full width", "ＳＴＯＰ", "stop"),
    ("mainland letters in full width", "ｔｄ", "stop"),
    ("spelt with dots", "S.T.O.P.", "stop"),
    ("spelt with blanks", "t d", "stop"),
    ("said thrice", "STOP STOP STOP", "stop"),
    ("said very often", "stop " * 300, "stop"),
    ("elongated", "stoppppp", "stop"),
    ("in quotes", '"STOP"', "stop"),
    ("on two lines", "STOP\n\nthanks", "stop"),
    ("invisible joiner", "st\u200bop", "stop"),
    ("stopall", "StopAll", "stop"),
    ("two words", "stop all", "stop"),
    ("unsubscribe", "Unsubscribe pls", "stop"),
    ("cancel", "cancel", "stop"),
    ("end", "END.", "stop"),
    ("quit", "quit", "stop"),
    ("revoke", "revoke", "stop"),
    ("opt out with a hyphen", "Opt-out", "stop"),
    ("optout", "optout", "stop"),
    ("Spanish", "BAJA", "stop"),
    ("Spanish, polite", "BAJA por favor", "stop"),
    ("Spanish, thanked", "hola, baja. muchas gracias", "stop"),
    ("parar", "Parar", "stop"),
    ("cancelar", "cancelar", "stop"),
    ("cancelar with a stray accent", "cancelár", "stop"),
    ("Simplified Chinese", "退订", "stop"),
    ("Simplified Chinese, thanked", "退订，谢谢", "stop"),
    ("Simplified Chinese, asked", "请退订谢谢", "stop"),
    ("refuse", "拒收！", "stop"),
    ("cancel in Chinese", "取消", "stop"),
    ("cancel with a particle", "取消吧", "stop"),
    ("copied from the template", "回T退订", "stop"),
    ("letter and word", "TD退订", "stop"),
    ("Traditional Chinese", "退訂", "stop"),
    ("Traditional Chinese, Cantonese thanks", "退訂，唔該", "stop"),
    ("start", "START", "start"),
    ("unstop", "unstop please", "start"),
    ("alta", "ALTA, gracias", "start"),
    ("resume in Chinese", "恢复", "start"),
    ("help", "help", "help"),
    ("help, asked", "HELP please!", "help"),
    ("info", "info", "help"),
    ("help in Chinese", "帮助", "help"),
    ("help in Traditional Chinese", "幫助", "help"),
    ("help in Spanish", "Ayuda por favor", "help"),
]

NOT_WHOLE = [
    ("about the bill", "STOP this terrible bill"),
    ("about the fee", "stop this terrible fee"),
    ("a sentence", "please stop texting me"),
    ("duplicate charges", "no me manden más cobros duplicados"),
    ("paying, in Latin America", "quiero cancelar la deuda"),
    ("a plan cancelled", "取消分期"),
    ("not cancelled", "不要取消"),
    ("the end of the month", "end of month"),
    ("weekend", "weekend"),
    ("help with something", "help me pay"),
    ("a start date", "start friday"),
    ("contradictory", "stop start"),
    ("no stop", "no stop"),
    ("yes from a person who gets messages", "YES"),
    ("courtesy alone", "ok thanks"),
    ("courtesy alone in Chinese", "好的谢谢"),
    ("nothing", ""),
    ("blanks", " \n "),
    ("emoji alone", "🙏"),
    ("a digit behind", "stop 1"),
    ("a question mark", "?"),
    ("words after a long gap", "stop" + " " * 600 + "sending me the wrong bill"),
    ("too long to be one", "stop " * 2000),
]


@pytest.mark.parametrize(("text", "kind"), [pytest.param(t, k, id=i) for i, t, k in WHOLE])
def test_a_whole_message_is_the_keyword_however_it_is_dressed(text, kind):
    assert match(text) == kind


@pytest.mark.parametrize("text", [pytest.param(t, id=i) for i, t in NOT_WHOLE])
def test_anything_more_is_no_keyword(text):
    assert match(text) is None


@pytest.mark.parametrize("text", ["T", "n", "R", "ｔ", "“T”", "t，谢谢"])
@pytest.mark.parametrize("locale", ["zh_Hans", "zh-CN", "zh_Hans_CN"])
def test_a_single_letter_refuses_in_mainland_china(text, locale):
    assert match(text, locale) == "stop"


@pytest.mark.parametrize("text", ["T", "n", "R"])
@pytest.mark.parametrize("locale", [None, "en", "es_MX", "zh_Hant", "zh_Hant_HK"])
def test_a_single_letter_means_nothing_elsewhere(text, locale):
    assert match(text, locale) is None


def test_yes_is_start_for_a_person_who_opted_out_alone():
    assert match("Yes!", opted_out=True) == "start"
    assert match("Yes!") is None
    assert match("yes but later", opted_out=True) is None


def test_stop_is_heard_from_a_person_who_opted_out():
    assert match("stop", opted_out=True) == "stop"


@pytest.mark.parametrize("kind", ["stop", "start", "help"])
def test_every_listed_word_is_known(kind):
    assert {match(word) for word in keywords.KEYWORDS[kind]} == {kind}


@given(st.text(max_size=200), st.sampled_from([None, "en", "zh_Hans"]))
def test_no_text_raises(text, locale):
    assert match(text, locale) in {"stop", "start", "help", None}


# Languages

ASKED = {
    "english please": "en",
    "English?": "en",
    "habla inglés?": "en",
    "¿Puede escribirme en inglés por favor?": "en",
    "英文": "en",
    "请用English回复": "en",
    "en español por favor": "es",
    "do you speak spanish": "es",
    "I only speak Spanish": "es",
    "solo español": "es",
    "no entiendo, en español": "es",
    "i don't speak English, spanish please": "es",
    "可以用西班牙文嗎": "es",
    "speak chinese?": "zh",
    "请说中文": "zh",
    "看不懂英文 可以發中文嗎": "zh",
    "可以用繁體嗎": "zh_Hant",
    "traditional chinese pls": "zh_Hant",
    "可唔可以講廣東話": "zh_Hant",
    "麻烦用简体": "zh_Hans",
    "chino simplificado": "zh_Hans",
    "french please": "other",
    "可以说日语吗": "other",
    "no hablo inglés": "other",
    "我不懂英文": "other",
    "my english teacher": None,
    "my english is bad": None,
    "english test tomorrow": None,
    "how much do i owe in english": None,
    "i want to talk to someone in spanish": None,
    "chinese new year i will pay": None,
    "mi hija estudia inglés": None,
    "我是英文老师": None,
    "中文系": None,
    "说什么": None,
    "i can pay": None,
    "no": None,
    "": None,
}


@pytest.mark.parametrize(("text", "language"), ASKED.items())
def test_a_language_is_asked_for_by_the_whole_message(text, language):
    assert keywords.language_asked(text) == language


@given(st.text(max_size=200))
def test_no_text_raises_when_a_language_is_looked_for(text):
    assert keywords.language_asked(text) in {*keywords.LANGUAGE_NAMES, None}


def test_a_word_around_a_language_is_no_language():
    named = [name for names in keywords.LANGUAGE_NAMES.values() for name in names]
    assert len(named) == len(set(named))
    assert all(keywords.language_asked(name) for name in named)
