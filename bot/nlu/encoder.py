"""Sentence vectors from the built encoder: numpy and onnxruntime only.

The same file runs in training (Python 3.10) and serving (Python 3.11+). Texts are embedded
**one at a time**: dynamic int8 derives its scales from the whole input tensor, so a batch
would make a text's vector depend on its neighbours and on padding, and training would not
see what serving sees.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.unigram import Unigram

GRAPH_FILE = "encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
EMBEDDINGS_FILE = "embeddings.npy"
POSITIONS_FILE = "positions.npy"
MANIFEST_FILE = "manifest.json"
FILES = (GRAPH_FILE, TOKENIZER_FILE, EMBEDDINGS_FILE, POSITIONS_FILE)

BLOCK = 32
"""Weights that share one scale in the 4-bit rows."""
ROW_BLOCK = np.dtype([("scale", "<f2"), ("packed", "u1", (BLOCK // 2,))])

Floats = npt.NDArray[np.float32]


class EncoderError(RuntimeError):
    """The encoder's directory is incomplete, altered or of an unknown format."""


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def unpack_rows(rows: npt.NDArray[Any]) -> Floats:
    """Expand 4-bit rows of shape (n, blocks) to float32 of shape (n, blocks * 32)."""
    packed = rows["packed"]
    low = (packed & 15).astype(np.float32) - 8
    high = (packed >> 4).astype(np.float32) - 8
    values = np.concatenate([low, high], axis=-1)
    values *= rows["scale"].astype(np.float32)[..., None]
    return values.reshape(len(rows), -1)


def read_manifest(directory: str | Path) -> dict[str, Any]:
    """Read and check the manifest of an encoder directory."""
    path = Path(directory) / MANIFEST_FILE
    if not path.is_file():
        raise EncoderError(f"no encoder at {path.parent}: {MANIFEST_FILE} is missing")
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if manifest.get("format") != 1:
        raise EncoderError(f"{path}: unknown encoder format {manifest.get('format')!r}")
    return manifest


def verify(directory: str | Path) -> None:
    """Compare every file with the manifest's SHA-256 (at set-up and export, not at each start)."""
    manifest = read_manifest(directory)
    for name in FILES:
        path = Path(directory) / name
        if not path.is_file() or sha256_of(path) != manifest["files"][name]:
            raise EncoderError(f"{name} in {directory} differs from its manifest")


class Encoder:
    """A frozen multilingual sentence encoder. Safe to share between threads.

    Args:
        directory: what ``training.encoder_build`` wrote.
        threads: onnxruntime threads for one text. One is best where processes share cores.

    """

    def __init__(self, directory: str | Path, threads: int = 1) -> None:
        import onnxruntime

        directory = Path(directory)
        self.manifest = read_manifest(directory)
        self.dimension: int = self.manifest["dimension"]
        self._prefix: str = self.manifest["prefix"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # keeps one long message from pinning memory
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(directory / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
        )
        unigram = Unigram(directory / TOKENIZER_FILE)
        self._tokenise = unigram.encode
        # Memory-mapped: only the rows in use become resident, and processes share them.
        raw = np.load(directory / EMBEDDINGS_FILE, mmap_mode="r", allow_pickle=False)
        self._rows = raw.view(ROW_BLOCK)
        self._positions: Floats = np.load(directory / POSITIONS_FILE, allow_pickle=False)
        if len(unigram) != len(self._rows):
            raise EncoderError(f"{directory}: tokenizer and embeddings differ in size")

    def token_ids(self, text: str) -> list[int]:
        """The pieces that the encoder sees, with end marks and prefix, cut to the limit."""
        return self._tokenise(self._prefix + text)[: len(self._positions)]

    def embedded(self, ids: Sequence[int]) -> Floats:
        """Word and position vectors of pieces, what the graph takes: (pieces, hidden)."""
        vectors = unpack_rows(self._rows[ids])
        vectors += self._positions[: len(ids)]
        return vectors

    def embed_one(self, text: str) -> Floats:
        """The vector of one text, the output of ``normalise.for_encoder``."""
        vectors = self.embedded(self.token_ids(text))
        (output,) = self._session.run(None, {"embeddings": vectors[None]})
        return np.asarray(output[0], np.float32)

    def embed(
        self,
        texts: Sequence[str],
        workers: int = 1,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Floats:
        """Embed normalised texts, for training.

        Args:
            texts: outputs of ``normalise.for_encoder``.
            workers: texts embedded at the same time; the vectors do not depend on it.
            progress: told after each text how many of how many are done.

        Returns:
            float32 of shape (len(texts), dimension).

        """
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        with ThreadPoolExecutor(workers) as pool:
            for n, vector in enumerate(pool.map(self.embed_one, texts)):
                vectors[n] = vector
                progress(n + 1, len(texts))
        return vectors
