"""One transaction: nothing is saved unless commit is said; SQLite's writers queue up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from bot.runtime import Runtime
from models import Borrower, Phone, UnitOfWork, connect, session_factory
from tests import builders


def people(runtime: Runtime) -> int:
    with runtime.reading() as session:
        return session.scalar(select(func.count()).select_from(Borrower)) or 0


def test_it_saves_what_is_committed(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.commit()
    assert people(runtime) == 1


def test_it_rolls_back_what_is_not_committed(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.session.flush()
    assert people(runtime) == 0


def test_it_rolls_back_on_an_error(runtime: Runtime) -> None:
    with pytest.raises(RuntimeError), runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.session.flush()
        raise RuntimeError
    assert people(runtime) == 0


def test_it_rolls_back_what_came_after_the_commit(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.commit()
        uow.session.add(builders.borrower(phone="+15550100002", loans=()))
        uow.session.flush()
    assert people(runtime) == 1


def test_what_was_put_off_is_done_in_order_once_the_rows_are_there(runtime: Runtime) -> None:
    seen: list[tuple[str, int]] = []
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.after_commit(lambda word: seen.append((word, people(runtime))), "first")
        uow.after_commit(lambda word: seen.append((word, people(runtime))), "second")
        assert seen == []
        uow.commit()
        assert seen == [("first", 1), ("second", 1)]
        uow.commit()
    assert len(seen) == 2, "it was done twice"


@pytest.mark.parametrize("how", ["not committed", "error", "commit fails"])
def test_what_was_put_off_is_not_done_when_rolled_back(runtime: Runtime, how: str) -> None:
    done: list[int] = []
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.commit()
    try:
        with runtime.unit_of_work() as uow:
            uow.after_commit(done.append, 1)
            if how == "error":
                raise RuntimeError
            if how == "commit fails":
                uow.session.add(Phone(number=builders.PHONE, barred_reason=""))
                uow.commit()
    except (RuntimeError, IntegrityError):
        pass
    assert done == []


def test_a_foreign_key_holds(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow, pytest.raises(IntegrityError):
        uow.session.add(Phone(number="+15550100009", borrower_id=999, barred_reason=""))
        uow.commit()


# SQLite alone


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'er' / 'my.db'}"


def test_sqlite_is_safe_and_makes_its_directory(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    for _ in range(2):  # each new connection, not the first alone
        with engine.connect() as connection:
            pragmas = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            }
        assert pragmas == {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": 2,
            "busy_timeout": 30000,
        }
        engine.dispose()


def test_a_writer_takes_the_lock_at_the_beginning_and_readers_do_not_wait(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))
    impatient = connect(sqlite_url, patience=0.05)

    writing = UnitOfWork(session_factory(engine))
    reading = session_factory(impatient, read_only=True)
    other = UnitOfWork(session_factory(impatient))
    with writing as first:
        first.session.execute(text("SELECT 1"))  # reads only, and holds the lock all the same
        first.session.execute(text("UPDATE t SET x = 2"))
        with reading() as session:
            assert session.scalar(text("SELECT x FROM t")) == 1
        with pytest.raises(TimeoutError, match="another writer"), other as second:
            second.session.execute(text("SELECT 1"))
        first.commit()
    with reading() as session:
        assert session.scalar(text("SELECT x FROM t")) == 2


def test_writers_queue_up_and_lose_nothing(runtime: Runtime) -> None:
    """Read, think, write: without the lock one would overwrite the other."""
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower(first_name="0"))
        uow.commit()
    start = threading.Barrier(4, timeout=10)

    def add_one(_: int) -> None:
        start.wait()
        for _ in range(3):
            with runtime.unit_of_work() as uow:
                row = uow.session.scalars(select(Borrower).with_for_update()).one()
                row.first_name = str(int(row.first_name) + 1)
                uow.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(4), timeout=60))
    with runtime.reading() as session:
        assert session.scalars(select(Borrower.first_name)).one() == "12"
