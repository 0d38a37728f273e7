"""How well a model reads labelled messages, through the very reader that serves."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from bot.nlu.understanding import INTENTS, LANGUAGES, Understanding
from training.report import CRISIS, OPT_OUT

REQUIRED = ("text", "intent")
MOST_GROUPS = 12
"""A further column with more different values than this is a remark and splits nothing."""
BINS = 10
METHOD = f"{BINS} equal-width bins"
WRONG_FILE = "wrong.csv"


class EvaluationError(ValueError):
    """A file of labelled messages is not as it should be; the message names file and line."""


class Understands(Protocol):
    """A loaded model."""

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """Read one message."""
        ...


@dataclass(frozen=True)
class Labelled:
    """One message and what it means.

    Attributes:
        text: the message.
        intent: one of ``INTENTS``.
        groups: what the file's other columns say of it, such as language and difficulty.
        path: the file that it stands in.
        line: where in the file.

    """

    text: str
    intent: str
    groups: Mapping[str, str]
    path: Path
    line: int


@dataclass(frozen=True)
class Prediction:
    """What a model makes of one labelled message.

    Attributes:
        message: what was asked.
        intent: what was answered.
        confidence: that of the answer.
        opt_out: "done", "ask" or "no", whatever the answer is.
        crisis: whether a cry for help was heard, whatever the answer is.

    """

    message: Labelled
    intent: str
    confidence: float
    opt_out: str
    crisis: bool = False

    @property
    def right(self) -> bool:
        """Whether the intent is the one that was meant."""
        return self.intent == self.message.intent


def read_labelled(path: Path) -> list[Labelled]:
    """The messages of a CSV file, or of all those in a directory.

    The columns ``text`` and ``intent`` are required. Without a column ``language`` a file that is
    named after a language, and any file of a directory, is in the language of its name.

    Raises:
        EvaluationError: for the first thing that is wrong, naming file, line and column.

    """
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    messages = [
        message
        for file in files
        for message in _read_file(file, named=path.is_dir() or file.stem in LANGUAGES)
    ]
    if not messages:
        raise EvaluationError(f"{path} has no labelled messages: expected CSV with text,intent")
    return messages


def _read_file(path: Path, *, named: bool) -> list[Labelled]:
    language = {"language": path.stem} if named else {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            try:
                return list(_messages(path, rows, language))
            except csv.Error as error:
                raise EvaluationError(f"{path}:{rows.line_num}: not CSV: {error}") from error
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8: save it as CSV in UTF-8") from error


def _messages(path: Path, rows: Any, language: Mapping[str, str]) -> Iterator[Labelled]:
    columns = _columns(path, next(rows, []))
    line = rows.line_num + 1  # where the next row begins: a quoted text may span several lines
    for row in rows:
        if row:
            yield _message(path, line, columns, row, language)
        line = rows.line_num + 1


def _columns(path: Path, header: Sequence[str]) -> list[str]:
    columns = [name.strip() for name in header]
    for name in REQUIRED:
        if columns.count(name) != 1:
            found = ", ".join(columns) or "nothing"
            raise EvaluationError(
                f"{path}:1: expected one column {name!r}, found {found}: the first line must name "
                "the columns, parted by commas"
            )
    return columns


def _message(
    path: Path, line: int, columns: list[str], row: list[str], language: Mapping[str, str]
) -> Labelled:
    if len(row) != len(columns):
        raise EvaluationError(
            f"{path}:{line}: {len(row)} fields under {len(columns)} columns: put a text that has "
            'commas between "quotes"'
        )
    fields = {name: value.strip() for name, value in zip(columns, row, strict=True)}
    text, intent = fields.pop("text"), fields.pop("intent")
    if not text:
        raise EvaluationError(f"{path}:{line}: column 'text' is empty")
    if intent not in INTENTS:
        raise EvaluationError(
            f"{path}:{line}: column 'intent' has {intent!r}; known: {', '.join(INTENTS)}"
        )
    return Labelled(text, intent, {**language, **fields}, path, line)


def fingerprint(path: Path) -> str:
    """A hash of the CSV files of a directory: figures of another state are not comparable."""
    digest = hashlib.sha256()
    for file in sorted(path.glob("*.csv")):
        digest.update(f"{file.name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def predict(
    reader: Understands, messages: Sequence[Labelled], workers: int = 2
) -> list[Prediction]:
    """What a model makes of messages, in their order, so many at a time.

    A message's language stands in for the borrower's locale: some keywords hold in one alone.
    """

    def one(message: Labelled) -> Prediction:
        found = reader.understand(message.text, message.groups.get("language"))
        return Prediction(message, found.intent, found.confidence, found.opt_out, found.crisis)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, messages))


@dataclass(frozen=True)
class IntentFigures:
    """How one intent fares. Precision is None where it was never answered."""

    support: int
    precision: float | None
    recall: float | None
    f1: float


@dataclass(frozen=True)
class GroupFigures:
    """How the messages of one language, or of one difficulty, fare."""

    messages: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Bin:
    """Messages of similar confidence: how sure the model was, and how often it was right."""

    messages: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error over bins of equal width, and the bins that hold messages."""

    error: float
    method: str
    bins: list[Bin]


@dataclass(frozen=True)
class Evaluation:
    """All figures of one model on one set of messages; shares are from 0 to 1.

    Attributes:
        messages: how many there are.
        accuracy: the share that was read as meant.
        macro_f1: the mean F1 of the intents that the messages have.
        by_intent: in the order of ``INTENTS``; those meant or answered at least once.
        groups: figures by column, such as language, and value, in the order of the file.
        opt_out_decisions: how often done, ask or no, where an opt-out was meant and where not.
        crisis_heard: how often yes or no, where a cry for help was meant and where not.
        calibration: whether confidences can be believed.
        confusion: messages by the intent meant and, below it, the intent answered.

    """

    messages: int
    accuracy: float
    macro_f1: float
    by_intent: dict[str, IntentFigures]
    groups: dict[str, dict[str, GroupFigures]]
    opt_out_decisions: dict[str, dict[str, int]]
    crisis_heard: dict[str, dict[str, int]]
    calibration: Calibration
    confusion: dict[str, dict[str, int]]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def evaluate(predictions: Sequence[Prediction]) -> Evaluation:
    """The figures of at least one prediction."""
    by_intent = intent_figures(predictions)
    return Evaluation(
        messages=len(predictions),
        accuracy=accuracy(predictions),
        macro_f1=macro_f1(by_intent),
        by_intent=by_intent,
        groups=_groups(predictions),
        opt_out_decisions=_decisions(
            predictions, OPT_OUT, ("done", "ask", "no"), lambda p: p.opt_out
        ),
        crisis_heard=_decisions(predictions, CRISIS, ("yes", "no"), heard),
        calibration=calibration(predictions),
        confusion=_confusion(predictions),
    )


def accuracy(predictions: Sequence[Prediction]) -> float:
    """The share of right answers."""
    return sum(p.right for p in predictions) / len(predictions)


def intent_figures(predictions: Iterable[Prediction]) -> dict[str, IntentFigures]:
    """Support, precision, recall and F1 of each intent that was meant or answered."""
    pairs = Counter((p.message.intent, p.intent) for p in predictions)
    meant: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for (intent, answer), count in pairs.items():
        meant[intent] += count
        answered[answer] += count
    return {
        intent: IntentFigures(
            support=meant[intent],
            precision=pairs[intent, intent] / answered[intent] if answered[intent] else None,
            recall=pairs[intent, intent] / meant[intent] if meant[intent] else None,
            f1=2 * pairs[intent, intent] / (meant[intent] + answered[intent]),
        )
        for intent in INTENTS
        if meant[intent] or answered[intent]
    }


def macro_f1(by_intent: Mapping[str, IntentFigures]) -> float:
    """The mean F1 of the intents that were meant at least once."""
    there = [figures.f1 for figures in by_intent.values() if figures.support]
    return sum(there) / len(there)


def _groups(predictions: Sequence[Prediction]) -> dict[str, dict[str, GroupFigures]]:
    parted: dict[str, dict[str, list[Prediction]]] = defaultdict(lambda: defaultdict(list))
    for prediction in predictions:
        for column, value in prediction.message.groups.items():
            parted[column][value or "(none)"].append(prediction)
    return {
        column: {
            value: GroupFigures(len(part), accuracy(part), macro_f1(intent_figures(part)))
            for value, part in values.items()
        }
        for column, values in parted.items()
        if len(values) <= MOST_GROUPS
    }


def _decisions(
    predictions: Iterable[Prediction],
    intent: str,
    outcomes: Sequence[str],
    decide: Callable[[Prediction], str],
) -> dict[str, dict[str, int]]:
    """How often each thing was decided where an intent was meant, and where it was not."""
    found = {meant: dict.fromkeys(outcomes, 0) for meant in ("meant", "not meant")}
    for prediction in predictions:
        meant = "meant" if prediction.message.intent == intent else "not meant"
        found[meant][decide(prediction)] += 1
    return found


def heard(prediction: Prediction) -> str:
    """Whether a message would be answered as a cry for help: "yes" or "no"."""
    return "yes" if prediction.crisis or prediction.intent == CRISIS else "no"


def calibration(predictions: Sequence[Prediction]) -> Calibration:
    """How far confidences are from the share of right answers, on average over the messages."""
    parted: list[list[Prediction]] = [[] for _ in range(BINS)]
    for prediction in predictions:
        parted[min(int(prediction.confidence * BINS), BINS - 1)].append(prediction)
    bins = [
        Bin(len(part), sum(p.confidence for p in part) / len(part), accuracy(part))
        for part in parted
        if part
    ]
    error = sum(b.messages * abs(b.confidence - b.accuracy) for b in bins) / len(predictions)
    return Calibration(error, METHOD, bins)


def _confusion(predictions: Iterable[Prediction]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for prediction in predictions:
        found[prediction.message.intent][prediction.intent] += 1
    return {intent: dict(answers.most_common()) for intent, answers in sorted(found.items())}


def confused_pairs(confusion: Mapping[str, Mapping[str, int]]) -> list[tuple[str, str, int]]:
    """Intent meant, intent answered and how often, the most frequent first."""
    pairs = [
        (intent, answer, count)
        for intent, answers in confusion.items()
        for answer, count in answers.items()
        if answer != intent
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair))


def write_wrong(predictions: Iterable[Prediction], path: Path) -> None:
    """The messages that were misread, as CSV, with what was answered and where they stand."""
    wrong = sorted(
        (p for p in predictions if not p.right),
        key=lambda p: (p.message.intent, p.intent, -p.confidence),
    )
    columns = list(dict.fromkeys(column for p in wrong for column in p.message.groups))
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "intent", "answered", "confidence", "opt_out", *columns, "place"])
        for p in wrong:
            groups = [p.message.groups.get(column, "") for column in columns]
            place = f"{p.message.path.name}:{p.message.line}"
            answer = [p.intent, f"{p.confidence:.4f}", p.opt_out]
            rows.writerow([p.message.text, p.message.intent, *answer, *groups, place])
