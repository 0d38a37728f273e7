"""Sentence vectors of training texts, kept between trainings: most texts do not change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from bot.nlu.encoder import Encoder

SAY_EVERY = 400


def _key(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class VectorCache:
    """Vectors by text, in one file an encoder.

    Args:
        directory: where the file is; None keeps nothing.
        encoder_files: the encoder's file hashes; another encoder gets another file.

    """

    def __init__(self, directory: str | Path | None, encoder_files: dict[str, str]) -> None:
        import onnxruntime

        maker = repr(sorted(encoder_files.items())) + onnxruntime.__version__
        self._path = directory and Path(directory, f"vectors-{_key(maker)[:12]}.npz")

    def _read(self) -> dict[str, np.ndarray]:
        if not self._path or not self._path.is_file():
            return {}
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            return {}  # a damaged cache is only a slower training

    def _write(self, keys: list[str], vectors: np.ndarray) -> None:
        if not self._path:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(f".{os.getpid()}.npz")
        np.savez(unfinished, keys=np.array(keys), vectors=vectors)
        unfinished.replace(self._path)

    def embed(
        self,
        texts: Sequence[str],
        encoder: Encoder,
        workers: int = 1,
        say: Callable[[str], None] = lambda line: None,
    ) -> np.ndarray:
        """The vectors of normalised texts; only those not kept are computed.

        What is kept afterwards are exactly these texts' vectors, so the file does not grow
        beyond one training's size.
        """
        keys = [_key(text) for text in texts]
        known = self._read()
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        say(f"embedding {len(new)} texts, {len(set(keys)) - len(new)} known from before")

        def progress(done: int, total: int) -> None:
            if done % SAY_EVERY == 0 or done == total:
                say(f"embedded {done}/{total}")

        known.update(zip(new, encoder.embed(list(new.values()), workers, progress), strict=True))
        vectors = np.stack([known[key] for key in keys]) if keys else encoder.embed([])
        if new:
            self._write(keys, vectors)
        return vectors
