"""What a training's out-of-fold answers say: accuracy, and from where on an opt-out is one."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.nlu.model import HybridModel
from bot.nlu.reader import Thresholds
from training.dataset import Example

OPT_OUT, CRISIS = "stop_messaging", "crisis"
PRECISION_DONE = 0.85
"""Of the training texts that would opt somebody out at once, at least so many are opt-outs. The
texts are full of look-alikes; among what people really send, far more of them are."""
RECALL_ASK = 0.99
"""Of the opt-outs among them, at least so many are done or asked about."""
RECALL_CRISIS = 0.97
"""Of the cries for help among them, at least so many are heard."""
DONE_RANGE = (0.3, 0.8)
ASK_RANGE = (0.02, 0.2)
CRISIS_RANGE = (0.05, 0.5)
"""Some hundred texts cannot justify thresholds outside these ranges."""
FEWEST = 20
"""With fewer examples of what is looked for, the default thresholds stand."""


@dataclass(frozen=True)
class Answer:
    """What a model, encoder and all, that had not seen a text said of it."""

    text: str
    intent: str
    probabilities: Mapping[str, float]
    detected: Mapping[str, float]

    @property
    def predicted(self) -> str:
        """The intent that was answered."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])


def read_answers(path: Path, classifier: HybridModel) -> list[Answer]:
    """The lines that the classifier wrote while training."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [
        Answer(
            r["text"],
            r["intent"],
            dict(zip(classifier.classes, r["probabilities"], strict=True)),
            dict(zip(classifier.detectors, r["detected"], strict=True)),
        )
        for r in rows
    ]


def find_thresholds(answers: Sequence[Answer]) -> Thresholds:
    """From where on a detector's answer counts.

    An opt-out: the lowest probability to act on that is precise enough, and the highest to ask
    about that misses few enough. A cry for help: the highest that misses few enough. Too few
    examples to tell (a small set), or no detector: the defaults.
    """
    chosen = Thresholds()
    meant, others = _split(answers, OPT_OUT, besides=CRISIS)
    if len(meant) >= FEWEST and others:
        low, high = DONE_RANGE
        steps = [round(low + n * 0.01, 2) for n in range(round((high - low) * 100) + 1)]
        done = next((t for t in steps if _precision(meant, others, t) >= PRECISION_DONE), high)
        ask = _reaching(meant, RECALL_ASK, ASK_RANGE)
        chosen = replace(chosen, opt_out_done=done, opt_out_ask=ask)
    meant, _ = _split(answers, CRISIS)
    if len(meant) >= FEWEST:
        chosen = replace(chosen, crisis=_reaching(meant, RECALL_CRISIS, CRISIS_RANGE))
    return chosen


def _split(
    answers: Iterable[Answer], intent: str, besides: str | None = None
) -> tuple[list[float], list[float]]:
    """What the detector says of texts that mean the intent, and of the others, sorted."""
    asked = [a for a in answers if intent in a.detected and a.intent != besides]
    meant = sorted(a.detected[intent] for a in asked if a.intent == intent)
    return meant, sorted(a.detected[intent] for a in asked if a.intent != intent)


def _reaching(meant: Sequence[float], recall: float, within: tuple[float, float]) -> float:
    missed = meant[int(len(meant) * (1 - recall))]
    return round(min(max(missed, within[0]), within[1]), 3)


def _precision(meant: Iterable[float], others: Iterable[float], threshold: float) -> float:
    right = sum(p >= threshold for p in meant)
    wrong = sum(p >= threshold for p in others)
    return right / (right + wrong) if right else 0.0


def metrics(
    answers: Sequence[Answer], examples: Sequence[Example], thresholds: Thresholds
) -> dict[str, Any]:
    """Out-of-fold figures for the model's card."""
    languages: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        languages[example.text].add(example.language)
    by_language: dict[str, list[bool]] = defaultdict(list)
    right: Counter[str] = Counter()
    there: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    confused: Counter[str] = Counter()
    opt_out: dict[str, Counter[str]] = {"meant": Counter(), "not meant": Counter()}
    heard: dict[str, Counter[bool]] = {"meant": Counter(), "not meant": Counter()}
    for answer in answers:
        hit = answer.predicted == answer.intent
        for language in languages.get(answer.text, {"unknown"}):
            by_language[language].append(hit)
        there[answer.intent] += 1
        answered[answer.predicted] += 1
        right[answer.intent] += hit
        if not hit:
            confused[f"{answer.intent} > {answer.predicted}"] += 1
        if answer.detected:
            meant = "meant" if answer.intent == OPT_OUT else "not meant"
            opt_out[meant][thresholds.opt_out(answer.detected)] += 1
            meant = "meant" if answer.intent == CRISIS else "not meant"
            heard[meant][thresholds.is_crisis(answer.detected)] += 1
    return {
        "texts": len(answers),
        "accuracy": round(sum(right.values()) / max(len(answers), 1), 4),
        "accuracy_by_language": {
            name: round(sum(hits) / len(hits), 4) for name, hits in sorted(by_language.items())
        },
        "recall_by_intent": {i: round(right[i] / there[i], 3) for i in sorted(there)},
        "precision_by_intent": {
            i: round(right[i] / answered[i], 3) if answered[i] else None for i in sorted(there)
        },
        "opt_out_decisions": {meant: dict(found) for meant, found in opt_out.items()},
        "crisis_heard": {
            meant: {"yes": found[True], "no": found[False]} for meant, found in heard.items()
        },
        "most_confused": dict(confused.most_common(20)),
    }


def counts(examples: Iterable[Example]) -> dict[str, dict[str, int]]:
    """How many examples there are, by intent and language."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        table[example.intent][example.language] += 1
    return {intent: dict(sorted(found.items())) for intent, found in sorted(table.items())}
