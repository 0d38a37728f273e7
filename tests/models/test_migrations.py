"""Migrations bring an empty database to what the models say, and back, on both databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import make_url

from migrations import config, upgrade
from models import Base, connect
from settings import PROJECT
from tests import builders

TABLES = {table.name for table in Base.metadata.sorted_tables}


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    """A database of the same server in which nothing is."""
    if database_url.startswith("sqlite"):
        engine = connect(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
        return
    server, name = connect(database_url), make_url(database_url).database + "_empty"
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine = connect(make_url(database_url).set(database=name).render_as_string(False))
    yield engine
    engine.dispose()
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    server.dispose()


def downgrade(engine: Engine) -> None:
    with engine.begin() as connection:
        made = config()
        made.attributes["connection"] = connection
        command.downgrade(made, "base")


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)


def constraints(engine: Engine) -> set[tuple[str, str, str]]:
    """What autogenerate does not compare: checks, and the columns of unique and foreign keys."""
    seen, found = inspect(engine), set()
    for table in TABLES:
        for check in seen.get_check_constraints(table):
            found.add((table, "check", str(check["name"])))
        for unique in seen.get_unique_constraints(table):
            found.add((table, "unique", ",".join(unique["column_names"])))
        for key in seen.get_foreign_keys(table):
            found.add((table, "key", f"{key['constrained_columns']} {key['referred_table']}"))
        primary = seen.get_pk_constraint(table)["constrained_columns"]
        found.add((table, "primary", ",".join(primary)))
    return found


def test_the_migrations_make_what_the_models_say(empty: Engine, database_url: str) -> None:
    upgrade(empty)
    assert tables(empty) == TABLES | {"alembic_version"}
    assert differences(empty) == []
    modelled = connect(database_url)
    assert constraints(empty) == constraints(modelled)
    modelled.dispose()


def test_the_comparison_finds_a_difference(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE phones DROP COLUMN barred_reason"))
    assert len(differences(empty)) == 1


def test_down_to_nothing_and_up_again(empty: Engine) -> None:
    upgrade(empty)
    downgrade(empty)
    assert tables(empty) == {"alembic_version"}
    upgrade(empty)
    assert differences(empty) == []


def test_an_upgrade_changes_nothing_the_second_time(empty: Engine) -> None:
    from models import UnitOfWork, session_factory

    upgrade(empty)
    with UnitOfWork(session_factory(empty)) as uow:
        uow.session.add(builders.borrower())
        uow.commit()
    upgrade(empty)
    with empty.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM borrowers")) == 1


def test_two_processes_may_upgrade_at_once(empty: Engine) -> None:
    code = (
        "import sys; from migrations import upgrade; from models import connect\n"
        "upgrade(connect(sys.argv[1]))"
    )
    url = empty.url.render_as_string(hide_password=False)
    command_line = [sys.executable, "-c", code, url]
    processes = [subprocess.Popen(command_line, cwd=PROJECT) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert differences(empty) == []


def test_there_is_one_line_of_revisions_with_words_in_their_names() -> None:
    scripts = ScriptDirectory.from_config(config())
    assert len(scripts.get_heads()) == 1
    for revision in scripts.walk_revisions():
        name = Path(revision.path).stem
        assert name.startswith(f"{revision.revision}_")
        assert len(name) > len(revision.revision) + 3
        follows = f"follows {revision.down_revision or ''}".strip()
        assert follows in (revision.module.__doc__ or ""), name
