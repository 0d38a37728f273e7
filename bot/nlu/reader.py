"""From a text to an Understanding: carrier keywords first, then the trained classifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot import keywords
from bot.nlu import normalise
from bot.nlu.classifier import CURRENT_FILE, Classifier, current_model, read_card
from bot.nlu.language import detect
from bot.nlu.model import Ranking
from bot.nlu.understanding import Understanding

KEYWORD_INTENTS = {"stop": "stop_messaging", "start": "resume_messaging", "help": "help"}
RANKED = 3


@dataclass(frozen=True)
class OptOutThresholds:
    """From which probability of ``stop_messaging`` on an opt-out is done, or asked about."""

    done: float = 0.6
    ask: float = 0.15

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> OptOutThresholds:
        """A model's own thresholds, or the defaults where its card has none."""
        return cls(**card.get("opt_out", {}))

    def decide(self, probability: float) -> str:
        """Return "done", "ask" or "no"."""
        if probability >= self.done:
            return "done"
        return "ask" if probability >= self.ask else "no"


class Reader:
    """Understands messages. Load it once a process; threads may share it.

    Args:
        classifier: anything with ``classify_normalised``.
        thresholds: when a message counts as an opt-out.
        cached: how many different texts' rankings are kept.

    """

    def __init__(
        self,
        classifier: Classifier,
        thresholds: OptOutThresholds | None = None,
        cached: int = 4096,
    ) -> None:
        self._thresholds = thresholds or OptOutThresholds()
        self._rank = lru_cache(maxsize=cached)(classifier.classify_normalised)

    @classmethod
    def load(cls, model_dir: str | Path, *, threads: int = 1, cached: int = 4096) -> Reader:
        """Load one model's directory, or the one that ``model_dir/CURRENT`` names."""
        directory = Path(model_dir)
        if (directory / CURRENT_FILE).exists():
            directory = current_model(directory)
        thresholds = OptOutThresholds.from_card(read_card(directory))
        return cls(Classifier.load(directory, threads), thresholds, cached)

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """What the borrower means.

        Args:
            text: the message as it arrived.
            locale: the borrower's stored locale; some carrier keywords hold in one country only.

        """
        language = detect(text)
        keyword = keywords.match(text, locale)
        named = KEYWORD_INTENTS[keyword] if keyword else keywords.command(text)
        ranking: Ranking = []
        if named:
            ranking = [(named, 1.0)]
        elif not _is_figure(text):
            ranking = self._rank(normalise.for_encoder(text))
        intent, confidence = ranking[0] if ranking else ("out_of_scope", 0.0)
        return Understanding(
            text=text,
            language=language.code,
            language_clear=language.clear,
            intent=intent,
            confidence=confidence,
            ranking=tuple(ranking[:RANKED]),
            opt_out=self._thresholds.decide(dict(ranking).get("stop_messaging", 0.0)),
            keyword=keyword,
        )


def _is_figure(text: str) -> bool:
    """Whether a text is a choice, an amount or a date: what that means, the open question says."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
