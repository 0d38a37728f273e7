from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.nlu.classifier import current_model
from tests.training.small import BAD, BETTER, GOOD, MESSAGES, small_model, write_csv
from training import registry
from training.comparison import Change
from training.evaluation import EvaluationError
from training.history import HISTORY_FILE, RegistryError, earlier, history
from training.registry import RefusedError, entries, find, promote, rollback, serve_if_none


class Place:
    """A directory of models, of which `good` is served, and a holdout."""

    def __init__(self, root: Path) -> None:
        self.models, self.holdout = root / "models", root / "holdout"
        write_csv(self.holdout / "en.csv")

    def add(self, name: str, texts: dict[str, list[str]], **more: Any) -> Path:
        return small_model(self.models, name, texts, **more)

    def promote(self, name: str, **more: Any) -> Any:
        return promote(self.models, name, self.holdout, **{"by": "ann", **more})

    def rollback(self, **more: Any) -> str:
        return rollback(self.models, **{"by": "ann", **more})["to"]

    @property
    def served(self) -> str:
        return current_model(self.models).name

    def break_(self, name: str) -> None:
        """As if the model had been trained for another version."""
        path = self.models / name / "classifier.json"
        path.write_text(path.read_text().replace('"format": ', '"format": 9'))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.add("good", GOOD)
    serve_if_none(made.models, made.models / "good", "ann")
    return made


def test_a_better_model_is_promoted_and_recorded_with_its_figures(place: Place) -> None:
    place.add("better", BETTER)
    event = place.promote("better", why="knows thanks")
    assert place.served == "better"
    assert history(place.models)[-1] == event
    assert datetime.fromisoformat(event["time"]).utcoffset().total_seconds() == 0
    known = ("action", "from", "to", "by", "why", "forced")
    assert [event[key] for key in known] == [
        "promote", "good", "better", "ann", "knows thanks", False,
    ]  # fmt: skip
    accuracy = next(x for x in event["figures"]["changes"] if x["name"] == "accuracy")
    assert accuracy == {
        "name": "accuracy",
        "messages": len(MESSAGES),
        "before": round(8 / 9, 4),
        "after": 1.0,
        "lost": 0,
        "gained": 1,
        "p_worse": 1.0,
    }


def test_a_worse_model_is_refused_with_the_figures_and_recorded(place: Place) -> None:
    place.add("bad", BAD)
    with pytest.raises(RefusedError) as refused:
        place.promote("bad")
    assert str(refused.value) == (
        "bad is not promoted and good stays, as this fell beyond noise: recall of dispute from "
        "100.0% to 0.0% (of 6 messages 6 lost, 0 gained, p = 0.016); accuracy from 88.9% to 22.2% "
        "(of 9 messages 6 lost, 0 gained, p = 0.016); accuracy in en from 88.9% to 22.2% (of 9 "
        "messages 6 lost, 0 gained, p = 0.016) (`flask nlu compare good bad` shows the messages)"
    )
    assert place.served == "good"
    event = history(place.models)[-1]
    assert (event["action"], event["from"], event["to"]) == ("refuse", "good", "bad")
    assert registry.refused_before(place.models, "bad") == event
    assert registry.refused_before(place.models, "good") is None


def test_a_loss_within_noise_is_let_through(place: Place) -> None:
    write_csv(place.holdout / "en.csv", MESSAGES[2:])  # four disputes: too few to tell
    place.add("bad", BAD)
    place.promote("bad")
    assert place.served == "bad"


def test_the_gate_can_be_overruled_and_that_is_recorded(place: Place) -> None:
    place.add("bad", BAD)
    event = place.promote("bad", force=True, by="bo", why="the holdout is wrong here")
    assert place.served == "bad"
    assert (event["forced"], event["by"], event["why"]) == (
        True, "bo", "the holdout is wrong here",
    )  # fmt: skip
    assert any(x["p_worse"] < 0.05 for x in event["figures"]["changes"])


def test_force_that_was_not_needed_is_not_recorded_as_such(place: Place) -> None:
    place.add("better", BETTER)
    assert place.promote("better", force=True)["forced"] is False


def test_the_served_model_is_not_promoted_again(place: Place) -> None:
    before = history(place.models)
    assert place.promote("good") is None
    assert history(place.models) == before


def test_a_served_model_that_cannot_be_loaded_any_more_stands_in_nobodys_way(
    place: Place,
) -> None:
    place.add("bad", BAD)
    place.break_("good")
    said: list[str] = []
    event = place.promote("bad", say=said.append)
    assert place.served == "bad"
    assert "nothing to compare with: the served model good cannot be loaded" in said[0]
    assert event["figures"] == {}
    assert "cannot be loaded" in event["why"]


def test_a_candidate_that_cannot_be_loaded_is_refused_whatever_the_force(place: Place) -> None:
    place.add("better", BETTER)
    place.break_("better")
    with pytest.raises(RegistryError, match="model better cannot be loaded"):
        place.promote("better", force=True)
    assert place.served == "good"


DAMAGES = {
    "no arrays": lambda model: (model / "classifier.npz").unlink(),
    "arrays cut off": lambda model: (model / "classifier.npz").write_bytes(b"PK"),
    "half a description": lambda model: (model / "classifier.json").write_text('{"format": '),
    "a card of other words": lambda model: (model / "card.json").write_text('{"format": 1e9}'),
    "loadable, but not able to answer": lambda model: (model / "classifier.json").write_text(
        (model / "classifier.json")
        .read_text()
        .replace('"temperatures": [1.0]', '"temperatures": []')
    ),
    "a card that is a list": lambda model: (model / "card.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_model_is_told_in_a_sentence(place: Place, damage: Any) -> None:
    damage(place.add("better", BETTER))
    with pytest.raises(RegistryError, match="model better cannot be loaded"):
        place.promote("better")
    assert place.served == "good"


def test_an_unknown_model_is_refused_with_those_that_are_there(place: Place) -> None:
    place.add("better", BETTER)
    with pytest.raises(RegistryError, match=r"no model nope in .*: there is better, good"):
        place.promote("nope")


def test_a_model_elsewhere_can_be_found_but_not_promoted(place: Place, tmp_path: Path) -> None:
    elsewhere = small_model(tmp_path / "elsewhere", "other", BETTER)
    assert find(place.models, str(elsewhere)) == elsewhere
    with pytest.raises(RegistryError, match="copy it there to serve it"):
        place.promote(str(elsewhere))


def test_current_names_the_served_model(place: Place) -> None:
    assert find(place.models, "CURRENT").name == "good"
    (place.models / "CURRENT").unlink()
    with pytest.raises(RegistryError, match="run `make model`"):
        find(place.models, "CURRENT")


def test_without_a_holdout_nothing_is_promoted(place: Place) -> None:
    (place.holdout / "en.csv").unlink()
    place.add("better", BETTER)
    with pytest.raises(EvaluationError, match="no labelled messages"):
        place.promote("better")
    assert place.served == "good"


def test_only_where_none_is_served_is_a_model_served_unasked(place: Place) -> None:
    better = place.add("better", BETTER)
    assert not serve_if_none(place.models, better, "ann")
    assert place.served == "good"
    place.break_("good")
    assert serve_if_none(place.models, better, "ann")
    assert place.served == "better"
    first, second = history(place.models)
    assert (first["from"], first["to"], first["why"]) == (None, "good", "no model is served")
    assert (second["from"], second["to"]) == ("good", "better")


def test_a_rollback_goes_back_and_back_again(place: Place) -> None:
    for name in ("second", "third"):
        place.add(name, BETTER)
        place.promote(name)
    assert place.rollback(why="complaints") == "second"
    assert place.served == "second"
    assert place.rollback() == "good"
    assert place.served == "good"
    with pytest.raises(RegistryError, match="no earlier model"):
        place.rollback()
    assert place.served == "good"
    assert [(e["action"], e["from"], e["to"]) for e in history(place.models)[-2:]] == [
        ("rollback", "third", "second"),
        ("rollback", "second", "good"),
    ]
    assert history(place.models)[-2]["why"] == "complaints"


def test_a_rollback_after_a_promotion_after_a_rollback(place: Place) -> None:
    for name in ("second", "third"):
        place.add(name, BETTER)
    place.promote("second")
    place.rollback()
    place.promote("third")
    assert place.rollback() == "good", "second was given up, it is not what came before third"


def test_a_rollback_passes_over_what_cannot_be_loaded(place: Place) -> None:
    for name in ("second", "third"):
        place.add(name, BETTER)
        place.promote(name)
    place.break_("second")
    said: list[str] = []
    assert place.rollback(say=said.append) == "good"
    assert "passed over: model second cannot be loaded" in said[0]


def test_a_rollback_knows_what_was_served_before_there_was_a_history(place: Place) -> None:
    (place.models / HISTORY_FILE).unlink()
    place.add("better", BETTER)
    place.promote("better")
    assert place.rollback() == "good"


def events(*lines: str) -> list[Any]:
    """`promote a b` for a promotion from a to b; `-` for none."""
    parts = [line.split() for line in lines]
    return [{"action": a, "from": None if f == "-" else f, "to": t} for a, f, t in parts]


HISTORIES = {
    "nothing": (events(), "a", []),
    "the first": (events("promote - a"), "a", []),
    "two": (events("promote - a", "promote a b"), "b", ["a"]),
    "to and fro": (events("promote - a", "promote a b", "promote b a"), "a", ["a", "b"]),
    "a refusal changes nothing": (events("promote - a", "refuse a b"), "a", []),
    "back": (events("promote - a", "promote a b", "rollback b a"), "a", []),
    "back beyond one that is gone": (
        events("promote - a", "promote a b", "promote b c", "rollback c a"), "a", [],
    ),
    "written by hand, unrecorded": (events("promote - a", "promote a b"), "x", ["a", "b"]),
    "written by hand, then promoted": (
        events("promote - a", "promote x b"), "b", ["a", "x"],
    ),
    "written by hand, then back": (
        events("promote - a", "promote a b", "rollback x b"), "b", ["a"],
    ),
    "the pointer is lost": (events("promote - a", "promote a b"), None, ["a", "b"]),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "current", "before"), HISTORIES.values(), ids=HISTORIES)
def test_what_was_served_before(lines: list[Any], current: str | None, before: list[str]) -> None:
    assert earlier(lines, current) == before


def test_a_line_of_the_history_that_cannot_be_read_is_named(place: Place) -> None:
    with (place.models / HISTORY_FILE).open("a") as stream:
        stream.write('{"time": "2026-11-22"\n')
    with pytest.raises(RegistryError, match=r"history\.jsonl:2 cannot be read"):
        place.rollback()


def test_words_with_odd_line_ends_stay_one_line(place: Place) -> None:
    place.add("better", BETTER)
    event = place.promote("better", why="one\u2028two\x85three\nfour")
    assert history(place.models)[-1] == event


def test_two_promotions_at_once_follow_each_other(place: Place) -> None:
    for name in ("second", "third"):
        place.add(name, BETTER)
    threads = [threading.Thread(target=place.promote, args=(name,)) for name in ("second", "third")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, first, second = history(place.models)
    assert first["from"] == "good"
    assert second["from"] == first["to"]
    assert place.served == second["to"]


def test_the_list_shows_every_model_the_newest_first(place: Place) -> None:
    place.add("better", BETTER, trained_at="2026-11-03T10:00")
    place.add("other", GOOD, trained_at="2026-11-02T10:00")
    (place.models / "other" / "card.json").write_text('{"format": 99}')
    place.promote("better")
    better, good, other = entries(place.models, place.holdout)
    assert (better.name, better.served, better.examples) == ("better", True, 7)
    assert (better.accuracy, better.holdout) == (0.75, 1.0)
    assert (good.name, good.served, good.holdout) == ("good", False, round(8 / 9, 4))
    assert (other.name, other.accuracy) == ("other", None)
    assert "unknown format 99" in other.trouble
    write_csv(place.holdout / "en.csv", MESSAGES[1:])
    assert [entry.holdout for entry in entries(place.models, place.holdout)] == [None] * 3


def test_what_the_gate_measured_is_kept_beside_the_model(place: Place) -> None:
    place.add("better", BETTER)
    place.promote("better")
    kept = json.loads((place.models / "better" / "holdout.json").read_text())
    assert (kept["messages"], kept["accuracy"], kept["accuracy_by_language"]) == (9, 1.0, {"en": 1})


def test_a_refusal_counts_only_against_the_model_that_is_served(place: Place) -> None:
    place.add("bad", BAD)
    with pytest.raises(RefusedError):
        place.promote("bad")
    place.add("better", BETTER)
    place.promote("better")
    assert registry.refused_before(place.models, "bad") is None


def test_the_figures_of_a_change_add_up() -> None:
    assert Change("accuracy", 4, 2, 1, 2).as_json() == {
        "name": "accuracy", "messages": 4, "before": 0.5, "after": 0.75, "lost": 1, "gained": 2,
        "p_worse": 0.875,
    }  # fmt: skip
