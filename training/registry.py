"""The trained models: which are there, which one is served, and how another takes its place.

A model is a directory and ``CURRENT`` names the one that is served. What is decided about that is
kept by ``training.history``.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.nlu.classifier import CARD_FILE, CURRENT_FILE, read_card
from bot.nlu.model import ModelError
from bot.nlu.served import load_model, served_model
from training.comparison import Change, gate, pair
from training.evaluation import (
    Evaluation,
    evaluate,
    fingerprint,
    predict,
    read_labelled,
)
from training.history import Event, RegistryError, earlier, event_of, history, record, utc

HOLDOUT_FILE = "holdout.json"
LOCK_FILE = ".promotion.lock"

Say = Callable[[str], None]


class RefusedError(RegistryError):
    """The gate found the model worse than the served one; the message says where."""


@dataclass(frozen=True)
class Entry:
    """One model as a list shows it.

    Attributes:
        name: the model's name.
        trained_at: when, in ISO 8601; empty where its card does not say.
        examples: how many texts it was trained from.
        accuracy: of those, the share that it got right before having seen them.
        holdout: the share of the frozen holdout that it gets right, where that was measured.
        served: whether ``CURRENT`` names it.
        trouble: why its card cannot be read; empty where it can.

    """

    name: str
    trained_at: str = ""
    examples: int | None = None
    accuracy: float | None = None
    holdout: float | None = None
    served: bool = False
    trouble: str = ""


def served(models: Path) -> Path | None:
    """The directory of the model that is served; None where ``CURRENT`` names none."""
    try:
        return served_model(models)
    except ModelError:
        return None


def names(models: Path) -> list[str]:
    """The models that are there."""
    return sorted(card.parent.name for card in models.glob(f"*/{CARD_FILE}"))


def find(models: Path, name: str = CURRENT_FILE) -> Path:
    """A model's directory by its name, by its path, or the served one by ``CURRENT``.

    Raises:
        RegistryError: there is no such model; the message names those that there are.

    """
    if name == CURRENT_FILE:
        try:
            return served_model(models)
        except ModelError as error:
            raise RegistryError(str(error)) from error
    for directory in (models / name, Path(name)):
        if (directory / CARD_FILE).is_file():
            return directory.resolve()
    known = ", ".join(names(models)) or "none yet: run `flask nlu train`"
    raise RegistryError(f"no model {name} in {models}: there is {known}")


def load(directory: Path) -> Any:
    """A model's reader, keywords and rules included.

    Raises:
        RegistryError: this version cannot load it.

    """
    try:
        return load_model(directory)
    except ModelError as error:
        raise RegistryError(f"model {directory.name} cannot be loaded: {error}") from error


def promote(
    models: Path,
    name: str,
    holdout: Path,
    *,
    by: str,
    why: str = "",
    force: bool = False,
    say: Say = lambda line: None,
) -> Event | None:
    """Serve another model from now on, if it is not worse than the one that is served.

    Running servers take it up by themselves. Where no model is served, or one that cannot be
    loaded any more, there is nothing to compare with, and the other takes its place.

    Args:
        models: the directory of trained models.
        name: which of them to serve.
        holdout: the labelled messages that both are measured on.
        by: who promotes it, for the history.
        why: in their words.
        force: promote it whatever the gate says.
        say: told what is being done.

    Returns:
        The line of the history; None where the model is served already.

    Raises:
        RefusedError: the gate found it worse; that is in the history too.
        RegistryError: there is no such model, or it cannot be loaded.
        EvaluationError: the holdout cannot be read.

    """
    with _alone(models):
        candidate, current = find(models, name), served(models)
        if candidate.parent != models.resolve():
            raise RegistryError(f"{candidate} is not in {models}: copy it there to serve it")
        if current and current.resolve() == candidate:
            return None
        after = load(candidate)
        before, trouble = _load_served(current)
        if before is None:
            say(f"nothing to compare with: {trouble}")
            changes = []
        else:
            say("reading the holdout with both models (some seconds)")
            changes = _measure(holdout, {current: before, candidate: after})
        worse = [change for change in changes if change.worse]
        event = event_of("promote", current, candidate.name, by, why or trouble)
        if changes:
            figures = [change.as_json() for change in changes]
            event["figures"] = {"holdout": fingerprint(holdout), "changes": figures}
        if worse and not force:
            event["action"] = "refuse"
            record(models, event)
            raise RefusedError(_refusal(event, worse))
        event["forced"] = bool(worse)
        _point(models, candidate.name)
        record(models, event)
        return event


def _load_served(current: Path | None) -> tuple[Any, str]:
    """The served model's reader; or None, and why there is none."""
    if current is None:
        return None, "no model is served"
    try:
        return load(current), ""
    except RegistryError as error:
        return None, f"the served {error}"


def _measure(holdout: Path, readers: Mapping[Any, Any]) -> list[Change]:
    """What the gate watches, from the first to the second of two models, by their directories."""
    messages = read_labelled(holdout)
    read = {directory: predict(reader, messages) for directory, reader in readers.items()}
    for directory, predictions in read.items():
        remember(directory, holdout, evaluate(predictions))
    return gate(pair(*read.values()))


def _refusal(event: Event, worse: Iterable[Change]) -> str:
    found = "; ".join(change.as_words() for change in worse)
    return (
        f"{event['to']} is not promoted and {event['from']} stays, as this fell beyond noise: "
        f"{found} (`flask nlu compare {event['from']} {event['to']}` shows the messages)"
    )


def refused_before(models: Path, name: str) -> Event | None:
    """The latest refusal of a model in favour of the one that is served now."""
    current = served(models)
    asked = [e for e in history(models) if e["action"] == "refuse" and e["to"] == name]
    matching = [e for e in asked if current and e["from"] == current.name]
    return matching[-1] if matching else None


def chosen_after(models: Path, model: Path) -> bool:
    """Whether somebody decided what is served, by whatever means, after a model was made."""
    pointer = models / CURRENT_FILE
    return pointer.is_file() and (
        pointer.stat().st_mtime_ns > (model / CARD_FILE).stat().st_mtime_ns
    )


def serve_if_none(models: Path, model: Path, by: str) -> bool:
    """Serve a model where none is served that this version can load.

    Returns:
        Whether it is served now for that reason.

    Raises:
        RegistryError: this model cannot be loaded either.

    """
    with _alone(models):
        current = served(models)
        reader, trouble = _load_served(current)
        if reader is None:
            load(model)
            _point(models, model.name)
            record(models, event_of("promote", current, model.name, by, trouble))
        return reader is None


def rollback(models: Path, *, by: str, why: str = "", say: Say = lambda line: None) -> Event:
    """Serve the model that was served before. Called again, it goes back further.

    A model that is gone, or that this version cannot load, is passed over.

    Raises:
        RegistryError: there is no earlier model to go back to.

    """
    with _alone(models):
        current = served(models)
        for name in reversed(earlier(history(models), current.name if current else None)):
            try:
                load(find(models, name))
            except RegistryError as error:
                say(f"passed over: {error}")
                continue
            event = event_of("rollback", current, name, by, why)
            _point(models, name)
            record(models, event)
            return event
    raise RegistryError("there is no earlier model to go back to: `flask nlu list` shows them all")


def entries(models: Path, holdout: Path) -> list[Entry]:
    """All models, the newest first."""
    current = served(models)
    state = fingerprint(holdout)
    found = [_entry(models / name, current, state) for name in names(models)]
    return sorted(found, key=lambda entry: (entry.trained_at, entry.name), reverse=True)


def _entry(directory: Path, current: Path | None, state: str) -> Entry:
    is_served = current is not None and current.name == directory.name
    try:
        card = read_card(directory)
    except ModelError as error:
        return Entry(directory.name, served=is_served, trouble=str(error))
    return Entry(
        name=directory.name,
        trained_at=str(card.get("trained_at", "")),
        examples=card.get("examples"),
        accuracy=card.get("out_of_fold", {}).get("accuracy"),
        holdout=_remembered(directory, state),
        served=is_served,
    )


def remember(directory: Path, holdout: Path, found: Evaluation) -> None:
    """Keep beside a model how it did on the frozen holdout."""
    languages = found.groups.get("language", {})
    kept = {
        "holdout": fingerprint(holdout),
        "measured_at": utc(),
        "messages": found.messages,
        "accuracy": round(found.accuracy, 4),
        "macro_f1": round(found.macro_f1, 4),
        "accuracy_by_language": {name: round(x.accuracy, 4) for name, x in languages.items()},
        "opt_out_decisions": found.opt_out_decisions,
        "crisis_heard": found.crisis_heard,
        "calibration_error": round(found.calibration.error, 4),
    }
    (directory / HOLDOUT_FILE).write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


def _remembered(directory: Path, state: str) -> float | None:
    try:
        kept = json.loads((directory / HOLDOUT_FILE).read_text("utf-8"))
        return kept["accuracy"] if kept["holdout"] == state else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _point(models: Path, name: str) -> None:
    """Let CURRENT name another model, in one step."""
    unfinished = models / f"{CURRENT_FILE}.new"
    unfinished.write_text(name + "\n", "utf-8")
    unfinished.replace(models / CURRENT_FILE)


@contextmanager
def _alone(models: Path) -> Iterator[None]:
    """Two promotions at once: the second sees what the first has done."""
    models.mkdir(parents=True, exist_ok=True)
    with (models / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
