"""From a text to an Understanding: carrier keywords, then the trained classifier with the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot import keywords
from bot.nlu import normalise, unmistakable
from bot.nlu.classifier import CURRENT_FILE, Classifier, current_model, read_card
from bot.nlu.language import detect
from bot.nlu.model import Reading
from bot.nlu.parts import two_wishes
from bot.nlu.understanding import Part, Understanding

KEYWORD_INTENTS = {"stop": "stop_messaging", "start": "resume_messaging", "help": "help"}
OPT_OUT = "stop_messaging"
ABOUT_TEXTS = ("fewer_messages", "resume_messaging")
RANKED = 3
_HAN_FIGURE = re.compile("[零〇一二两兩三四五六七八九十百千万萬亿億]{2,}[块塊元]?")


@dataclass(frozen=True)
class Thresholds:
    """From which probability of a detector on its intent counts.

    Attributes:
        opt_out_done: an opt-out is acted on.
        opt_out_ask: an opt-out is asked about.
        crisis: a cry for help is answered.

    """

    opt_out_done: float = 0.6
    opt_out_ask: float = 0.15
    crisis: float = 0.25

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> Thresholds:
        """A model's own thresholds, or the defaults where its card has none."""
        return cls(**card.get("thresholds", {}))

    def opt_out(self, detected: Mapping[str, float], *, unmistakable: bool = False) -> str:
        """Return "done", "ask" or "no".

        Args:
            detected: what the detectors say.
            unmistakable: the words themselves ask for it. Then it is asked about in any case, and
                done where the model would have asked.

        """
        probability = detected.get(OPT_OUT, 0.0)
        if probability >= self.opt_out_done:
            return "done"
        if probability >= self.opt_out_ask:
            return "done" if unmistakable else "ask"
        return "ask" if unmistakable else "no"

    def is_crisis(self, detected: Mapping[str, float]) -> bool:
        """Whether somebody speaks of ending their life or of being in danger."""
        return detected.get("crisis", 0.0) >= self.crisis


@dataclass(frozen=True)
class _Heard:
    """What the model reads in a text, and what its words say by themselves."""

    reading: Reading = field(default_factory=Reading)
    parts: tuple[Part, ...] = ()
    opt_out: bool = False
    crisis: bool = False


class Reader:
    """Understands messages. Load it once a process; threads may share it.

    Args:
        classifier: anything with ``classify_normalised`` and ``glance``.
        thresholds: when a message counts as an opt-out or a cry for help.
        cached: how many different texts' readings are kept.
        name: the model's.

    """

    def __init__(
        self,
        classifier: Classifier,
        thresholds: Thresholds | None = None,
        cached: int = 4096,
        name: str = "",
    ) -> None:
        self.name = name
        self._thresholds = thresholds or Thresholds()
        self._classifier = classifier
        self._heard = lru_cache(maxsize=cached)(self._hear)

    @classmethod
    def load(cls, model_dir: str | Path, *, threads: int = 1, cached: int = 4096) -> Reader:
        """Load one model's directory, or the one that ``model_dir/CURRENT`` names."""
        directory = Path(model_dir)
        if (directory / CURRENT_FILE).exists():
            directory = current_model(directory)
        thresholds = Thresholds.from_card(read_card(directory))
        return cls(Classifier.load(directory, threads), thresholds, cached, directory.name)

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """What the borrower means.

        Args:
            text: the message as it arrived.
            locale: the borrower's stored locale; some carrier keywords hold in one country only.

        """
        language = detect(text)
        keyword = keywords.match(text, locale)
        named = KEYWORD_INTENTS[keyword] if keyword else keywords.command(text)
        heard = _Heard()
        if named:
            heard = _Heard(Reading([(named, 1.0)], {named: 1.0}))
        elif not _is_figure(text):
            heard = self._heard(normalise.for_encoder(text))
        reading = heard.reading
        intent, confidence = reading.ranking[0] if reading.ranking else ("out_of_scope", 0.0)
        crisis = heard.crisis or self._thresholds.is_crisis(reading.detected)
        opt_out = self._thresholds.opt_out(
            # "i said no more texts, but send them again" has the words and means the opposite.
            reading.detected,
            unmistakable=heard.opt_out and intent not in ABOUT_TEXTS,
        )
        ranking = reading.ranking[:RANKED]
        parts = heard.parts if opt_out == "no" and not crisis else ()
        if parts and parts[0].intent != intent:
            intent = parts[0].intent  # the label is the wish that goes before
            others = [entry for entry in reading.ranking if entry[0] != intent]
            ranking = [(intent, confidence), *others[: RANKED - 1]]
        if opt_out == "done" and intent != OPT_OUT and not crisis:
            # What it is acted on as is what it means: an opt-out goes before all else it says.
            intent, confidence = OPT_OUT, reading.detected.get(OPT_OUT, 0.0)
            others = [entry for entry in reading.ranking if entry[0] != OPT_OUT]
            ranking = [(intent, confidence), *others[: RANKED - 1]]
        return Understanding(
            text=text,
            language=language.code,
            language_clear=language.clear,
            intent=intent,
            confidence=confidence,
            ranking=tuple(ranking),
            opt_out=opt_out,
            crisis=crisis,
            keyword=keyword,
            parts=parts,
        )

    def _hear(self, readable: str) -> _Heard:
        plain = normalise.plain(readable)
        reading = self._classifier.classify_normalised(readable)
        intent = reading.ranking[0][0] if reading.ranking else ""
        return _Heard(
            reading,
            two_wishes(readable, intent, self._classifier.glance),
            unmistakable.is_opt_out(plain),
            unmistakable.is_crisis(plain),
        )


def _is_figure(text: str) -> bool:
    """Whether a text is a choice, an amount or a date: what that means, the open question says."""
    if _HAN_FIGURE.fullmatch(text.strip()):
        return True
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
