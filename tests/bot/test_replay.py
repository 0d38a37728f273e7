"""Stored conversations taken anew: what differs is found, and nothing at all is changed."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import select, update

from app import create_app
from bot import differences, manager
from bot.policy import Policy
from bot.replay import Report, replay
from bot.replies import LOCALE_DIR, Catalogues
from bot.runtime import Runtime
from channels.base import Media
from models import Base, Borrower, Conversation, Message
from tests import builders
from tests.fakes import POLICY_TEXT, Clock, FakeChannel, TableReader
from tests.training.small import BAD, GOOD, small_model

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
STRANGER, LUCIA = "+15550100077", "+15550100002"
MEANS = {
    "how much do i owe": "ask_balance",
    "need more time": "request_extension",
    "hi": "greet",
    "me pueden dar mas tiempo": "request_extension",
    "never borrowed": "dispute",
}


@pytest.fixture
def history(runtime: Runtime, clock: Clock) -> Runtime:
    """Three phones' conversations, thirteen messages, through the real manager."""
    with runtime.unit_of_work() as uow:
        lucia = builders.borrower(
            phone=LUCIA,
            locale="es_MX",
            first_name="Lucía",
            loans=(builders.loan(reference="L0002-1234"),),
        )
        uow.session.add_all([builders.borrower(), lucia, builders.sender()])
        uow.commit()
    reader = runtime.reader
    assert isinstance(reader, TableReader)
    for text, intent in MEANS.items():
        reader.means(text, intent)
    maya = ("hi", "how much do i owe", "1991", "1990", "need more time", "1", "1", "never borrowed")
    for number, text in enumerate(maya):
        _text(runtime, clock, f"SM1{number}", text)
    _text(runtime, clock, "SM19", "", media=(Media("https://api.example/1", "image/jpeg"),))
    for number, text in enumerate(("me pueden dar mas tiempo", "1990", "2")):
        _text(runtime, clock, f"SM2{number}", text, LUCIA)
    _text(runtime, clock, "SM30", "hi", STRANGER)
    return runtime


def _text(
    runtime: Runtime, clock: Clock, sid: str, text: str, phone: str = builders.PHONE, **more: Any
) -> None:
    clock.forward(minutes=1)
    manager.receive(runtime, builders.inbound(text, sid, phone, **more))


def _reading(**changed: str) -> TableReader:
    """The same table, with other meanings of some texts."""
    reader = TableReader()
    for text, intent in {**MEANS, **changed}.items():
        reader.means(text, intent)
    return reader


def _rows(runtime: Runtime) -> dict[str, list[Any]]:
    with runtime.reading() as session:
        return {
            table.name: session.execute(select(table).order_by(*table.primary_key)).all()
            for table in Base.metadata.sorted_tables
        }


def _texts(report: Report) -> dict[str, tuple[str, ...]]:
    return {found.text: found.kinds for found in report.differences}


def _lines(report: Report) -> str:
    found = report.differences
    return "\n".join(x for d in found for x in differences.difference_lines(d, show_text=True))


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_differs_where_nothing_changed(history: Runtime, whole: bool) -> None:
    report = replay(history, LONG_AGO, whole=whole)
    assert (report.messages, report.same, report.differences) == (13, 13, []), _lines(report)
    assert not report.skipped


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_is_written_queued_or_sent(history: Runtime, tmp_path: Path, whole: bool) -> None:
    queued: list[object] = []
    history.enqueue = lambda *job: queued.append(job)
    channel = history.channels["twilio"]
    assert isinstance(channel, FakeChannel)
    history.policy = Policy.from_toml(POLICY_TEXT.replace("offer_days = [7", "offer_days = [5"))
    files = sorted(tmp_path.glob("test.db*"))
    before, bytes_before = _rows(history), [file.read_bytes() for file in files]

    assert replay(history, LONG_AGO, whole=whole).differences

    assert _rows(history) == before
    assert [file.read_bytes() for file in files] == bytes_before
    assert sorted(tmp_path.glob("test.db*")) == files
    assert (queued, channel.sent) == ([], [])


def test_changed_rules_show_where_they_matter(history: Runtime) -> None:
    text = POLICY_TEXT.replace("offer_days = [7, 14]", "offer_days = [5, 14]")
    history.policy = Policy.from_toml(text)
    report = replay(history, LONG_AGO)
    kinds = [found.kinds for found in report.differences]
    # the offer to Maya, her choice, and the offer to Lucía; her choice of the other is the same
    assert kinds == [("answered",), ("answered", "left"), ("answered",)]
    offer, choice, _ = report.differences
    lines = "\n".join(differences.difference_lines(offer, show_text=False))
    assert "days 7 days, due_on 2026-03-11" in lines
    assert "days 5 days, due_on 2026-03-09" in lines
    assert choice.after.replies[0]["values"]["due_on"] == "2026-03-09"


def test_changed_words_are_no_difference(history: Runtime, tmp_path: Path) -> None:
    shutil.copytree(LOCALE_DIR, tmp_path / "locale")
    for path in (tmp_path / "locale").glob("en/LC_MESSAGES/*.po"):
        path.write_text(path.read_text("utf-8").replace('msgstr "', 'msgstr "Well: '), "utf-8")
    history.catalogues = Catalogues(tmp_path / "locale")
    assert history.catalogues.text("thanks.welcome", "en").startswith("Well: ")
    assert replay(history, LONG_AGO).differences == []


def test_another_model_shows_what_it_takes_messages_for(history: Runtime) -> None:
    report = replay(history, LONG_AGO, _reading(**{"never borrowed": "complaint"}))
    (found,) = report.differences
    assert found.text == "never borrowed"
    assert {"understood", "answered", "done"} <= set(found.kinds)
    assert (found.before.intent, found.after.intent) == ("dispute", "complaint")
    assert found.before.model == "table"
    assert found.before.effects != found.after.effects


def test_one_difference_does_not_make_others(history: Runtime) -> None:
    report = replay(history, LONG_AGO, _reading(**{"need more time": "greet"}))
    assert list(_texts(report)) == ["need more time"]


def test_as_a_whole_it_does(history: Runtime) -> None:
    reader = _reading(**{"need more time": "greet"})
    report = replay(history, LONG_AGO, reader, whole=True)
    assert [found.text for found in report.differences] == ["need more time", "1", "1"]
    granted = report.differences[-1]
    assert [effect["effect"] for effect in granted.before.effects] == ["GrantExtension"]
    assert granted.after.effects == ()


def test_as_a_whole_what_others_changed_in_between_holds(runtime: Runtime, clock: Clock) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add_all([builders.borrower(), builders.sender()])
        uow.commit()
    runtime.load_reader = lambda: _reading(hello="greet")
    for number, text in enumerate(("how much do i owe", "1990", "need more time")):
        _text(runtime, clock, f"SM{number}", text)
    with runtime.unit_of_work() as uow:  # as when nobody answers for a day
        uow.session.scalars(select(Conversation)).one().state = {}
        uow.commit()
    _text(runtime, clock, "SM4", "hello")
    report = replay(runtime, LONG_AGO, _reading(hello="greet", **{"1990": "x"}), whole=True)
    assert "hello" not in _texts(report)
    reader = _reading(hello="greet", **{"how much do i owe": "request_extension"})
    report = replay(runtime, LONG_AGO, reader, whole=True)
    assert "hello" not in _texts(report)
    assert "1990" in _texts(report)


def test_what_the_provider_took_for_stop_is_stop(runtime: Runtime, clock: Clock) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add_all([builders.borrower(), builders.sender()])
        uow.commit()
    _text(runtime, clock, "SM1", "no more", opt_out_type="STOP")
    report = replay(runtime, LONG_AGO)
    assert (report.messages, report.same) == (1, 1), _lines(report)


def test_a_question_left_open_for_long_is_forgotten_by_todays_rule(
    history: Runtime, clock: Clock
) -> None:
    reader = history.reader
    assert isinstance(reader, TableReader)
    clock.forward(hours=5)
    _text(history, clock, "SM40", "need more time", LUCIA)
    clock.forward(hours=5)
    _text(history, clock, "SM41", "2", LUCIA)
    assert replay(history, LONG_AGO).differences == []
    text = POLICY_TEXT.replace("forget_after_hours = 24", "forget_after_hours = 4")
    history.policy = Policy.from_toml(text)
    assert list(_texts(replay(history, LONG_AGO))) == ["2"]


def test_messages_that_cannot_be_replayed_are_counted_with_the_reason(
    history: Runtime, clock: Clock
) -> None:
    reader = history.reader
    assert isinstance(reader, TableReader)
    reader.failing.add("it breaks")
    _text(history, clock, "SM50", "it breaks", STRANGER)
    with history.unit_of_work() as uow:
        session = uow.session
        session.execute(update(Message).where(Message.external_id == "SM10").values(facts=None))
        message = session.scalars(select(Message).where(Message.external_id == "SM11")).one()
        message.facts = {**(message.facts or {}), "turn": {"today": "2026-03-04"}}
        lucia = session.scalars(select(Borrower).where(Borrower.first_name == "Lucía")).one()
        lucia.identity_answers = {}
        uow.commit()
    report = replay(history, LONG_AGO)
    assert report.skipped == {
        "their turn was never taken": 1,
        "they were stored before facts were kept": 1,
        "nothing was kept of the turn's now": 1,
        "the borrower's identity answers are gone": 2,
    }
    assert report.messages == 14
    assert report.same == 9
    assert list(differences.summary_lines(report)) == [
        "14 messages: 9 same, 0 different, 5 not replayed.",
        "  1 not replayed: nothing was kept of the turn's now",
        "  2 not replayed: the borrower's identity answers are gone",
        "  1 not replayed: their turn was never taken",
        "  1 not replayed: they were stored before facts were kept",
    ]


def test_a_turn_that_fails_now_is_a_difference(history: Runtime) -> None:
    reader = _reading()
    reader.failing.add("how much do i owe")
    report = replay(history, LONG_AGO, reader)
    assert _texts(report) == {"how much do i owe": ("failed",)}
    (found,) = report.differences
    assert found.after.failure.startswith("RuntimeError at ")
    assert "the reader broke" not in _lines(report)


def test_the_newest_messages_one_conversation_and_a_time_are_chosen(
    history: Runtime, clock: Clock
) -> None:
    assert replay(history, LONG_AGO, limit=2).messages == 2
    assert replay(history, clock.now - timedelta(seconds=90)).messages == 2
    with history.reading() as session:
        ids = session.scalars(select(Conversation.id).order_by(Conversation.id)).all()
    assert [replay(history, LONG_AGO, conversation_id=i).messages for i in ids] == [9, 3, 1]


def test_the_facts_hold_no_answer_number_or_name(history: Runtime) -> None:
    with history.reading() as session:
        for message in session.scalars(select(Message).where(Message.direction == "inbound")):
            written = str(message.facts)
            for secret in ("1990", "4037", "10101", "Maya", "Lucía", builders.PHONE, LUCIA):
                assert secret not in written.replace("2026-", ""), message.external_id


def test_a_difference_reads_plainly(history: Runtime) -> None:
    reader = _reading(**{"me pueden dar mas tiempo": "thanks"})
    report = replay(history, LONG_AGO, reader)
    (found,) = report.differences
    place = f"message {found.message_id}, conversation {found.conversation_id}"
    assert list(differences.difference_lines(found, show_text=False)) == [
        f"{place}, 2026-03-04 17:10 UTC: understood differently, answered differently, "
        "left at another question",
        "    intent    request_extension 0.95 → thanks 0.95",
        f"    replies   {_keys(found.before)} → thanks.welcome",
        f"    next      {found.before.step} → idle",
    ]
    shown = differences.difference_lines(replace(found, text="a\x1b[31m red\nline"), show_text=True)
    assert list(shown)[1] == "    text      a [31m red line"


def _keys(side: Any) -> str:
    return " + ".join(reply["key"] for reply in side.replies)


@pytest.fixture
def flask(history: Runtime, tmp_path: Path) -> Iterator[FlaskCliRunner]:
    app = create_app(runtime=history)
    app.config["REPAYLINE_ROOT"] = tmp_path
    yield app.test_cli_runner()


def test_the_command_lists_what_differs_and_writes_it_down(
    flask: FlaskCliRunner, history: Runtime, tmp_path: Path
) -> None:
    reader = history.reader
    assert isinstance(reader, TableReader)
    reader.means("never borrowed", "complaint")
    file = tmp_path / "differences.csv"
    ran = flask.invoke(args=["replay", "--since", "1d", "--csv", str(file)])
    assert ran.exit_code == 0, ran.output
    assert "intent    dispute 0.95 → complaint 0.95" in ran.output
    assert "13 messages: 12 same, 1 different, 0 not replayed." in ran.output
    assert "  1 understood differently" in ran.output
    with file.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["intent_before"], row["intent_after"]) == ("dispute", "complaint")
    for words in (ran.output, file.read_text("utf-8")):
        assert "never borrowed" not in words, "what borrowers wrote is shown only where asked for"

    args = ["replay", "--csv", str(file), "--show-text", "--fail-on-difference", "--whole"]
    ran = flask.invoke(args=args)
    assert ran.exit_code == 1
    assert "    text      never borrowed" in ran.output
    assert "never borrowed" in file.read_text("utf-8")


def test_a_text_is_no_formula_in_the_file(
    flask: FlaskCliRunner, history: Runtime, clock: Clock, tmp_path: Path
) -> None:
    _text(history, clock, "SM60", "=1+1")
    reader = history.reader
    assert isinstance(reader, TableReader)
    reader.means("=1+1", "greet")
    file = tmp_path / "differences.csv"
    flask.invoke(args=["replay", "--csv", str(file), "--show-text"])
    assert ",'=1+1" in file.read_text("utf-8")


def test_nothing_that_differs_ends_well(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["replay", "--fail-on-difference"])
    assert (ran.exit_code, ran.output) == (
        0,
        "13 messages: 13 same, 0 different, 0 not replayed.\n",
    )


def test_a_model_is_called_by_its_name(flask: FlaskCliRunner, tmp_path: Path) -> None:
    models = tmp_path / "var" / "models"
    small_model(models, "bad", BAD)
    small_model(models, "good", GOOD)
    outputs = [flask.invoke(args=["replay", "--model", name]).output for name in ("good", "bad")]
    assert "dispute 0.95 → complaint" not in outputs[0]
    assert "dispute 0.95 → complaint" in outputs[1]

    ran = flask.invoke(args=["replay", "--model", "worse"])
    assert ran.exit_code == 1
    assert "no model worse" in ran.output
    assert "there is bad, good" in ran.output


def test_a_senseless_time_is_refused(flask: FlaskCliRunner) -> None:
    ran = flask.invoke(args=["replay", "--since", "soon"])
    assert (ran.exit_code, ran.output) == (
        1,
        "Error: --since soon makes no sense: write 90m, 6h or 2d.\n",
    )
