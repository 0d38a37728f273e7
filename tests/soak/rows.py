"""Every row as it stands after a step, read straight from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, select

from models import Base

HEAVY = {"understanding", "facts", "media"}
"""Columns of messages that are fetched only where they are needed."""
WATCHED = (
    *("borrowers", "phones", "conversations", "messages", "consent_events", "handoffs", "loans"),
    *("instalments", "payment_links", "payments", "payment_events", "agreements", "promises"),
    *("extensions", "cases", "lender_events"),
)
_TABLES = Base.metadata.tables
_QUERIES = {
    name: select(*(c for c in _TABLES[name].c if name != "messages" or c.name not in HEAVY))
    .select_from(_TABLES[name])
    .order_by(_TABLES[name].c.id)
    for name in WATCHED
}
_UNDERSTANDING = select(_TABLES["messages"].c.id, _TABLES["messages"].c.understanding)


class Rows:
    """The tables by name, and the joins that the invariants ask for."""

    def __init__(self, tables: Mapping[str, tuple[Any, ...]], read: Mapping[int, Any]) -> None:
        self._tables = tables
        self.read = read
        """What was understood, by the message's id."""

    def __getitem__(self, table: str) -> tuple[Any, ...]:
        return self._tables[table]

    @cached_property
    def by_id(self) -> dict[str, dict[int, Any]]:
        """Each table's rows by their ids."""
        return {name: {row.id: row for row in rows} for name, rows in self._tables.items()}

    def new(self, table: str, before: Rows) -> Iterator[Any]:
        """The rows of a table that were not there before."""
        known = before.by_id[table]
        return (row for row in self[table] if row.id not in known)

    def phone_of(self, message: Any) -> Any:
        """The phone that a message came from or goes to."""
        conversation = self.by_id["conversations"][message.conversation_id]
        return self.by_id["phones"][conversation.phone_id]

    @cached_property
    def answers(self) -> dict[int, list[Any]]:
        """The outbound rows that answer each inbound one."""
        found: dict[int, list[Any]] = {}
        for row in self["messages"]:
            if row.in_reply_to_id is not None:
                found.setdefault(row.in_reply_to_id, []).append(row)
        return found

    @cached_property
    def owed(self) -> dict[int, Any]:
        """What is owed on each loan."""
        found = {loan.id: loan.late_charges for loan in self["loans"]}
        for part in self["instalments"]:
            found[part.loan_id] += part.amount - part.paid
        return found


EMPTY = Rows(dict.fromkeys(WATCHED, ()), {})


def look(engine: Engine, before: Rows) -> Rows:
    """Read all rows; what was understood is read anew only where a message was processed."""
    with engine.execution_options(read_only=True).connect() as connection:
        tables = {name: tuple(connection.execute(q).all()) for name, q in _QUERIES.items()}
        read = dict(before.read)
        fresh = [
            row.id
            for row in tables["messages"]
            if row.direction == "inbound" and row.status == "processed" and row.id not in read
        ]
        if fresh:
            found = connection.execute(
                _UNDERSTANDING.where(_TABLES["messages"].c.id.in_(fresh))
            ).all()
            read.update({row.id: row.understanding for row in found})
    return Rows(tables, read)
