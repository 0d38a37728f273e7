"""`flask nlu …`, run on a real application with small models and a small holdout."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app import create_app
from bot.nlu.classifier import current_model
from tests.fakes import make_runtime, temporary_database
from tests.training.small import BAD, BETTER, GOOD, MESSAGES, small_model, write_csv
from training.history import history


class Terminal:
    """A project's root with two models, of which `good` is served, and somebody who types."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "elsewhere"
        self.holdout = write_csv(root / "nlu_data" / "holdout" / "en.csv").parent
        for name, texts in (("good", GOOD), ("bad", BAD), ("better", BETTER)):
            small_model(self.models, name, texts)
        (self.models / "CURRENT").write_text("good\n")
        self.runtime = make_runtime(temporary_database(root), MODEL_DIR="elsewhere")

    def run(self, *arguments: Any, **more: Any) -> Result:
        app = create_app(runtime=self.runtime)
        app.config["REPAYLINE_ROOT"] = self.root
        return app.test_cli_runner().invoke(args=["nlu", *map(str, arguments)], **more)

    def type(self, *arguments: Any, **more: Any) -> str:
        ran = self.run(*arguments, **more)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def complaint(self, *arguments: Any) -> str:
        """What a command says that is refused: one line, no traceback."""
        ran = self.run(*arguments)
        assert ran.exit_code == 1, ran.output
        *_, last = ran.stderr.splitlines()
        return last.removeprefix("Error: ")

    @property
    def served(self) -> str:
        return current_model(self.models).name


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.runtime.engine.dispose()


def test_list_marks_the_served_model(terminal: Terminal) -> None:
    lines = terminal.type("list").splitlines()
    assert lines[0].split() == [
        "name",
        "trained",
        "(UTC)",
        "examples",
        "out",
        "of",
        "fold",
        "holdout",
    ]
    assert [line.split()[:2] for line in lines[1:] if line.startswith("*")] == [["*", "good"]]
    assert "2026-11-01 10:00" in lines[1]
    terminal.type("compare", "good", "better")
    assert "88.9%" in next(x for x in terminal.type("list").splitlines() if "good" in x)


def test_list_without_a_model_says_what_to_do(terminal: Terminal) -> None:
    terminal.models.rename(terminal.root / "gone")
    assert terminal.complaint("list") == "There is no model yet: run `flask nlu train`."


def test_a_model_that_cannot_be_read_is_listed_with_the_reason(terminal: Terminal) -> None:
    (terminal.models / "bad" / "card.json").write_text('{"format": 99}')
    assert "bad cannot be read: " in terminal.type("list")


def test_evaluate_shows_figures_and_writes_a_report(terminal: Terminal) -> None:
    shown = terminal.type("evaluate", terminal.holdout, "--model", "bad")
    assert "bad on holdout, 9 messages" in shown
    assert "accuracy 22.2%, macro-F1" in shown
    assert "10 equal-width bins" in shown
    assert "   6  dispute > complaint" in shown
    assert max(map(len, shown.splitlines()[:-1])) <= 100
    report = terminal.root / "var" / "reports" / "bad-holdout"
    assert {path.name for path in report.iterdir()} == {
        "confusion.png", "figures.json", "reliability.png", "wrong.csv",
    }  # fmt: skip
    with (report / "wrong.csv").open(encoding="utf-8", newline="") as stream:
        wrong = list(csv.DictReader(stream))
    assert len(wrong) == 7
    assert {row["language"] for row in wrong} == {"en"}


def test_evaluate_prints_json_for_a_script(terminal: Terminal) -> None:
    file, out = terminal.holdout / "en.csv", terminal.root / "mine"
    found = json.loads(terminal.type("evaluate", file, "--json", "--out", out))
    assert (found["model"], found["messages"]) == ("good", 9)
    # A text of unknown words counts as the first intent by name, which is dispute.
    assert found["by_intent"]["dispute"] == pytest.approx(
        {"support": 6, "precision": 6 / 7, "recall": 1, "f1": 12 / 13}
    )
    assert found["groups"]["language"]["en"]["messages"] == 9
    assert found["calibration"]["method"] == "10 equal-width bins"
    assert found["confusion"]["dispute"] == {"dispute": 6}
    assert json.loads((out / "figures.json").read_text()) == found


def test_evaluate_takes_a_models_directory(terminal: Terminal, tmp_path: Path) -> None:
    other = small_model(tmp_path / "copied", "other", BETTER)
    assert "accuracy 100.0%" in terminal.type("evaluate", terminal.holdout, "--model", other)


def test_evaluate_refuses_a_wrong_file_in_a_sentence(terminal: Terminal) -> None:
    path = write_csv(terminal.root / "mine.csv", [("hi", "greet"), ("hi", "greeting")])
    assert f"{path}:3: column 'intent' has 'greeting'; known: " in terminal.complaint(
        "evaluate", path
    )
    gone = terminal.complaint("evaluate", terminal.root / "gone.csv")
    assert gone.endswith("gone.csv cannot be read: No such file or directory")


def test_compare_shows_what_was_lost_and_gained(terminal: Terminal) -> None:
    shown = terminal.type("compare", "bad", "better")
    lines = [line.split() for line in shown.splitlines()]
    assert shown.startswith("A bad, B better on holdout")
    assert ["accuracy", "9", "22.2%", "100.0%", "0", "7", "0.016"] in lines
    assert [
        "dispute", "6", "0.000", "1.000", "+1.000", "0.000", "1.000", "+1.000", "0", "6", "0.031",
    ] in lines  # fmt: skip
    assert "0 lost: " in shown
    assert "7 gained: " in shown
    assert "  complaint > dispute: wrong amount i say" in shown


def test_compare_on_another_file(terminal: Terminal) -> None:
    file = write_csv(terminal.root / "mine.csv", MESSAGES[-1:])
    shown = terminal.type("compare", "good", "better", "--on", file)
    assert "on mine.csv" in shown
    assert not (terminal.models / "good" / "holdout.json").exists()


def test_promote_lets_a_better_model_pass(terminal: Terminal) -> None:
    said = terminal.type("promote", "better", "--by", "ann", "--why", "knows thanks")
    assert said == "better is served from now on; before: good.\n"
    assert terminal.served == "better"
    (line,) = history(terminal.models)
    assert (line["by"], line["why"]) == ("ann", "knows thanks")
    assert terminal.type("promote", "better") == "better is served already.\n"


def test_promote_is_by_the_user_of_the_machine_where_nobody_else_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "robin")
    terminal.type("promote", "better")
    assert history(terminal.models)[-1]["by"] == "robin"


def test_promote_refuses_a_worse_model_with_figures(terminal: Terminal) -> None:
    said = terminal.complaint("promote", "bad")
    assert "bad is not promoted and good stays" in said
    assert "recall of dispute from 100.0% to 0.0% (of 6 messages 6 lost" in said
    assert terminal.served == "good"


WITHOUT = {"by and why": [], "why": ["--by", "ann"], "by": ["--why", "because"]}


@pytest.mark.parametrize("options", WITHOUT.values(), ids=WITHOUT)
def test_force_needs_a_name_and_a_reason(terminal: Terminal, options: list[str]) -> None:
    said = terminal.complaint("promote", "bad", "--force", *options)
    assert said == "--force needs --by WHO and --why WORDS: both are recorded."
    assert terminal.served == "good"


def test_force_overrules_the_gate_and_is_recorded(terminal: Terminal) -> None:
    said = terminal.type("promote", "bad", "--force", "--by", "ann", "--why", "a wrong holdout")
    assert said == "bad is served from now on, although the gate objected; before: good.\n"
    (line,) = history(terminal.models)
    assert (line["forced"], line["by"], line["why"]) == (True, "ann", "a wrong holdout")


def test_rollback_goes_back_twice_and_then_says_that_there_is_no_more(terminal: Terminal) -> None:
    terminal.type("promote", "better")
    terminal.type("promote", "bad", "--force", "--by", "ann", "--why", "x")
    assert terminal.type("rollback") == "better is served again; before: bad.\n"
    assert terminal.type("rollback", "--why", "y") == "good is served again; before: better.\n"
    assert "no earlier model" in terminal.complaint("rollback")
    assert [(e["action"], e["to"]) for e in history(terminal.models)] == [
        ("promote", "better"), ("promote", "bad"), ("rollback", "better"), ("rollback", "good"),
    ]  # fmt: skip


def test_an_unknown_model_is_told_by_every_command(terminal: Terminal) -> None:
    for command in (["promote", "no"], ["compare", "no", "good"], ["parse", "--model", "no"]):
        assert "no model no in " in terminal.complaint(*command)


def test_parse_reads_with_the_model_that_it_is_given(terminal: Terminal) -> None:
    for arguments, intent in ((), "dispute"), (("--model", "bad"), "complaint"):
        shown = terminal.type("parse", *arguments, input="wrong amount\n")
        assert json.loads(shown)["intent"] == intent


def test_train_says_in_a_sentence_what_is_wrong(terminal: Terminal) -> None:
    assert "no example files in " in terminal.complaint("train", "--no-encoder")
