"""Who promoted which model and why: a line for each promotion, rollback and refusal."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, cast

HISTORY_FILE = "history.jsonl"


class RegistryError(RuntimeError):
    """What was asked for cannot be done; the message is one sentence that says what can."""


Event = TypedDict(
    "Event",
    {
        "time": str,  # UTC, ISO 8601
        "action": str,  # promote, rollback, or refuse: then nothing changed
        "from": str | None,
        "to": str,
        "by": str,
        "why": str,
        "forced": bool,  # the gate objected and was overruled
        "figures": dict[str, Any],  # what the gate saw
    },
)


def os_user() -> str:
    """Who is at work on this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return f"user {os.getuid()}"


def utc() -> str:
    """The time, as it is recorded."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def event_of(action: str, current: Path | None, to: str, by: str, why: str) -> Event:
    """What is happening now, not forced and without figures."""
    return {
        "time": utc(),
        "action": action,
        "from": current.name if current else None,
        "to": to,
        "by": by,
        "why": why,
        "forced": False,
        "figures": {},
    }


def record(models: Path, event: Event) -> None:
    """Add a line to the history of a directory of models."""
    with (models / HISTORY_FILE).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(event, ensure_ascii=False) + "\n")


def history(models: Path) -> list[Event]:
    """Every promotion, rollback and refusal, the oldest first.

    Raises:
        RegistryError: a line cannot be read.

    """
    path = models / HISTORY_FILE
    if not path.is_file():
        return []
    events: list[Event] = []
    # Not splitlines(): somebody's words may hold a character that it takes for a line's end.
    for number, line in enumerate(path.read_text("utf-8").rstrip("\n").split("\n"), 1):
        try:
            event = json.loads(line)
            events.append(cast(Event, {key: event[key] for key in Event.__annotations__}))
        except (ValueError, KeyError, TypeError) as error:
            raise RegistryError(f"{path}:{number} cannot be read: mend or remove it") from error
    return events


def earlier(events: Iterable[Event], current: str | None) -> list[str]:
    """The models served before the current one, the latest last.

    Promotions pile up, and a rollback takes off the pile what lies on its goal, so that a second
    one goes back further and never forward again. What somebody wrote into ``CURRENT`` by hand
    lies on the pile like any promotion.
    """
    pile: list[str] = []
    for event in events:
        if event["action"] == "refuse":
            continue
        if event["from"] and pile[-1:] != [event["from"]]:
            pile.append(event["from"])
        if event["action"] == "rollback" and event["to"] in pile:
            while pile[-1] != event["to"]:
                pile.pop()
        else:
            pile.append(event["to"])
    while pile and pile[-1] == current:
        pile.pop()
    return pile
