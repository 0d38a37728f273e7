"""A small Unigram tokeniser in plain Python: the pieces that the sentence encoder reads.

It reads a ``tokenizer.json`` and gives the same ids as the ``tokenizers`` package for text that
went through ``normalise.for_encoder`` (a test compares them). With a vocabulary of 100,000 pieces
it needs a quarter of that package's memory, and none of the packages that it pulls in.
"""

from __future__ import annotations

import json
from pathlib import Path

SPACE = "\u2581"
BOS, EOS, UNKNOWN = 0, 2, 3
UNKNOWN_PENALTY = 10.0


class Unigram:
    """The most probable segmentation of each word (Viterbi)."""

    def __init__(self, tokenizer_file: str | Path) -> None:
        description = json.loads(Path(tokenizer_file).read_text("utf-8"))
        self.max_tokens: int = description["truncation"]["max_length"]
        vocabulary = description["model"]["vocab"]
        if description["model"]["type"] != "Unigram" or description["model"]["unk_id"] != UNKNOWN:
            raise ValueError(f"{tokenizer_file}: not a Unigram tokenizer with unknown id {UNKNOWN}")
        self._ids: dict[str, int] = {piece: i for i, (piece, _) in enumerate(vocabulary)}
        self._scores: list[float] = [score for _, score in vocabulary]
        self._longest = max(len(piece) for piece in self._ids)
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY

    def __len__(self) -> int:
        return len(self._scores)

    def _segment(self, word: str) -> list[int]:
        """The best pieces of one word, by dynamic programming over its end positions."""
        size = len(word)
        best = [0.0] + [float("-inf")] * size
        origin: list[tuple[int, int]] = [(0, UNKNOWN)] * (size + 1)
        for start in range(size):
            known = False
            for end in range(start + 1, min(size, start + self._longest) + 1):
                piece = self._ids.get(word[start:end])
                if piece is None:
                    continue
                known = known or end == start + 1
                score = best[start] + self._scores[piece]
                if score > best[end]:
                    best[end], origin[end] = score, (start, piece)
            score = best[start] + self._unknown_score
            if not known and score > best[start + 1]:
                best[start + 1], origin[start + 1] = score, (start, UNKNOWN)
        pieces: list[int] = []
        while size:
            size, piece = origin[size]
            pieces.append(piece)
        return pieces[::-1]

    def encode(self, text: str) -> list[int]:
        """Ids with both end marks, at most ``max_tokens``."""
        ids = [BOS]
        for word in text.split():
            start = True
            for piece in self._segment(SPACE + word):
                if piece == UNKNOWN and ids[-1] == UNKNOWN and not start:
                    continue  # neighbouring unknown characters are one unknown piece
                ids.append(piece)
                start = False
            if len(ids) >= self.max_tokens:
                break
        return [*ids[: self.max_tokens - 1], EOS]
