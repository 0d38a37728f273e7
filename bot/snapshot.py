"""What decided a turn, as JSON and back, so that the turn can be taken again.

Not kept are the text and what was understood, which the message holds itself; the lender's rules,
which are today's when it is replayed; the borrower's name; and the answers that prove who they
are. Those are few and short (a year, four digits): no digest would hide them. A replay asks the
borrower's own row for them.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any, get_args, get_origin, get_type_hints

from bot.effects import Effect
from bot.hearing import Named
from bot.nlu.understanding import Understanding
from bot.policy import Policy
from bot.turn import Days, Money, Outcome, Reply, State, Turn

Json = dict[str, Any]

NOT_KEPT = frozenset(
    {
        *("text", "understanding", "entities", "also", "policy", "first_name"),
        *("identity_answers", "loan"),
    }
)
"""Fields of a turn that are found elsewhere, or found out again, when it is replayed."""
ATOMS = frozenset({str, int, bool, type(None)})
NAME = "(first name)"
"""Stands for the borrower's first name wherever it was said."""
WORDS = frozenset({"statement"})
"""Fields of effects that hold the borrower's own words: kept as a digest, to compare by."""


class SnapshotError(ValueError):
    """Facts that this version cannot read; a sentence's end says why."""


@dataclass(frozen=True)
class Met:
    """What a message met, beside what its turn holds."""

    state: Mapping[str, Any]
    """The dialogue's, as it was stored."""
    last_inbound_at: datetime | None
    """When the message before came."""
    locale: str
    """The borrower's stored one."""
    answered_in: str
    """The language that they were answered in, which is how the message was read."""
    borrower_id: int | None = None
    model: str = ""
    """The name of the model that read it."""


@dataclass(frozen=True)
class Snapshot:
    """What was kept of a turn, read again.

    Attributes:
        met: what its message met.
        turn: the turn's fields by name, as far as they are kept.
        known: whether the number belonged to a borrower.
        identity: the kinds of identity answers that there were.
        outcome: what followed, as :func:`outcome_json` writes it.
        crisis: whether the message was taken for a cry for help.
        also: the intent of its second wish.

    """

    met: Met
    turn: Mapping[str, Any]
    known: bool
    identity: tuple[str, ...]
    outcome: Json
    crisis: bool
    also: str | None

    def again(
        self,
        understood: Understanding,
        named: Named,
        policy: Policy,
        identity_answers: Mapping[str, str],
    ) -> Turn:
        """The turn, with what is found out anew."""
        return Turn(
            text=understood.text,
            understanding=understood,
            entities=named.entities,
            also=named.also,
            policy=policy,
            first_name=NAME if self.known else None,
            identity_answers={k: v for k, v in identity_answers.items() if k in self.identity},
            **self.turn,
        )


def take(turn: Turn, met: Met, outcome: Outcome) -> Json:
    """What is to be kept of a turn."""
    return {
        "met": _record(met),
        "turn": {f.name: _plain(getattr(turn, f.name)) for f in _kept()},
        "known": turn.first_name is not None,
        "identity": sorted(turn.identity_answers),
        "crisis": turn.understanding.crisis,
        "also": turn.also.intent if turn.also else None,
        "outcome": outcome_json(outcome, turn.first_name),
    }


def read(facts: Mapping[str, Any]) -> Snapshot:
    """What ``take`` kept, also of an earlier version: what is new since has its default.

    Raises:
        SnapshotError: something is missing that has none.

    """
    try:
        kept = facts["turn"]
        return Snapshot(
            met=_reader(Met)(facts["met"]),
            turn={f.name: _reader(_hints(Turn)[f.name])(kept[f.name]) for f in _there(kept)},
            known=facts["known"],
            identity=tuple(facts["identity"]),
            outcome=facts["outcome"],
            crisis=facts["crisis"],
            also=facts["also"],
        )
    except SnapshotError:
        raise
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise SnapshotError(f"their facts are damaged ({type(error).__name__})") from error


def outcome_json(outcome: Outcome, first_name: str | None) -> Json:
    """What is said and done, without the borrower's name and words, and a digest of the state."""
    return {
        "replies": [_reply(reply, first_name) for reply in outcome.replies],
        "effects": [_effect(effect) for effect in outcome.effects],
        "state": digest(outcome.state.to_json()),
    }


def digest(value: Any) -> str:
    """Twelve letters by which two JSON values, or two texts, are told apart."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return sha256(canonical.encode()).hexdigest()[:12]


def digest_of_stored(state: Mapping[str, Any]) -> str:
    """The digest of a state as a conversation stores it; at the beginning that is nothing."""
    return digest(State.from_json(state).to_json())


def _reply(reply: Reply, first_name: str | None) -> Json:
    made: Json = {"key": reply.key}
    if reply.values:
        made["values"] = {k: _said(v, first_name) for k, v in reply.values.items()}
    if reply.options:
        made["options"] = [_reply(option, first_name) for option in reply.options]
    return made


def _said(value: Any, first_name: str | None) -> Any:
    if isinstance(value, Reply):
        return _reply(value, first_name) if value.values or value.options else value.key
    if isinstance(value, Money):
        return f"{value.amount} {value.currency}"
    if isinstance(value, Days):
        return f"{value.count} days"
    if isinstance(value, str):
        return NAME if value == first_name else value
    return _plain(value)


def _effect(effect: Effect) -> Json:
    made: Json = {"effect": type(effect).__name__}
    for field in fields(effect):
        value = getattr(effect, field.name)
        if value is not None:
            made[field.name] = digest(value) if field.name in WORDS else _plain(value)
    return made


@cache
def _kept() -> tuple[Any, ...]:
    return tuple(f for f in fields(Turn) if f.name not in NOT_KEPT)


def _there(kept: Mapping[str, Any]) -> list[Any]:
    """The fields of a turn that were kept.

    Raises:
        SnapshotError: one is missing that has no default.

    """
    for field in _kept():
        if field.name not in kept and _is_needed(field):
            raise SnapshotError(f"nothing was kept of the turn's {field.name}")
    return [field for field in _kept() if field.name in kept]


def _is_needed(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _plain(value: Any) -> Any:
    """A value as JSON. Rows of one kind become a table, whose first line names the columns."""
    if type(value) in ATOMS:  # most are; asking whether it is a mapping takes longer
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):  # instants, too
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        items = sorted(value) if isinstance(value, frozenset) else value
        return _table(items) if items and is_dataclass(items[0]) else [_plain(x) for x in items]
    return _record(value) if is_dataclass(value) else value


def _table(rows: Any) -> list[list[Any]]:
    kind: Any = type(rows[0])
    names = _names(kind)
    return [list(names), *([_plain(getattr(row, n)) for n in names] for row in rows)]


def _record(value: Any) -> Json:
    kind: Any = type(value)
    return {name: _plain(getattr(value, name)) for name in _names(kind)}


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of a type from what ``_plain`` made of it."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        (inner,) = (_reader(part) for part in parts if part is not type(None))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(parts[0])
        if is_dataclass(parts[0]):
            return lambda table: tuple(
                item(dict(zip(table[0], row, strict=True))) for row in table[1:]
            )
        return lambda values: tuple(item(value) for value in values)
    if is_dataclass(kind):
        return lambda record: _made(kind, record)
    if kind is Decimal:
        return Decimal
    if kind in (date, datetime):
        return kind.fromisoformat  # type: ignore[no-any-return]
    return lambda value: value


def _made(kind: Any, record: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    for field in fields(kind):
        if field.name not in record and _is_needed(field):
            raise SnapshotError(f"nothing was kept of {kind.__name__}.{field.name}")
    known = (name for name in _names(kind) if name in record)
    return kind(**{name: _reader(hints[name])(record[name]) for name in known})
