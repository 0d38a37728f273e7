"""The training examples, and the hash that says whether a model was trained from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.nlu.understanding import INTENTS, LANGUAGES

# Rasa reads [words](entity), [words]{"entity": …} in an example as markup.
MARKUP = "[]{}"


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml reads the files in a tenth of the time, where it is there."""


class DatasetError(ValueError):
    """An example file is not as it should be; the message names file and line."""


@dataclass(frozen=True)
class Example:
    """One labelled text and where it is written."""

    text: str
    intent: str
    language: str
    path: Path
    line: int

    @property
    def place(self) -> str:
        """File and line, for messages to a person."""
        return f"{self.path}:{self.line}"


def load(directory: Path) -> list[Example]:
    """All examples under ``directory/<language>/*.yml``, in the order of their files.

    Raises:
        DatasetError: for the first thing that is wrong, naming file and line.

    """
    files = sorted(directory.glob("*/*.yml"))
    if not files:
        raise DatasetError(f"no example files in {directory}/<language>/")
    examples = [example for path in files for example in read_file(path, path.parent.name)]
    refuse_contradictions(examples)
    return examples


def refuse_contradictions(examples: Iterable[Example]) -> None:
    """Raise when one text stands under two intents."""
    seen: dict[str, Example] = {}
    for example in examples:
        first = seen.setdefault(example.text, example)
        if first.intent != example.intent:
            raise DatasetError(
                f"{example.place}: {example.text!r} is {example.intent} here and {first.intent} "
                f"in {first.place}"
            )


def reserved(text: str) -> bool:
    """Whether an example is kept from the encoder's tuning, one in eight, for calibration.

    Decided by the text alone: an example that is added later is as likely to be one.
    """
    return hashlib.sha256(text.encode()).digest()[0] % 8 == 0


def read_file(path: Path, language: str) -> Iterator[Example]:
    """The examples of one Rasa NLU file."""
    if language not in LANGUAGES:
        raise DatasetError(f"{path}: folder {language!r} is not one of {', '.join(LANGUAGES)}")
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=LOADER)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 ({error})") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DatasetError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise DatasetError(f"{path}: not YAML: {error}") from error
    top = _mapping(path, root)
    if not isinstance(top.get("nlu"), yaml.SequenceNode):
        raise DatasetError(f"{path}:1: expected `nlu:` with a list of intents")
    for node in top["nlu"].value:
        yield from _read_intent(path, language, node)


def _mapping(path: Path, node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        raise DatasetError(f"{path}:{line}: expected keys with values")
    return {key.value: value for key, value in node.value}


def _read_intent(path: Path, language: str, node: yaml.Node) -> Iterator[Example]:
    entry = _mapping(path, node)
    where = f"{path}:{node.start_mark.line + 1}"
    if set(entry) != {"intent", "examples"}:
        raise DatasetError(f"{where}: expected `intent` and `examples`, found {sorted(entry)}")
    intent, block = entry["intent"].value, entry["examples"]
    if intent not in INTENTS:
        raise DatasetError(f"{where}: unknown intent {intent!r}; known: {', '.join(INTENTS)}")
    if not isinstance(block, yaml.ScalarNode) or block.style != "|":
        raise DatasetError(f"{where}: `examples` of {intent} must be a block after `|`")
    first = block.start_mark.line + 2  # lines count from 1, and the block begins after its `|`
    for line, written in enumerate(block.value.split("\n"), first):
        if not written.strip():
            continue
        text = written.removeprefix("- ").strip()
        if not written.startswith("- ") or not text:
            raise DatasetError(f"{path}:{line}: an example must begin with `- `: {written!r}")
        if any(mark in text for mark in MARKUP):
            raise DatasetError(f"{path}:{line}: Rasa reads {MARKUP} as markup: {text!r}")
        yield Example(text, intent, language, path, line)


def as_rasa_yaml(examples: Iterable[Example]) -> str:
    """The examples as one Rasa NLU file; each text once, as Rasa itself takes them."""
    by_intent: dict[str, dict[str, None]] = {}
    for example in examples:
        by_intent.setdefault(example.intent, {})[example.text] = None
    lines = ['version: "3.1"', "nlu:"]
    for intent in sorted(by_intent):
        lines += [f"- intent: {intent}", "  examples: |"]
        lines += [f"    - {text}" for text in sorted(by_intent[intent])]
    return "\n".join(lines) + "\n"


def content_hash(data: str, files: Iterable[Path], root: Path, extra: str = "") -> str:
    """SHA-256 over the training data and the files that decide what a training makes of it.

    Args:
        data: the examples, as :func:`as_rasa_yaml` writes them.
        files: source, configuration and requirements.
        root: the project's root; the hash is the same wherever that is.
        extra: what else decides it (the encoder's file hashes).

    """
    digest = hashlib.sha256(f"{data}\0{extra}".encode())
    for path in sorted(files):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
