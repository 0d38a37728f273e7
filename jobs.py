"""Background work: the outbox, retries, follow-ups. A job carries a row's id, nothing else.

Jobs may be lost: the rows are the truth, and the sweep finds what a crash left behind.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey, crontab
from huey.exceptions import TaskLockedException

from bot import checkout, followups, manager, outbox
from bot.runtime import Runtime
from channels.base import SendError
from faults import described
from settings import PROJECT

log = logging.getLogger(__name__)

RECONCILED_HOURS = 6
HEARTBEAT = PROJECT / "var" / "worker.heartbeat"

JOBS: dict[str, Callable[[Runtime, int], object]] = {
    "deliver": outbox.deliver,
    "retry_turn": manager.retry_turn,
    "charge": checkout.charge,
}
"""What can be queued by name for a row's id."""


def open_queue(jobs_url: str) -> Huey:
    """The queue that the setting names: SQLite, Redis or PostgreSQL."""
    if jobs_url.startswith("sqlite:///"):
        path = Path(jobs_url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey("repayline", filename=str(path), fsync=False, results=False)
    if jobs_url.startswith("postgresql"):
        dsn = jobs_url.replace("postgresql+psycopg://", "postgresql://", 1)
        return PostgresHuey("repayline", dsn=dsn, results=False)
    return RedisHuey("repayline", url=jobs_url, results=False)


def connect(rt: Runtime) -> Huey:
    """Bind the tasks to a runtime, and the runtime's ``enqueue`` to the queue.

    Web processes and the worker both call this; only the worker runs what is queued.
    """
    huey = open_queue(rt.settings.jobs_url)

    @huey.task(name="run")
    def run(name: str, row_id: int) -> None:
        _guarded(f"{name} id={row_id}", lambda: JOBS[name](rt, row_id))

    @huey.periodic_task(crontab(minute="*"), name="sweep")
    def sweep() -> None:
        _alone(huey, "sweep", lambda: manager.sweep(rt))
        _alone(huey, "charges", lambda: checkout.sweep(rt))
        HEARTBEAT.parent.mkdir(parents=True, exist_ok=True)
        HEARTBEAT.touch()

    @huey.periodic_task(crontab(minute="*"), name="follow_up")
    def follow_up() -> None:
        _alone(huey, "follow_up", lambda: followups.follow_up(rt))

    @huey.periodic_task(crontab(minute="*/10"), name="reconcile")
    def reconcile() -> None:
        since = rt.clock() - timedelta(hours=RECONCILED_HOURS)
        for code in rt.channels:
            _alone(huey, f"reconcile-{code}", lambda c=code: manager.reconcile(rt, c, since))

    def enqueue(name: str, row_id: int) -> None:
        try:
            run(name, row_id)
        except Exception as error:  # the queue is down: the row waits for the sweep
            log.error("job not queued name=%s id=%s error=%s", name, row_id, described(error))

    rt.enqueue = enqueue
    return huey


def work(rt: Runtime) -> None:
    """Run queued and periodic jobs until the process is stopped."""
    huey = connect(rt)
    free_locks(rt, huey)
    rt.reader.watch()
    HEARTBEAT.parent.mkdir(parents=True, exist_ok=True)
    HEARTBEAT.touch()
    manager.sweep(rt)
    log.info("worker ready pid=%s", os.getpid())
    huey.create_consumer(workers=2, periodic=True, initial_delay=0.05, max_delay=1.0).run()


def free_locks(rt: Runtime, huey: Huey) -> None:
    """Free what a worker that was killed in the middle of periodic work still holds.

    If another worker is at it in this very moment, the work is done twice, which is harmless.
    """
    periodic = ("sweep", "charges", "follow_up")
    huey.flush_locks(*periodic, *(f"reconcile-{code}" for code in rt.channels))


def _alone(huey: Huey, name: str, call: Callable[[], Any]) -> None:
    """Periodic work runs once, however many workers are on."""
    try:
        with huey.lock_task(name):
            _guarded(name, call)
    except TaskLockedException:
        log.debug("%s is being done by another worker", name)


def _guarded(what: str, call: Callable[[], Any]) -> None:
    try:
        call()
    except SendError as error:
        log.warning("job %s could not reach the provider: %s", what, error)
    except Exception as error:  # the worker lives on
        log.error("job %s failed: %s", what, described(error))
