"""Carrier keywords: STOP, START, HELP and their kin, heard before and without the classifier.

A keyword is the *whole* message once case, width, accents, punctuation, emoji and courtesy are
taken away: "Stop. Thank you", "ｔｄ" and "退订，谢谢" are; "STOP this terrible bill" is not.
The standard library alone, any Python from 3.10.
"""

from __future__ import annotations

import re
import unicodedata

# The words are written as `_words` leaves them: lower case, no accents, no punctuation.
KEYWORDS: dict[str, frozenset[str]] = {
    "stop": frozenset(
        (
            # United States: CTIA, Twilio, 47 CFR 64.1200(a)(10)
            *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke"),
            *("optout", "opt out"),
            # Spain and Latin America: LSSI 21 (2)
            *("baja", "parar", "cancelar"),
            # China; also as people copy it from the foot of the message
            *("td", "退订", "取消", "拒收", "t退订", "td退订", "回t退订", "回td退订", "退订回t"),
            *("退订回td", "回复t", "回复td", "回复t退订", "回复td退订", "拒收请回复r", "拒收回r"),
            *("退订短信", "取消订阅"),
            *("停止", "停止接收", "stop停止接收", "回覆stop", "回覆stop停止接收", "回复t即可退订"),
            *("退訂", "退訂短訊", "退訂簡訊", "取消訂閱", "t退訂", "回t退訂", "td退訂"),
        )
    ),
    "start": frozenset(
        (
            *("start", "unstop", "alta"),
            *("恢复", "恢复短信", "重新订阅", "恢復", "恢復短訊", "恢復簡訊", "重新訂閱"),
        )
    ),
    "help": frozenset(("help", "info", "ayuda", "帮助", "幫助", "帮助信息")),
}

COMMANDS: dict[str, frozenset[str]] = {
    "pay_now": frozenset(("pay", "pagar", "还款", "還款")),
    "talk_to_agent": frozenset(("agent", "agente", "人工", "真人", "真人客服", "人工客服")),
    "affirm": frozenset(
        ("confirm", "confirmed", "confirmar", "confirmo", "confirmado", "确认", "確認")
    ),
}
"""Words that our own texts tell people to write, and the intent that each stands for."""

STOP_IN_MAINLAND = frozenset("tnr")
"""Single letters that refuse messages in mainland China; elsewhere they mean too much else."""

START_WHEN_OPTED_OUT = frozenset({"yes"})
"""What returns a person who has opted out, and is a plain answer from anybody else."""

_COURTESY = frozenset(
    (
        *("please", "pls", "plz", "plse", "thanks", "thank you", "thank u", "thankyou", "thx"),
        *("ty", "tks", "tysm", "thank you very much", "thanks a lot", "many thanks", "kindly"),
        *("sir", "madam", "maam", "ma am", "ok", "okay", "k", "hi", "hello", "hey", "sorry"),
        *("bye", "por favor", "porfavor", "porfa", "porfis", "favor", "xfa", "gracias"),
        *("muchas gracias", "mil gracias", "hola", "buenas", "buenos dias", "buenas tardes"),
        *("buenas noches", "buen dia", "saludos", "disculpe", "perdon", "adios"),
    )
)
_COURTESY_HAN = (
    *("谢谢你", "谢谢您", "谢谢", "多谢", "感谢", "谢了", "麻烦你", "麻烦您", "麻烦", "请", "拜托"),
    *("您好", "你好", "好的", "好", "不好意思", "再见", "了", "吧", "啊", "呀", "啦", "哦"),
    *("謝謝你", "謝謝您", "謝謝", "多謝", "感謝", "謝了", "麻煩你", "麻煩您", "麻煩", "請", "拜託"),
    *("唔該", "唔該晒", "再見", "喇", "囉"),
)
_LONGEST = max(len(words.split()) for words in _COURTESY)
_HAN = "\u3400-\u9fff"
_EDGE = "(?:" + "|".join(sorted(_COURTESY_HAN, key=len, reverse=True)) + ")"
_BEFORE = re.compile(f"(?<![a-z0-9{_HAN}]){_EDGE}+")
_AFTER = re.compile(f"{_EDGE}{{1,8}}(?![a-z0-9{_HAN}])")
_ELONGATED = re.compile(r"([a-z])\1{2,}")
MAX_CHARS = 5000
"""A longer text is no keyword, whatever it says; the work is bounded."""


def match(text: str, locale: str | None = None, *, opted_out: bool = False) -> str | None:
    """Return "stop", "start" or "help" when the whole message is that keyword, else None."""
    words = _without_courtesy(_words(text))
    if not words:
        return None
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]  # "S.T.O.P", "t d"
    whole = " ".join(words)
    if whole in STOP_IN_MAINLAND and _is_mainland(locale):
        return "stop"
    if opted_out and whole in START_WHEN_OPTED_OUT:
        return "start"
    once = words[0] if len(set(words)) == 1 else whole  # "stop stop stop"
    return next((kind for kind, table in KEYWORDS.items() if {whole, once} & table), None)


def command(text: str) -> str | None:
    """Return the intent when the whole message is a word that our texts tell people to write."""
    whole = " ".join(_without_courtesy(_words(text)))
    return next((intent for intent, table in COMMANDS.items() if whole in table), None)


def _words(text: str) -> list[str]:
    """Return the message as bare words of letters, digits and Han characters."""
    if len(text) > MAX_CHARS:
        return []
    text = unicodedata.normalize("NFKC", text).casefold()
    letters = []
    for char in unicodedata.normalize("NFD", text):
        if char.isalnum():
            letters.append(char)
        elif unicodedata.category(char) not in ("Mn", "Cf"):  # accents, joiners, emoji style
            letters.append(" ")
    plain = _ELONGATED.sub(r"\1", "".join(letters))
    plain = _AFTER.sub(" ", _BEFORE.sub(" ", plain))
    return plain.split()


def _without_courtesy(words: list[str]) -> list[str]:
    """Return the words with polite phrases taken away, wherever they stand."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 0, -1):
            if " ".join(words[at : at + size]) in _COURTESY:
                at += size
                break
        else:
            kept.append(words[at])
            at += 1
    return kept


def _is_mainland(locale: str | None) -> bool:
    return (locale or "").replace("-", "_").lower() in ("zh_hans", "zh_hans_cn", "zh_cn")
