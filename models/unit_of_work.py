"""Connections and transactions: SQLite, the embedded default, and PostgreSQL, alike."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session, sessionmaker

PATIENCE = 30.0
"""Seconds that a writer waits for its turn on SQLite."""
PAUSE = 0.0005
"""Seconds between two looks at the queue: short beside a transaction, long beside a look."""


def connect(database_url: str, *, patience: float = PATIENCE) -> Engine:
    """An engine whose transactions behave alike on both databases.

    SQLite: write-ahead log, foreign keys on, every commit on the disk before it counts, and the
    write lock taken at the beginning of a transaction, so that two writers queue up instead of
    failing half-way. A connection with the option ``read_only`` takes no lock.

    Writers queue at a lock file beside the database: SQLite itself would let them poll with
    growing pauses, and the unlucky starve. The kernel frees the lock of a process that dies.
    Who has waited for ``patience`` seconds gets a TimeoutError.
    """
    if not database_url.startswith("sqlite"):
        return create_engine(
            database_url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True
        )
    path = database_url.removeprefix("sqlite:///")
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(database_url, connect_args={"timeout": patience}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "synchronous=FULL",
            f"busy_timeout={patience * 1000:.0f}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("BEGIN")
            return
        if path and path != ":memory:":
            if "queue" not in connection.info:
                connection.info["queue"] = Path(f"{path}.lock").open("w")  # noqa: SIM115 - kept
            _queue_up(connection.info["queue"], patience)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def leave_queue(_connection: Any, record: Any) -> None:
        if "queue" in record.info:
            fcntl.flock(record.info["queue"], fcntl.LOCK_UN)

    return engine


def _queue_up(lock: IO[str], patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError("another writer holds the database") from None
            time.sleep(PAUSE)


class UnitOfWork:
    """One transaction. Nothing is saved unless ``commit`` is called.

    >>> with UnitOfWork(sessions) as uow:
    ...     uow.session.add(row)
    ...     uow.after_commit(enqueue, row.id)
    ...     uow.commit()
    """

    session: Session

    def __init__(self, sessions: Callable[[], Session]) -> None:
        self._sessions = sessions
        self._after: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    def __enter__(self) -> Self:
        self.session = self._sessions()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._after.clear()
        self.session.close()  # rolls back what was not committed

    def after_commit(self, call: Callable[..., object], *args: object) -> None:
        """Do something once the rows are really there: queue a job, for example."""
        self._after.append((call, args))

    def commit(self) -> None:
        """Save everything, then do what was put off until now."""
        self.session.commit()
        after, self._after = self._after, []
        for call, args in after:
            call(*args)


def session_factory(engine: Engine, *, read_only: bool = False) -> sessionmaker[Session]:
    """A maker of sessions; with ``read_only`` they never wait for a writer."""
    bind = engine.execution_options(read_only=True) if read_only else engine
    return sessionmaker(bind, expire_on_commit=False, autoflush=False)
