"""What people write: real-looking texts by intent and language, and answers to open questions."""

from __future__ import annotations

import csv
from datetime import timedelta
from functools import cache
from typing import Any

import yaml

from bot.replies import language_of
from settings import PROJECT

LANGUAGES = ("en", "es", "zh_Hans", "zh_Hant")
_COMMANDS = {
    "agent": ("AGENT", "AGENTE", "人工", "真人"),
    "pay": ("PAY", "PAGAR", "还款", "還款"),
    "confirm": ("CONFIRM", "confirmo", "确认", "確認"),
    "stop": ("STOP", "BAJA", "退订", "退訂"),
    "start": ("START", "ALTA", "恢复", "恢復"),
    "help": ("HELP", "AYUDA", "帮助", "幫助"),
}
COMMANDS = {
    language: {kind: words[n] for kind, words in _COMMANDS.items()}
    for n, language in enumerate(LANGUAGES)
}
"""The words that our texts tell people to write."""
NOISE = (
    "???",
    "…",
    "asdf qwer",
    "👍🏽",
    "",
    " ",
    "9",
    "0",
    "12345678901",
    "x" * 300,
    "{amount}",
    "%s",
)
"""Nothing that a question could be answered with, or hardly."""
UNREADABLE = "?!?"
"""No words, no figure: a miss at every question."""
AMOUNTS = (
    *("5", "$20", "50.00", "100", "134.50", "120", "$1,000", "99999", "4.99", "0.01", "0", "60"),
    *(
        "half",
        "all of it",
        "la mitad",
        "todo",
        "一半",
        "全部",
        "两百块",
        "三百元",
        "$33.33",
        "200 pesos",
    ),
)
DATES = (
    *("tomorrow", "friday", "next friday", "in 3 days", "3/15", "the 20th", "end of the month"),
    *("mañana", "el viernes", "en 10 días", "el 15 de marzo", "fin de mes", "yesterday", "ayer"),
    *(
        "明天",
        "周五",
        "下周一",
        "3月15日",
        "月底",
        "後天",
        "禮拜五",
        "下個月5號",
        "in 60 days",
        "today",
    ),
)
LENGTHS = (
    *("a week", "two weeks", "10 days", "one more month", "una semana", "15 días", "1 day"),
    *("一个星期", "两周", "十天", "一個月", "兩個禮拜", "3 months"),
)
COUNTS = (
    "2 payments",
    "3 parts",
    "in 4",
    "tres pagos",
    "en 6 pagos",
    "分3期",
    "分兩次",
    "12 times",
)
YES = {
    "en": ("yes", "ok do it"),
    "es": ("sí", "dale"),
    "zh_Hans": ("好的", "可以"),
    "zh_Hant": ("好", "可以"),
}
NO = {
    "en": ("no", "nope"),
    "es": ("no", "mejor no"),
    "zh_Hans": ("不要", "不行"),
    "zh_Hant": ("不要", "不用"),
}
MIXED = (
    ("promise_to_pay", "paid 200 yesterday, can i do the rest friday?"),
    ("promise_to_pay", "50 hoy y lo demás el viernes"),
    ("promise_to_pay", "今天先还100，剩下的周五还"),
    ("request_extension", "lost my job, can i get two more weeks"),
    ("already_paid", "i already paid $120 on march 1st by transfer"),
    ("fewer_messages", "only text me once a week after 6pm"),
    ("talk_to_agent", "call me tomorrow at 3pm"),
    ("out_of_scope", "please write to me in chinese"),
    ("request_plan", "can i split it in 3, 50 each on fridays"),
    ("pay_now", "charge 50 to my card"),
    ("dispute", "that fee is wrong, i owe 100 not 134.50"),
)


@cache
def holdout() -> dict[str, dict[str, tuple[str, ...]]]:
    """Texts by language and intent, as people write them."""
    found: dict[str, dict[str, list[str]]] = {}
    for language in LANGUAGES:
        path = PROJECT / "nlu_data" / "holdout" / f"{language}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                found.setdefault(language, {}).setdefault(row["intent"], []).append(row["text"])
    return {
        language: {intent: tuple(texts) for intent, texts in by_intent.items()}
        for language, by_intent in found.items()
    }


Line = tuple[str, dict[str, Any]] | timedelta
Script = tuple[Line, ...]
"""What one person writes in a conversation, with what each message means, and the waiting."""


@cache
def scripts() -> dict[str, tuple[Script, ...]]:
    """The borrowers' side of the transcripts, by language: every flow has some, new ones too."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, list[Script]] = {language: [] for language in LANGUAGES}
    for path in sorted((PROJECT / "tests" / "bot" / "conversations").glob("*.yml")):
        for case in yaml.load(path.read_text("utf-8"), loader):
            language = language_of(str(case.get("person", {}).get("locale", "en")))
            found[language].append(tuple(filter(None, map(_line, case["turns"]))))
    return {language: tuple(cases) for language, cases in found.items()}


def _line(turn: dict[str, Any]) -> Line | None:
    if "passes" in turn:
        return timedelta(**turn["passes"])
    return (str(turn["borrower"]), _meaning(turn)) if "borrower" in turn else None


def _meaning(turn: dict[str, Any]) -> dict[str, Any]:
    meant = {name: turn[name] for name in ("intent", "opt_out", "crisis") if name in turn}
    sure = 0.95 if "intent" in turn else 0.1
    return {"intent": "out_of_scope", **meant, "confidence": float(turn.get("confidence", sure))}
