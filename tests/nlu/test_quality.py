"""Floors that no change of data or code may fall below: what `docs/nlu.md` says is reached.

Less a message or two, as another machine's arithmetic may tip one.
"""

from __future__ import annotations

import pytest

from bot.nlu.reader import Reader
from tests.nlu.trained import ROOT, trained_model
from training.evaluation import Evaluation, evaluate, predict, read_labelled


@pytest.fixture(scope="module")
def found() -> Evaluation:
    reader = Reader.load(trained_model())
    return evaluate(predict(reader, read_labelled(ROOT / "nlu_data" / "holdout")))


@pytest.mark.parametrize(
    ("language", "floor"), [("en", 0.93), ("zh_Hans", 0.92), ("zh_Hant", 0.90), ("es", 0.90)]
)
def test_macro_f1(found: Evaluation, language: str, floor: float) -> None:
    assert found.groups["language"][language].macro_f1 >= floor


@pytest.mark.parametrize("intent", ["pay_now", "request_extension", "dispute"])
def test_recall_of_what_the_product_is_for(found: Evaluation, intent: str) -> None:
    recall = found.by_intent[intent].recall
    assert recall is not None
    assert recall >= 0.93


def test_hardly_an_opt_out_is_missed(found: Evaluation) -> None:
    meant, others = (found.opt_out_decisions[x] for x in ("meant", "not meant"))
    assert meant["no"] <= 2
    assert meant["done"] / sum(meant.values()) >= 0.92
    assert others["done"] / sum(others.values()) <= 0.01
    assert others["ask"] / sum(others.values()) <= 0.06


def test_hardly_a_cry_for_help_is_missed(found: Evaluation) -> None:
    meant, others = (found.crisis_heard[x] for x in ("meant", "not meant"))
    assert meant["yes"] / sum(meant.values()) >= 0.96
    assert others["yes"] / sum(others.values()) <= 0.025


def test_confidences_can_be_believed(found: Evaluation) -> None:
    assert found.calibration.error < 0.05
