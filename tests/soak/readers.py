"""What is understood: as the machine draws it, or as the trained model reads it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from bot.nlu.understanding import Understanding
from bot.runtime import Reads
from tests.fakes import TableReader


class StagedError(RuntimeError):
    """A failure that the machine wanted; every other one is a fault."""


class DrawnReader(TableReader):
    """Reads what was drawn for a text, or asks the model; fails as often as it is told to."""

    def __init__(self, model: Reads | None = None) -> None:
        super().__init__()
        self._model = model
        self.failures: dict[str, int] = {}

    def watch(self) -> None:
        """No other model comes."""

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        left = self.failures.get(text, 0)
        if left:
            self.failures[text] = left - 1
            raise StagedError("the reader broke")
        if self._model is not None:
            return self._model.understand(text, locale)
        return super().understand(text, locale)

    def by_table(self) -> None:
        """Ask no model any more."""
        self._model = None

    def draw(self, text: str, meaning: Mapping[str, Any]) -> None:
        """From now on the text means this."""
        self.table[text] = meaning


class Stumbling:
    """Catalogues that break off now and then: after the effects of a turn, before its reply."""

    def __init__(self, catalogues: Any) -> None:
        self._catalogues = catalogues
        self.failures = 0

    def render(self, *args: Any, **named: Any) -> str:
        """The text, unless it is time to break."""
        if self.failures:
            self.failures -= 1
            raise StagedError("the words broke")
        return str(self._catalogues.render(*args, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalogues, name)


class Alarm(logging.Handler):
    """Hears what the application reports as an error; the log's only listener meanwhile."""

    NAMES = ("bot", "payments", "channels")

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        for name in self.NAMES:
            logging.getLogger(name).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it, unless the machine wanted it."""
        told = record.getMessage()
        if record.levelno >= logging.ERROR and " failed " in told and "StagedError" not in told:
            self.heard.append(told)

    def close(self) -> None:
        """Listen no more."""
        for name in self.NAMES:
            logging.getLogger(name).removeHandler(self)
        super().close()
