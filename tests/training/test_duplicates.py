"""The examples are truly different, and what measures a model was never taught to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nlu.trained import ROOT
from training.dataset import Example, load
from training.duplicates import copies_of, near_copies
from training.evaluation import read_labelled


def examples(*texts: str, intent: str = "pay_now") -> list[Example]:
    return [Example(text, intent, "en", Path("x.yml"), n) for n, text in enumerate(texts)]


COPIES = {
    "one word swapped": ("can i pay 50 dollars today", "can i pay 60 dollars today", True),
    "case and marks": ("Can I pay right now?", "can i pay right now", True),
    "another script": ("我現在就想還款可以嗎", "我现在就想还款可以吗", True),
    "another order": ("can i pay today with a card", "with a card can i pay today", False),
    "too short to tell": ("yes pls", "yes plz", False),
    "too short to tell, Chinese": ("我要还款", "我想还款", False),
}


@pytest.mark.parametrize(("first", "second", "found"), COPIES.values(), ids=COPIES)
def test_near_copies(first: str, second: str, found: bool) -> None:
    assert bool(near_copies(examples(first, second))) == found


def test_a_contrast_pair_is_no_copy() -> None:
    pair = examples("stop charging me interest") + examples("stop charging interest", intent="x")
    assert near_copies(pair) == []


def test_a_measuring_text_among_the_examples_is_found() -> None:
    known = examples("ok", "how do i pay this bill")
    assert [c.first for c in copies_of(["OK!", "how do i pay that bill", "hm"], known)] == [
        "OK!",
        "how do i pay that bill",
    ]


def test_no_example_is_nearly_another() -> None:
    assert near_copies(load(ROOT / "nlu_data" / "examples")) == []


@pytest.mark.parametrize(("folder", "least"), [("tuning", 1000), ("holdout", 1200)])
def test_what_measures_is_not_taught(folder: str, least: int) -> None:
    messages = read_labelled(ROOT / "nlu_data" / folder)
    assert len(messages) >= least
    assert copies_of([m.text for m in messages], load(ROOT / "nlu_data" / "examples")) == []


def test_tuning_and_holdout_share_no_message() -> None:
    tuning, holdout = (read_labelled(ROOT / "nlu_data" / name) for name in ("tuning", "holdout"))
    by_text = {message.text.lower() for message in tuning}
    assert [m.text for m in holdout if m.text.lower() in by_text] == []


LEAST = {"en": 120, "zh_Hans": 100, "es": 80, "zh_Hant": 60}


def test_every_intent_has_enough_examples_in_every_language() -> None:
    found: dict[tuple[str, str], int] = {}
    for example in load(ROOT / "nlu_data" / "examples"):
        key = example.intent, example.language
        found[key] = found.get(key, 0) + 1
    assert len(found) == 25 * 4
    assert {key: n for key, n in found.items() if n < LEAST[key[1]]} == {}
