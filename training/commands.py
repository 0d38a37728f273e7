"""`flask nlu …`: train, try, measure, compare and promote models from a terminal."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from bot.nlu.classifier import CURRENT_FILE
from settings import PROJECT
from training import registry
from training.charts import draw_confusion, draw_reliability
from training.comparison import compare, pair
from training.evaluation import (
    Evaluation,
    EvaluationError,
    Prediction,
    evaluate,
    predict,
    read_labelled,
    write_wrong,
)
from training.history import RegistryError, os_user
from training.parse import parse_stream
from training.tables import comparison_lines, evaluation_lines, list_lines
from training.train import Project, TrainingError, train

nlu = AppGroup("nlu", help="Train, try, measure and promote the model that understands borrowers.")

PATH = click.Path(path_type=Path)
MODEL_HELP = "A model's name or directory (default: the one that is served)."


def _project() -> Project:
    root = Path(current_app.config.get("REPAYLINE_ROOT", PROJECT))
    return Project(root, current_app.extensions["repayline"].settings.model_dir)


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Show what went wrong as click does: one sentence, status 1."""
    try:
        yield
    except (TrainingError, RegistryError, EvaluationError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def _note(line: str) -> None:
    click.echo(line, err=True)


def _print(lines: Iterable[str]) -> None:
    click.echo("\n".join(lines))


@nlu.command("train")
@click.option("--no-encoder", is_flag=True, help="A sparse-only model: quick and less accurate.")
def train_command(no_encoder: bool) -> None:
    """Train a candidate from nlu_data/, unless one of the same content is there."""
    project = _project()
    with _in_a_sentence():
        model = train(project, use_encoder=not no_encoder, say=click.echo)
        current = registry.find(project.models)
    if current.name != model.name:
        click.echo(f"{current.name} is still the one that is served.")
        click.echo(f"To compare them:   flask nlu compare {current.name} {model.name}")
        click.echo(f"To serve this one: flask nlu promote {model.name}")


@nlu.command("parse")
@click.option("--model", default=CURRENT_FILE, help=MODEL_HELP)
def parse_command(model: str) -> None:
    """Read a message a line, or a JSON object with `text`; write a JSON object a line."""
    with _in_a_sentence():
        reader = registry.load(registry.find(_project().models, model))
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="\n")
    try:
        clean = parse_stream(reader, sys.stdin.buffer, out)
    except BrokenPipeError:  # `… | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        clean = True
    finally:
        out.detach()
    sys.exit(0 if clean else 1)


@nlu.command("evaluate")
@click.argument("file", type=PATH)
@click.option("--model", default=CURRENT_FILE, help=MODEL_HELP)
@click.option("--out", type=PATH, help="Where to write (default: var/reports/<model>-<file>).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures for a script.")
def evaluate_command(file: Path, model: str, out: Path | None, as_json: bool) -> None:
    """Measure a model on a CSV file with text,intent, or on a directory of such files."""
    project = _project()
    with _in_a_sentence():
        messages = read_labelled(file)
        directory = registry.find(project.models, model)
        predictions = predict(registry.load(directory), messages)
    found = evaluate(predictions)
    if file.resolve() == project.holdout.resolve():
        registry.remember(directory, file, found)
    out = out or project.reports / f"{directory.name}-{file.resolve().stem}"
    title = f"{directory.name} on {file.resolve().name}, {len(messages)} messages"
    figures = {"model": directory.name, "file": str(file), **found.as_json(), "report": str(out)}
    written = json.dumps(figures, indent=2, ensure_ascii=False)
    with _in_a_sentence():
        _write_report(found, predictions, title, out, written)
    if as_json:
        click.echo(written)
        return
    _print([title, *evaluation_lines(found)])
    click.echo(f"\nPictures, figures and the misread messages: {out}")


def _write_report(
    found: Evaluation, predictions: list[Prediction], title: str, out: Path, figures: str
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "figures.json").write_text(figures + "\n", "utf-8")
    write_wrong(predictions, out / "wrong.csv")
    draw_reliability(found.calibration, title, out / "reliability.png")
    draw_confusion(found, title, out / "confusion.png")


@nlu.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--on", "file", type=PATH, help="A CSV file or directory (default: the holdout).")
def compare_command(a: str, b: str, file: Path | None) -> None:
    """Show what changes from model A to model B, and whether by more than chance."""
    project = _project()
    file = file or project.holdout
    with _in_a_sentence():
        messages = read_labelled(file)
        models = [registry.find(project.models, name) for name in (a, b)]
        first, second = (predict(registry.load(model), messages) for model in models)
    if file.resolve() == project.holdout.resolve():
        for model, predictions in zip(models, (first, second), strict=True):
            registry.remember(model, file, evaluate(predictions))
    title = f"A {models[0].name}, B {models[1].name} on {file.resolve().name}"
    _print([title, *comparison_lines(compare(pair(first, second)))])


@nlu.command("promote")
@click.argument("name")
@click.option("--force", is_flag=True, help="Serve it whatever the gate says.")
@click.option("--by", help="Who promotes it (default: the user of this machine).")
@click.option("--why", default="", help="The reason, for the history.")
def promote_command(name: str, force: bool, by: str | None, why: str) -> None:
    """Serve a model, unless the frozen holdout shows that it is worse than the served one."""
    if force and not (by and why):
        raise click.ClickException("--force needs --by WHO and --why WORDS: both are recorded.")
    project = _project()
    with _in_a_sentence():
        event = registry.promote(
            project.models,
            name,
            project.holdout,
            by=by or os_user(),
            why=why,
            force=force,
            say=_note,
        )
    if event is None:
        click.echo(f"{name} is served already.")
    else:
        overruled = ", although the gate objected" if event["forced"] else ""
        before = event["from"] or "none"
        click.echo(f"{event['to']} is served from now on{overruled}; before: {before}.")


@nlu.command("rollback")
@click.option("--by", help="Who goes back (default: the user of this machine).")
@click.option("--why", default="", help="The reason, for the history.")
def rollback_command(by: str | None, why: str) -> None:
    """Serve the model that was served before; again, the one before that."""
    with _in_a_sentence():
        event = registry.rollback(_project().models, by=by or os_user(), why=why, say=_note)
    click.echo(f"{event['to']} is served again; before: {event['from'] or 'none'}.")


@nlu.command("list")
def list_command() -> None:
    """Show the models; a star marks the one that is served."""
    project = _project()
    found = registry.entries(project.models, project.holdout)
    if not found:
        raise click.ClickException("There is no model yet: run `flask nlu train`.")
    _print(list_lines(found))
