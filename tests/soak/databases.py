"""A fresh database with the cast for each run: a copied file, or emptied PostgreSQL tables."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from models import Base, connect
from tests import conftest
from tests.soak.cast import fill

MEMORY = Path("/dev/shm")
"""Files here need no disk."""


class Databases:
    """One engine for all runs, so that no statement is compiled twice."""

    def __init__(self, url: str, template: Path | None) -> None:
        self.engine: Engine = connect(url)
        self._template = template

    def fresh(self) -> Engine:
        """The engine, of a database that nobody has touched."""
        self.engine.dispose()
        if self._template is not None:
            path = Path(str(self.engine.url.database))
            for beside in ("-wal", "-shm"):
                Path(f"{path}{beside}").unlink(missing_ok=True)
            shutil.copyfile(self._template, path)
            return self.engine
        tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        with self.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        with Session(self.engine) as session:
            fill(session)
        return self.engine


@contextmanager
def sqlite() -> Iterator[Databases]:
    """SQLite in memory-backed files, where the machine has them."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        template = Path(name) / "template.db"
        made = connect(f"sqlite:///{template}")
        Base.metadata.create_all(made)
        with Session(made) as session:
            fill(session)
        with made.execution_options(read_only=True).connect() as connection:
            connection.exec_driver_sql("SELECT 1")
        made.dispose()
        databases = Databases(f"sqlite:///{Path(name) / 'soak.db'}", template)
        yield databases
        databases.engine.dispose()


@contextmanager
def postgresql(url: str) -> Iterator[Databases]:
    """An empty PostgreSQL database that has all tables."""
    databases = Databases(url, None)
    yield databases
    databases.engine.dispose()


def server() -> str | None:
    """A database of this process's own on the PostgreSQL server of the tests, if one answers."""
    url = conftest._postgresql("soak")
    return None if url.startswith("skip: ") else url
