"""The served model answers as Rasa does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from bot.nlu.classifier import Classifier
from tests.nlu.trained import HOSTILE, ROOT, rasa_python, trained_model
from training.dataset import load
from training.evaluation import read_labelled
from training.train import RASA_ARCHIVE

SAMPLE = 500
TOLERANCE = 1e-5


def ask_rasa(model: Path, texts: list[str]) -> list[list[tuple[str, float]]]:
    manifest = model / "encoder" / "manifest.json"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NLU_ENCODER": str(manifest.parent) if manifest.is_file() else "none",
        "RASA_TELEMETRY_ENABLED": "false",
    }
    script = ROOT / "nlu_data" / "ask.py"
    done = subprocess.run(
        [str(rasa_python()), "-W", "ignore", str(script), str(model / RASA_ARCHIVE)],
        input=json.dumps(texts),
        env=environment,
        cwd=ROOT / "nlu_data",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("ANSWERS ")]
    return json.loads(line.removeprefix("ANSWERS "))


def test_the_served_model_answers_as_rasa_does() -> None:
    model = trained_model()
    if not (model / RASA_ARCHIVE).is_file():
        pytest.skip(f"{model} was not trained here: no {RASA_ARCHIVE}")
    written = sorted({e.text for e in load(ROOT / "nlu_data" / "examples")})
    # Rasa itself fails on a lone surrogate, in its log.
    hostile = [text for text in HOSTILE if "\ud83d" not in text]
    texts = hostile + written[:: max(1, len(written) // SAMPLE)]
    texts += [message.text for message in read_labelled(ROOT / "nlu_data" / "holdout")]
    classifier = Classifier.load(model)
    worst, different = 0.0, []
    for text, theirs in zip(texts, ask_rasa(model, texts), strict=True):
        ours = classifier.classify(text).ranking
        if [intent for intent, _ in ours[:1]] != [intent for intent, _ in theirs[:1]]:
            different.append((text[:60], ours[:1], theirs[:1]))
        confidence = dict(ours)
        worst = max([worst, *(abs(confidence[intent] - value) for intent, value in theirs)])
    assert different == []
    assert worst <= TOLERANCE
