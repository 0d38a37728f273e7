"""The words: every key in every language, the same gaps, short, and safe to answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from babel.messages.pofile import read_po

from bot import keywords
from bot.flows import FLOWS
from bot.flows.already_paid import MEANS
from bot.flows.balance import ONLINE
from bot.flows.clarify import NEVER_OFFERED
from bot.flows.dispute import KINDS
from bot.flows.promise import MISSED
from bot.guard import needs_footer
from bot.nlu.understanding import INTENTS
from bot.policy import IDENTITY_KINDS
from bot.policy.sections import TONES
from bot.replies import (
    LANGUAGES,
    LOCALE_DIR,
    Catalogues,
    MissingReplyError,
    formatting_locale,
    language_of,
    segments,
)
from bot.turn import Days, Money, Reply
from demo import BORROWERS
from settings import PROJECT
from tests.fakes import CATALOGUES, FORMAL


def _catalogue(language: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in (LOCALE_DIR / language / "LC_MESSAGES").glob("*.po"):
        with path.open("rb") as stream:
            texts |= {str(m.id): str(m.string) for m in read_po(stream, locale=language) if m.id}
    return texts


WRITTEN = {language: _catalogue(language) for language in LANGUAGES}
TEXTS = {n: {key: t for key, t in w.items() if "@" not in key} for n, w in WRITTEN.items()}
IN_A_TONE = {n: {key: t for key, t in w.items() if "@" in key} for n, w in WRITTEN.items()}
"""Texts such as ``plan.agreed@formal``, said in place of the plain key's."""
KEYS = frozenset(TEXTS["en"])
SOURCES = [
    *(PROJECT / "bot" / "flows").glob("*.py"),
    *(PROJECT / "bot" / "guard").glob("*.py"),
    *(PROJECT / "bot" / f"{name}.py" for name in ("dialog", "followups", "manager", "outbox")),
    *(PROJECT / "bot" / f"{name}.py" for name in ("checkout", "payments")),
]
STEPS = {f"{flow.name}.{step}" for flow in FLOWS for step in flow.steps}
PRODUCTS = {loan.product for borrower in BORROWERS for loan in borrower.loans}
FAMILIES = {
    *(f"product.{name}" for name in PRODUCTS),
    *(f"payment.option_{kind}" for kind in ("due", "all", "instalment", "plan")),
    *(f"payment.option_{kind}" for kind in ("settlement", "waiver")),
    *(f"extension.refused_{x}" for x in ("nothing_due", "disputed", "used_up", "too_late")),
    *(f"extension.refused_{x}" for x in ("too_early", "too_soon")),
    *(f"plan.refused_{x}" for x in ("disputed", "used_up", "too_early", "too_late", "too_small")),
    *(f"plan.limit_{x}" for x in ("part_too_small", "whole")),
    *(
        f"relief.{what}_{kind}"
        for what in ("option", "confirm", "agreed", "open")
        for kind in ("settlement", "waiver")
    ),
    *(f"identity.ask_{kind}" for kind in IDENTITY_KINDS),
    *(f"promise.missed_{kind}" for kind in MISSED),
    *(f"dispute.kind_{kind}" for kind in KINDS),
    *(f"dispute.heard_{kind}" for kind in set(KINDS) - {"other"}),
    *(f"already_paid.by_{means}" for means in MEANS),
    *(f"hardship.{told}" for told in ("noted", "bereavement", "illness", "disaster", "work")),
    *(f"hardship.way_{way}" for way in ("time", "parts", "less", "person", "later")),
    *(f"language.name_{language}" for language in LANGUAGES),
    *(f"clarify.{intent}" for intent in set(INTENTS) - NEVER_OFFERED),
    *(f"methods.way_{way}" for way in ONLINE),
}
"""The keys that the code puts together from a name."""
ON_PAGES = ("page.", "guide.")
"""What no text message ever holds."""


def _used() -> Iterator[str]:
    """Keys that stand in the code: what is said, and other dotted words that are no steps."""
    dotted = re.compile(r"[a-z_]+\.[a-z_]*[a-z]")
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            said = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "Reply")
            inner = ast.walk(node.args[0]) if said and node.args else [node]  # type: ignore[attr-defined]
            for part in inner:
                text = part.value if isinstance(part, ast.Constant) else None
                if isinstance(text, str) and dotted.fullmatch(text) and (said or text not in STEPS):
                    yield text


USED = frozenset(_used())


def _gaps(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


def test_the_code_says_something() -> None:
    assert len(USED) > 60
    assert "balance.late_charged" in USED
    assert "payment.receipt_settled" in USED


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_that_the_code_says_has_a_text(language: str) -> None:
    missing = (USED | FAMILIES) - set(TEXTS[language])
    assert not missing
    assert all(text.strip() for text in TEXTS[language].values())


def test_no_text_is_never_said() -> None:
    spoken = {key for key in KEYS if not key.startswith(ON_PAGES)}
    assert not spoken - USED - FAMILIES


def test_the_payment_page_has_its_texts() -> None:
    from payments.page import STATUS

    page = (PROJECT / "payments" / "templates" / "payments" / "page.html").read_text("utf-8")
    used = {*re.findall(r'text\("(\w+)"\)', page), *STATUS}
    assert {f"page.{name}" for name in used} == {key for key in KEYS if key.startswith("page.")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_same_keys_and_gaps(language: str) -> None:
    assert set(TEXTS[language]) == KEYS
    different = {
        key: text for key, text in TEXTS[language].items() if _gaps(text) != _gaps(TEXTS["en"][key])
    }
    assert not different


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_in_a_tone_says_the_same_as_the_plain_one(language: str) -> None:
    for key, text in IN_A_TONE[language].items():
        plain, _, tone = key.partition("@")
        assert tone in TONES, key
        assert _gaps(text) == _gaps(TEXTS[language][plain]), key


def test_a_formal_lender_says_the_formal_texts() -> None:
    assert FORMAL.text("plan.agreed", "en") == WRITTEN["en"]["plan.agreed@formal"]
    assert FORMAL.text("plan.confirm", "en") == CATALOGUES.text("plan.confirm", "en")


ENGLISH = re.compile(
    r"\b(the|you|your|we|us|this|that|with|and|for|please|loan|pay|due|write|reply|text)\b", re.I
)


@pytest.mark.parametrize("language", ["es", "zh_Hans", "zh_Hant"])
def test_no_english_is_left(language: str) -> None:
    for key, text in WRITTEN[language].items():
        bare = re.sub(r"{\w+}|https?://\S+", "", text)
        assert not ENGLISH.search(bare), (key, text)
        if language.startswith("zh") and not key.startswith("language.name_"):
            words = set(re.findall(r"[A-Za-z]+", bare)) - {"T", "STOP", "START", "HELP"}
            assert not words, (key, text)


def test_the_two_chinese_catalogues_are_not_the_same() -> None:
    assert "还" not in "".join(TEXTS["zh_Hant"].values())
    assert "還" not in "".join(TEXTS["zh_Hans"].values())


# Length

LOAN_VALUES = {
    "en": ("USD", "US", "Maya"),
    "es": ("USD", "US", "Lucía"),
    "zh_Hans": ("CNY", "CN", "晓雯"),
    "zh_Hant": ("TWD", "TW", "怡君"),
}
OF_MONEY = (
    *("amount", "balance", "past_due", "late_charges", "due_amount", "minimum"),
    *("each", "total", "forgiven", "part", "fee"),
)
LISTED = {
    "first": Reply("methods.way_card"),
    "last": Reply("methods.way_bank_debit"),
    "rest": Reply("methods.way_alipay"),
}
PART = Reply("plan.part")
TWO_PARTS = Reply("plan.list", {"first": PART, "rest": PART})
INSIDE = {
    "product": Reply("product.personal_loan"),
    "sum": Reply("balance.sum_equal"),
    "moved": Reply("due.as_agreed"),
    "ways": Reply("methods.comma", {**LISTED, "rest": Reply("methods.or", LISTED)}),
    "parts": Reply("plan.list", {"first": PART, "rest": TWO_PARTS}),
    **LISTED,
}
"""Texts that stand in other texts' gaps."""
THREE_SEGMENTS: dict[str, set[str]] = {language: set() for language in LANGUAGES}
"""Texts that may take more than two segments alone."""


def _typical(language: str) -> dict[str, Any]:
    currency, _, name = LOAN_VALUES[language]
    return {
        **dict.fromkeys(OF_MONEY, Money(Decimal("1234.56"), currency)),
        **dict.fromkeys(("due_on", "paid_on", "answer_due_on"), date(2026, 9, 23)),
        **dict.fromkeys(("ends_on", "part_on", "wanted"), date(2026, 12, 30)),
        **dict.fromkeys(("days", "overdue"), Days(14)),
        "hours": 24,
        "reminders": 3,
        "name": name,
        "lender": "Northwind Credit",
        "lender_phone": "+1 555 010 0000",
        "lender_hours": "09:00-18:00",
        "method": "Mastercard 4242",
        "payment_url": "https://sms.lender.example/pay/MTIz.Zm9vYmFyYmF6cXV4cXV1eGZvb2JhcmJh",
        "case_number": "D-00042",
        "helpline": "findahelpline.com",
        **dict.fromkeys(("opens_at", "call_back_at"), datetime(2026, 9, 23, 15, 30, tzinfo=UTC)),
        "a_week": 2,
        "window": "09:00-18:00",
        "reference": "…1234",
        "digits": "1234",
        "count": 3,
        "account": "Northwind Bank, 0012 3456 7890, Northwind Credit",
        "facts": "f" * (150 if language in ("en", "es") else 60),
        "guide_url": "https://sms.lender.example/guide",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_takes_two_segments_at_most(language: str) -> None:
    values, country = _typical(language), LOAN_VALUES[language][1]
    long = {}
    for key in KEYS:
        if key.startswith(ON_PAGES):
            continue
        text = CATALOGUES.render(Reply(key, INSIDE), language, country=country, given=values)
        assert "{" not in text
        if (cost := segments(text).count) > 2:
            long[key] = cost
    assert set(long) == THREE_SEGMENTS[language]


# Words to answer with

CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z]+(?![A-Za-z])")
QUOTED = re.compile(r"[“「]([^”」]+)[”」]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_word_that_the_footer_prints_is_one_that_is_heard(language: str) -> None:
    text = TEXTS[language]["footer.opt_out"]
    (word,) = re.findall(r"[A-Z]+", re.sub(r"\b(Reply|Responda)\b", "", text))
    assert keywords.match(word, language) == "stop"
    assert keywords.match(word.lower(), language) == "stop"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_a_text_names_for_stopping_is_heard(language: str) -> None:
    named = {w for text in TEXTS[language].values() for w in CAPITALS.findall(text)}
    stops = named & {"STOP", "BAJA", "T", "TD"}
    assert stops
    for word in stops:
        assert keywords.match(word, language) == "stop"


def answer_words(language: str) -> set[str]:
    """The words that texts ask for, apart from the carriers' own."""
    carriers = {"STOP", "BAJA", "T", "TD", "HELP", "AYUDA", "START", "ALTA", "帮助", "幫助", "ID"}
    words: set[str] = set()
    for text in TEXTS[language].values():
        words |= {w for w in CAPITALS.findall(text) if len(w) > 1} | set(QUOTED.findall(text))
    return words - carriers


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_to_answer_with_is_a_carriers(language: str) -> None:
    words = answer_words(language)
    assert words
    for word in words.union(*keywords.COMMANDS.values()):
        for locale in (language, "en", "zh_Hans_CN", None):
            assert keywords.match(word, locale) is None, word
            assert keywords.match(word, locale, opted_out=True) is None, word


MEANT = {
    "pay_now": {"PAY", "PAGAR", "还款", "還款"},
    "talk_to_agent": {"AGENT", "AGENTE", "人工", "真人客服"},
    "affirm": {"CONFIRM", "CONFIRMAR"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_to_answer_with_are_known_without_the_model(language: str) -> None:
    for word in answer_words(language):
        (intent,) = (name for name, words in MEANT.items() if word in words)
        assert keywords.command(word) == keywords.command(f"{word}!") == intent


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_to_answer_with_are_understood(language: str, trained_reader: Any) -> None:
    for word in answer_words(language):
        read = trained_reader.understand(word, language)
        assert word in MEANT[read.intent]
        assert read.confidence >= 0.45


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_read_back_asks_for_counts_as_a_yes(language: str) -> None:
    for topic in ("extension", "plan", "promise", "relief"):
        key = f"{topic}.confirm_yes"
        word = TEXTS[language][key].replace("，", ",").split(",")[-1].strip()
        assert keywords.command(word) == "affirm", (key, word)


def test_what_is_about_the_debt_has_a_footer() -> None:
    for topic in ("balance", "due", "payment", "extension", "promise", "dispute", "loan"):
        assert needs_footer([f"{topic}.x"])


# Formats

MONEY, DAY = Money(Decimal("1234.5"), "USD"), date(2026, 3, 4)
FORMATS = {
    "en": ("en", "", MONEY, "$1,234.50"),
    "en in Britain": ("en", "GB", Money(Decimal("1234.5"), "GBP"), "£1,234.50"),
    "es in the United States": ("es", "US", MONEY, "$1,234.50"),
    "es in Mexico": ("es_MX", "", Money(Decimal("1234.5"), "MXN"), "$1,234.50"),
    "es in Spain": ("es", "ES", Money(Decimal("1234.5"), "EUR"), "1.234,50 €"),
    "zh": ("zh_Hans", "CN", Money(Decimal("860"), "CNY"), "¥860.00"),
    "zh in Taiwan": ("zh_Hant", "TW", Money(Decimal("3200"), "TWD"), "$3,200.00"),
    "zh in Hong Kong": ("zh_Hant_HK", "", Money(Decimal("4500"), "HKD"), "HK$4,500.00"),
    "a day in en": ("en", "", DAY, "Mar 4, 2026"),
    "a day in Britain": ("en", "GB", DAY, "4 Mar 2026"),
    "a day in es": ("es", "US", DAY, "4 mar 2026"),
    "a day in zh": ("zh_Hans", "", DAY, "2026年3月4日"),
    "a day in zh_Hant": ("zh_Hant", "", DAY, "2026年3月4日"),
    "one day": ("en", "", Days(1), "1 day"),
    "days": ("en", "", Days(7), "7 days"),
    "days in es": ("es", "", Days(7), "7 días"),
    "days in zh": ("zh_Hans", "", Days(7), "7天"),
}


@pytest.mark.parametrize(("locale", "country", "value", "written"), FORMATS.values(), ids=FORMATS)
def test_a_value_is_written_as_the_place_writes_it(
    locale: str, country: str, value: Any, written: str
) -> None:
    reply = Reply("promise.ask_date", {"amount": value})
    text = CATALOGUES.render(reply, locale, country=country)
    assert written in text
    assert not re.search("[\u00a0\u202f]", text)


LOCALES = {
    "en": "en",
    "en_GB": "en",
    "es": "es",
    "es-MX": "es",
    "zh_Hans": "zh_Hans",
    "zh_CN": "zh_Hans",
    "zh": "zh_Hans",
    "zh_SG": "zh_Hans",
    "zh_TW": "zh_Hant",
    "zh-HK": "zh_Hant",
    "zh_Hant_HK": "zh_Hant",
    "zh_Hans_HK": "zh_Hans",
    "fr": "en",
    "": "en",
}


@pytest.mark.parametrize(("locale", "language"), LOCALES.items())
def test_the_language_of_a_locale(locale: str, language: str) -> None:
    assert language_of(locale) == language


def test_a_territory_that_nobody_knows_falls_back() -> None:
    assert str(formatting_locale("en", "ZZ")) == "en_US"
    assert str(formatting_locale("en_XX", "GB")) == "en_GB"
    assert str(formatting_locale("fr_FR", "FR"))


def test_a_key_or_a_value_that_is_missing_is_named() -> None:
    with pytest.raises(MissingReplyError, match=r"no\.such is missing in the catalogue es"):
        CATALOGUES.render(Reply("no.such"), "es")
    with pytest.raises(MissingReplyError, match=r"promise\.ask_date names 'amount'"):
        CATALOGUES.render(Reply("promise.ask_date"), "en")


def test_options_are_numbered_below() -> None:
    menu = Reply("loan.which", {}, (Reply("clarify.help"), Reply("clarify.other")))
    assert Catalogues().render(menu, "en") == (
        "Which one do you mean?\n1) What you can do for me\n2) Something else"
    )


def test_braces_in_a_value_are_only_text() -> None:
    reply = Reply("greet.hello", {"name": "{lender}", "lender": "{0}"})
    assert "Hello {lender}! I am the assistant of {0}." in CATALOGUES.render(reply, "en")
