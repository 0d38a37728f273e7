"""What decided a turn is kept with its message, without secrets, and reads back as it was."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot import snapshot
from bot.effects import OpenCase
from bot.entities import Entities
from bot.hearing import Named
from bot.nlu.understanding import Understanding
from bot.policy import Policy
from bot.turn import (
    AgreementView,
    DueView,
    LoanView,
    MethodView,
    Outcome,
    PaymentView,
    PromiseView,
    State,
    Turn,
    say,
)
from tests.builders import loan_view
from tests.fakes import POLICY_TEXT

NOW = datetime(2026, 3, 4, 17, 0, 30, 250, tzinfo=UTC)
LOAN = replace(
    loan_view(),
    unpaid=(DueView(date(2026, 2, 23), Decimal("120.00")),) * 2,
    extended_on=date(2026, 2, 1),
    promise=PromiseView(Decimal("50.00"), date(2026, 3, 9)),
    agreement=AgreementView("plan", Decimal("134.50"), Decimal("0.00"), date(2026, 4, 1)),
)
MET = snapshot.Met({"step": "idle"}, NOW, "es_MX", "zh_Hans", 7, "a-model")


def understood(text: str = "my words") -> Understanding:
    return Understanding(text, "en", True, "ask_balance", 0.9, (("ask_balance", 0.9),), "no")


def turn(**values: Any) -> Turn:
    return Turn(
        **{
            "text": "my words",
            "understanding": understood(),
            "entities": Entities(),
            "now": NOW,
            "today": date(2026, 3, 4),
            "policy": Policy.from_toml(POLICY_TEXT),
            "country": "MX",
            "first_name": "Maya",
            "timezone": "America/Monterrey",
            "language": "zh_Hans",
            "loans": (LOAN, loan_view()),
            "payments": (PaymentView(1, Decimal("20.00"), date(2026, 3, 1)),),
            "methods": (MethodView(3, "Visa 4242"),),
            "identity_answers": {"birth_year": "1990", "postcode": "10101"},
            "identity_misses": 2,
            "verified": True,
            "opted_out": True,
            "held": True,
            "has_media": True,
            **values,
        }
    )


def kept(made: Turn, outcome: Outcome | None = None) -> dict[str, Any]:
    """As it comes back from the database."""
    facts: dict[str, Any] = json.loads(json.dumps(snapshot.take(made, MET, outcome or IDLE)))
    return facts


IDLE = Outcome(State())


def test_a_turn_reads_back_as_it_was() -> None:
    first = turn()
    read = snapshot.read(kept(first))
    again = read.again(understood(), Named(Entities()), first.policy, first.identity_answers)
    assert again == replace(first, first_name=snapshot.NAME)
    assert read.met == MET
    assert (read.known, read.crisis) == (True, False)


def test_every_field_of_a_turn_reads_back_with_its_type() -> None:
    """A field that is added to a turn must be JSON, a date, an amount, or rows of these."""
    again = snapshot.read(kept(turn())).turn
    assert {*again, *snapshot.NOT_KEPT} == {field.name for field in fields(Turn)}
    for name, value in again.items():
        assert type(value) is type(getattr(turn(), name)), name


def test_a_stranger_stays_one() -> None:
    made = turn(first_name=None, identity_answers={}, loans=(), payments=(), methods=())
    read = snapshot.read(kept(made))
    assert read.again(understood(), Named(Entities()), made.policy, {}) == made


def test_neither_answers_nor_words_nor_the_name_are_kept() -> None:
    said = (say("greet.hello", name="Maya", reference="L0001-1234"),)
    case = OpenCase("dispute", "other", "it is not mine", date(2026, 4, 3), 1)
    written = json.dumps(kept(turn(), Outcome(State(), said, (case,))))
    for secret in ("1990", "10101", "my words", "Maya", "not mine"):
        assert secret not in written
    assert '"name": "(first name)"' in written
    assert "L0001-1234" in written


def test_words_that_change_are_another_effect() -> None:
    def of(statement: str) -> Any:
        case = OpenCase("dispute", "other", statement, date(2026, 4, 3), 1)
        return snapshot.outcome_json(Outcome(State(), (), (case,)), None)["effects"]

    assert of("not mine") == of("not mine") != of("not mine!")


def test_a_turn_knows_only_the_kinds_of_answers_that_there_were() -> None:
    facts = kept(turn(identity_answers={"birth_year": "1990"}))
    today = {"birth_year": "1990", "postcode": "10101"}
    again = snapshot.read(facts).again(understood(), Named(Entities()), turn().policy, today)
    assert again.identity_answers == {"birth_year": "1990"}


def test_what_an_earlier_version_did_not_keep_has_its_default() -> None:
    facts = kept(turn())
    del facts["turn"]["methods"], facts["met"]["model"]
    loans = facts["turn"]["loans"]
    column = loans[0].index("plans")
    for row in loans:
        del row[column]
    loans[0][0:1], loans[1][0:1], loans[2][0:1] = ["id", "rate"], [1, "9.9"], [2, "9.9"]
    read = snapshot.read(facts)
    assert read.met.model == ""
    assert "methods" not in read.turn
    assert [loan.plans for loan in read.turn["loans"]] == [0, 0]
    assert isinstance(read.turn["loans"][0], LoanView)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda facts: facts["turn"].pop("now"), "nothing was kept of the turn's now"),
        (lambda facts: facts["met"].pop("locale"), "nothing was kept of Met.locale"),
        (lambda facts: facts.pop("outcome"), "their facts are damaged (KeyError)"),
        (lambda facts: facts["turn"].update(now="soon"), "their facts are damaged (ValueError)"),
        (lambda facts: facts["turn"]["loans"][1].pop(), "their facts are damaged (ValueError)"),
    ],
)
def test_what_cannot_be_read_is_said(spoil: Any, says: str) -> None:
    facts = kept(turn())
    spoil(facts)
    with pytest.raises(snapshot.SnapshotError) as refused:
        snapshot.read(facts)
    assert str(refused.value) == says
