"""Serve an exported model: numpy, onnxruntime and OpenCC; no Rasa, no TensorFlow."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

from bot.nlu import normalise
from bot.nlu.encoder import Encoder
from bot.nlu.model import HybridModel, ModelError, Reading

log = logging.getLogger(__name__)

CARD_FILE = "card.json"
CURRENT_FILE = "CURRENT"
ENCODER_FOLDER = "encoder"
CARD_FORMAT = 1


def current_model(models: str | Path) -> Path:
    """The directory of the model that is served, which ``models/CURRENT`` names."""
    pointer = Path(models) / CURRENT_FILE
    try:
        name = pointer.read_text("utf-8").strip()
    except OSError as error:
        raise ModelError(f"no trained model in {models}: run `make model`") from error
    directory = pointer.parent / name
    if not name or not (directory / CARD_FILE).is_file():
        raise ModelError(f"{pointer} names {name!r}, which is not a model: run `make model`")
    return directory


def read_card(directory: str | Path) -> dict[str, Any]:
    """The card of a model: what it was trained from, how well it does, its thresholds."""
    path = Path(directory) / CARD_FILE
    try:
        card: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"no trained model at {directory}: {error}") from error
    if card.get("format") != CARD_FORMAT:
        raise ModelError(f"{path}: unknown format {card.get('format')!r}")
    return card


class Classifier:
    """A loaded model. Safe to share between threads: nothing changes after loading."""

    def __init__(self, model: HybridModel, encoder: Encoder | None) -> None:
        self._model = model
        self._encoder = encoder

    @classmethod
    def load(cls, directory: str | Path, threads: int = 1) -> Classifier:
        """Load what ``training.export`` wrote.

        Args:
            directory: one model's directory.
            threads: onnxruntime threads for one message.

        """
        directory = Path(directory)
        card = read_card(directory)
        model = HybridModel.load(directory)
        if not model.dense_dimension:
            log.warning("serving a sparse-only model: trained without a sentence encoder")
            return cls(model, None)
        import onnxruntime

        encoder = Encoder(directory / ENCODER_FOLDER, threads)
        if encoder.dimension != model.dense_dimension:
            raise ModelError(f"{directory}: encoder and classifier do not fit together")
        if onnxruntime.__version__ != card["onnxruntime"]:
            log.warning(
                "trained with onnxruntime %s, serving with %s: int8 kernels differ between "
                "versions and confidences will move a little",
                card["onnxruntime"],
                onnxruntime.__version__,
            )
        return cls(model, encoder)

    def classify(self, text: str) -> Reading:
        """What the text says; an empty reading for a text without content."""
        return self.classify_normalised(normalise.for_encoder(text))

    def classify_normalised(self, readable: str) -> Reading:
        """The same for a text that went through ``normalise.for_encoder``."""
        plain = normalise.plain(readable)
        if not plain:
            return Reading()
        embed = partial(self._encoder.embed_one, readable) if self._encoder else None
        return self._model.read(plain, normalise.tokens(plain), embed)

    def glance(self, text: str) -> tuple[str, float]:
        """The likeliest intent of a clause with its confidence, quickly and without the encoder."""
        plain = normalise.for_sparse(text)
        return self._model.glance(plain, normalise.tokens(plain))
