from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from training.vectors import VectorCache


class FakeEncoder:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(
        self,
        texts: Sequence[str],
        workers: int = 1,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2)


def test_only_new_texts_are_embedded(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    VectorCache(tmp_path, {"graph": "1"}).embed(["a", "bb"], encoder)
    vectors = VectorCache(tmp_path, {"graph": "1"}).embed(["bb", "ccc", "bb"], encoder)
    assert encoder.asked == ["a", "bb", "ccc"]
    assert vectors.tolist() == [[2, 1], [3, 1], [2, 1]]


OTHERS = {"another encoder": ({"graph": "2"}, True), "no cache": ({"graph": "1"}, False)}


@pytest.mark.parametrize(("files", "kept"), OTHERS.values(), ids=OTHERS)
def test_vectors_are_not_shared(tmp_path: Path, files: dict[str, str], kept: bool) -> None:
    encoder = FakeEncoder()
    VectorCache(tmp_path, {"graph": "1"}).embed(["a"], encoder)
    VectorCache(tmp_path if kept else None, files).embed(["a"], encoder)
    assert encoder.asked == ["a", "a"]


def test_a_damaged_cache_is_made_anew(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    cache = VectorCache(tmp_path, {"graph": "1"})
    cache.embed(["a"], encoder)
    (stored,) = tmp_path.glob("*.npz")
    stored.write_bytes(stored.read_bytes()[:40])
    assert cache.embed(["a"], encoder).tolist() == [[1, 1]]
    assert encoder.asked == ["a", "a"]
