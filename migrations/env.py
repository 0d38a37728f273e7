"""Run by Alembic: on the connection that the caller gives, or on the settings' database."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from models import Base, Money, UtcDateTime, connect


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations name what is in the database, not our types, which may change after them."""
    if kind == "type" and isinstance(item, Money):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    from settings import Settings

    with connect(Settings.from_env().database_url).begin() as opened:
        run(opened)
