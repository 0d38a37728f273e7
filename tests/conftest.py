"""Fixtures: every test that touches a database runs on SQLite and on PostgreSQL.

PostgreSQL is the server that ``TEST_DATABASE_URL`` names, or one on this machine; without one,
its half of the tests is skipped and says so. A test never reaches another machine.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from bot.runtime import Runtime
from models import Base, connect
from settings import PROJECT, database_address
from tests.fakes import Clock, TableReader, make_runtime

# Properties are tried with the same values on every run, and for as long as they take: a failure
# is the code's, never the machine's. `make soak` looks for new ones.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MODEL_DIR = PROJECT / "var" / "models"


@cache
def _postgresql(worker: str) -> str:
    """The address of a fresh database of this test process's own, or why there is none."""
    server = make_url(database_address("TEST_DATABASE_URL", SERVER))
    if server.get_backend_name() != "postgresql":
        return "skip: TEST_DATABASE_URL names no PostgreSQL server"
    name = f"repayline_test_{os.getpid()}_{worker}"
    try:
        engine = create_engine(
            server, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3}
        )
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
    except OperationalError:
        return f"skip: no PostgreSQL server answers at {server.host}:{server.port}"
    atexit.register(_drop, server, name)
    url = server.set(database=name).render_as_string(hide_password=False)
    made = connect(url)
    Base.metadata.create_all(made)
    made.dispose()
    return url


def _drop(server: URL, name: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    engine.dispose()


@cache
def _sqlite_template(directory: Path) -> Path:
    path = directory / "template.db"
    engine = connect(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


def fresh_database(kind: str, directory: Path, request: Any) -> str:
    """An empty database with all tables."""
    if kind == "sqlite":
        template = _sqlite_template(request.getfixturevalue("tmp_path_factory").getbasetemp())
        shutil.copy(template, directory / "test.db")
        return f"sqlite:///{directory / 'test.db'}"
    url = _postgresql(os.environ.get("PYTEST_XDIST_WORKER", "main"))
    if url.startswith("skip: "):
        pytest.skip(url.removeprefix("skip: "))
    engine = connect(url)
    with engine.begin() as connection:
        tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_database(request.param, tmp_path, request)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(database_url: str, clock: Clock) -> Iterator[Runtime]:
    """Real database, rules and words; the reader says what the test says, nothing is sent."""
    made = make_runtime(database_url, clock=clock)
    yield made
    made.engine.dispose()


@pytest.fixture
def reader(runtime: Runtime) -> TableReader:
    assert isinstance(runtime.reader, TableReader)
    return runtime.reader


@pytest.fixture(scope="session")
def trained_reader() -> Any:
    """The model that is served."""
    if not (MODEL_DIR / "CURRENT").exists():
        pytest.skip("no trained model: run `make model`")
    from bot.nlu.reader import Reader

    return Reader.load(MODEL_DIR)


_REAL_CONNECT = socket.socket.connect


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine from no test."""

    def only_here(self: socket.socket, address: Any) -> None:
        here = self.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1", "localhost"}
        server = make_url(database_address("TEST_DATABASE_URL", SERVER)).host
        if not here and address[0] != server:
            raise AssertionError(f"a test reached for {address[0]}")
        _REAL_CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
