"""Evaluations, comparisons and lists of models as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from training.comparison import CORE_INTENTS, Change, Comparison, IntentChange, Pair
from training.evaluation import Evaluation, confused_pairs
from training.registry import Entry

PAIRS_SHOWN = 24
PAIR_COLUMNS = 2


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines with columns as wide as their longest cell, the first to the left, others right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        rest = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *rest]).rstrip()


def evaluation_lines(found: Evaluation) -> Iterator[str]:
    """All figures of an evaluation; of the confusion, the pairs that are confused most."""
    yield (
        f"accuracy {found.accuracy:.1%}, macro-F1 {found.macro_f1:.3f}, "
        f"expected calibration error {found.calibration.error:.3f} ({found.calibration.method})"
    )
    yield ""
    yield from table(
        ("intent", "support", "precision", "recall", "F1"),
        (
            (name, str(x.support), _figure(x.precision), _figure(x.recall), _figure(x.f1))
            for name, x in found.by_intent.items()
        ),
    )
    for column, values in found.groups.items():
        yield ""
        yield from table(
            (column, "messages", "accuracy", "macro-F1"),
            (
                (value, str(x.messages), f"{x.accuracy:.1%}", _figure(x.macro_f1))
                for value, x in values.items()
            ),
        )
    yield ""
    yield from table(
        ("opt-out", "done", "asked", "no"),
        (
            (meant, *(str(decided[name]) for name in ("done", "ask", "no")))
            for meant, decided in found.opt_out_decisions.items()
        ),
    )
    yield ""
    yield from table(
        ("cry for help", "heard", "not"),
        (
            (meant, *(str(decided[name]) for name in ("yes", "no")))
            for meant, decided in found.crisis_heard.items()
        ),
    )
    yield from _confusion(found)


def _confusion(found: Evaluation) -> Iterator[str]:
    pairs = confused_pairs(found.confusion)
    if not pairs:
        return
    yield ""
    yield f"confused (meant > answered), {sum(count for *_, count in pairs)} messages in all"
    cells = [f"{count:4}  {meant} > {answered}" for meant, answered, count in pairs[:PAIRS_SHOWN]]
    rows = -(-len(cells) // PAIR_COLUMNS)
    for row in range(rows):
        yield "".join(cell.ljust(50) for cell in cells[row::rows]).rstrip()


def comparison_lines(found: Comparison) -> Iterator[str]:
    """What changed from a model A to a model B, and the messages that were lost and gained."""
    yield from table(
        ("", "messages", "A", "B", "lost", "gained", "p"),
        (
            (x.name, str(x.messages), *_shares(x), str(x.lost), str(x.gained), f"{x.p_changed:.3f}")
            for x in found.shares
            if x.messages
        ),
    )
    yield ""
    yield from table(
        ("intent", "support", "recall A", "B", "", "F1 A", "B", "", "lost", "gained", "p"),
        (_intent_row(name, x) for name, x in found.by_intent.items()),
    )
    yield ""
    yield "p: McNemar's exact test, two-sided: how often chance makes such a difference"
    yield from _messages("lost: A reads them as meant, B does not", found.lost)
    yield from _messages("gained: B reads them as meant, A does not", found.gained)
    if found.otherwise:
        yield ""
        yield f"{len(found.otherwise)} more are misread by both, each in its way"


def _intent_row(name: str, x: IntentChange) -> tuple[str, ...]:
    before, after = (part / x.recall.messages for part in (x.recall.before, x.recall.after))
    return (
        name,
        str(x.recall.messages),
        *(_figure(before), _figure(after), f"{after - before:+.3f}"),
        *(_figure(x.f1_before), _figure(x.f1_after), f"{x.f1_after - x.f1_before:+.3f}"),
        *(str(x.recall.lost), str(x.recall.gained)),
        f"{x.recall.p_changed:.3f}" if name in CORE_INTENTS else "",
    )


def _shares(x: Change) -> tuple[str, str]:
    return f"{x.before / x.messages:.1%}", f"{x.after / x.messages:.1%}"


def _messages(title: str, pairs: Sequence[Pair]) -> Iterator[str]:
    yield ""
    yield f"{len(pairs)} {title}"
    for before, after in sorted(pairs, key=lambda both: (both[0].intent, both[1].intent)):
        yield f"  {before.intent} > {after.intent}: {before.message.text}"


def list_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """One line a model, then what keeps one from being read; a star marks the served one."""
    entries = list(entries)
    yield from table(
        ("  name", "trained (UTC)", "examples", "out of fold", "holdout"),
        (
            (
                f"{'*' if x.served else ' '} {x.name}",
                x.trained_at[:16].replace("T", " ") or "-",
                "-" if x.examples is None else f"{x.examples:,}",
                _per_cent(x.accuracy),
                _per_cent(x.holdout),
            )
            for x in entries
        ),
    )
    yield from (f"{x.name} cannot be read: {x.trouble}" for x in entries if x.trouble)


def _per_cent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
