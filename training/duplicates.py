"""Examples that teach nothing new: near-copies of others, and copies of measuring texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from bot.nlu import normalise
from training.dataset import Example

TOO_NEAR = 0.85
"""Texts are near-copies when so large a part of their characters is the same, in order: of two
that differ in one word ("can i pay 50 today", "can i pay 60 today") most reach it."""
SHORTEST = 12
SHORTEST_HAN = 8
"""Shorter texts are never near-copies: "yes pls" and "yes plz" are two ways to write."""


@dataclass(frozen=True)
class NearCopy:
    """Two texts and how much of them is the same, from 0 to 1."""

    first: str
    second: str
    likeness: float


def near_copies(examples: Iterable[Example]) -> list[NearCopy]:
    """Pairs of long enough examples of one intent and language that are nearly the same text.

    Of different intents they are contrast pairs, and wanted.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for example in examples:
        groups[example.language, example.intent].append(example.text)
    return [copy for texts in groups.values() for copy in _within(texts)]


def copies_of(measured: Sequence[str], examples: Iterable[Example]) -> list[NearCopy]:
    """Measuring texts that stand among the examples: the same words, or, if long, nearly so."""
    texts = sorted({example.text for example in examples})
    bare = {_bare(text): text for text in texts}
    found = [NearCopy(text, bare[_bare(text)], 1.0) for text in measured if _bare(text) in bare]
    likeness = _likeness(measured, texts)
    for row, column in zip(*np.nonzero(likeness), strict=True):
        found.append(NearCopy(measured[row], texts[column], float(likeness[row, column])))
    return found


def _bare(text: str) -> str:
    """A text without case, accents and the marks around it."""
    return normalise.for_sparse(text).strip(" .,;!?\u3002\uff0c")


def _within(texts: Sequence[str]) -> Iterable[NearCopy]:
    likeness = np.triu(_likeness(texts, texts), 1)
    for row, column in zip(*np.nonzero(likeness), strict=True):
        yield NearCopy(texts[row], texts[column], float(likeness[row, column]))


def _likeness(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """How alike the texts are, zero where they are too short or not alike enough."""
    likeness = process.cdist(
        [normalise.for_encoder(text) for text in first],
        [normalise.for_encoder(text) for text in second],
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=TOO_NEAR,
        dtype=np.float32,
    )
    likeness[[not _is_long(text) for text in first]] = 0
    return likeness


def _is_long(text: str) -> bool:
    han = len(normalise.HAN_RUN.findall(text))
    return han >= SHORTEST_HAN or len(text) >= SHORTEST + han
