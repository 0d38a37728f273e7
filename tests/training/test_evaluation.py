from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.nlu.served import load_model
from bot.nlu.understanding import INTENTS, Understanding
from tests.nlu.trained import ROOT
from tests.training.small import GOOD, small_model
from training.charts import draw_confusion, draw_reliability
from training.evaluation import (
    EvaluationError,
    GroupFigures,
    IntentFigures,
    Labelled,
    Prediction,
    calibration,
    confused_pairs,
    evaluate,
    fingerprint,
    predict,
    read_labelled,
    write_wrong,
)

HEADER = "text,intent,difficulty\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_messages_know_their_place_and_their_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", HEADER + 'pay now,pay_now,easy\n\n"hi,\nyou",greet,hard\n')
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets save it
    assert read_labelled(path) == [
        Labelled("pay now", "pay_now", {"difficulty": "easy"}, path, 2),
        Labelled("hi,\nyou", "greet", {"difficulty": "hard"}, path, 4),
    ]


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", "intent, text\ngreet,hi\n")
    assert [(m.text, m.intent) for m in read_labelled(path)] == [("hi", "greet")]


def test_a_directory_is_read_with_the_files_names_as_languages(tmp_path: Path) -> None:
    write(tmp_path / "es.csv", HEADER + "hola,greet,easy\n")
    write(tmp_path / "en.csv", HEADER + "hi,greet,easy\n")
    write(tmp_path / "notes.txt", "not a file of messages")
    assert [m.groups["language"] for m in read_labelled(tmp_path)] == ["en", "es"]
    assert read_labelled(tmp_path / "es.csv")[0].groups["language"] == "es"


def test_a_files_own_column_says_the_language(tmp_path: Path) -> None:
    path = write(tmp_path / "en.csv", "text,intent,language\nhola,greet,es\n")
    assert read_labelled(path)[0].groups == {"language": "es"}


WRONG = {
    "empty": ("", r"mine\.csv:1: expected one column 'text', found nothing"),
    "no intent": ("text,label\nhi,greet\n", r":1: expected one column 'intent', found text, label"),
    "semicolons": ("text;intent\nhi;greet\n", r":1: expected one column 'text', .* by commas"),
    "text twice": ("text,intent,text\nhi,greet,x\n", r":1: expected one column 'text'"),
    "no header": ("hi,greet\n", r":1: expected one column 'text', found hi, greet"),
    "unknown intent": (HEADER + "hi,greeting,easy\n", r":2: column 'intent' has 'greeting'; known"),
    "no text": (HEADER + "hi,greet,x\n  ,greet,x\n", r":3: column 'text' is empty"),
    "a comma in a text": (HEADER + "hi, you,greet,x\n", r":2: 4 fields under 3 columns"),
    "too few fields": (HEADER + "hi,greet\n", r":2: 2 fields under 3 columns"),
    "after a text of two lines": (
        HEADER + '"hi\nyou",greet,x\nhi,no,x\n',
        r":4: column 'intent' has 'no'",
    ),
    "an open quote": (HEADER + 'ok,greet,x\n"hi,greet,x\n', r":3: not CSV"),
    "nothing but a header": (HEADER, "has no labelled messages"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_refused_with_line_and_column(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = write(tmp_path / "mine.csv", text)
    with pytest.raises(EvaluationError, match=reason):
        read_labelled(path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes("text,intent\nseñor,greet\n".encode("latin-1"))
    with pytest.raises(EvaluationError, match=r"mine\.csv is not UTF-8: save it as CSV in UTF-8"):
        read_labelled(path)


def test_a_missing_file_and_an_empty_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"gone\.csv cannot be read: No such file"):
        read_labelled(tmp_path / "gone.csv")
    with pytest.raises(EvaluationError, match="has no labelled messages"):
        read_labelled(tmp_path)


def test_the_frozen_holdout_can_be_read() -> None:
    messages = read_labelled(ROOT / "nlu_data" / "holdout")
    assert len(messages) > 1000
    assert {m.intent for m in messages} == set(INTENTS)


def test_a_changed_holdout_is_another(tmp_path: Path) -> None:
    write(tmp_path / "en.csv", HEADER + "hi,greet,easy\n")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    write(tmp_path / "en.csv", HEADER + "hi,greet,hard\n")
    assert fingerprint(tmp_path) != before


class Parrot:
    """Answers with what the message says, and notes the locale that it is asked with."""

    def __init__(self) -> None:
        self.locales: list[str | None] = []

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        self.locales.append(locale)
        intent, confidence, opt_out = text.split()
        ranking = ((intent, float(confidence)),)
        return Understanding(text, None, False, intent, float(confidence), ranking, opt_out)


def test_messages_are_read_in_their_order_with_their_language_as_locale() -> None:
    texts = [f"greet 0.{n} no" for n in range(1, 9)]
    messages = [
        Labelled(t, "greet", {"language": "es"} if n else {}, Path("x"), n)
        for n, t in enumerate(texts)
    ]
    reader = Parrot()
    found = predict(reader, messages, workers=3)
    assert [p.confidence for p in found] == [n / 10 for n in range(1, 9)]
    assert sorted(reader.locales, key=str) == [None, *["es"] * 7]


def test_keywords_are_part_of_what_is_measured(tmp_path: Path) -> None:
    reader = load_model(small_model(tmp_path, "a", GOOD))
    message = Labelled("T", "stop_messaging", {"language": "zh_Hans"}, Path("x"), 2)
    (found,) = predict(reader, [message])
    assert (found.right, found.confidence, found.opt_out) == (True, 1.0, "done")


def predictions(
    rows: Sequence[tuple[str, str]], confidence: float = 0.9, **groups: str
) -> list[Prediction]:
    """One for each pair of an intent that was meant and one that was answered."""
    place = Path("mine.csv")
    return [
        Prediction(Labelled(f"text {n}", meant, groups, place, n), answered, confidence, "no")
        for n, (meant, answered) in enumerate(rows, 2)
    ]


def test_figures_by_intent_as_computed_by_hand() -> None:
    pay, greet, deny = "pay_now", "greet", "deny"
    found = evaluate(
        predictions([(pay, pay)] * 3 + [(pay, greet)] + [(greet, greet)] * 2 + [(greet, deny)])
    )
    assert found.messages == 7
    assert found.accuracy == pytest.approx(5 / 7)
    assert found.by_intent == {
        pay: IntentFigures(4, 1.0, 3 / 4, pytest.approx(2 * 3 / (4 + 3))),
        deny: IntentFigures(0, 0.0, None, 0.0),
        greet: IntentFigures(3, 2 / 3, 2 / 3, pytest.approx(2 / 3)),
    }
    # Of the intents that the messages have: an answer that nobody meant has no F1 of its own.
    assert found.macro_f1 == pytest.approx((6 / 7 + 2 / 3) / 2)
    assert confused_pairs(found.confusion) == [(greet, deny, 1), (pay, greet, 1)]


def test_an_intent_that_is_never_answered_has_no_precision() -> None:
    found = evaluate(predictions([("crisis", "greet")]))
    assert found.by_intent["crisis"] == IntentFigures(1, None, 0.0, 0.0)


def test_figures_by_every_column_with_few_values() -> None:
    right, wrong = ("greet", "greet"), ("greet", "deny")
    found = evaluate(
        predictions([right, wrong], difficulty="hard")
        + predictions([right], difficulty="easy", language="es")
        + [p for n in range(13) for p in predictions([right], remark=str(n), difficulty="")]
    )
    assert list(found.groups) == ["difficulty", "language"]
    assert list(found.groups["difficulty"]) == ["hard", "easy", "(none)"]
    assert found.groups["difficulty"]["hard"] == GroupFigures(2, 0.5, pytest.approx(2 / 3))
    assert found.groups["language"] == {"es": GroupFigures(1, 1.0, 1.0)}


def test_opt_outs_and_cries_for_help_are_counted_where_meant_and_where_not() -> None:
    stop = Labelled("x", "stop_messaging", {}, Path("x"), 1)
    pay = Labelled("x", "pay_now", {}, Path("x"), 1)
    crisis = Labelled("x", "crisis", {}, Path("x"), 1)
    found = evaluate(
        [
            Prediction(stop, "stop_messaging", 0.9, "done"),
            Prediction(stop, "pay_now", 0.9, "ask"),
            Prediction(stop, "pay_now", 0.9, "no"),
            Prediction(pay, "pay_now", 0.9, "ask"),
            Prediction(crisis, "hardship", 0.9, "no", crisis=True),
            Prediction(crisis, "crisis", 0.9, "no"),
            Prediction(crisis, "hardship", 0.9, "no"),
        ]
    )
    assert found.opt_out_decisions == {
        "meant": {"done": 1, "ask": 1, "no": 1},
        "not meant": {"done": 0, "ask": 1, "no": 3},
    }
    assert found.crisis_heard == {"meant": {"yes": 2, "no": 1}, "not meant": {"yes": 0, "no": 4}}


RIGHT, MISREAD = ("greet", "greet"), ("greet", "deny")


def test_calibration_error_as_computed_by_hand() -> None:
    found = calibration(
        predictions([RIGHT] * 8 + [MISREAD] * 2, 0.95)  # 95 % sure, 80 % right
        + predictions([RIGHT] * 1 + [MISREAD] * 3, 0.35)  # 35 % sure, 25 % right
        + predictions([RIGHT] * 6, 1.0)
    )
    assert [b.messages for b in found.bins] == [4, 16]
    assert found.bins[1].confidence == pytest.approx((9.5 + 6) / 16)
    assert found.bins[1].accuracy == pytest.approx(14 / 16)
    assert found.error == pytest.approx((4 * 0.1 + (9.5 + 6 - 14)) / 20)


CALIBRATED = {
    "as sure as right": (predictions([RIGHT] * 3 + [MISREAD], 0.75), 0.0),
    "always sure, always wrong": (predictions([MISREAD] * 5, 1.0), 1.0),
    "never sure, always right": (predictions([RIGHT] * 5, 0.0), 1.0),
}


@pytest.mark.parametrize(("found", "error"), CALIBRATED.values(), ids=CALIBRATED)
def test_calibration_at_its_ends(found: list[Prediction], error: float) -> None:
    assert calibration(found).error == pytest.approx(error)


def test_misread_messages_are_written_with_their_place(tmp_path: Path) -> None:
    found = predictions([RIGHT, MISREAD, ("affirm", "deny")], 0.5, language="es")
    write_wrong(found, tmp_path / "wrong.csv")
    with (tmp_path / "wrong.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["text"], r["intent"], r["answered"]) for r in rows] == [
        ("text 4", "affirm", "deny"),
        ("text 3", "greet", "deny"),
    ]
    assert rows[1]["place"] == "mine.csv:3"
    assert (rows[1]["confidence"], rows[1]["opt_out"], rows[1]["language"]) == (
        "0.5000", "no", "es",
    )  # fmt: skip


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG, in pixels."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def test_pictures_are_drawn_with_room_for_every_intent(tmp_path: Path) -> None:
    few = evaluate(predictions([RIGHT, MISREAD]))
    all_of_them = evaluate(predictions([(intent, "greet") for intent in INTENTS], 0.2))
    draw_reliability(few.calibration, "mine", tmp_path / "reliability.png")
    draw_confusion(few, "mine", tmp_path / "few.png")
    draw_confusion(all_of_them, "mine", tmp_path / "all.png")
    assert size(tmp_path / "reliability.png")[0] > 800
    assert size(tmp_path / "all.png")[0] > size(tmp_path / "few.png")[0] + 22 * 40
