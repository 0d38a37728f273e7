"""Jobs carry ids; losing one, or the whole queue, loses nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from huey import PostgresHuey, RedisHuey, SqliteHuey
from sqlalchemy import select

import jobs
from bot import manager
from bot.runtime import Runtime
from channels.base import ChannelUnavailable
from models import Message
from tests import builders
from tests.builders import inbound
from tests.conftest import fresh_database
from tests.fakes import FakeChannel, TableReader, make_runtime


@pytest.fixture
def runtime(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """With a queue of its own; jobs know nothing of the database behind the rows."""
    url = fresh_database("sqlite", tmp_path, request)
    made = make_runtime(url, JOBS_URL=f"sqlite:///{tmp_path / 'deep' / 'jobs.db'}")
    with made.unit_of_work() as uow:
        uow.session.add_all([builders.borrower(), builders.sender()])
        uow.commit()
    yield made
    made.engine.dispose()


def answer(runtime: Runtime) -> Message:
    with runtime.reading() as session:
        return session.scalars(select(Message).where(Message.direction == "outbound")).one()


def test_what_is_queued_is_done_by_a_worker(runtime: Runtime) -> None:
    huey = jobs.connect(runtime)
    manager.receive(runtime, inbound("hello", "SM1"), in_response=False)
    task = huey.dequeue()
    assert task is not None
    assert task.args == ("deliver", answer(runtime).id), "a job carries a row's id, nothing else"
    huey.execute(task)
    channel = runtime.channels["twilio"]
    assert isinstance(channel, FakeChannel)
    assert len(channel.sent) == 1
    assert answer(runtime).status == "sent"
    assert huey.dequeue() is None


def test_a_web_process_and_the_worker_share_the_queue(runtime: Runtime) -> None:
    worker = jobs.connect(runtime)
    web = jobs.connect(runtime)
    runtime.enqueue("retry_turn", 7)
    assert web is not worker
    task = worker.dequeue()
    assert task is not None
    assert task.args == ("retry_turn", 7)


def test_a_queue_that_is_down_leaves_the_row_to_the_sweep(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    huey = jobs.connect(runtime)
    huey.storage.put = lambda *_: 1 / 0  # the file system is full, say
    huey.storage.enqueue = lambda *_, **__: 1 / 0
    manager.receive(runtime, inbound("hello", "SM1"), in_response=False)
    assert answer(runtime).status == "queued"
    assert "job not queued name=deliver" in caplog.text
    runtime.clock.forward(minutes=1)  # type: ignore[attr-defined]
    assert manager.sweep(runtime) == 1
    assert answer(runtime).status == "sent"


@pytest.mark.parametrize(
    ("error", "level"),
    [(ChannelUnavailable("503"), "WARNING"), (RuntimeError("+15550100001"), "ERROR")],
    ids=["the provider is away", "anything else"],
)
def test_a_job_that_fails_does_not_end_the_worker(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    caplog.set_level(logging.DEBUG)
    jobs._guarded("deliver id=7", fail)
    assert [record.levelname for record in caplog.records][:1] == [level]
    assert "deliver id=7" in caplog.text
    assert "+15550100001" not in caplog.text


def test_periodic_work_is_done_by_one_worker_at_a_time(runtime: Runtime) -> None:
    first, second = jobs.open_queue(runtime.settings.jobs_url), jobs.connect(runtime)
    done: list[str] = []
    with first.lock_task("sweep"):
        jobs._alone(second, "sweep", lambda: done.append("while it was taken"))
        jobs._alone(second, "reconcile-twilio", lambda: done.append("another"))
    jobs._alone(second, "sweep", lambda: done.append("afterwards"))
    assert done == ["another", "afterwards"]


def test_the_lock_is_free_again_after_a_failure(runtime: Runtime) -> None:
    huey, done = jobs.connect(runtime), []
    jobs._alone(huey, "sweep", lambda: 1 / 0)
    jobs._alone(huey, "sweep", lambda: done.append(1))
    assert done == [1]


def test_a_killed_worker_does_not_keep_the_others_from_sweeping(runtime: Runtime) -> None:
    killed = jobs.open_queue(runtime.settings.jobs_url)
    killed.lock_task("sweep").__enter__()
    done: list[int] = []
    started = jobs.connect(runtime)
    jobs.free_locks(runtime, started)
    jobs._alone(started, "sweep", lambda: done.append(1))
    assert done == [1]


def test_what_comes_round_is_registered(runtime: Runtime) -> None:
    huey = jobs.connect(runtime)
    periodic = {task.name for task in huey._registry.periodic_tasks}
    assert periodic == {"sweep", "follow_up", "reconcile"}
    assert set(jobs.JOBS) == {"charge", "deliver", "retry_turn"}


@pytest.mark.parametrize(
    ("url", "kind"),
    [("redis://127.0.0.1:1/1", RedisHuey), ("sqlite", SqliteHuey)],
    ids=["Redis", "SQLite"],
)
def test_the_setting_names_the_queue(tmp_path: Path, url: str, kind: type[Any]) -> None:
    address = f"sqlite:///{tmp_path / 'jobs.db'}" if url == "sqlite" else url
    assert type(jobs.open_queue(address)) is kind


def test_jobs_queue_in_postgresql_too(
    tmp_path: Path, request: pytest.FixtureRequest, runtime: Runtime
) -> None:
    url = fresh_database("postgresql", tmp_path, request)
    there = make_runtime(runtime.settings.database_url, JOBS_URL=url)
    huey = jobs.connect(there)
    assert isinstance(huey, PostgresHuey)
    huey.flush()
    there.enqueue("deliver", 3)
    task = huey.dequeue()
    assert task is not None
    assert task.args == ("deliver", 3)
    there.engine.dispose()


def test_the_reader_is_loaded_when_it_is_first_needed(runtime: Runtime) -> None:
    loaded: list[int] = []

    def load() -> TableReader:
        loaded.append(1)
        return TableReader()

    runtime.load_reader = load
    jobs.connect(runtime)
    manager.sweep(runtime)
    assert loaded == []
    assert runtime.reader is runtime.reader
    assert loaded == [1]
