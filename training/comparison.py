"""Two models on the same messages: what changed, whether by more than chance, and the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from bot.nlu.understanding import INTENTS
from training.evaluation import Prediction, heard, intent_figures
from training.report import CRISIS, OPT_OUT

CORE_INTENTS = ("pay_now", "request_extension", "dispute", "stop_messaging")
SIGNIFICANCE = 0.05
"""A change that chance alone makes less often than this counts as one."""

Pair = tuple[Prediction, Prediction]  # one message, read by the one and the other model


def at_least(heads: int, tosses: int) -> float:
    """The chance of so many heads or more in so many tosses of a fair coin."""
    ways = sum(comb(tosses, n) for n in range(heads, tosses + 1))
    return float(ways / 2**tosses)


@dataclass(frozen=True)
class Change:
    """How the right answers among the same messages changed from one model to another.

    Attributes:
        name: what is counted, such as "recall of dispute".
        messages: how many messages there are.
        before: how many of them the first model got right.
        lost: how many of those the second gets wrong.
        gained: how many that the first got wrong it gets right.

    """

    name: str
    messages: int
    before: int
    lost: int
    gained: int

    @property
    def after(self) -> int:
        """How many of the messages the second model gets right."""
        return self.before - self.lost + self.gained

    @property
    def p_changed(self) -> float:
        """McNemar's exact test, two-sided: how often chance makes a difference like this."""
        more = max(self.lost, self.gained)
        return min(1.0, 2 * at_least(more, self.lost + self.gained))

    @property
    def p_worse(self) -> float:
        """The same, one-sided: how often chance loses so many or more of those that changed."""
        return at_least(self.lost, self.lost + self.gained)

    @property
    def worse(self) -> bool:
        """Whether the second model is worse beyond noise."""
        return self.p_worse < SIGNIFICANCE

    def as_words(self) -> str:
        """The change and how sure it is, for a sentence."""
        was, now = (part / self.messages for part in (self.before, self.after))
        return (
            f"{self.name} from {was:.1%} to {now:.1%} (of {self.messages} messages "
            f"{self.lost} lost, {self.gained} gained, p = {self.p_worse:.3f})"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, shares from 0 to 1."""
        return {
            "name": self.name,
            "messages": self.messages,
            "before": round(self.before / self.messages, 4),
            "after": round(self.after / self.messages, 4),
            "lost": self.lost,
            "gained": self.gained,
            "p_worse": round(self.p_worse, 4),
        }


def _right(prediction: Prediction) -> bool:
    return prediction.right


def change(name: str, pairs: Iterable[Pair], good: Callable[[Prediction], bool] = _right) -> Change:
    """Count what a second model lost and gained; ``good`` says which answers count as right."""
    found = [(good(first), good(second)) for first, second in pairs]
    return Change(
        name=name,
        messages=len(found),
        before=sum(first for first, _ in found),
        lost=sum(first and not second for first, second in found),
        gained=sum(second and not first for first, second in found),
    )


def pair(first: Sequence[Prediction], second: Sequence[Prediction]) -> list[Pair]:
    """The answers of two models to the same messages, side by side."""
    pairs = list(zip(first, second, strict=True))
    assert all(one.message is other.message for one, other in pairs)
    return pairs


@dataclass(frozen=True)
class IntentChange:
    """How one intent fares with each of two models."""

    recall: Change
    f1_before: float
    f1_after: float


@dataclass(frozen=True)
class Comparison:
    """Two models on the same messages.

    Attributes:
        shares: accuracy in all and by language, opt-outs and cries for help that are heard.
        by_intent: for each intent that is meant at least once, in the order of ``INTENTS``.
        lost: the messages that only the first model reads as meant.
        gained: those that only the second does.
        otherwise: those that both misread, each in its way.

    """

    shares: list[Change]
    by_intent: dict[str, IntentChange]
    lost: list[Pair]
    gained: list[Pair]
    otherwise: list[Pair]


def compare(pairs: Sequence[Pair]) -> Comparison:
    """What changes from the first model to the second."""
    before = intent_figures(first for first, _ in pairs)
    after = intent_figures(second for _, second in pairs)
    meant = [intent for intent in INTENTS if intent in before and before[intent].support]
    differ = [both for both in pairs if both[0].intent != both[1].intent]
    return Comparison(
        shares=shares(pairs),
        by_intent={i: IntentChange(recall(pairs, i), before[i].f1, after[i].f1) for i in meant},
        lost=[both for both in differ if both[0].right],
        gained=[both for both in differ if both[1].right],
        otherwise=[both for both in differ if not both[0].right and not both[1].right],
    )


def gate(pairs: Sequence[Pair]) -> list[Change]:
    """Everything that must not get worse when one model takes another's place.

    Recall of the core intents, opt-outs that are done or asked about, cries for help that are
    heard, and accuracy, in all and by language. What no message is an example of is left out.
    """
    watched = [*(recall(pairs, intent) for intent in CORE_INTENTS), *shares(pairs)]
    return [each for each in watched if each.messages]


def recall(pairs: Iterable[Pair], intent: str) -> Change:
    """How the recall of one intent changes."""
    return change(f"recall of {intent}", _of_intent(pairs, intent))


def shares(pairs: Sequence[Pair]) -> list[Change]:
    """How accuracy changes, in all and by language, and what must not be missed in any wording."""
    languages = sorted({first.message.groups.get("language", "") for first, _ in pairs} - {""})
    return [
        change("accuracy", pairs),
        *(change(f"accuracy in {name}", _in_language(pairs, name)) for name in languages),
        change("opt-outs done or asked", _of_intent(pairs, OPT_OUT), lambda p: p.opt_out != "no"),
        change("cries for help heard", _of_intent(pairs, CRISIS), lambda p: heard(p) == "yes"),
    ]


def _of_intent(pairs: Iterable[Pair], intent: str) -> list[Pair]:
    return [both for both in pairs if both[0].message.intent == intent]


def _in_language(pairs: Iterable[Pair], language: str) -> list[Pair]:
    return [both for both in pairs if both[0].message.groups.get("language") == language]
