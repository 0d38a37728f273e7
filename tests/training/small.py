"""Small sparse-only models, trained in a moment: each text's words speak for its intent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bot.nlu import normalise
from bot.nlu.classifier import CARD_FILE, CARD_FORMAT
from bot.nlu.model import HybridModel, TfidfBlock

GOOD = {
    "pay_now": ["send link", "pay now"],
    "dispute": ["wrong amount", "never borrowed"],
    "greet": ["hi", "hello"],
}
BAD = {**{k: v for k, v in GOOD.items() if k != "dispute"}, "complaint": GOOD["dispute"]}
"""Takes every dispute for a complaint."""
BETTER = {**GOOD, "thanks": ["cheers"]}

MESSAGES = [
    *((f"{words} i say", "dispute") for words in ("wrong amount", "never borrowed")),
    *((f"{words} you hear", "dispute") for words in ("wrong amount", "never borrowed")),
    *((f"{words} at all", "dispute") for words in ("wrong amount", "never borrowed")),
    *(("pay now please", "pay_now"), ("hello there", "greet"), ("cheers mate", "thanks")),
]
"""Six disputes, which GOOD and BETTER read as meant, and one text each of three other intents."""


def small_model(
    models: Path,
    name: str,
    texts: Mapping[str, Sequence[str]],
    trained_at: str = "2026-11-01T10:00",
) -> Path:
    """Train a model from texts by intent and store it as ``training.export`` does."""
    labelled = [(intent, normalise.for_sparse(t)) for intent, found in texts.items() for t in found]
    plain = [text for _, text in labelled]
    words = [normalise.tokens(text) for text in plain]
    model = HybridModel([TfidfBlock("word", 1, 1)], 1.0, classes=sorted(texts))
    model.fit_features(plain, words, None)
    model.coefficients = np.zeros((model.sparse_dimension, len(texts)), np.float32)
    for (intent, text), tokens in zip(labelled, words, strict=True):
        columns, values = model.sparse_features(text, tokens)
        model.coefficients[columns, model.classes.index(intent)] += 8 * values
    # A text without a known word is none of the intents more than another.
    model.intercept = np.zeros(len(texts), np.float32)
    directory = models / name
    directory.mkdir(parents=True)
    model.save(directory)
    card = {
        "format": CARD_FORMAT,
        "trained_at": trained_at,
        "examples": len(labelled),
        "out_of_fold": {"accuracy": 0.75},
    }
    (directory / CARD_FILE).write_text(json.dumps(card))
    return directory


def write_csv(path: Path, messages: Iterable[tuple[str, str]] = MESSAGES) -> Path:
    """Labelled messages as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["text,intent", *(f"{text},{intent}" for text, intent in messages)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
