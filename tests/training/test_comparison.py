from __future__ import annotations

from pathlib import Path

import pytest

from training.comparison import Change, Pair, at_least, compare, gate, pair
from training.evaluation import Labelled, Prediction

# Figures of the binomial distribution with p = 1/2, worked out by hand:
# lost, gained, two-sided, one-sided.
MCNEMAR = {
    "nothing changed": (0, 0, 1.0, 1.0),
    "as many lost as gained": (3, 3, 1.0, 42 / 64),
    "one lost": (1, 0, 1.0, 0.5),
    "five lost": (5, 0, 2 / 32, 1 / 32),
    "four lost": (4, 0, 2 / 16, 1 / 16),
    "eight lost, one gained": (8, 1, 2 * 10 / 512, 10 / 512),
    "one lost, eight gained": (1, 8, 2 * 10 / 512, 511 / 512),
    "all gained": (0, 6, 2 / 64, 1.0),
}


@pytest.mark.parametrize(("lost", "gained", "changed", "worse"), MCNEMAR.values(), ids=MCNEMAR)
def test_mcnemars_exact_test(lost: int, gained: int, changed: float, worse: float) -> None:
    found = Change("accuracy", 100, 50, lost, gained)
    assert found.p_changed == pytest.approx(changed)
    assert found.p_worse == pytest.approx(worse)
    assert found.after == 50 - lost + gained


def test_the_test_holds_for_many_messages() -> None:
    # From the logarithms of the gamma function, which know no large whole numbers.
    assert at_least(540, 1000) == pytest.approx(0.00622207314, rel=1e-8)


NOISE = {"four of four": (4, 0, False), "five of five": (5, 0, True), "7 to 1": (7, 1, True)}
NOISE |= {"6 to 1": (6, 1, False), "as many": (50, 50, False), "better": (2, 20, False)}


@pytest.mark.parametrize(("lost", "gained", "worse"), NOISE.values(), ids=NOISE)
def test_what_counts_as_worse(lost: int, gained: int, worse: bool) -> None:
    assert Change("accuracy", 100, 60, lost, gained).worse is worse


def test_a_change_in_words_has_its_figures() -> None:
    assert Change("recall of dispute", 54, 50, 7, 1).as_words() == (
        "recall of dispute from 92.6% to 81.5% (of 54 messages 7 lost, 1 gained, p = 0.035)"
    )


def read_twice(
    meant: str, first: str, second: str, times: int = 1, language: str = "en", **more: str
) -> list[Pair]:
    """A message read by two models; ``more`` are the opt-outs that they decide."""
    message = Labelled("x", meant, {"language": language}, Path("x.csv"), 2)
    one = Prediction(message, first, 0.9, more.get("opt_out", "no"))
    other = Prediction(message, second, 0.9, more.get("then", "no"))
    return [(one, other)] * times


def test_the_same_messages_are_compared() -> None:
    ((first, second),) = read_twice("greet", "greet", "deny")
    assert pair([first], [second]) == [(first, second)]
    with pytest.raises(ValueError, match="shorter"):
        pair([first, first], [second])


def test_what_was_lost_and_gained_is_told_by_message_and_intent() -> None:
    lost = read_twice("dispute", "dispute", "complaint", 3)
    gained = read_twice("pay_now", "greet", "pay_now", 2)
    otherwise = read_twice("thanks", "greet", "deny")
    same = read_twice("dispute", "dispute", "dispute", 5)
    found = compare(lost + gained + otherwise + same)
    assert (found.lost, found.gained, found.otherwise) == (lost, gained, otherwise)
    overall = found.shares[0]
    assert (overall.messages, overall.before, overall.after) == (11, 8, 7)
    dispute = found.by_intent["dispute"]
    assert (dispute.recall.messages, dispute.recall.before, dispute.recall.after) == (8, 8, 5)
    assert (dispute.f1_before, dispute.f1_after) == (1.0, pytest.approx(10 / 13))
    assert list(found.by_intent) == ["pay_now", "dispute", "thanks"]


SAME = read_twice("greet", "greet", "greet", 40)
WORSE = {
    **{
        intent: (read_twice(intent, intent, "greet", 5), {f"recall of {intent}"})
        for intent in ("pay_now", "request_extension", "dispute")
    },
    "an opt-out that is asked about is no loss of opt-outs": (
        read_twice("stop_messaging", "stop_messaging", "deny", 5, opt_out="done", then="ask"),
        {"recall of stop_messaging"},
    ),
    "an opt-out that is not even asked about": (
        read_twice("stop_messaging", "deny", "deny", 5, opt_out="ask", then="no"),
        {"opt-outs done or asked"},
    ),
    "crisis": (read_twice("crisis", "crisis", "hardship", 5), {"cries for help heard"}),
    "one language": (
        read_twice("greet", "greet", "deny", 5, language="es")
        + read_twice("greet", "deny", "greet", 5),
        {"accuracy in es"},
    ),
    "in all, and in no language": (
        [x for name in ("es", "zh_Hans") for x in read_twice("thanks", "thanks", "deny", 3, name)],
        {"accuracy"},
    ),
    "an intent that is not at the core": (
        read_twice("thanks", "thanks", "deny", 5) + read_twice("deny", "thanks", "deny", 5),
        set(),
    ),
    "four disputes, which may be chance": (
        read_twice("dispute", "dispute", "deny", 4) + read_twice("deny", "thanks", "deny", 4),
        set(),
    ),
    "better": (read_twice("dispute", "deny", "dispute", 9), set()),
}
OVERALL = {"accuracy", "accuracy in en"}


@pytest.mark.parametrize(("pairs", "refused"), WORSE.values(), ids=WORSE)
def test_the_gate(pairs: list[Pair], refused: set[str]) -> None:
    worse = {change.name for change in gate(SAME + pairs) if change.worse}
    # Five messages lost of one language are a loss of accuracy, too, unless others make up for it.
    assert worse - OVERALL == refused - OVERALL
    assert refused <= worse


def test_a_crisis_that_is_heard_behind_another_intent_is_heard() -> None:
    message = Labelled("x", "crisis", {}, Path("x.csv"), 2)
    before = Prediction(message, "crisis", 0.9, "no")
    after = Prediction(message, "hardship", 0.9, "no", crisis=True)
    found = {change.name: change for change in gate([(before, after)] * 9)}
    assert not found["cries for help heard"].worse
    assert found["accuracy"].worse


def test_what_has_no_message_is_not_watched() -> None:
    assert [change.name for change in gate(SAME)] == ["accuracy", "accuracy in en"]
