"""The model that is served, exchanged in a running process when another one is promoted."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bot.nlu.classifier import CARD_FILE, CURRENT_FILE, current_model
from bot.nlu.encoder import EncoderError
from bot.nlu.model import ModelError
from bot.nlu.reader import Reader
from bot.nlu.understanding import Understanding
from faults import described

log = logging.getLogger(__name__)

LOOKED_EVERY = 1.0
"""Seconds between two looks at CURRENT, on average."""


def served_model(models: Path) -> Path:
    """The directory of the model that is served: ``models`` itself, or what its CURRENT names.

    Raises:
        ModelError: there is none.

    """
    try:
        return models if (models / CARD_FILE).is_file() else current_model(models)
    except (OSError, ValueError) as error:
        raise ModelError(f"{models / CURRENT_FILE} holds no name: run `make model`") from error


def load_model(directory: Path) -> Reader:
    """One model, loaded and able to answer.

    Raises:
        ModelError: it is not, whatever is wrong with it.

    """
    try:
        reader = Reader.load(directory)
        reader.understand("hello")
    except (ModelError, EncoderError) as error:
        raise ModelError(str(error)) from error
    except Exception as error:  # a damaged file shows in as many ways as there are libraries
        raise ModelError(f"{directory} is damaged: {described(error)}") from error
    return reader


class _Serving(NamedTuple):
    name: str
    reader: Reader


class ServedReader:
    """Understands messages with the model that ``CURRENT`` names, also when that changes.

    Args:
        models: the directory of trained models, or one model's own.
        load: makes a reader of one model's directory, or raises a ModelError.

    Raises:
        ModelError: no model is served, or none that this version can load.

    """

    def __init__(self, models: Path, load: Callable[[Path], Reader] = load_model) -> None:
        self._models, self._load = models, load
        # Before loading: what is promoted in the meantime is seen at the next look.
        self._seen = self._stamp()
        self._serving = self._read()

    @property
    def name(self) -> str:
        """The name of the model that answers in this process."""
        return self._serving.name

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """What the borrower means; see :meth:`bot.nlu.reader.Reader.understand`."""
        return self._serving.reader.understand(text, locale)

    def watch(self, every: float = LOOKED_EVERY) -> None:
        """Take up from now on whatever is promoted, in a thread of this process.

        Threads do not survive a fork: each process that serves calls this once, for itself.

        Args:
            every: seconds between two looks, on average.

        """
        threading.Thread(target=self._watch, args=(every,), name="model", daemon=True).start()

    def _watch(self, every: float) -> None:
        while True:
            self.refresh()
            # Workers are forked together; they should not all load in the same instant.
            time.sleep(every * random.uniform(0.5, 1.5))  # noqa: S311

    def refresh(self) -> None:
        """Load the model that ``CURRENT`` names now, if that has changed; others answer meanwhile.

        If it cannot be loaded, the one before goes on answering and the log says so once, until
        ``CURRENT`` is written again.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            serving = self._read()
        except ModelError as error:
            log.error("%s goes on answering, as what is promoted has failed: %s", self.name, error)
            return
        self._serving = serving  # one assignment: a message meets the one or the other
        log.info("model %s answers now pid=%s", self.name, os.getpid())

    def _read(self) -> _Serving:
        directory = served_model(self._models)
        return _Serving(directory.name, self._load(directory))

    def _stamp(self) -> tuple[int, int] | None:
        """Changes whenever ``CURRENT`` is written or replaced."""
        try:
            found = (self._models / CURRENT_FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
