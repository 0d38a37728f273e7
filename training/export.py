"""Turn a trained Rasa model into a directory that ``bot.nlu`` serves without Rasa.

It holds ``classifier.npz``, ``classifier.json``, the encoder's files under ``encoder/``,
``out_of_fold.jsonl`` (what the model says of each training text without having seen it) and
``card.json``. Anything in the model that the runtime would not reproduce is refused, with every
reason at once.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from bot.nlu import encoder, model, normalise
from bot.nlu.classifier import CARD_FILE, CARD_FORMAT, ENCODER_FOLDER
from training.dataset import Example
from training.report import counts, find_thresholds, metrics, read_answers

RASA_VERSIONS = {"3.6.21"}
OUT_OF_FOLD_FILE = "out_of_fold.jsonl"

TOKENIZER = "nlu_data.components.NormalisingTokenizer"
FEATURIZER = "nlu_data.components.EncoderFeaturizer"
CLASSIFIER = "nlu_data.components.HybridClassifier"
IGNORED = {
    "rasa.graph_components.converters.nlu_message_converter.NLUMessageConverter",
    # Rasa's "/intent{...}" messages: a developers' shortcut that must not face customers.
    "rasa.nlu.classifiers.regex_message_handler.RegexMessageHandler",
}
ALLOWED_OPTIONS: dict[str, set[str]] = {
    TOKENIZER: set(),
    FEATURIZER: {"encoder", "cache", "threads", "workers"},
    CLASSIFIER: {
        "word_ngrams",
        "char_ngrams",
        "least_texts",
        "dense_weight",
        "sure_without_vector",
        "C",
        "max_iter",
        "tol",
        "detectors",
        "ranking_length",
    },
}


class ExportError(RuntimeError):
    """The model cannot be served by the runtime."""


def unsupported(metadata: dict[str, Any]) -> list[str]:
    """Every reason why the runtime could not reproduce this model."""
    reasons: list[str] = []
    version = metadata.get("rasa_open_source_version")
    if version not in RASA_VERSIONS:
        reasons.append(f"trained with Rasa {version}; tested with {', '.join(RASA_VERSIONS)}")
    if metadata.get("core_target"):
        reasons.append("the model contains dialogue policies; train with `rasa train nlu`")
    used: list[str] = []
    for name, node in metadata["predict_schema"]["nodes"].items():
        component = node["uses"]
        if component in IGNORED:
            continue
        if component not in ALLOWED_OPTIONS:
            reasons.append(f"component {component} ({name}) is not supported")
            continue
        used.append(component)
        options = {key for key in node["config"] if not key.startswith("__")}
        extra = options - ALLOWED_OPTIONS[component]
        if extra:
            reasons.append(f"{component}: option(s) {', '.join(sorted(extra))} not supported")
    if used not in ([TOKENIZER, CLASSIFIER], [TOKENIZER, FEATURIZER, CLASSIFIER]):
        reasons.append(f"the pipeline must be tokenizer, [featurizer,] classifier; it is {used}")
    return reasons


def _read_member(archive: tarfile.TarFile, path: PurePosixPath) -> bytes | None:
    """One regular file of the archive, read without extracting anything else."""
    for member in archive.getmembers():
        if PurePosixPath(member.name) == path and member.isfile():
            stream = archive.extractfile(member)
            return stream.read() if stream else None
    return None


def _place(source: Path, target: Path) -> None:
    """Link a file that never changes, or copy it where the file system cannot link."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def export(
    archive_path: Path,
    encoder_dir: Path | None,
    out: Path,
    examples: Sequence[Example] = (),
    facts: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the model's directory and return its card.

    Args:
        archive_path: what `rasa train nlu` wrote.
        encoder_dir: the encoder that it was trained with; None for a sparse-only model.
        out: the directory to fill.
        examples: what it was trained from, for the counts and for accuracy by language.
        facts: more lines for the card.

    Raises:
        ExportError: with every reason, if the model is not supported.

    """
    with tarfile.open(archive_path, "r:gz") as archive, tempfile.TemporaryDirectory() as scratch:
        raw = _read_member(archive, PurePosixPath("metadata.json"))
        if raw is None:
            raise ExportError(f"{archive_path} is not a Rasa 3 model: metadata.json is missing")
        metadata = json.loads(raw)
        reasons = unsupported(metadata)
        if reasons:
            raise ExportError(f"cannot export {archive_path}:\n  - " + "\n  - ".join(reasons))
        nodes = metadata["predict_schema"]["nodes"].values()
        resource = next(n["resource"]["name"] for n in nodes if n["uses"] == CLASSIFIER)
        out.mkdir(parents=True, exist_ok=True)
        for name in (model.ARRAYS_FILE, model.DESCRIPTION_FILE, OUT_OF_FOLD_FILE):
            data = _read_member(archive, PurePosixPath("components", resource, name))
            if data is None:
                raise ExportError(f"{archive_path}: {name} is missing; was training interrupted?")
            Path(scratch, name).write_bytes(data)
        classifier = model.HybridModel.load(scratch)  # checks versions and shapes
        for name in (model.ARRAYS_FILE, model.DESCRIPTION_FILE, OUT_OF_FOLD_FILE):
            shutil.copyfile(Path(scratch, name), out / name)

    if classifier.dense_dimension:
        if encoder_dir is None:
            raise ExportError("this model uses sentence vectors: give the encoder directory")
        encoder.verify(encoder_dir)
        if classifier.metadata.get("encoder_files") != encoder.read_manifest(encoder_dir)["files"]:
            raise ExportError(f"the model was not trained with the encoder in {encoder_dir}")
        (out / ENCODER_FOLDER).mkdir(exist_ok=True)
        for name in (*encoder.FILES, encoder.MANIFEST_FILE):
            _place(encoder_dir / name, out / ENCODER_FOLDER / name)

    answers = read_answers(out / OUT_OF_FOLD_FILE, classifier)
    thresholds = find_thresholds(answers)
    card = {
        "format": CARD_FORMAT,
        **(facts or {}),
        "rasa": metadata["rasa_open_source_version"],
        "rasa_model_id": metadata["model_id"],
        "trained_at": metadata["trained_at"],
        "normaliser_version": normalise.VERSION,
        "onnxruntime": classifier.metadata.get("onnxruntime"),
        "encoder": "sentence vectors" if classifier.dense_dimension else "none: sparse-only",
        "intents": classifier.classes,
        "examples": len(answers),
        "examples_by_intent": counts(examples),
        "temperatures": [round(number, 4) for number in classifier.temperatures],
        "thresholds": asdict(thresholds),
        "out_of_fold": metrics(answers, examples, thresholds),
    }
    text = json.dumps(card, indent=2, ensure_ascii=False)
    (out / CARD_FILE).write_text(text + "\n", "utf-8")
    return card
