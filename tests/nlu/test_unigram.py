from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.nlu import normalise
from bot.nlu.unigram import Unigram
from tests.nlu.trained import HOSTILE, ROOT, trained_model
from training.dataset import load


def test_ids_are_those_of_the_tokenizers_package() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    path = trained_model() / "encoder" / "tokenizer.json"
    if not path.is_file():
        pytest.skip("the served model is sparse-only")
    package, ours = tokenizers.Tokenizer.from_file(str(path)), Unigram(path)
    texts = HOSTILE + [e.text for e in load(ROOT / "nlu_data" / "examples")[::5]]
    readable = [f"query: {t}" for t in map(normalise.for_encoder, texts) if t]
    assert len(readable) > 500
    assert [t for t in readable if package.encode(t).ids != ours.encode(t)] == []


def vocabulary(tmp_path: Path, pieces: dict[str, float], unk_id: int = 3) -> Path:
    names = [(" <s>", 0.0), (" <pad>", 0.0), (" </s>", 0.0), (" <unk>", 0.0), *pieces.items()]
    path = tmp_path / "tokenizer.json"
    model = {"type": "Unigram", "unk_id": unk_id, "vocab": names}
    path.write_text(json.dumps({"truncation": {"max_length": 6}, "model": model}))
    return path


def test_the_likeliest_pieces_win(tmp_path: Path) -> None:
    unigram = Unigram(vocabulary(tmp_path, {"▁pa": -3.0, "y": -3.0, "▁pay": -5.0, "▁": -1.0}))
    assert unigram.encode("pay") == [0, 6, 2]


def test_neighbouring_unknown_characters_are_one_piece(tmp_path: Path) -> None:
    unigram = Unigram(vocabulary(tmp_path, {"▁": -1.0}))
    assert unigram.encode("xyz") == [0, 4, 3, 2]


def test_long_texts_are_cut(tmp_path: Path) -> None:
    unigram = Unigram(vocabulary(tmp_path, {"▁a": -1.0}))
    assert unigram.encode("a " * 50) == [0, 4, 4, 4, 4, 2]


def test_another_kind_of_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown id 3"):
        Unigram(vocabulary(tmp_path, {"a": -1.0}, unk_id=0))
