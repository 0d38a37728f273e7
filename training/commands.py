"""`flask nlu …`: try and train the model from a terminal."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from bot.nlu.model import ModelError
from bot.nlu.reader import Reader
from training.parse import parse_stream
from training.train import HERE, TrainingError, train

nlu = AppGroup("nlu", help="Try and train the model that understands borrowers.")


@nlu.command("parse", with_appcontext=False)
@click.option(
    "--model", type=click.Path(path_type=Path), default=HERE.models, help="a model's directory"
)
def parse_command(model: Path) -> None:
    """Read a message a line, or a JSON object with `text`; write a JSON object a line."""
    try:
        reader = Reader.load(model)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    out = io.TextIOWrapper(
        click.get_binary_stream("stdout"), encoding="utf-8", errors="replace", newline="\n"
    )
    try:
        clean = parse_stream(reader, click.get_binary_stream("stdin"), out)
    except BrokenPipeError:  # `… | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        clean = True
    finally:
        out.detach()
    sys.exit(0 if clean else 1)


@nlu.command("train", with_appcontext=False)
@click.option("--no-encoder", is_flag=True, help="a sparse-only model: quick and less accurate")
def train_command(no_encoder: bool) -> None:
    """Train a model from nlu_data/ unless it is there, and serve it from now on."""
    try:
        train(use_encoder=not no_encoder, say=click.echo)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
