"""What a training's out-of-fold answers say: accuracy, and from where on an opt-out is one."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.nlu.reader import OptOutThresholds
from training.dataset import Example

OPT_OUT = "stop_messaging"
PRECISION_DONE = 0.85
"""Of the training texts that would opt somebody out at once, at least so many are opt-outs. The
texts are full of look-alikes; among what people really send, far more of them are."""
RECALL_ASK = 0.95
"""Of the opt-outs among them, at least so many are done or asked about."""
DONE_RANGE = (0.5, 0.8)
ASK_RANGE = (0.05, 0.2)
"""A few hundred opt-outs cannot justify thresholds outside these ranges."""


@dataclass(frozen=True)
class Answer:
    """What a model that had not seen a text said of it."""

    text: str
    intent: str
    probabilities: Mapping[str, float]

    @property
    def predicted(self) -> str:
        """The intent that was answered."""
        return max(self.probabilities, key=lambda name: self.probabilities[name])

    @property
    def opt_out(self) -> float:
        """The probability of an opt-out; 0 for a model that knows none."""
        return self.probabilities.get(OPT_OUT, 0.0)


def read_answers(path: Path, classes: Sequence[str]) -> list[Answer]:
    """The lines that the classifier wrote while training."""
    rows = map(json.loads, path.read_text("utf-8").splitlines())
    return [
        Answer(r["text"], r["intent"], dict(zip(classes, r["probabilities"], strict=True)))
        for r in rows
    ]


def opt_out_thresholds(answers: Sequence[Answer]) -> OptOutThresholds:
    """The lowest `done` that is precise enough and the highest `ask` that misses few enough.

    Too few opt-outs to tell (a small set): the defaults.
    """
    meant = sorted(a.opt_out for a in answers if a.intent == OPT_OUT)
    others = [a.opt_out for a in answers if a.intent != OPT_OUT]
    if len(meant) < 20 or not others:
        return OptOutThresholds()
    low, high = DONE_RANGE
    steps = [round(low + n * 0.01, 2) for n in range(round((high - low) * 100) + 1)]
    done = next((t for t in steps if _precision(meant, others, t) >= PRECISION_DONE), high)
    missed = meant[int(len(meant) * (1 - RECALL_ASK))]
    ask = min(max(missed, ASK_RANGE[0]), ASK_RANGE[1])
    return OptOutThresholds(done=done, ask=round(ask, 3))


def _precision(meant: Iterable[float], others: Iterable[float], threshold: float) -> float:
    right = sum(p >= threshold for p in meant)
    wrong = sum(p >= threshold for p in others)
    return right / (right + wrong) if right else 0.0


def metrics(
    answers: Sequence[Answer], examples: Sequence[Example], thresholds: OptOutThresholds
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
    for answer in answers:
        hit = answer.predicted == answer.intent
        for language in languages.get(answer.text, {"unknown"}):
            by_language[language].append(hit)
        there[answer.intent] += 1
        answered[answer.predicted] += 1
        right[answer.intent] += hit
        if not hit:
            confused[f"{answer.intent} > {answer.predicted}"] += 1
        meant = "meant" if answer.intent == OPT_OUT else "not meant"
        opt_out[meant][thresholds.decide(answer.opt_out)] += 1
    return {
        "accuracy": round(sum(right.values()) / max(len(answers), 1), 4),
        "accuracy_by_language": {
            name: round(sum(hits) / len(hits), 4) for name, hits in sorted(by_language.items())
        },
        "recall_by_intent": {i: round(right[i] / there[i], 3) for i in sorted(there)},
        "precision_by_intent": {
            i: round(right[i] / answered[i], 3) if answered[i] else None for i in sorted(there)
        },
        "opt_out_decisions": {meant: dict(found) for meant, found in opt_out.items()},
        "most_confused": dict(confused.most_common(20)),
    }


def counts(examples: Iterable[Example]) -> dict[str, dict[str, int]]:
    """How many examples there are, by intent and language."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for example in examples:
        table[example.intent][example.language] += 1
    return {intent: dict(sorted(found.items())) for intent, found in sorted(table.items())}
