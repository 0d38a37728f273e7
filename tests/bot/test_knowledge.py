"""What borrowers are told of their loans: the parts add up, what was agreed is remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.entities import Entities
from bot.flows import BY_INTENT, asked
from bot.turn import (
    AgreementView,
    DueView,
    LoanView,
    Money,
    PaymentView,
    PromiseView,
    Reply,
)
from tests import builders
from tests.bot.test_dialog import TODAY, keys, turn

AMOUNTS = st.decimals("0.01", "5000", places=2)


def loan(*parts: tuple[int, str], charges: str = "0.00", **values: Any) -> LoanView:
    """A loan with unpaid instalments, each so many days from today."""
    unpaid = tuple(DueView(TODAY + timedelta(days=n), Decimal(a)) for n, a in sorted(parts))
    late = [part for part in unpaid if part.due_on < TODAY]
    late_charges = Decimal(charges)
    total = sum((part.amount for part in unpaid), late_charges)
    past_due = sum((part.amount for part in late), late_charges) if late else Decimal("0.00")
    given_ = {
        "balance": total,
        "past_due": past_due,
        "late_charges": late_charges,
        "due_on": unpaid[0].due_on if unpaid else None,
        "due_amount": past_due or (unpaid[0].amount + late_charges if unpaid else total),
        "days_overdue": (TODAY - late[0].due_on).days if late else 0,
        "unpaid": unpaid,
    }
    return replace(builders.loan_view(), **{**given_, **values})


def answer(intent: str, text: str, *loans: LoanView, **more: Any) -> list[Reply]:
    return list(BY_INTENT[intent].start(turn(intent, text, loans=loans, **more)).replies)


def _money(reply: Reply, name: str) -> Decimal:
    value = reply.values[name]
    if isinstance(value, Reply):
        value = value.values["total"]
    assert isinstance(value, Money)
    return value.amount


@given(
    parts=st.lists(st.tuples(st.integers(-90, 300), AMOUNTS.map(str)), min_size=1, max_size=12),
    charges=st.sampled_from(["0.00", "14.50"]),
)
def test_the_parts_of_a_balance_add_up_to_it(parts: list[tuple[int, str]], charges: str) -> None:
    replies = answer("ask_balance", "why so much", loan(*parts, charges=charges))
    named = {reply.key: reply for reply in replies}
    gaps = {"part_late": "sum", "part_charges": "late_charges", "part_coming": "sum"}
    told = [
        _money(named[f"balance.{key}"], gap)
        for key, gap in gaps.items()
        if f"balance.{key}" in named
    ]
    assert sum(told, Decimal("0.00")) == _money(named["balance.made_up"], "balance")


def test_unequal_parts_are_counted_and_equal_ones_multiplied() -> None:
    unequal = answer("ask_balance", "why so much", loan((3, "50"), (9, "70.10")))[1]
    equal = answer("ask_balance", "why so much", loan((3, "50"), (9, "50")))[1]
    single = answer("ask_balance", "why so much", loan((3, "50")))[1]
    assert unequal.values["sum"].key == "balance.sum_of"
    assert equal.values["sum"].key == "balance.sum_equal"
    assert single.values["sum"].key == "balance.sum_one"


SOON, GONE = TODAY + timedelta(days=3), TODAY - timedelta(days=1)
LATE = loan((-9, "120"), (21, "120"), charges="14.50")
FINE = loan((9, "120"), (21, "120"))


def _agreement(kind: str, ends_on: date) -> AgreementView:
    return AgreementView(kind, Decimal("100.00"), Decimal("20.00"), ends_on)


AGREED = {
    "nothing": (LATE, {}, "balance.next"),
    "a promise": (LATE, {"promise": PromiseView(Decimal("50"), SOON)}, "balance.promised"),
    "a promise for today": (
        LATE,
        {"promise": PromiseView(Decimal("50"), TODAY)},
        "balance.promised",
    ),
    "a promise of yesterday": (LATE, {"promise": PromiseView(Decimal("50"), GONE)}, "balance.next"),
    "a plan that is kept": (FINE, {"agreement": _agreement("plan", SOON)}, "balance.plan_runs"),
    "a plan with a part missed": (
        LATE,
        {"agreement": _agreement("plan", SOON)},
        "balance.plan_late",
    ),
    "a settlement": (
        LATE,
        {"agreement": _agreement("settlement", SOON)},
        "balance.settlement_open",
    ),
    "a settlement of yesterday": (
        LATE,
        {"agreement": _agreement("settlement", GONE)},
        "balance.next",
    ),
    "a waiver": (LATE, {"agreement": _agreement("waiver", SOON)}, "balance.waiver_open"),
    "a case before all": (
        LATE,
        {"disputed": True, "promise": PromiseView(Decimal("50"), SOON)},
        "balance.case_open",
    ),
}


@pytest.mark.parametrize(("view", "changes", "last"), AGREED.values(), ids=AGREED)
@pytest.mark.parametrize("intent", ["ask_balance", "ask_due_date"])
def test_what_stands_agreed_is_said_last(
    view: LoanView, changes: dict[str, Any], last: str, intent: str
) -> None:
    assert answer(intent, "words", replace(view, **changes))[-1].key == last


def test_with_several_loans_an_agreement_stands_below_its_own() -> None:
    promised = replace(LATE, promise=PromiseView(Decimal("50"), SOON))
    other = replace(FINE, id=2, reference="L0002-5678")
    told = [reply.key for reply in answer("ask_balance", "words", promised, other)]
    assert told == ["balance.late_charged", "balance.promised", "balance.current"]


NAMES = {
    "one loan needs no number": (("L-1001",), None),
    "four digits": (("L-51001", "L-52002"), "1001"),
    "more where four are the same": (("L-51001", "L-61001"), "51001"),
    "no stroke in front": (("A1-1001", "B1-1001"), "A1-1001"),
}


@pytest.mark.parametrize(("references", "digits"), NAMES.values(), ids=NAMES)
def test_loans_are_told_apart(references: tuple[str, ...], digits: str | None) -> None:
    loans = [replace(FINE, id=n, reference=name) for n, name in enumerate(references, 1)]
    product = answer("ask_balance", "words", *loans)[0].values["product"]
    assert product.values.get("digits") == digits


def _moved(view: LoanView, **more: Any) -> bool:
    return bool(answer("ask_due_date", "words", view, **more)[0].values["moved"])


def test_a_day_that_was_given_is_called_so_until_something_is_paid() -> None:
    extended = replace(FINE, extended_on=TODAY - timedelta(days=5))
    paid = PaymentView(extended.id, Decimal("120"), TODAY - timedelta(days=1))
    before = replace(paid, paid_on=TODAY - timedelta(days=6))
    assert not _moved(FINE)
    assert _moved(extended)
    assert _moved(extended, payments=(before, replace(paid, loan_id=9)))
    assert not _moved(extended, payments=(paid,))


def test_a_stranger_who_asks_hears_nothing_of_an_account() -> None:
    told = BY_INTENT["ask_identity"].start(turn("ask_identity", "who dis", first_name=None))
    assert keys(told) == ["identity.who_stranger"]


def test_a_word_for_a_new_link_leads_to_paying() -> None:
    begun = BY_INTENT["ask_payment_methods"].start(turn("ask_payment_methods", "link is broken"))
    assert begun.state.step == "methods.new_link"
    said = turn("affirm", "1", entities=Entities(option=1))
    passed = BY_INTENT["ask_payment_methods"].steps["new_link"].take(said, begun.state.slots)
    assert passed is not None
    assert begun.state.slots["then"]["intent"] == "pay_now"


WORDS = {
    asked.parts: (
        *("why so much", "can you break it down", "fees?", "xq tanto", "me da el desglose"),
        *("怎么这么多", "逾期費用點計", "點解咁多", "明細給我", "how many payments are left"),
    ),
    asked.interest: ("how much interest", "cuanto de intereses", "利息多少", "本金仲有幾多"),
    asked.last_day: ("when does the loan end", "cuando termino de pagar", "最後一期幾時"),
    asked.failing: (
        *("link doesnt work", "page wont load", "la liga no jala", "no me abre", "打不開"),
        *("條link開唔到", "點了沒反應", "card was declined"),
    ),
    asked.doubt: ("is this legit", "es una estafa?", "是不是骗子", "係咪呃人", "怎麼證明"),
    asked.number_source: ("who gave you my number", "de donde sacaron mi numero", "點解有我電話"),
}
PLAIN = (
    *("how much do i owe", "whats my balance", "cuanto debo", "我还欠多少", "仲爭幾多"),
    *("when is it due", "cuando me toca", "几号还", "do you take paypal", "aceptan efectivo"),
    *("可以用微信吗", "who is this", "quien es", "你是谁", "邊位"),
)


@pytest.mark.parametrize("reads", WORDS, ids=lambda reads: reads.__name__)
def test_what_is_asked_for_is_read_from_the_words(reads: Any) -> None:
    assert [text for text in WORDS[reads] if not reads(text)] == []
    assert [text for text in PLAIN if reads(text)] == []


def test_late_interest_stands_in_the_books() -> None:
    late = ("how much late interest", "intereses por mora", "逾期利息多少")
    assert [text for text in late if asked.interest(text)] == []
