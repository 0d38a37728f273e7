from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bot.nlu.model import Reading
from bot.nlu.reader import Reader
from training.parse import parse_stream


class FakeClassifier:
    def glance(self, text: str) -> tuple[str, float]:
        return "greet", 0.9

    def classify_normalised(self, readable: str) -> Reading:
        return Reading(
            [("promise_to_pay", 0.75), ("pay_now", 0.15), ("greet", 0.06), ("thanks", 0.04)],
            {"stop_messaging": 0.01, "crisis": 0.3},
        )


def parse(*lines: str | bytes) -> tuple[list[dict[str, Any]], str, bool]:
    out, err = io.StringIO(), io.StringIO()
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    clean = parse_stream(Reader(FakeClassifier()), [line + b"\n" for line in raw], out, err=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue(), clean


def test_a_line_becomes_one_object() -> None:
    (found,), complaints, clean = parse("i will send 50 then")
    assert list(found) == [
        "text", "language", "intent", "confidence", "ranking", "opt_out", "crisis", "entities",
    ]  # fmt: skip
    assert found["text"] == "i will send 50 then"
    assert found["language"] == "en"
    assert (found["intent"], found["confidence"]) == ("promise_to_pay", 0.75)
    assert found["ranking"] == [
        {"intent": "promise_to_pay", "confidence": 0.75},
        {"intent": "pay_now", "confidence": 0.15},
        {"intent": "greet", "confidence": 0.06},
    ]
    assert found["opt_out"] == "no"
    assert set(found["entities"]) == {"amount", "date", "duration_days", "count", "option"}
    assert (complaints, clean) == ("", True)


def test_fields_of_an_object_reach_the_entities() -> None:
    request = {
        "text": "下周五还一半",
        "locale": "zh_Hans",
        "now": "2026-11-22T23:30:00-05:00",
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "balance": 1200.5,
        "menu": ["a", "b"],
    }
    (found,), _, clean = parse(json.dumps(request))
    # It is Monday in Shanghai already.
    assert (found["entities"]["amount"], found["entities"]["date"]) == ("600.25", "2026-12-04")
    assert clean


MENUS = {"true": (True, 2), "a number": (3, 2), "a list": (["x"], 2), "false": (False, None)}


@pytest.mark.parametrize(("menu", "option"), MENUS.values(), ids=MENUS)
def test_an_option_is_read_where_a_menu_is_open(menu: Any, option: int | None) -> None:
    (found,), _, _ = parse(json.dumps({"text": "2", "menu": menu}))
    assert found["entities"]["option"] == option


REFUSED = {
    "not json": ('{"text": ', "line 2: not a JSON object"),
    "no text": ('{"message": "hi"}', "line 2: `text` is missing"),
    "text is a number": ('{"text": 3}', "line 2: `text` is missing or not a string"),
    "balance in words": ('{"text": "a", "balance": "much"}', "line 2: `balance` is not an amount"),
    "balance without end": ('{"text": "a", "balance": Infinity}', "line 2: `balance` is not"),
    "no such day": ('{"text": "a", "now": "2026-02-30"}', "line 2: `now` is not an ISO date"),
    "no such zone": ('{"text": "a", "timezone": "Moon/Base"}', "line 2: unknown `timezone`"),
    "zone as path": ('{"text": "a", "timezone": "../etc"}', "line 2: unknown `timezone`"),
    "nested": ('{"text":' + "[" * 100_000, "line 2: not a JSON object"),
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_line_is_named_and_the_others_are_answered(line: str, reason: str) -> None:
    found, complaints, clean = parse("hello", line, "goodbye")
    assert complaints.startswith(reason)
    assert len(complaints.splitlines()) == 1
    assert [answer.get("text") for answer in found] == ["hello", None, "goodbye"]
    assert list(found[1]) == ["error"]
    assert not clean


def test_blank_lines_are_skipped_but_counted() -> None:
    found, complaints, _ = parse("", "  ", "hello", "{")
    assert [answer.get("text") for answer in found] == ["hello", None]
    assert complaints.startswith("line 4:")


def test_bytes_that_are_not_utf_8_are_answered() -> None:
    (found,), _, clean = parse(b"hola \xff\xfe")
    assert found["text"] == "hola \ufffd\ufffd"
    assert clean


def test_a_lone_surrogate_is_answered() -> None:
    (found,), _, clean = parse('{"text": "ok \\ud83d"}')
    assert found["text"].startswith("ok")
    assert clean


def test_absent_and_null_fields_are_the_same() -> None:
    nulls = dict.fromkeys(("locale", "now", "timezone", "currency", "balance", "menu"))
    (found, same), _, clean = parse('{"text": "hi"}', json.dumps({"text": "hi", **nulls}))
    assert found == same
    assert clean


def test_many_lines_keep_their_order() -> None:
    texts = [f"message number {n}" for n in range(300)]
    found, _, _ = parse(*texts)
    assert [answer["text"] for answer in found] == texts


def test_a_line_is_answered_before_the_next_one_is_written() -> None:
    answered = threading.Event()

    class Terminal(io.StringIO):
        def flush(self) -> None:
            answered.set()

    def typed() -> Iterator[str]:
        yield "first\n"
        assert answered.wait(5), "no answer while the line stays open"
        yield "second\n"

    out = Terminal()
    assert parse_stream(Reader(FakeClassifier()), typed(), out)
    assert len(out.getvalue().splitlines()) == 2


def test_an_error_while_reading_is_not_swallowed() -> None:
    def broken() -> Iterator[str]:
        yield "first\n"
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        parse_stream(Reader(FakeClassifier()), broken(), io.StringIO())


@pytest.mark.parametrize(
    ("text", "best"), [("STOP", ("stop_messaging", 1.0)), ("250", ("out_of_scope", 0.0))]
)
def test_what_needs_no_classifier_has_a_ranking_too(text: str, best: tuple[str, float]) -> None:
    (found,), _, _ = parse(text)
    ranking = [(entry["intent"], entry["confidence"]) for entry in found["ranking"]]
    assert ranking[0] == best
    assert len(dict(ranking)) == 3
    assert [confidence for _, confidence in ranking[1:]] == [0.0, 0.0]
