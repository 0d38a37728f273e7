"""The classifier's arithmetic, shared by training and serving (numpy only).

A message becomes three feature blocks: TF-IDF of word n-grams, TF-IDF of character n-grams
inside words, and the standardised sentence vector. One linear layer turns them into scores, a
softmax with a calibrated temperature into confidences.

An intent that must not be missed has a detector besides: a yes-or-no question to the same features,
"is this in the text, whatever else is?", where the softmax shares one probability among all
intents ("i paid, now leave me alone" is mostly a payment). What is detected is the mean of both:
they miss different texts.

The sentence vector costs twenty times what all else does, and most texts are plain without it: the
n-grams alone are sure, and find nothing that must not be missed. There it is left out.

Fitting the linear layer needs scipy and lives in ``training.fit``; everything else is here, so that
Rasa and the runtime run the same code.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from bot.nlu import normalise

FORMAT = 4
ARRAYS_FILE = "classifier.npz"
DESCRIPTION_FILE = "classifier.json"

Floats = npt.NDArray[np.float32]
Ranking = list[tuple[str, float]]  # intents with confidences, best first
Embed = Callable[[], Floats]
SparseVector = tuple[npt.NDArray[np.int64], Floats]  # column indices, values


HARDLY = 0.01
"""A detector's probability that is below every threshold that may be learnt."""


class ModelError(RuntimeError):
    """A stored model cannot be used."""


@dataclass(frozen=True)
class Reading:
    """What a model says of one message.

    Attributes:
        ranking: all intents with their confidences, best first; empty for a text without content.
        detected: for each intent that has a detector, the probability that the text means it too.

    """

    ranking: Ranking = field(default_factory=list)
    detected: dict[str, float] = field(default_factory=dict)


def _no_floats() -> Floats:
    return np.zeros(0, np.float32)


def word_ngrams(words: Sequence[str], low: int, high: int) -> Iterable[str]:
    """Runs of ``low`` to ``high`` words, joined by a space."""
    for size in range(low, high + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


def char_wb_ngrams(text: str, low: int, high: int) -> Iterable[str]:
    """Character n-grams within space-padded words, as scikit-learn's ``char_wb`` makes them."""
    for word in text.split():
        padded = f" {word} "
        for size in range(low, high + 1):
            if size >= len(padded):
                yield padded  # counted once for a word shorter than the n-gram
                break
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


@dataclass
class TfidfBlock:
    """Sublinear TF-IDF with smoothed IDF and L2 norm over one kind of n-grams."""

    kind: str  # "word" or "char_wb"
    low: int
    high: int
    least: int = 1  # texts that must hold an n-gram for it to be kept
    vocabulary: dict[str, int] = field(default_factory=dict)
    idf: Floats = field(default_factory=_no_floats)

    def terms(self, text: str, words: Sequence[str]) -> Iterable[str]:
        """The n-grams of one message, with repetitions."""
        if self.kind == "word":
            return word_ngrams(words, self.low, self.high)
        if self.kind == "char_wb":
            return char_wb_ngrams(text, self.low, self.high)
        raise ModelError(f"unknown n-gram kind {self.kind!r}")

    def fit(self, texts: Sequence[str], words: Sequence[Sequence[str]]) -> TfidfBlock:
        """Learn the vocabulary and the inverse document frequencies."""
        frequency: Counter[str] = Counter()
        for text, tokens in zip(texts, words, strict=True):
            frequency.update(set(self.terms(text, tokens)))
        known = sorted(term for term, texts_with in frequency.items() if texts_with >= self.least)
        self.vocabulary = {term: column for column, term in enumerate(known)}
        counts = np.array([frequency[term] for term in known], np.float64)
        self.idf = smoothed_idf(counts, len(texts))
        return self

    def count(self, text: str, words: Sequence[str]) -> Counter[int]:
        """How often each known n-gram, by its column, is in a message."""
        columns = map(self.vocabulary.get, self.terms(text, words))
        return Counter(column for column in columns if column is not None)

    def transform(self, text: str, words: Sequence[str]) -> SparseVector:
        """The block's sparse vector for one message."""
        counts = self.count(text, words)
        columns = np.fromiter(counts.keys(), np.int64, len(counts))
        values = np.fromiter(counts.values(), np.float32, len(counts))
        values = (1 + np.log(values)) * self.idf[columns]
        norm = float(np.sqrt(np.dot(values, values)))
        return columns, values / norm if norm else values


def smoothed_idf(counts: npt.NDArray[np.float64], texts: int) -> Floats:
    """Inverse document frequencies, as if one more text held every n-gram."""
    return (np.log((1 + texts) / (1 + counts)) + 1).astype(np.float32)


@dataclass
class HybridModel:
    """TF-IDF blocks + optional dense vector -> linear scores -> reading.

    ``coefficients`` has a column a class, then one a detector; ``temperatures`` has one number for
    the classes together, then one a detector. ``sure_without_vector`` is the confidence above
    which the n-grams' answer stands by itself; 1 asks for the vector always.
    """

    blocks: list[TfidfBlock]
    dense_weight: float
    sure_without_vector: float = 1.0
    classes: list[str] = field(default_factory=list)  # sorted
    detectors: list[str] = field(default_factory=list)  # intents
    temperatures: list[float] = field(default_factory=lambda: [1.0])
    mean: Floats = field(default_factory=_no_floats)
    deviation: Floats = field(default_factory=_no_floats)
    coefficients: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    intercept: Floats = field(default_factory=_no_floats)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def dense_dimension(self) -> int:
        """Length of the sentence vector; 0 for a sparse-only model."""
        return len(self.mean)

    @property
    def sparse_dimension(self) -> int:
        """Number of n-gram columns, which come before the dense ones."""
        return sum(len(block.idf) for block in self.blocks)

    def fit_features(
        self, texts: Sequence[str], words: Sequence[Sequence[str]], dense: Floats | None
    ) -> None:
        """Learn vocabularies and, with sentence vectors, their mean and deviation."""
        for block in self.blocks:
            block.fit(texts, words)
        if dense is not None:
            self.mean = dense.mean(axis=0).astype(np.float32)
            self.deviation = (dense.std(axis=0) + 1e-6).astype(np.float32)

    def sparse_features(self, text: str, words: Sequence[str]) -> SparseVector:
        """The n-gram blocks side by side, each with unit length."""
        parts, offset = [], 0
        for block in self.blocks:
            columns, values = block.transform(text, words)
            parts.append((columns + offset, values))
            offset += len(block.idf)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def dense_features(self, dense: Floats) -> Floats:
        """Standardised sentence vectors with an expected length of ``dense_weight``."""
        scale = np.float32(self.dense_weight / np.sqrt(self.dense_dimension))
        return np.asarray((dense - self.mean) / self.deviation * scale, np.float32)

    def read(self, text: str, words: Sequence[str], embed: Embed | None) -> Reading:
        """What the message says (ties among intents by name).

        Args:
            text: output of ``normalise.for_sparse``.
            words: output of ``normalise.tokens``.
            embed: gives the sentence vector where it is needed; None for a sparse-only model.

        """
        if (embed is None) != (self.dense_dimension == 0):
            raise ModelError("the model and the message disagree about the sentence vector")
        scores = self._of_ngrams(text, words)
        confidences, detected = self.probabilities(scores[None])
        if embed is not None and not self._is_plain(confidences[0], detected[0]):
            weights = self.coefficients[self.sparse_dimension :]
            scores = scores + self.dense_features(embed()) @ weights
            confidences, detected = self.probabilities(scores[None])
        order = np.argsort(-confidences[0], kind="stable")
        return Reading(
            [(self.classes[i], float(confidences[0, i])) for i in order],
            {name: float(p) for name, p in zip(self.detectors, detected[0], strict=True)},
        )

    def glance(self, text: str, words: Sequence[str]) -> tuple[str, float]:
        """The likeliest intent by the n-grams alone, with its confidence."""
        confidences, _ = self.probabilities(self._of_ngrams(text, words)[None])
        best = int(confidences[0].argmax())
        return self.classes[best], float(confidences[0, best])

    def _of_ngrams(self, text: str, words: Sequence[str]) -> Floats:
        """Scores without the vector: a mean one adds nothing, so they are an average sentence's."""
        columns, values = self.sparse_features(text, words)
        scores: Floats = self.intercept + values @ self.coefficients[columns]
        return scores

    def _is_plain(self, confidences: Floats, detected: Floats) -> bool:
        """Whether the n-grams alone are sure, and of nothing that must not be missed."""
        return bool(confidences.max() > self.sure_without_vector and (detected < HARDLY).all())

    def probabilities(self, scores: Floats) -> tuple[Floats, Floats]:
        """Scores, a row a message, as the confidences of the classes and what is detected."""
        count = len(self.classes)
        of_classes = scores[:, :count] / np.float32(self.temperatures[0])
        exponents = np.exp(of_classes - of_classes.max(axis=1, keepdims=True))
        of_detectors = scores[:, count:] / np.array(self.temperatures[1:], np.float32)
        confidences = exponents / exponents.sum(axis=1, keepdims=True)
        by_detectors = 1 / (1 + np.exp(-of_detectors.clip(-50, 50)))
        by_classes = confidences[:, [self.classes.index(name) for name in self.detectors]]
        return confidences, (by_detectors + by_classes) / 2

    def save(self, directory: str | Path) -> None:
        """Write plain arrays and JSON; nothing is pickled."""
        directory = Path(directory)
        arrays: dict[str, Any] = {f"idf_{n}": block.idf for n, block in enumerate(self.blocks)}
        for name in ("mean", "deviation", "coefficients", "intercept"):
            arrays[name] = getattr(self, name)
        np.savez(directory / ARRAYS_FILE, **arrays)
        description = {
            "format": FORMAT,
            "normaliser_version": normalise.VERSION,
            "classes": self.classes,
            "detectors": self.detectors,
            "dense_weight": self.dense_weight,
            "sure_without_vector": self.sure_without_vector,
            "temperatures": self.temperatures,
            "blocks": [
                {
                    "kind": b.kind,
                    "low": b.low,
                    "high": b.high,
                    "least": b.least,
                    "terms": list(b.vocabulary),
                }
                for b in self.blocks
            ],
            "metadata": self.metadata,
        }
        text = json.dumps(description, ensure_ascii=False)
        (directory / DESCRIPTION_FILE).write_text(text, "utf-8")

    @classmethod
    def load(cls, directory: str | Path) -> HybridModel:
        """Read what :meth:`save` wrote, checking versions and shapes."""
        directory = Path(directory)
        try:
            description = json.loads((directory / DESCRIPTION_FILE).read_text("utf-8"))
            with np.load(directory / ARRAYS_FILE, allow_pickle=False) as stored:
                arrays = dict(stored)
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ModelError(f"{directory}: no readable classifier ({error})") from error
        if description.get("format") != FORMAT:
            raise ModelError(f"unknown model format {description.get('format')!r}")
        if description["normaliser_version"] != normalise.VERSION:
            raise ModelError(
                f"trained with normaliser {description['normaliser_version']}, "
                f"this is {normalise.VERSION}: train again"
            )
        blocks = [
            TfidfBlock(
                b["kind"],
                b["low"],
                b["high"],
                b["least"],
                {term: column for column, term in enumerate(b["terms"])},
                arrays[f"idf_{n}"],
            )
            for n, b in enumerate(description["blocks"])
        ]
        model = cls(
            blocks=blocks,
            dense_weight=description["dense_weight"],
            sure_without_vector=description["sure_without_vector"],
            classes=description["classes"],
            detectors=description["detectors"],
            temperatures=description["temperatures"],
            mean=arrays["mean"],
            deviation=arrays["deviation"],
            coefficients=arrays["coefficients"],
            intercept=arrays["intercept"],
            metadata=description["metadata"],
        )
        rows, columns = (
            model.sparse_dimension + model.dense_dimension,
            len(model.classes) + len(model.detectors),
        )
        if model.coefficients.shape != (rows, columns) or model.intercept.shape != (columns,):
            raise ModelError(f"{directory}: the arrays do not fit together")
        if any(len(b.vocabulary) != len(b.idf) for b in model.blocks):
            raise ModelError(f"{directory}: vocabulary and weights differ in length")
        return model
