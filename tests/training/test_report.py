from __future__ import annotations

from pathlib import Path

from bot.nlu.reader import Thresholds
from training.dataset import Example
from training.report import Answer, find_thresholds, metrics


def answer(intent: str, stop: float, text: str = "", *, crisis: float = 0.0) -> Answer:
    detected = {"stop_messaging": stop, "crisis": crisis}
    return Answer(text, intent, {"greet": 1 - stop, "stop_messaging": stop}, detected)


def test_thresholds_part_opt_outs_from_the_rest() -> None:
    meant = [answer("stop_messaging", 0.9)] * 99 + [answer("stop_messaging", 0.12)]
    others = [answer("greet", 0.65)] * 20 + [answer("greet", 0.01)] * 500
    found = find_thresholds(meant + others)
    assert (found.opt_out_done, found.opt_out_ask) == (0.66, 0.2)


def test_where_many_are_missed_ask_goes_down() -> None:
    meant = [answer("stop_messaging", 0.9)] * 80 + [answer("stop_messaging", 0.08)] * 20
    others = [answer("greet", 0.01)] * 500
    found = find_thresholds(meant + others)
    assert (found.opt_out_done, found.opt_out_ask) == (0.3, 0.08)


def test_a_cry_for_help_is_no_example_against_an_opt_out() -> None:
    meant = [answer("stop_messaging", 0.7)] * 30
    others = [answer("greet", 0.01)] * 30
    cries = [answer("crisis", 0.95, crisis=0.3)] * 30
    found = find_thresholds(meant + others + cries)
    assert (found.opt_out_done, found.crisis) == (0.3, 0.3)


def test_too_few_give_the_defaults() -> None:
    answers = [answer("stop_messaging", 0.99)] * 19 + [answer("greet", 0.0)] * 50
    assert find_thresholds(answers) == Thresholds()


def test_accuracy_by_language_and_intent() -> None:
    place = Path("x.yml")
    examples = [
        Example("hi", "greet", "en", place, 1),
        Example("hola", "greet", "es", place, 1),
        Example("stop", "stop_messaging", "en", place, 1),
        Example("stop", "stop_messaging", "es", place, 1),
    ]
    answers = [
        answer("greet", 0.2, "hi"),
        answer("greet", 0.7, "hola"),
        answer("stop_messaging", 0.9, "stop"),
    ]
    found = metrics(answers, examples, Thresholds(0.6, 0.15))
    assert found["accuracy"] == 0.6667
    assert found["accuracy_by_language"] == {"en": 1.0, "es": 0.5}
    assert found["recall_by_intent"] == {"greet": 0.5, "stop_messaging": 1.0}
    assert found["precision_by_intent"] == {"greet": 1.0, "stop_messaging": 0.5}
    assert found["most_confused"] == {"greet > stop_messaging": 1}
    assert found["opt_out_decisions"] == {"meant": {"done": 1}, "not meant": {"ask": 1, "done": 1}}
