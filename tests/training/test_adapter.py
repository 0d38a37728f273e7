"""The adapter that is kept in the repository, and how it joins the encoder's weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bot.nlu import normalise
from tests.nlu.trained import ROOT, trained_model
from training.dataset import load, reserved
from training.encoder_build import (
    ADAPTER_CARD,
    ADAPTER_FILE,
    MATRICES,
    Adapter,
    WeightsError,
    adapter_hash,
)

KEPT = ROOT / "nlu_data" / "adapter"


def written(directory: Path, **matrices: np.ndarray) -> Path:
    np.savez(directory / ADAPTER_FILE, **matrices)
    sha256 = adapter_file_hash(directory)
    (directory / ADAPTER_CARD).write_text(json.dumps({"sha256": sha256}))
    return directory


def adapter_file_hash(directory: Path) -> str:
    from bot.nlu.encoder import sha256_of

    return sha256_of(directory / ADAPTER_FILE)


def test_a_matrix_is_changed_by_the_product_of_its_two(tmp_path: Path) -> None:
    up, down = np.array([[1.0], [2.0]], np.float16), np.array([[3.0, 0.0, 1.0]], np.float16)
    adapter = Adapter(written(tmp_path, **{"l0.q.up": up, "l0.q.down": down}))
    changed = adapter.adapted("l0.q", np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(changed, [[4, 1, 2], [7, 1, 3]])
    untouched = np.ones((2, 3), np.float32)
    assert adapter.adapted("l0.k", untouched) is untouched


def test_without_an_adapter_nothing_changes() -> None:
    matrix = np.ones((2, 3), np.float32)
    assert Adapter(None).adapted("l0.q", matrix) is matrix
    assert adapter_hash(None) is None


def test_a_file_that_its_card_does_not_describe_is_refused(tmp_path: Path) -> None:
    written(tmp_path, **{"l0.q.up": np.ones((2, 1)), "l0.q.down": np.ones((1, 3))})
    (tmp_path / ADAPTER_FILE).write_bytes((tmp_path / ADAPTER_FILE).read_bytes() + b"x")
    with pytest.raises(WeightsError, match="is not the file that its card describes"):
        Adapter(tmp_path)


def test_a_directory_without_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no adapter"):
        Adapter(tmp_path)


def test_the_kept_adapter_fits_this_version() -> None:
    card = json.loads((KEPT / ADAPTER_CARD).read_text("utf-8"))
    assert card["normaliser_version"] == normalise.VERSION
    assert adapter_hash(KEPT) == card["sha256"]
    with np.load(KEPT / ADAPTER_FILE, allow_pickle=False) as stored:
        assert set(stored) == {
            f"l{layer}.{name}.{part}"
            for layer in range(12)
            for name in MATRICES
            for part in ("up", "down")
        }


def test_the_served_encoder_is_the_tuned_one() -> None:
    manifest = trained_model() / "encoder" / "manifest.json"
    if not manifest.is_file():
        pytest.skip("the served model has no sentence encoder")
    assert json.loads(manifest.read_text("utf-8"))["adapter"] == adapter_hash(KEPT)


def test_one_example_in_eight_is_kept_from_the_encoder() -> None:
    texts = {example.text for example in load(ROOT / "nlu_data" / "examples")}
    share = sum(map(reserved, texts)) / len(texts)
    assert 0.11 < share < 0.14
