from __future__ import annotations

import json
from collections.abc import Callable
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from bot.nlu.model import (
    Floats,
    HybridModel,
    ModelError,
    TfidfBlock,
    char_wb_ngrams,
    word_ngrams,
)


def test_word_n_grams() -> None:
    assert list(word_ngrams(["a", "b", "c"], 1, 2)) == ["a", "b", "c", "a b", "b c"]


def test_character_n_grams_stay_within_padded_words() -> None:
    assert list(char_wb_ngrams("ab c", 2, 3)) == [" a", "ab", "b ", " ab", "ab ", " c", "c ", " c "]


def test_a_word_shorter_than_the_n_gram_counts_once() -> None:
    assert list(char_wb_ngrams("a", 3, 5)) == [" a "]


def block(**options: int) -> TfidfBlock:
    texts = ["pay now", "pay pay later", "no"]
    return TfidfBlock("word", 1, 1, **options).fit(texts, [t.split() for t in texts])


def test_tf_idf_as_computed_by_hand() -> None:
    fitted = block()
    assert list(fitted.vocabulary) == ["later", "no", "now", "pay"]
    rare, common = log(4 / 2) + 1, log(4 / 3) + 1
    np.testing.assert_allclose(fitted.idf, [rare, rare, rare, common], rtol=1e-6)

    columns, values = fitted.transform("pay pay now", ["pay", "pay", "now"])
    found = dict(zip(columns.tolist(), values.tolist(), strict=True))
    pay, now = (1 + log(2)) * common, rare
    length = sqrt(pay**2 + now**2)
    assert found == pytest.approx({3: pay / length, 2: now / length})


def test_unknown_words_give_an_empty_vector() -> None:
    columns, values = block().transform("hola", ["hola"])
    assert (len(columns), len(values)) == (0, 0)


def test_n_grams_of_too_few_texts_are_dropped() -> None:
    assert list(block(least=2).vocabulary) == ["pay"]


def test_an_unknown_kind_of_n_gram_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown n-gram kind 'letters'"):
        TfidfBlock("letters", 1, 1).fit(["a"], [["a"]])


def vector(value: float) -> Callable[[], Floats]:
    """What embeds a message."""
    return lambda: np.array([value], np.float32)


def no_vector() -> Floats:
    raise AssertionError("the sentence vector was asked for")


def hybrid(temperature: float = 1.0, sure: float = 1.0) -> HybridModel:
    """Two intents told apart by one word and one dense number."""
    return HybridModel(
        blocks=[block(least=2)],
        dense_weight=2.0,
        sure_without_vector=sure,
        classes=["greet", "pay_now"],
        detectors=["pay_now"],
        temperatures=[temperature, 2 * temperature],
        mean=np.array([1.0], np.float32),
        deviation=np.array([0.5], np.float32),
        coefficients=np.array([[0, 3, 2], [0, 1, 1]], np.float32),
        intercept=np.array([0.5, 0, -1], np.float32),
    )


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_ranking_as_computed_by_hand(temperature: float) -> None:
    reading = hybrid(temperature).read("pay", ["pay"], vector(1.25))
    score = 3 * 1 + (1.25 - 1) / 0.5 * 2 - 0.5  # of pay_now over greet
    sure = 1 / (1 + np.exp(-score / temperature))
    assert [name for name, _ in reading.ranking] == ["pay_now", "greet"]
    assert dict(reading.ranking) == pytest.approx({"pay_now": sure, "greet": 1 - sure})


def test_what_is_detected_is_the_mean_of_detector_and_softmax() -> None:
    reading = hybrid(1.5).read("pay", ["pay"], vector(1.25))
    score = 2 * 1 + (1.25 - 1) / 0.5 * 2 - 1
    mean = (1 / (1 + np.exp(-score / 3)) + dict(reading.ranking)["pay_now"]) / 2
    assert reading.detected == pytest.approx({"pay_now": mean})


def test_the_surest_of_answers_does_not_overflow() -> None:
    model = hybrid()
    model.intercept = np.array([-5000, 5000, -5000], np.float32)
    reading = model.read("hola", ["hola"], vector(1.0))
    assert dict(reading.ranking) == {"pay_now": 1.0, "greet": 0.0}
    assert reading.detected["pay_now"] == pytest.approx(0.5)


def test_a_plain_text_needs_no_vector() -> None:
    model = hybrid(sure=0.8)
    model.intercept = np.array([6, 0, -9], np.float32)
    plain = model.read("hola", ["hola"], no_vector)
    assert plain.ranking[0][0] == "greet"
    assert plain == model.read("hola", ["hola"], vector(1.0))  # an average sentence


def test_a_doubtful_text_needs_its_vector() -> None:
    with pytest.raises(AssertionError, match="was asked for"):
        hybrid(sure=0.8).read("hola", ["hola"], no_vector)


def test_what_must_not_be_missed_needs_its_vector() -> None:
    model = hybrid(sure=0.8)
    model.intercept = np.array([6, 0, -2], np.float32)  # the detector is not sure that it is not
    with pytest.raises(AssertionError, match="was asked for"):
        model.read("hola", ["hola"], no_vector)


def test_ties_are_broken_by_name() -> None:
    model = hybrid()
    model.intercept = np.zeros(3, np.float32)
    reading = model.read("hola", ["hola"], vector(1.0))
    assert reading.ranking == [("greet", 0.5), ("pay_now", 0.5)]


def test_a_model_with_vectors_refuses_a_message_without() -> None:
    with pytest.raises(ModelError, match="disagree about the sentence vector"):
        hybrid().read("pay", ["pay"], None)


def test_a_saved_model_answers_as_before(tmp_path: Path) -> None:
    model = hybrid(1.7, sure=0.9)
    model.save(tmp_path)
    stored = HybridModel.load(tmp_path)
    assert stored.read("pay", ["pay"], vector(0.3)) == model.read("pay", ["pay"], vector(0.3))
    assert stored.sure_without_vector == 0.9


BROKEN = {
    "another format": ({"format": 9}, "unknown model format 9"),
    "another normaliser": ({"normaliser_version": 0}, "train again"),
    "a detector too many": ({"detectors": ["greet", "pay_now"]}, "do not fit together"),
    "a class too many": ({"classes": ["a", "b", "c"]}, "do not fit together"),
}


@pytest.mark.parametrize(("change", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_model_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    hybrid().save(tmp_path)
    path = tmp_path / "classifier.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=reason):
        HybridModel.load(tmp_path)


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    hybrid().save(tmp_path)
    arrays = tmp_path / "classifier.npz"
    arrays.write_bytes(arrays.read_bytes()[:50])
    with pytest.raises(ModelError, match="no readable classifier"):
        HybridModel.load(tmp_path)
