"""The dialogue as a function: whatever state and message meet, it answers, and keeps its rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dialog import advance, menu_is_open, open_step
from bot.effects import HandOff, OpenCase, OptIn, OptOut, Verified
from bot.entities import Entities
from bot.flows import BY_INTENT, FLOWS
from bot.flows.dispute import KINDS
from bot.flows.promise import MISSED
from bot.guard import discloses
from bot.nlu.understanding import INTENTS, Understanding
from bot.policy import Policy
from bot.replies import LANGUAGES
from bot.turn import CaseView, Outcome, PaymentView, Reply, State, Turn
from tests import builders
from tests.fakes import CATALOGUES, POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)
TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
LOAN = builders.loan_view()
CARD = replace(
    LOAN,
    id=2,
    product="credit_card",
    balance=Decimal("360.00"),
    past_due=Decimal("0.00"),
    late_charges=Decimal("0.00"),
    due_on=date(2026, 3, 15),
    due_amount=Decimal("60.00"),
    days_overdue=0,
)
CASE = CaseView("D-00003", "dispute", date(2026, 4, 3), 1)
PAYMENT = PaymentView(1, Decimal("100.00"), date(2026, 3, 3))
SETTLED = replace(CARD, id=3, balance=Decimal("0.00"), due_amount=Decimal("0.00"), due_on=None)


def understood(intent: str, confidence: float = 0.95, **more: Any) -> Understanding:
    given: dict[str, Any] = {"text": "words", "language": "en", "language_clear": False}
    given |= {"opt_out": "no", "crisis": intent == "crisis"}
    ranking = more.pop("ranking", ((intent, confidence),))
    return Understanding(
        **{**given, **more}, intent=intent, confidence=confidence, ranking=tuple(ranking)
    )


READING = ("confidence", "ranking", "opt_out", "crisis", "keyword")


def turn(intent: str, text: str = "words", **more: Any) -> Turn:
    reading = {k: more.pop(k) for k in READING if k in more}
    given = {
        "understanding": understood(intent, text=text, **reading),
        "entities": Entities(),
        "now": NOW,
        "today": TODAY,
        "policy": POLICY,
        "first_name": "Maya",
        "loans": (LOAN,),
        "identity_answers": {"birth_year": "1990", "id_last4": "4037", "postcode": "10101"},
        "verified": True,
    }
    return Turn(text=text, **{**given, **more})


def keys(outcome: Outcome) -> list[str]:
    return [reply.key for reply in outcome.replies]


# Everything that can meet

THEN = {"intent": "ask_balance", "text": "how much", "entities": {"amount": "20.00"}}
HARDSHIP_THEN = {"intent": "hardship", "text": "", "entities": {}}
SLOTS: dict[str, list[dict[str, Any]]] = {
    "identity.answer": [{"then": {**THEN, "intent": i}} for i in ("ask_balance", "pay_now")],
    "loan.choose": [{"then": {**THEN, "intent": i}} for i in ("pay_now", "request_extension")],
    "clarify.choose": [{"intents": ["pay_now", "stop_messaging", "dispute"], "then": THEN}],
    "payment.amount": [{"loan": 1}],
    "payment.confirm": [{"loan": 1, "amount": "100.00", "method": 1, "label": "Visa 4242"}],
    "extension.choose": [{"loan": 1}],
    "extension.confirm": [{"loan": 1, "days": 7, "due_on": "2026-03-11"}],
    "plan.choose": [{"loan": 1}, {"loan": 1, "wish": {"on": "2026-03-10"}, "limit": 1}],
    "plan.confirm": [
        {
            "loan": 1,
            "parts": [["2026-03-18", "67.25"], ["2026-04-01", "67.25"]],
            "wish": {"count": 2},
        }
    ],
    "relief.confirm": [
        {
            "loan": 1,
            "kind": kind,
            "amount": "587.60",
            "forgiven": "146.90",
            "due_on": "2026-03-18",
        }
        for kind in ("settlement", "waiver")
    ],
    "promise.amount": [{"loan": 1}, {"loan": 1, "due_on": "2026-03-10"}],
    "promise.date": [{"loan": 1, "amount": "100.00"}],
    "promise.confirm": [
        {"loan": 1, "amount": "100.00", "due_on": "2026-03-10"},
        {
            "loan": 1,
            "amount": "100.00",
            "due_on": "2026-03-10",
            "first": "34.50",
            "first_on": "2026-03-04",
        },
    ],
    "promise.missed": [
        {
            "loan": 1,
            "kind": kind,
            "amount": "100.00",
            "due_on": "2026-03-02",
            "open_until": "2026-03-06T17:00:00+00:00",
            "then": {"text": "", "entities": {}, "intent": "pay_now", "loan": 1},
        }
        for kind in MISSED
    ],
    "promise.changed": [
        {"loan": 1, "then": {"text": "", "entities": {}, "intent": "pay_now", "loan": 1}}
    ],
    "dispute.reason": [{"loan": 1, "statement": "that is wrong"}],
    "dispute.figure": [{"loan": 1, "statement": "that amount is wrong"}],
    "already_paid.when": [{"loan": 1, "statement": "paid"}],
    "already_paid.how": [{"loan": 1, "statement": "paid", "paid_on": "2026-03-03"}],
    "hardship.choose": [{"ways": ["time", "parts", "person", "later"], "then": HARDSHIP_THEN}],
    "handoff.call_back": [{"queue": "general"}, {"queue": "general", "day": "2026-03-10"}],
    "language.choose": [{}],
    "consent.confirm_stop": [{}],
    "methods.new_link": [{"then": {"intent": "pay_now", "text": "", "entities": {}}}],
}
"""What each step remembers."""


def test_every_step_is_among_the_states_that_are_tried() -> None:
    assert set(SLOTS) == {f"{flow.name}.{step}" for flow in FLOWS for step in flow.steps}


def _states() -> st.SearchStrategy[State]:
    plain = [State(step, slots) for step, many in SLOTS.items() for slots in many]
    plain += [State(), State("gone.step"), State("extension.gone", {"loan": 1})]
    misses = st.integers(0, 3)
    bare = st.builds(replace, st.sampled_from(plain), misses=misses)
    return bare | st.builds(replace, bare, parked=st.none() | bare)


ENTITIES = st.builds(
    Entities,
    amount=st.none() | st.decimals("0.01", "99999", places=2),
    date=st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    duration_days=st.none() | st.integers(0, 4000),
    count=st.none() | st.integers(0, 99),
    option=st.none() | st.integers(0, 12),
    rest_on=st.none() | st.dates(date(2026, 3, 4), date(2028, 1, 1)),
)
TEXTS = st.sampled_from(
    [
        "words",
        "english please",
        "no hablo inglés",
        "tomorrow at 3",
        "what about my case",
        "i paid 100 by card yesterday",
        "",
        "1990",
        "1991",
        "1990 1991",
        "confirm",
        "2",
        "yes",
        "¿",
        "确认",
        "10101",
        "x" * 400,
    ]
)


@st.composite
def _turns(draw: st.DrawFn, **fixed: Any) -> Turn:
    intent = draw(st.sampled_from(INTENTS))
    confidence = draw(st.sampled_from([0.0, 0.2, 0.44, 0.45, 0.9, 1.0]))
    others = draw(st.lists(st.sampled_from(INTENTS), max_size=2, unique=True))
    rest = tuple((name, confidence / 2) for name in others if name != intent)
    text = draw(TEXTS)
    loans = draw(st.sampled_from([(LOAN,), (LOAN, CARD), (LOAN, CARD, SETTLED)]))
    values: dict[str, Any] = {
        "entities": draw(ENTITIES),
        "confidence": confidence,
        "ranking": draw(st.sampled_from([((intent, confidence), *rest), ()])),
        "opt_out": draw(st.sampled_from(["no", "no", "no", "ask", "done"])),
        "crisis": draw(st.sampled_from([False, False, False, True])),
        "keyword": draw(st.sampled_from([None, None, None, "stop", "start", "help"])),
        "loans": loans,
        "cases": draw(st.sampled_from([(), (), (CASE,)])),
        "payments": draw(st.sampled_from([(), (PAYMENT,)])),
        "first_name": draw(st.sampled_from(["Maya", "Maya", None])),
        "verified": draw(st.booleans()),
        "opted_out": draw(st.sampled_from([False, False, True])),
        "held": draw(st.sampled_from([False, False, True])),
        "has_media": draw(st.booleans()),
        "identity_misses": draw(st.integers(0, 3)),
    }
    return turn(intent, text, **{**values, **fixed})


def _rendered(reply: Reply, language: str) -> str:
    given = dict.fromkeys(
        (
            *("lender", "lender_phone", "lender_hours", "name"),
            *("payment_url", "case_number", "guide_url"),
        ),
        "x",
    )
    return CATALOGUES.render(reply, language, given={**given, "reminders": 3})


MANY = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@MANY
@given(state=_states(), said=_turns(), language=st.sampled_from(LANGUAGES))
def test_whatever_meets_there_is_an_outcome_that_can_be_said_and_stored(
    state: State, said: Turn, language: str
) -> None:
    outcome = advance(state, said)
    assert State.from_json(outcome.state.to_json()) == outcome.state
    assert outcome.state.step == "idle" or open_step(outcome.state) or outcome.state == state
    for reply in outcome.replies:
        assert _rendered(reply, language).strip()
    assert advance(state, said) == outcome, "the same turn led elsewhere"


@MANY
@given(
    state=st.just(State())
    | st.builds(State, st.just("identity.answer"), st.just(SLOTS["identity.answer"][0])),
    said=_turns(verified=False),
)
def test_nothing_about_the_debt_is_said_to_somebody_unverified(state: State, said: Turn) -> None:
    outcome = advance(state, said)
    if Verified() not in outcome.effects:
        assert not discloses(keys(outcome))
        assert not {type(e).__name__ for e in outcome.effects} & {
            *("CreatePaymentLink", "GrantExtension", "RecordPromise", "AddToCase")
        }
        opened = [e for e in outcome.effects if isinstance(e, OpenCase)]
        assert all(case.topic == "complaint" and case.loan_id is None for case in opened)


@pytest.mark.parametrize(
    "step",
    [
        *("loan.choose", "payment.amount", "extension.choose", "extension.confirm"),
        *("promise.date", "promise.confirm", "dispute.reason"),
    ],
)
def test_an_open_question_about_the_debt_asks_again_who_it_is(step: str) -> None:
    entities = Entities(option=1, date=date(2026, 3, 10))
    outcome = advance(
        State(step, SLOTS[step][0]), turn("affirm", "1", entities=entities, verified=False)
    )
    assert keys(outcome) == ["identity.ask_birth_year"]


@MANY
@given(state=_states(), said=_turns(opted_out=True))
def test_who_has_opted_out_hears_nothing_unless_they_come_back(state: State, said: Turn) -> None:
    outcome = advance(state, said)
    back = any(isinstance(effect, OptIn) for effect in outcome.effects)
    # The dialogue speaks to a cry for help; the guard decides whether the words may go.
    crisis = HandOff("crisis", "crisis") in outcome.effects
    expected = ["consent.resumed"] if back else ["crisis.helpline"] if crisis else []
    assert keys(outcome) == expected


@MANY
@given(state=_states(), said=_turns(held=True, opted_out=False))
def test_while_a_person_holds_it_only_stop_help_and_crisis_are_answered(
    state: State, said: Turn
) -> None:
    outcome = advance(state, said)
    carrier = {"help.what", "help.who"} if said.understanding.keyword == "help" else set()
    assert set(keys(outcome)) <= {"consent.stopped", "crisis.helpline"} | carrier
    if not outcome.replies:
        assert outcome == Outcome(state)


@MANY
@given(state=_states(), said=_turns(keyword="stop", opted_out=False))
def test_stop_stops_whatever_goes_on(state: State, said: Turn) -> None:
    outcome = advance(state, replace(said, understanding=replace(said.understanding, crisis=False)))
    assert outcome == Outcome(State(), (Reply("consent.stopped"),), (OptOut("keyword"),))


@MANY
@given(
    state=st.just(State()),
    said=_turns(opt_out="ask", opted_out=False, held=False, first_name="Maya"),
)
def test_a_doubtful_opt_out_is_asked_about(state: State, said: Turn) -> None:
    outcome = advance(state, replace(said, text="words"))
    heard = {"consent.ask_stop", "consent.stopped", "crisis.helpline"}
    if said.intent in {"fewer_messages", "resume_messaging"} and said.is_clear:
        heard |= {"consent.fewer", "consent.hours", "consent.fewer_and_hours"}
        heard |= {"consent.already_on"}  # whose texts name STOP
    assert heard & set(keys(outcome))


# Gone while it was open


@pytest.mark.parametrize("step", ["extension.choose", "extension.confirm"])
@pytest.mark.parametrize("intent", ["affirm", "deny", "out_of_scope"])
def test_a_choice_about_a_loan_that_was_paid_meanwhile(step: str, intent: str) -> None:
    paid = replace(LOAN, balance=Decimal("0.00"), due_amount=Decimal("0.00"), due_on=None)
    said = turn(intent, loans=(paid,), entities=Entities(option=1))
    assert not advance(State(step, SLOTS[step][0]), said).effects


@pytest.mark.parametrize("step", ["payment.amount", "promise.date", "promise.confirm"])
def test_other_questions_about_a_loan_that_was_paid_meanwhile_do_not_break(step: str) -> None:
    paid = replace(LOAN, balance=Decimal("0.00"), due_amount=Decimal("0.00"), due_on=None)
    for option in (None, 1, 2):
        said = turn("affirm", loans=(paid,), entities=Entities(option=option))
        assert advance(State(step, SLOTS[step][0]), said).replies


def test_no_promise_is_recorded_on_a_loan_that_was_paid_meanwhile() -> None:
    paid = replace(LOAN, balance=Decimal("0.00"), due_amount=Decimal("0.00"), due_on=None)
    said = turn("affirm", loans=(paid,), entities=Entities(option=1))
    assert advance(State("promise.confirm", SLOTS["promise.confirm"][0]), said).effects == ()


# Single rules


def test_every_intent_but_none_starts_exactly_one_flow() -> None:
    assert set(BY_INTENT) == set(INTENTS)
    started = [intent for flow in FLOWS for intent in flow.starts_on]
    assert len(started) == len(set(started))
    assert len({flow.name for flow in FLOWS}) == len(FLOWS)


@pytest.mark.parametrize(
    ("step", "menu"),
    [
        ("idle", False),
        ("extension.choose", True),
        ("dispute.reason", True),
        ("identity.answer", False),
        ("promise.date", False),
        ("gone.step", False),
    ],
)
def test_a_bare_number_is_a_choice_only_where_one_is_offered(step: str, menu: bool) -> None:
    assert menu_is_open(State(step)) == menu


def test_three_misses_on_a_step_lead_to_a_person() -> None:
    state, said = State("extension.choose", {"loan": 1}), turn("out_of_scope", confidence=0.1)
    heard = []
    for _ in range(3):
        outcome = advance(state, said)
        state = outcome.state
        heard.append(keys(outcome)[0])
    assert heard == ["misses.again", "misses.explain", "handoff.person"]


def test_a_choice_of_disputes_offers_every_kind() -> None:
    outcome = advance(State(), turn("dispute", "that is wrong"))
    (asked,) = outcome.replies
    assert [option.key for option in asked.options] == [f"dispute.kind_{kind}" for kind in KINDS]


def test_a_cry_for_help_is_heard_behind_another_intent() -> None:
    said = turn("hardship", crisis=True)
    assert keys(advance(State(), said)) == ["crisis.helpline"]


def test_a_cry_for_help_with_an_opt_out_is_answered_as_both() -> None:
    outcome = advance(State(), turn("crisis", opt_out="done"))
    assert keys(outcome) == ["crisis.helpline", "consent.stopped"]
    assert {type(effect) for effect in outcome.effects} == {HandOff, OptOut}


@pytest.mark.parametrize("answers", ["1990 1991", "19901991", "1991", "19900"])
def test_a_guess_among_several_years_does_not_open(answers: str) -> None:
    state = State("identity.answer", SLOTS["identity.answer"][0])
    outcome = advance(state, turn("out_of_scope", answers, verified=False))
    assert Verified() not in outcome.effects


@pytest.mark.parametrize("answers", ["1990", "I was born in 1990.", "１９９０", "在1990年"])
def test_the_right_year_opens(answers: str) -> None:
    state = State("identity.answer", SLOTS["identity.answer"][0])
    outcome = advance(state, turn("out_of_scope", answers, verified=False))
    assert Verified() in outcome.effects
    assert "balance.late_charged" in keys(outcome)
