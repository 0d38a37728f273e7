"""The trained model that tests of understanding use, where there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.classifier import current_model
from bot.nlu.model import ModelError

ROOT = Path(__file__).resolve().parents[2]
RASA_PYTHON = ROOT / ".venv-nlu" / "bin" / "python"

HOSTILE = [
    " ", "?", "!!!", "👍🏽", "❤️", "👨‍👩‍👧", "\ufdfa" * 60, "a" * 5000, "ok " * 2000, "我" * 3000,
    "ＰＡＹ ＮＯＷ", "SÍÍÍÍ", "I\u0307stanbul \u0130", "我甚麼時候還款？", "pago 50€ mañana 😀",
    "<s> </s> <unk>", "\u0000\u200b", "\u2581a\u2581 \ufffd x", "pay\u200bnow", "привет", "5",
    "don\u2019t stop", "50000 1000", "e\u0301" * 300, "\U0001f1fa\U0001f1f8", "lone \ud83d half",
]  # fmt: skip
"""Messages that must be answered, and alike by Rasa and by the runtime."""


def trained_model() -> Path:
    """The served model's directory; the test is skipped where nothing has been trained."""
    try:
        return current_model(ROOT / "var" / "models")
    except ModelError as error:
        pytest.skip(str(error))


def rasa_python() -> Path:
    """The interpreter of Rasa's environment; the test is skipped where it is missing."""
    if not RASA_PYTHON.is_file():
        pytest.skip(f"no Rasa environment at {RASA_PYTHON}: run `make`")
    return RASA_PYTHON
