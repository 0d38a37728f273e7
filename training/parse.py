"""Understand a stream of messages: one line in, one JSON object out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from itertools import islice
from queue import Queue
from threading import Thread
from typing import IO, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.entities import Entities, extract
from bot.nlu.reader import RANKED, Reader
from bot.nlu.understanding import INTENTS, Understanding

AHEAD = 64
"""Lines that may be read ahead of the last one answered."""


class LineError(ValueError):
    """A line cannot be understood; the message says what it lacks."""


@dataclass(frozen=True)
class Request:
    """One message with what the entity readers want to know of its borrower."""

    text: str
    locale: str | None = None
    now: datetime | None = None
    timezone: str = "UTC"
    currency: str = "USD"
    balance: Decimal | None = None
    menu: bool = True


def read_request(line: str) -> Request:
    """The request in a line: a JSON object with ``text``, or else the message itself.

    Raises:
        LineError: if the line begins like a JSON object and is not a proper one.

    """
    if not line.lstrip().startswith("{"):
        return Request(line)
    try:
        fields = json.loads(line, parse_float=Decimal)
    except ValueError as error:
        raise LineError(f"not a JSON object ({error})") from error
    except RecursionError as error:
        raise LineError("not a JSON object (nested too deeply)") from error
    if not isinstance(fields.get("text"), str):
        raise LineError("`text` is missing or not a string")
    given = {
        name: read(fields[name]) for name, read in READERS.items() if fields.get(name) is not None
    }
    return Request(fields["text"], **given)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise LineError(f"expected a string, found {value!r}")
    return value


def _timezone(value: Any) -> str:
    return str(_zone(_string(value)))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise LineError(f"unknown `timezone` {name!r}") from error


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(_string(value))
    except ValueError as error:
        raise LineError(f"`now` is not an ISO date and time: {value!r}") from error


def _decimal(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite():
        raise LineError(f"`balance` is not an amount: {value!r}")
    return amount


READERS: dict[str, Callable[[Any], Any]] = {
    "locale": _string,
    "now": _moment,
    "timezone": _timezone,
    "currency": _string,
    "balance": _decimal,
    "menu": bool,  # true, the number of options or their list
}


def understand(reader: Reader, request: Request) -> dict[str, Any]:
    """What is printed for one message."""
    found = reader.understand(request.text, locale=request.locale)
    now = request.now or datetime.now(UTC)
    if now.tzinfo is None:  # a wall clock, so the borrower's
        now = now.replace(tzinfo=_zone(request.timezone))
    entities = extract(
        request.text,
        now=now,
        timezone=request.timezone,
        locale=request.locale or found.language or "en",
        language=found.language,
        currency=request.currency,
        balance=request.balance,
        menu=request.menu,
    )
    return as_json(found, entities)


def as_json(found: Understanding, entities: Entities) -> dict[str, Any]:
    """An understanding and its entities as plain values."""
    day: date | None = entities.date
    ranking = dict(found.ranking)
    # A keyword leaves nothing to the other intents, and a bare figure speaks for none.
    ranking |= {name: 0.0 for name in (found.intent, *INTENTS) if name not in ranking}
    return {
        "text": found.text,
        "language": found.language,
        "intent": found.intent,
        "confidence": round(found.confidence, 4),
        "ranking": [
            {"intent": intent, "confidence": round(confidence, 4)}
            for intent, confidence in islice(ranking.items(), RANKED)
        ],
        "opt_out": found.opt_out,
        "crisis": found.crisis,
        "entities": {
            "amount": None if entities.amount is None else format(entities.amount, "f"),
            "date": day and day.isoformat(),
            "duration_days": entities.duration_days,
            "count": entities.count,
            "option": entities.option,
        },
    }


def parse_stream(
    reader: Reader,
    lines: Iterable[bytes | str],
    out: IO[str],
    *,
    err: IO[str] | None = None,
    workers: int = 2,
) -> bool:
    """Answer every line with a JSON object, in order, as soon as it is there.

    Args:
        reader: the loaded model.
        lines: messages, or JSON objects with ``text``; blank lines are skipped.
        out: where the answers go.
        err: where complaints about lines go, standard error by default.
        workers: lines understood at the same time.

    Returns:
        Whether every line could be understood.

    """
    complaints = err or sys.stderr
    clean = True

    def answer(number: int, line: str) -> tuple[int, dict[str, Any]]:
        try:
            return number, understand(reader, read_request(line))
        except LineError as error:
            return number, {"error": str(error)}

    for number, result in _in_order(answer, _written(lines), workers):
        if "error" in result:
            clean = False
            print(f"line {number}: {result['error']}", file=complaints, flush=True)
        out.write(json.dumps(result, ensure_ascii=False) + "\n")
        out.flush()
    return clean


def _written(lines: Iterable[bytes | str]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        text = text.rstrip("\r\n")
        if number == 1:
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield number, text


def _in_order(
    work: Callable[[int, str], Any], lines: Iterator[tuple[int, str]], workers: int
) -> Iterator[Any]:
    """Results of several lines at a time, in the lines' order, each once it is there.

    A thread reads ahead, so that whoever writes a line and waits for its answer gets it.
    """
    waiting: Queue[Any] = Queue(AHEAD)
    end = object()

    def read(pool: ThreadPoolExecutor) -> None:
        try:
            for number, line in lines:
                waiting.put(pool.submit(work, number, line))
        except BaseException as error:  # handed on: the caller's thread raises it
            waiting.put(error)
        else:
            waiting.put(end)

    with ThreadPoolExecutor(workers) as pool:
        Thread(target=read, args=(pool,), daemon=True).start()
        while (item := waiting.get()) is not end:
            if isinstance(item, BaseException):
                raise item
            yield item.result()
