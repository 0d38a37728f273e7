from __future__ import annotations

import pytest

from bot.nlu.model import Reading
from bot.nlu.reader import Reader, Thresholds
from tests.nlu.trained import HOSTILE, trained_model


class FakeClassifier:
    """Greets, may detect what it is told, and remembers what it was asked."""

    def __init__(self, **detected: float) -> None:
        self.asked: list[str] = []
        ranking = [("greet", 0.6), ("thanks", 0.2), ("help", 0.1), ("stop_messaging", 0.1)]
        self.reading = Reading(ranking, detected)

    def glance(self, text: str) -> tuple[str, float]:
        return "greet", 0.9

    def classify_normalised(self, readable: str) -> Reading:
        self.asked.append(readable)
        return self.reading if readable else Reading()


KEYWORDS = {
    "stop": ("STOP", None, "stop_messaging", "done"),
    "polite stop": ("please stop. thank you", None, "stop_messaging", "done"),
    "mainland": ("TD", "zh_Hans", "stop_messaging", "done"),
    "start": ("Start", None, "resume_messaging", "no"),
    "help": ("ayuda", "es", "help", "no"),
}


@pytest.mark.parametrize(("text", "locale", "intent", "opt_out"), KEYWORDS.values(), ids=KEYWORDS)
def test_a_carrier_keyword_never_reaches_the_classifier(
    text: str, locale: str | None, intent: str, opt_out: str
) -> None:
    classifier = FakeClassifier()
    found = Reader(classifier).understand(text, locale)
    assert (found.intent, found.confidence, found.opt_out) == (intent, 1.0, opt_out)
    assert found.keyword is not None
    assert classifier.asked == []


def test_a_sentence_goes_to_the_classifier() -> None:
    found = Reader(FakeClassifier()).understand("hello there")
    assert (found.text, found.intent, found.keyword) == ("hello there", "greet", None)
    assert [intent for intent, _ in found.ranking] == ["greet", "thanks", "help"]


THRESHOLDS = {
    "well above": (0.9, "done"),
    "at done": (0.7, "done"),
    "just below done": (0.69, "ask"),
    "at ask": (0.1, "ask"),
    "just below ask": (0.09, "no"),
}


@pytest.mark.parametrize(("probability", "expected"), THRESHOLDS.values(), ids=THRESHOLDS)
def test_opt_out_follows_the_models_thresholds(probability: float, expected: str) -> None:
    thresholds = Thresholds(opt_out_done=0.7, opt_out_ask=0.1)
    reader = Reader(FakeClassifier(stop_messaging=probability), thresholds)
    assert reader.understand("some words here").opt_out == expected


def test_a_cry_for_help_is_heard_behind_another_intent() -> None:
    for probability, heard in ((0.19, False), (0.2, True)):
        reader = Reader(FakeClassifier(crisis=probability), Thresholds(crisis=0.2))
        found = reader.understand("some words here")
        assert (found.intent, found.crisis) == ("greet", heard)


@pytest.mark.parametrize(("probability", "expected"), [(0.0, "ask"), (0.1, "done"), (0.9, "done")])
def test_unmistakable_words_are_asked_about_at_least(probability: float, expected: str) -> None:
    thresholds = Thresholds(opt_out_done=0.7, opt_out_ask=0.1)
    reader = Reader(FakeClassifier(stop_messaging=probability), thresholds)
    assert reader.understand("i paid, now stop texting me").opt_out == expected


def test_an_unmistakable_cry_for_help_is_heard() -> None:
    reader = Reader(FakeClassifier(crisis=0.0))
    assert reader.understand("how much is it. i want to kill myself").crisis
    assert not reader.understand("how much is it").crisis


def test_thresholds_come_from_the_card_or_are_the_defaults() -> None:
    card = {"thresholds": {"opt_out_done": 0.5, "opt_out_ask": 0.2, "crisis": 0.4}}
    assert Thresholds.from_card(card) == Thresholds(0.5, 0.2, 0.4)
    assert Thresholds.from_card({}) == Thresholds()


@pytest.mark.parametrize("text", ["", " ", "\u200b", "\u0000"], ids=ascii)
def test_a_text_without_content_is_out_of_scope(text: str) -> None:
    found = Reader(FakeClassifier()).understand(text)
    assert (found.intent, found.confidence, found.ranking) == ("out_of_scope", 0.0, ())
    assert found.opt_out == "no"


def test_texts_that_normalise_alike_are_classified_once() -> None:
    classifier = FakeClassifier()
    reader = Reader(classifier, cached=2)
    for text in ("Good  Evening", "good evening", "ＧＯＯＤ evening"):
        assert reader.understand(text).text == text
    assert classifier.asked == ["good evening"]


def test_the_cache_is_bounded() -> None:
    classifier = FakeClassifier()
    reader = Reader(classifier, cached=2)
    for text in ("one thing", "two things", "three things", "one thing"):
        reader.understand(text)
    assert len(classifier.asked) == 4


@pytest.fixture(scope="module")
def trained() -> Reader:
    return Reader.load(trained_model())


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_the_trained_model_answers_anything(trained: Reader, text: str) -> None:
    found = trained.understand(text)
    assert 0 <= found.confidence <= 1
    assert found.opt_out in ("done", "ask", "no")


PLAIN = {
    "en balance": ("how much do i owe", "ask_balance"),
    "es balance": ("cuánto debo", "ask_balance"),
    "zh_Hans balance": ("我还欠多少钱", "ask_balance"),
    "zh_Hant balance": ("我還欠多少錢", "ask_balance"),
    "en extension": ("can i get another week", "request_extension"),
    "es extension": ("me pueden dar unos días más", "request_extension"),
    "zh_Hans extension": ("能宽限几天吗", "request_extension"),
    "en stop": ("quit texting me", "stop_messaging"),
    "es dispute": ("yo no saqué ese préstamo", "dispute"),
    "zh_Hans agent": ("转人工", "talk_to_agent"),
    "en crisis": ("i want to end my life", "crisis"),
}


@pytest.mark.parametrize(("text", "intent"), PLAIN.values(), ids=PLAIN)
def test_the_trained_model_knows_plain_requests(trained: Reader, text: str, intent: str) -> None:
    assert trained.understand(text).intent == intent


@pytest.mark.parametrize(("text", "figure"), [("1200", True), ("一千二", True), ("三百塊", True),
                                              ("一", False), ("一百个不愿意", False)])  # fmt: skip
def test_a_bare_figure_is_left_to_the_open_question(text: str, figure: bool) -> None:
    classifier = FakeClassifier()
    Reader(classifier).understand(text)
    assert (classifier.asked == []) == figure
