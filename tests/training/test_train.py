from __future__ import annotations

import io
import json
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.nlu.classifier import Classifier, current_model
from bot.nlu.model import HybridModel, ModelError, TfidfBlock
from bot.nlu.reader import Reader
from tests.nlu.trained import ROOT
from tests.training.small import write_csv
from training.export import CLASSIFIER, FEATURIZER, TOKENIZER, ExportError, export
from training.history import history
from training.provenance import versions
from training.registry import rollback
from training.train import (
    RASA_ARCHIVE,
    SHARED_SOURCE,
    Project,
    Say,
    TrainingError,
    deploy,
    train,
)

TEXTS = {"pay_now": ["send link", "pay now"], "greet": ["hi", "hello"]}


def rasa_model(folder: Path, texts: dict[str, list[str]] = TEXTS, **changes: Any) -> Path:
    """A sparse-only model as Rasa would write it, with changes to its metadata."""
    every = [text for found in texts.values() for text in found]
    words = [text.split() for text in every]
    block = TfidfBlock("word", 1, 1).fit(every, words)
    model = HybridModel([block], 1.0, classes=sorted(texts))
    model.coefficients = np.zeros((len(block.idf), 2), np.float32)
    for intent, found in texts.items():
        for word in " ".join(found).split():
            model.coefficients[block.vocabulary[word], model.classes.index(intent)] = 4
    model.intercept = np.zeros(2, np.float32)
    stored = folder / "stored"
    stored.mkdir(parents=True)
    model.save(stored)
    rows = [
        json.dumps(
            {
                "text": t,
                "intent": i,
                "probabilities": [0.5, 0.5],
                "detected": [],
            }
        )
        for i, found in texts.items()
        for t in found
    ]
    (stored / "out_of_fold.jsonl").write_text("\n".join(rows) + "\n")
    metadata = {
        "rasa_open_source_version": "3.6.21",
        "core_target": None,
        "model_id": "x",
        "trained_at": "2026-11-22T00:00:00",
        "predict_schema": {
            "nodes": {
                "tokenizer": {"uses": TOKENIZER, "config": {"__source": 1}},
                "classifier": {
                    "uses": CLASSIFIER,
                    "config": {"C": 10.0},
                    "resource": {"name": "classifier"},
                },
            }
        },
        **changes,
    }
    archive = folder / RASA_ARCHIVE
    with tarfile.open(archive, "w:gz") as tar:
        raw = json.dumps(metadata).encode()
        entry = tarfile.TarInfo("metadata.json")
        entry.size = len(raw)
        tar.addfile(entry, io.BytesIO(raw))
        tar.add(stored, "components/classifier")
    return archive


def nodes(**extra: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "tokenizer": {"uses": TOKENIZER, "config": {}},
        "classifier": {"uses": CLASSIFIER, "config": {}, "resource": {"name": "classifier"}},
    }
    return {"nodes": {**plain, **extra}}


REFUSED = {
    "another Rasa": ({"rasa_open_source_version": "3.5.0"}, "trained with Rasa 3.5.0"),
    "policies": ({"core_target": "select"}, "contains dialogue policies"),
    "a component of somebody else": (
        {"predict_schema": nodes(diet={"uses": "rasa.DIETClassifier", "config": {}})},
        "component rasa.DIETClassifier (diet) is not supported",
    ),
    "an option that the runtime does not know": (
        {"predict_schema": nodes(tokenizer={"uses": TOKENIZER, "config": {"token_pattern": "x"}})},
        "option(s) token_pattern not supported",
    ),
    "the wrong order": (
        {"predict_schema": nodes(late={"uses": FEATURIZER, "config": {}})},
        "the pipeline must be",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_the_runtime_would_not_reproduce_is_not_exported(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    archive = rasa_model(tmp_path, **changes)
    with pytest.raises(ExportError, match=re.escape(reason)):
        export(archive, None, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    archive = rasa_model(tmp_path, rasa_open_source_version="2", core_target="x")
    with pytest.raises(ExportError, match=r"(?s)Rasa 2.*dialogue policies"):
        export(archive, None, tmp_path / "out")


def test_an_archive_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz"):
        pass
    with pytest.raises(ExportError, match=r"metadata\.json is missing"):
        export(tmp_path / "x.tar.gz", None, tmp_path / "out")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a few examples and the shared source, but no environments."""
    for name in SHARED_SOURCE:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    write_examples(tmp_path)
    return Project(tmp_path)


def write_examples(root: Path, extra: str = "") -> None:
    path = root / "nlu_data" / "examples" / "en" / "payment.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["nlu:"]
    for intent, texts in TEXTS.items():
        lines += [f"- intent: {intent}", "  examples: |", *(f"    - {text}" for text in texts)]
    path.write_text("\n".join(lines) + "\n" + extra)


def fake_rasa(project: Project, work: Path, encoder: str, say: Say) -> None:
    rasa_model(work)


RunRasa = Callable[[Project, Path, str, Say], None]


def go(project: Project, run_rasa: RunRasa = fake_rasa) -> Path:
    return train(project, use_encoder=False, say=lambda line: None, run_rasa=run_rasa)


def make_model(project: Project, run_rasa: RunRasa = fake_rasa) -> list[str]:
    """What `make model` does: train if needed, then promote; and what it says last."""
    said: list[str] = []
    deploy(project, go(project, run_rasa), said.append)
    return said


def another(project: Project) -> None:
    """New examples, so that another model is trained."""
    write_examples(project.root, "- intent: thanks\n  examples: |\n    - cheers\n")


def test_the_first_model_is_served_and_tells_what_it_is(project: Project) -> None:
    model = go(project)
    assert current_model(project.models) == model
    card = json.loads((model / "card.json").read_text())
    assert card["content_hash"].startswith(model.name)
    assert card["encoder"] == "none: sparse-only"
    assert card["examples"] == 4
    assert card["examples_by_intent"] == {"greet": {"en": 2}, "pay_now": {"en": 2}}
    assert card["thresholds"]["opt_out_done"] == 0.6
    assert Classifier.load(model).classify("Send the LINK").ranking[0][0] == "pay_now"
    assert Reader.load(project.models).understand("hello").intent == "greet"
    assert not list(project.models.glob(".training-*"))


def test_the_card_says_when_and_with_what_it_was_trained(project: Project) -> None:
    model = go(project)
    card = json.loads((model / "card.json").read_text())
    started, finished = (datetime.fromisoformat(card[k]) for k in ("started_at", "finished_at"))
    assert started <= finished <= datetime.now(UTC)
    assert finished.utcoffset() == timedelta(0)
    assert 0 <= card["training_seconds"] < 60
    assert card["versions"] == {
        "application": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "onnxruntime")},
            "opencc-python-reimplemented": version("opencc-python-reimplemented"),
        }
    }
    another(project)
    other = json.loads((go(project) / "card.json").read_text())
    assert other["data_hash"] != card["data_hash"]


def test_the_versions_of_rasas_environment_are_asked_of_it(project: Project) -> None:
    project.rasa_python.parent.mkdir(parents=True)
    project.rasa_python.symlink_to(sys.executable)
    requirements = project.root / "nlu_data" / "requirements.txt"
    requirements.write_text("# why\nnumpy==1.0\nnot-installed<3\n")
    found = versions(project.rasa_python, requirements)["rasa"]
    assert found == {"python": platform.python_version(), "numpy": version("numpy")}


def never(*_: Any) -> None:
    raise AssertionError("trained again")


def test_the_same_content_is_trained_once(project: Project) -> None:
    first = go(project)
    assert go(project, never) == first


def test_a_new_example_gives_a_candidate(project: Project) -> None:
    first = go(project)
    another(project)
    second = go(project)
    assert second != first
    assert current_model(project.models) == first


def test_a_candidate_is_served_where_the_served_model_cannot_be_loaded(project: Project) -> None:
    first = go(project)
    (first / "classifier.json").write_text('{"format": 0}')
    another(project)
    second = go(project)
    assert current_model(project.models) == second


def test_the_same_model_that_was_damaged_is_told_with_what_to_do(project: Project) -> None:
    first = go(project)
    (first / "classifier.json").write_text('{"format": 0}')
    with pytest.raises(TrainingError, match=f"remove {first} to train it anew"):
        go(project, never)


def test_make_model_promotes_what_the_gate_lets_pass(project: Project) -> None:
    write_csv(project.holdout / "en.csv", [("pay now", "pay_now")])
    make_model(project)
    another(project)
    said = make_model(project)
    assert said[-1] == f"{current_model(project.models).name} is served from now on"
    last = history(project.models)[-1]
    assert (last["to"], last["why"]) == (current_model(project.models).name, "just trained")
    assert make_model(project, never) == []


def unlearns_pay_now(project: Project, work: Path, encoder: str, say: Say) -> None:
    rasa_model(work, texts={"pay_now": ["cheers"], "greet": ["hi", "send link pay now"]})


def test_make_model_goes_on_with_the_old_model_where_the_gate_refuses(project: Project) -> None:
    write_csv(project.holdout / "en.csv", [(f"pay now {n}x", "pay_now") for n in range(6)])
    make_model(project)
    first = current_model(project.models)
    another(project)
    said = make_model(project, unlearns_pay_now)
    assert f"and {first.name} stays, as this fell beyond noise: recall of pay_now" in said[-1]
    assert current_model(project.models) == first

    (said_later,) = make_model(project, never)
    assert "the gate refused it on 20" in said_later, "and does not measure again at each start"
    assert len(history(project.models)) == 2


def test_make_model_without_a_holdout_goes_on_with_the_old_model(project: Project) -> None:
    make_model(project)
    first = current_model(project.models)
    another(project)
    assert re.search(r"^\w+ is not promoted: .*holdout cannot be read", make_model(project)[-1])
    assert current_model(project.models) == first


def by_hand(project: Project, first: Path) -> None:
    (project.models / "CURRENT").write_text(first.name)


def by_command(project: Project, first: Path) -> None:
    rollback(project.models, by="ann")


@pytest.mark.parametrize("go_back", [by_hand, by_command])
def test_going_back_to_an_older_model_is_respected(
    project: Project, go_back: Callable[[Project, Path], None]
) -> None:
    write_csv(project.holdout / "en.csv", [("pay now", "pay_now")])
    make_model(project)
    first = current_model(project.models)
    another(project)
    make_model(project)
    go_back(project, first)
    (said,) = make_model(project, never)
    assert "somebody chose so after it was trained" in said
    assert current_model(project.models) == first


def test_make_model_promotes_a_candidate_that_nobody_decided_about(project: Project) -> None:
    write_csv(project.holdout / "en.csv", [("pay now", "pay_now")])
    make_model(project)
    another(project)
    candidate = go(project)
    make_model(project, never)
    assert current_model(project.models) == candidate


def crash(project: Project, work: Path, encoder: str, say: Say) -> None:
    raise TrainingError("Rasa ended with status 1")


def no_model(project: Project, work: Path, encoder: str, say: Say) -> None:
    rasa_model(work, rasa_open_source_version="3.5.0")


@pytest.mark.parametrize("failure", [crash, no_model])
def test_a_failed_training_leaves_the_served_model(project: Project, failure: RunRasa) -> None:
    first = go(project)
    another(project)
    with pytest.raises(TrainingError):
        go(project, failure)
    assert current_model(project.models) == first
    assert sorted(p.name for p in project.models.iterdir() if p.is_dir()) == [first.name]


def test_a_mistake_in_the_examples_is_told_in_one_sentence(project: Project) -> None:
    write_examples(project.root, "- intent: nonsense\n  examples: |\n    - x\n")
    with pytest.raises(TrainingError, match=r"payment\.yml:10: unknown intent 'nonsense'"):
        go(project)


def test_without_rasas_environment_training_says_so(project: Project) -> None:
    with pytest.raises(TrainingError, match="`make` installs Rasa's environment"):
        train(project, use_encoder=False, say=lambda line: None)


def test_a_rasa_that_fails_is_reported_with_its_log(project: Project) -> None:
    project.rasa_python.parent.mkdir(parents=True)
    project.rasa_python.write_text("#!/bin/sh\necho 'nlu: halfway'\necho boom >&2\nexit 3\n")
    project.rasa_python.chmod(0o755)
    said: list[str] = []
    with pytest.raises(TrainingError, match=r"status 3; its words are in .*training\.log"):
        train(project, use_encoder=False, say=said.append)
    assert "halfway" in said
    assert "boom" in (project.models / "training.log").read_text()


POINTERS = {"missing": None, "empty": "", "dangling": "0123456789ab"}


@pytest.mark.parametrize("content", POINTERS.values(), ids=POINTERS)
def test_without_a_served_model_the_reader_says_what_to_do(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "CURRENT").write_text(content)
    with pytest.raises(ModelError, match="run `make model`"):
        current_model(tmp_path)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no trained model"):
        Reader.load(tmp_path)
