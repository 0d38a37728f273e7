"""From ``policy.toml`` to typed sections; what is wrong is said with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, get_type_hints

from bot.policy.sections import Steps

T = TypeVar("T")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class PolicyError(ValueError):
    """The policy makes no sense. The text names the value, its line, and what to write."""


def parse(text: str) -> dict[str, Any]:
    """The file's tables.

    Raises:
        PolicyError: it is no TOML.

    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"The policy is not valid TOML: {error}.") from error


def line_of(text: str, section: str, key: str = "") -> int | None:
    """The line of a section's head, or of a key in it; None where it does not stand there."""
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[([^\[\]]+)\]", line)
        if head:
            current = head[1].strip()
            if current == section and not key:
                return number
        elif current == section and key:
            named = re.match(r"\s*(?:\"([^\"]+)\"|([\w-]+))\s*=", line)
            if named and key in named.groups():
                return number
    return None


def refused(text: str, section: str, key: str, sentence: str) -> PolicyError:
    """The error that says ``sentence`` of a value, with its line where it stands in the file."""
    line = line_of(text, section, key) or line_of(text, section)
    return PolicyError(f"line {line}: {sentence}" if line else sentence)


def section(text: str, name: str, kind: type[T], data: Mapping[str, Any]) -> T:
    """A section's dataclass from its table.

    Raises:
        PolicyError: a key is unknown or missing, or a value is of the wrong kind.

    """
    hints = get_type_hints(kind)
    for key in data:
        if key not in hints:
            sentence = f"{name}.{key} is unknown; [{name}] knows {', '.join(hints)}."
            raise refused(text, name, key, sentence)
    values: dict[str, Any] = {}
    for field_ in fields(kind):  # type: ignore[arg-type]
        if field_.name not in data:
            if field_.default is MISSING:
                sentence = f"{name}.{field_.name} is missing from the policy."
                raise refused(text, name, "", sentence)
            continue
        values[field_.name] = _value(text, name, field_.name, hints[field_.name], data[field_.name])
    return kind(**values)


def words(text: str, name: str, data: Mapping[str, Any]) -> Mapping[str, str]:
    """A section that is a table of texts, as [helplines] is.

    Raises:
        PolicyError: a value is no text, or empty.

    """
    for key, value in data.items():
        if not isinstance(value, str) or not value.strip():
            raise refused(text, name, key, f"[{name}] needs a text in quotes for {key}.")
    return dict(data)


_WANTED: dict[Any, str] = {
    Decimal: 'an amount in quotes, such as "5.00"',
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "a text in quotes",
    tuple[int, ...]: "a list of whole numbers",
    tuple[str, ...]: "a list of texts in quotes",
    Steps: "a list of pairs of days overdue and percentage, such as [[90, 20], [180, 35]]",
}


def _value(text: str, name: str, key: str, kind: Any, value: Any) -> Any:
    read = _read(kind, value)
    if read is None:
        sentence = f"{name}.{key} must be {_WANTED[kind]}."
        raise refused(text, name, key, sentence)
    return read


def _read(kind: Any, value: Any) -> Any:
    """A value of a kind; None where it is none."""
    if kind is Decimal:
        return _amount(value)
    if kind is float:
        return float(value) if type(value) in (int, float) else None
    if kind is int:
        # A day before the due date is a negative day overdue; where that makes no sense,
        # the policy's own checks say so.
        return value if type(value) is int else None
    if kind in (str, bool):
        return value if type(value) is kind else None
    if not isinstance(value, list):
        return None
    if kind == Steps:
        pairs = all(
            isinstance(item, list) and len(item) == 2 and all(type(x) is int for x in item)
            for item in value
        )
        return tuple((a, b) for a, b in value) if pairs else None
    of = int if kind == tuple[int, ...] else str
    return tuple(value) if all(type(item) is of for item in value) else None


def _amount(value: Any) -> Decimal | None:
    if not isinstance(value, str):
        return None
    try:
        amount = Decimal(value)
        if amount.is_finite() and amount == amount.quantize(Decimal("0.01")):
            return amount
    except InvalidOperation:
        pass  # neither is a figure too large to have cents
    return None


def weekdays(text: str) -> tuple[int, ...]:
    """The days that "mon-fri" or "mon, wed, sat" names, Monday being 0; empty where it is none."""
    days: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.strip().partition("-")
        if first not in DAYS or (last and last not in DAYS):
            return ()
        start, end = DAYS.index(first), DAYS.index(last or first)
        days |= {(start + n) % 7 for n in range((end - start) % 7 + 1)}
    return tuple(sorted(days))
