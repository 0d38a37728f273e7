"""Train a model: Rasa trains it, ``training.export`` makes it servable.

``python -m training.train`` also promotes it, through the gate, and does nothing when a model of
the same content is there already.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.nlu.classifier import CARD_FILE
from bot.nlu.encoder import EncoderError, read_manifest
from bot.nlu.model import ModelError
from settings import PROJECT, Settings, SettingsError
from training import encoder_build, registry
from training.dataset import DatasetError, Example, as_rasa_yaml, content_hash, load
from training.evaluation import EvaluationError
from training.export import ExportError, export
from training.history import RegistryError, os_user
from training.provenance import Stopwatch, versions

Say = Callable[[str], None]
NO_ENCODER = "none"
PROGRESS = "nlu: "  # how nlu_data/components.py begins its lines
RASA_ARCHIVE = "rasa.tar.gz"
DATA_FILE = "nlu.yml"
LOG_FILE = "training.log"
SHARED_SOURCE = (
    "nlu_data/config.yml",
    "nlu_data/components.py",
    "nlu_data/requirements.txt",
    "bot/nlu/encoder.py",
    "bot/nlu/model.py",
    "bot/nlu/normalise.py",
    "bot/nlu/unigram.py",
    "training/dataset.py",
    "training/export.py",
    "training/fit.py",
    "training/report.py",
)


class TrainingError(RuntimeError):
    """Training failed; the message is one sentence for the person who started it."""


@dataclass(frozen=True)
class Project:
    """Where things are.

    Attributes:
        root: the directory that holds everything.
        model_dir: where in it trained models are, or an absolute path.

    """

    root: Path
    model_dir: str = "var/models"

    @property
    def rasa_python(self) -> Path:
        """The interpreter of Rasa's environment."""
        return self.root / ".venv-nlu" / "bin" / "python"

    @property
    def examples(self) -> Path:
        """The example files, a folder a language."""
        return self.root / "nlu_data" / "examples"

    @property
    def adapter(self) -> Path | None:
        """What tunes the encoder to borrowers' texts, where there is one."""
        directory = self.root / "nlu_data" / "adapter"
        return directory if directory.is_dir() else None

    @property
    def encoder(self) -> Path:
        """The built sentence encoder."""
        return self.root / "var" / "encoder"

    @property
    def models(self) -> Path:
        """Trained models, a folder each, and the pointer to the served one."""
        return self.root / self.model_dir

    @property
    def holdout(self) -> Path:
        """Labelled messages that no model is trained from, a CSV file a language."""
        return self.root / "nlu_data" / "holdout"

    @property
    def reports(self) -> Path:
        """Where evaluations are written."""
        return self.root / "var" / "reports"


HERE = Project(PROJECT)


def train(
    project: Project = HERE,
    *,
    use_encoder: bool = True,
    say: Say = print,
    run_rasa: Callable[[Project, Path, str, Say], None] | None = None,
) -> Path:
    """Train and export a model from the examples, unless one of the same content is there.

    It is a candidate: what is served changes only where no model is served that can be loaded.
    See :func:`training.registry.promote`.

    Args:
        project: where things are.
        use_encoder: False trains a sparse-only model: small, quick and clearly less accurate.
        say: told what is being done, a line a stage.
        run_rasa: trains in the given folder with the given encoder (for tests).

    Returns:
        The model's directory.

    Raises:
        TrainingError: in one sentence. The model served before is served as before.

    """
    try:
        with _one_at_a_time(project.models):
            model = _train(project, use_encoder, say, run_rasa or rasa_train)
    except (DatasetError, EncoderError, ExportError, ModelError) as error:
        raise TrainingError(str(error)) from error
    except encoder_build.WeightsError as error:
        raise TrainingError(f"{error} (`--no-encoder` trains a lesser model without)") from error
    try:
        if registry.serve_if_none(project.models, model, os_user()):
            say(f"{model.name} is served from now on")
    except RegistryError as error:
        raise TrainingError(f"{error}: remove {model} to train it anew") from error
    return model


def _train(
    project: Project,
    use_encoder: bool,
    say: Say,
    run_rasa: Callable[[Project, Path, str, Say], None],
) -> Path:
    clock = Stopwatch()
    examples = load(project.examples)
    encoder = str(project.encoder) if use_encoder else NO_ENCODER
    if use_encoder:
        encoder_build.ensure(project.encoder, project.adapter, say=say)
    digest = model_hash(project, examples, encoder)
    target = project.models / digest[:12]
    if (target / CARD_FILE).is_file():
        say(f"the model is up to date ({target.name})")
        return target
    say(f"training from {len(examples)} examples in {_languages(examples)}")
    with tempfile.TemporaryDirectory(dir=project.models, prefix=".training-") as scratch:
        work, made = Path(scratch), Path(scratch, "model")
        (work / DATA_FILE).write_text(as_rasa_yaml(examples), "utf-8")
        run_rasa(project, work, encoder, say)
        say("exporting")
        facts = {
            "content_hash": digest,
            "data_hash": hashlib.sha256(as_rasa_yaml(examples).encode()).hexdigest(),
            "config": _text(project.root / "nlu_data" / "config.yml"),
            **clock.read(),
            "versions": versions(
                project.rasa_python, project.root / "nlu_data" / "requirements.txt"
            ),
        }
        encoder_dir = project.encoder if use_encoder else None
        card = export(work / RASA_ARCHIVE, encoder_dir, made, examples, facts)
        (work / RASA_ARCHIVE).rename(made / RASA_ARCHIVE)
        shutil.rmtree(target, ignore_errors=True)  # a directory without a card is a broken one
        made.rename(target)
    found = card["out_of_fold"]
    by_language = ", ".join(f"{k} {v:.1%}" for k, v in found["accuracy_by_language"].items())
    say(f"right on unseen texts: {found['accuracy']:.1%} ({by_language})")
    say(f"model {target.name} is ready after {clock.seconds:.0f} s")
    return target


def model_hash(project: Project, examples: list[Example], encoder: str) -> str:
    """The hash of everything that decides what a training yields."""
    files = [project.root / name for name in SHARED_SOURCE]
    parts = NO_ENCODER if encoder == NO_ENCODER else read_manifest(encoder)["files"]
    return content_hash(
        as_rasa_yaml(examples), files, project.root, json.dumps(parts, sort_keys=True)
    )


def rasa_environment(project: Project, work: Path, encoder: str) -> dict[str, str]:
    """The environment variables that Rasa runs with; ``work`` takes what it caches."""
    return {
        **os.environ,
        "PYTHONPATH": str(project.root),
        "NLU_ENCODER": encoder,
        "RASA_TELEMETRY_ENABLED": "false",
        # Rasa's cache would write gigabytes of features; ours keeps what is slow to make.
        "RASA_MAX_CACHE_SIZE": "0",
        "RASA_CACHE_DIRECTORY": str(work / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONUNBUFFERED": "1",
    }


def rasa_train(
    project: Project, work: Path, encoder: str, say: Say, config: Path | None = None
) -> None:
    """Run `rasa train nlu` on ``work/nlu.yml`` in Rasa's environment -> ``work/rasa.tar.gz``."""
    if not project.rasa_python.is_file():
        raise TrainingError(f"no {project.rasa_python}: `make` installs Rasa's environment")
    command = [str(project.rasa_python), "-W", "ignore", "-m", "rasa", "train", "nlu"]
    command += ["--config", str(config or "config.yml")]
    command += ["--nlu", str(work / DATA_FILE), "--out", str(work)]
    command += ["--fixed-model-name", RASA_ARCHIVE.removesuffix(".tar.gz")]
    log = project.models / LOG_FILE
    say("starting Rasa (some ten seconds)")
    with (
        log.open("w", encoding="utf-8") as kept,
        subprocess.Popen(  # noqa: S603
            command,
            cwd=project.root / "nlu_data",
            env=rasa_environment(project, work, encoder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            kept.write(line)
            if line.startswith(PROGRESS):
                say(line.removeprefix(PROGRESS).rstrip())
    if process.returncode or not (work / RASA_ARCHIVE).is_file():
        raise TrainingError(f"Rasa ended with status {process.returncode}; its words are in {log}")


@contextmanager
def _one_at_a_time(models: Path) -> Iterator[None]:
    """Let a second training wait for the first; it will then find the model there."""
    models.mkdir(parents=True, exist_ok=True)
    with (models / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def deploy(project: Project, model: Path, say: Say = print) -> None:
    """Promote a model that was just trained, if the gate lets it pass and nobody chose otherwise.

    Where it is not promoted, one sentence says why, and what is served is served on.
    """
    try:
        _deploy(project.models, model, project.holdout, say)
    except registry.RefusedError as error:
        say(str(error))
    except (RegistryError, EvaluationError) as error:
        say(f"{model.name} is not promoted: {error}")


def _deploy(models: Path, model: Path, holdout: Path, say: Say) -> None:
    current = registry.served(models)
    if current is None or current.name == model.name:
        return
    stays = f"{current.name} is served and {model.name} is not, as"
    look = f"`flask nlu compare {current.name} {model.name}` shows how they differ"
    if registry.chosen_after(models, model):
        say(f"{stays} somebody chose so after it was trained; {look}")
    elif refusal := registry.refused_before(models, model.name):
        say(f"{stays} the gate refused it on {refusal['time'][:10]}; {look}")
    else:
        registry.promote(models, model.name, holdout, by=os_user(), why="just trained", say=say)
        say(f"{model.name} is served from now on")


def _languages(examples: list[Example]) -> str:
    return ", ".join(sorted({example.language for example in examples}))


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-encoder", action="store_true", help="train a sparse-only model")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(f"nlu: {line}", flush=True)

    try:
        project = Project(PROJECT, Settings.from_env().model_dir)
        deploy(project, train(project, use_encoder=not options.no_encoder, say=say), say)
    except TrainingError as error:
        sys.exit(f"nlu: training failed: {error}")
    except SettingsError as error:
        sys.exit(f"nlu: {error}")


if __name__ == "__main__":
    main()
