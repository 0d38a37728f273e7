"""The served model is exchanged under running work."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.nlu.model import ModelError
from bot.nlu.reader import Reader
from bot.nlu.served import ServedReader, load_model, served_model
from tests.training.small import GOOD, small_model

OTHER = {**GOOD, "thanks": ["send link"]}
OTHER["pay_now"] = ["pay now"]


def serve(models: Path, name: str) -> None:
    """As a promotion does: a new file takes the place of the old one."""
    (models / "CURRENT.new").write_text(name + "\n")
    (models / "CURRENT.new").replace(models / "CURRENT")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    small_model(tmp_path, "first", GOOD)
    small_model(tmp_path, "second", OTHER)
    serve(tmp_path, "first")
    return tmp_path


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says about the exchange of models."""
    return [r.getMessage() for r in caplog.records if r.name == "bot.nlu.served"]


def wait(until: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def test_it_answers_with_the_model_that_is_named(models: Path) -> None:
    reader = ServedReader(models)
    assert reader.name == "first"
    assert reader.understand("send link").intent == "pay_now"


def test_another_model_is_taken_up(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader = ServedReader(models)
    serve(models, "second")
    with caplog.at_level(logging.INFO):
        reader.refresh()
        reader.refresh()
    assert reader.name == "second"
    assert reader.understand("send link").intent == "thanks"
    assert said(caplog) == [f"model second answers now pid={os.getpid()}"]


def test_a_name_written_by_hand_counts_too(models: Path) -> None:
    reader = ServedReader(models)
    (models / "CURRENT").write_text("second")
    reader.refresh()
    assert reader.name == "second"


NOT_LOADABLE = {
    "no such model": lambda models: serve(models, "gone"),
    "nothing": lambda models: serve(models, ""),
    "no pointer": lambda models: (models / "CURRENT").unlink(),
    "not a name": lambda models: (models / "CURRENT").write_bytes(b"\xff\xfe\x00"),
    "far too long a name": lambda models: serve(models, "x" * 5000),
    "another format": lambda models: (
        (models / "second" / "card.json").write_text('{"format": 99}'),
        serve(models, "second"),
    ),
    "a damaged model": lambda models: (
        (models / "second" / "classifier.npz").write_bytes(b"PK\x03\x04"),
        serve(models, "second"),
    ),
}


@pytest.mark.parametrize("spoil", NOT_LOADABLE.values(), ids=NOT_LOADABLE)
def test_what_cannot_be_loaded_is_said_once_and_the_old_model_goes_on(
    models: Path, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    reader = ServedReader(models)
    spoil(models)
    for _ in range(3):
        reader.refresh()
    assert reader.name == "first"
    assert reader.understand("send link").intent == "pay_now"
    (line,) = said(caplog)
    assert line.startswith("first goes on answering, as what is promoted has failed: ")


def test_after_a_failure_the_next_promotion_is_taken_up(models: Path) -> None:
    reader = ServedReader(models)
    serve(models, "gone")
    reader.refresh()
    serve(models, "second")
    reader.refresh()
    assert reader.name == "second"


def test_the_old_model_answers_while_the_new_one_loads(models: Path) -> None:
    small_model(models, "third", GOOD)
    loading, go_on = threading.Event(), threading.Event()

    def slow(directory: Path) -> Reader:
        if directory.name != "first":
            loading.set()
            assert go_on.wait(10)
        return load_model(directory)

    reader = ServedReader(models, slow)
    serve(models, "second")
    reader.watch(every=0.01)
    assert loading.wait(10)
    assert reader.name == "first"
    assert reader.understand("send link").intent == "pay_now"
    serve(models, "third")  # while the second one is still being loaded
    go_on.set()
    wait(lambda: reader.name == "third")


def test_it_is_watched_in_a_thread_that_no_exit_waits_for(models: Path) -> None:
    before = set(threading.enumerate())
    reader = ServedReader(models)
    reader.understand("hi")
    assert set(threading.enumerate()) == before, "a process that forks has no thread yet"
    reader.watch(every=0.01)
    (thread,) = set(threading.enumerate()) - before
    assert thread.daemon
    serve(models, "second")
    wait(lambda: reader.name == "second")
    serve(models, "gone")
    time.sleep(0.05)
    serve(models, "first")
    wait(lambda: reader.name == "first")


def test_messages_meet_the_one_or_the_other_model_and_never_none(models: Path) -> None:
    reader = ServedReader(models)
    done, answers = threading.Event(), []

    def texts() -> None:
        while not done.is_set():
            answers.append(reader.understand("send link").intent)

    writers = [threading.Thread(target=texts) for _ in range(3)]
    for writer in writers:
        writer.start()
    for name in ("second", "first") * 10:
        serve(models, name)
        reader.refresh()
    done.set()
    for writer in writers:
        writer.join()
    assert set(answers) == {"pay_now", "thanks"}


def test_one_models_own_directory_is_served_as_it_is(models: Path) -> None:
    reader = ServedReader(models / "second")
    reader.refresh()
    assert reader.name == "second"


def test_without_a_model_there_is_no_reader(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run `make model`"):
        ServedReader(tmp_path)
    with pytest.raises(ModelError, match="run `make model`"):
        served_model(tmp_path)


def test_a_damaged_model_is_told_without_its_content(models: Path) -> None:
    (models / "second" / "classifier.json").write_text('["a borrower wrote this"]')
    with pytest.raises(ModelError, match="second is damaged") as raised:
        load_model(models / "second")
    assert "borrower" not in str(raised.value)
