"""Alembic migrations: ``upgrade`` brings a database up to this version of the models."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def config() -> Config:
    """Alembic's configuration for this folder."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    return made


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring a database up to a revision. Safe when two processes do it at once."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7331)")
        made = config()
        made.attributes["connection"] = connection
        command.upgrade(made, revision)
