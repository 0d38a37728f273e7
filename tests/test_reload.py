"""A promoted model is taken up by running processes, and no message is dropped or kept waiting."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders import SENDER
from tests.line import Line, assert_answered_once, clients, deployed, wait
from tests.training.small import small_model

# What the one takes for a greeting, the other knows to be thanks.
OLDER = {
    "greet": ["hi", "hello", "thank you"],
    "pay_now": ["pay now", "send link"],
    "ask_balance": ["how much", "owe"],
}
NEWER = {**OLDER, "greet": ["hi", "hello"], "thanks": ["thank you"]}
TEXTS = ("hi there", "thank you so much", "hello again")
TELLING = TEXTS[1]
WITHIN = 15
"""Seconds until everybody answers with the new model; it takes one or two on an idle machine."""
PATIENCE = 3
"""Seconds that no message may take, on a machine that is busy with other tests."""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    directory = tmp_path / "models"
    small_model(directory, "older", OLDER)
    small_model(directory, "newer", NEWER)
    (directory / "CURRENT").write_text("older\n")
    return directory


@pytest.fixture
def line(tmp_path: Path, models: Path) -> Iterator[Line]:
    database_url = f"sqlite:///{tmp_path / 'line.db'}"
    with deployed(database_url, tmp_path, MODEL_DIR=str(models)) as made:
        made.run([sys.executable, "-m", "flask", "worker"])
        wait(lambda: "worker ready" in made.log.read_text())
        yield made


class Sent(NamedTuple):
    sid: str
    at: float
    seconds: float


class Texting:
    """Eight people at a time who text without a pause, and how long each text took."""

    def __init__(self, line: Line) -> None:
        self._line, self._enough = line, threading.Event()
        self.sent: list[Sent] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        with clients(self._text):
            try:
                yield
            finally:
                self._enough.set()

    def _text(self, people: list[tuple[str, str]]) -> None:
        for turn, (phone, _) in cycle(enumerate(people)):
            for text in TEXTS[turn % 2 :]:
                if self._enough.is_set():
                    return
                at = time.monotonic()
                texted = self._line.network.text(phone, SENDER, text)
                self.sent.append(Sent(texted.sid, at, time.monotonic() - at))
                assert texted.status == 200

    def more(self, messages: int) -> None:
        """Wait for so many more."""
        goal = len(self.sent) + messages
        wait(lambda: len(self.sent) >= goal)


def taken_up(line: Line, model: str) -> list[int]:
    """Processes that said that they answer with a model now."""
    return [int(pid) for pid in re.findall(rf"model {model} answers now pid=(\d+)", said(line))]


def said(line: Line) -> str:
    return line.log.read_text("utf-8")


def job_worker(line: Line) -> int:
    return int(re.findall(r"worker ready pid=(\d+)", said(line))[-1])


def named_by_health(line: Line, times: int = 20) -> set[str]:
    """The model's name as whichever worker answers shows it."""
    names = set()
    for _ in range(times):
        request = urllib.request.Request(
            f"http://127.0.0.1:{line.port}/health/", headers={"Accept": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            names.add(json.load(answer)["checks"]["model"]["detail"].split(",")[0])
    return names


def test_a_promoted_model_is_taken_up_while_messages_come_in(line: Line, models: Path) -> None:
    everybody = {*line.workers(), job_worker(line)}
    assert len(everybody) == 3
    assert named_by_health(line) == {"older"}
    texting = Texting(line)
    with texting.going_on():
        texting.more(50)
        promoting = time.monotonic()
        printed = line.flask("nlu", "promote", "newer", "--why", "knows thanks")
        assert printed == "newer is served from now on; before: older.\n"
        wait(lambda: set(taken_up(line, "newer")) == everybody, seconds=WITHIN)
        taken_by_all = time.monotonic()
        texting.more(50)

    assert not line.wire.refused()
    assert max(sent.seconds for sent in texting.sent) < PATIENCE
    rows = assert_answered_once(line)
    assert len(rows) == len(texting.sent)
    thanked = {str(row.external_id): row for row in rows if row.body == TELLING}
    meanings: dict[str, set[str]] = {"before": set(), "after": set()}
    for sent in texting.sent:
        if sent.sid in thanked and sent.at + sent.seconds < promoting:
            meanings["before"].add(thanked[sent.sid].understanding["intent"])
        elif sent.sid in thanked and sent.at > taken_by_all:
            meanings["after"].add(thanked[sent.sid].understanding["intent"])
    assert meanings == {"before": {"greet"}, "after": {"thanks"}}
    assert sorted(taken_up(line, "newer")) == sorted(everybody), "each said so once"
    assert named_by_health(line) == {"newer"}

    (replaced, _) = line.workers()
    os.kill(replaced, signal.SIGKILL)
    wait(lambda: len(set(taken_up(line, "newer"))) == 4)
    assert named_by_health(line) == {"newer"}, "a worker that comes later serves it too"


def test_promotions_in_quick_succession_end_with_the_last(line: Line, models: Path) -> None:
    for name in ("newer", "older", "newer", "older", "newer"):
        (models / "CURRENT.new").write_text(name)
        (models / "CURRENT.new").replace(models / "CURRENT")
        time.sleep(0.3)
    wait(lambda: named_by_health(line) == {"newer"}, seconds=WITHIN)
    time.sleep(2)
    assert named_by_health(line) == {"newer"}


def test_a_model_that_cannot_be_loaded_is_said_once_and_the_old_one_answers(
    line: Line, models: Path
) -> None:
    everybody = {*line.workers(), job_worker(line)}
    (models / "newer" / "classifier.npz").write_bytes(b"PK\x03\x04")
    (models / "CURRENT.new").write_text("newer\n")
    (models / "CURRENT.new").replace(models / "CURRENT")
    refusal = "older goes on answering, as what is promoted has failed"
    texting = Texting(line)
    with texting.going_on():
        wait(lambda: said(line).count(refusal) == len(everybody), seconds=WITHIN)
        time.sleep(3)  # three more looks
    assert said(line).count(refusal) == len(everybody)
    assert not line.wire.refused()
    rows = assert_answered_once(line)
    assert {row.understanding["intent"] for row in rows if row.body == TELLING} == {"greet"}
    assert named_by_health(line) == {"older answers; newer is being loaded"}
    assert TELLING not in said(line)
