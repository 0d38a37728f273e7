"""What a replay found, in words and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.replay import Difference, Report, Side
from bot.snapshot import Json

WORDS = {
    "understood": "understood differently",
    "answered": "answered differently",
    "done": "done differently",
    "left": "left at another question",
    "failed": "failing now",
}


def summary_lines(report: Report) -> Iterator[str]:
    """The figures of a replay, for people."""
    skipped = report.skipped.total()
    yield (
        f"{report.messages} messages: {report.same} same, {len(report.differences)} different, "
        f"{skipped} not replayed."
    )
    kinds = report.kinds
    for kind, words in WORDS.items():
        if kinds[kind]:
            yield f"  {kinds[kind]} {words}"
    for reason, count in sorted(report.skipped.items()):
        yield f"  {count} not replayed: {reason}"


def difference_lines(found: Difference, *, show_text: bool) -> Iterator[str]:
    """One difference, for people; the borrower's words only where they are asked for."""
    yield (
        f"message {found.message_id}, conversation {found.conversation_id}, "
        f"{found.at:%Y-%m-%d %H:%M} UTC: {', '.join(WORDS[kind] for kind in found.kinds)}"
    )
    if show_text:
        yield f"    text      {_printable(found.text)}"
    before, after = found.before, found.after
    for name, then, now in _shown(before, after):
        yield f"    {name:<9} {then} → {now}"


def _shown(before: Side, after: Side) -> Iterator[tuple[str, str, str]]:
    """What differs, by name, as words; the intent always, as all else follows from it."""
    if after.failure:
        yield "fails", f"{before.intent} at {before.step}", after.failure
        return
    yield "intent", _intent(before), _intent(after)
    for name in ("also", "opt_out", "crisis", "keyword", "language"):
        then, now = getattr(before, name), getattr(after, name)
        if then != now:
            yield name.replace("_", "-"), str(then or "no"), str(now or "no")
    if before.entities != after.entities:
        yield "entities", _values(before.entities), _values(after.entities)
    if before.replies != after.replies:
        same_keys = _keys(before.replies) == _keys(after.replies)
        words = _in_full if same_keys else _keys
        yield "replies", words(before.replies), words(after.replies)
    if before.effects != after.effects:
        yield "effects", _effects(before.effects), _effects(after.effects)
    if before.step != after.step:
        yield "next", before.step, after.step
    elif before.state != after.state:
        yield "next", before.step, f"{after.step}, remembering something else"


def _intent(side: Side) -> str:
    return f"{side.intent} {side.confidence:.2f}"


def _keys(replies: Iterable[Json]) -> str:
    return " + ".join(reply["key"] for reply in replies) or "silence"


def _in_full(replies: Iterable[Json]) -> str:
    return " + ".join(_reply(reply) for reply in replies)


def _reply(reply: Json) -> str:
    values = _values(reply["values"]) if "values" in reply else ""
    options = "; ".join(
        f"{number}) {_reply(option)}" for number, option in enumerate(reply.get("options", ()), 1)
    )
    inside = "; ".join(filter(None, (values, options)))
    return f"{reply['key']}({inside})" if inside else str(reply["key"])


def _effects(effects: Iterable[Json]) -> str:
    return (
        " + ".join(
            f"{effect['effect']}({_values({k: v for k, v in effect.items() if k != 'effect'})})"
            for effect in effects
        )
        or "nothing"
    )


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"


def _printable(text: str) -> str:
    """A borrower's words on one line, with nothing in them that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


COLUMNS = (
    *("message", "conversation", "at", "differs", "model_before"),
    *("intent_before", "confidence_before", "intent_after", "confidence_after"),
    *("also_before", "also_after", "opt_out_before", "opt_out_after"),
    *("crisis_before", "crisis_after"),
    *("entities_before", "entities_after", "replies_before", "replies_after"),
    *("effects_before", "effects_after", "step_before", "step_after", "failure"),
)


def write_csv(report: Report, path: Path, *, show_text: bool) -> None:
    """The differences, one a line; the borrowers' words only where they are asked for."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow((*COLUMNS, "text") if show_text else COLUMNS)
        for found in report.differences:
            texts = (_cell(found.text),) if show_text else ()
            rows.writerow((*_cells(found), *texts))


def _cells(found: Difference) -> tuple[Any, ...]:
    before, after = found.before, found.after
    pairs: list[Any] = []
    for words in (
        lambda side: side.also,
        lambda side: side.opt_out,
        lambda side: side.crisis,
        lambda side: _values(side.entities),
        lambda side: _in_full(side.replies),
        lambda side: _effects(side.effects),
        lambda side: side.step,
    ):
        pairs += [words(before), words(after)]
    return (
        *(found.message_id, found.conversation_id, found.at.isoformat(), " ".join(found.kinds)),
        *(before.model, before.intent, before.confidence),
        *(after.intent, round(after.confidence, 4)),
        *pairs,
        after.failure,
    )


def _cell(text: str) -> str:
    """A borrower's words as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
