"""What the rules allow for a loan: offers, or the one reason why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Policy, offers, plans
from bot.policy.explain import described
from bot.policy.offers import ExtensionOffer, Refusal, ReliefOffer, Terms
from bot.policy.plans import Plan, Wish
from bot.turn import AgreementView, LoanView
from tests import builders
from tests.fakes import POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)
TODAY = date(2026, 3, 4)
LOAN = builders.loan_view()
IN_FORCE = AgreementView("plan", Decimal("134.50"), Decimal("0.00"), date(2026, 4, 15))


def ruled(section: str, **values: Any) -> Policy:
    """The policy with other values in a section."""
    return replace(POLICY, **{section: replace(getattr(POLICY, section), **values)})


def terms(policy: Policy = POLICY, *, country: str = "US", **loan: Any) -> Terms:
    return Terms(policy, replace(LOAN, **loan), TODAY, country)


@dataclass(frozen=True)
class Asked:
    name: str
    loan: dict[str, Any]
    reason: str | None
    rule: str = ""
    rules: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.name


def _reason(refusal: Refusal | None) -> tuple[str | None, str]:
    return (refusal.reason, refusal.rule) if refusal else (None, "")


EXTENSIONS = [
    Asked("may have more time", {}, None),
    Asked("owes nothing that is due", {"due_on": None}, "nothing_due"),
    Asked("is disputed", {"disputed": True}, "disputed"),
    Asked("has a plan", {"agreement": IN_FORCE}, "agreed"),
    Asked("was moved once", {"extensions": 1}, None),
    Asked("was moved twice", {"extensions": 2}, "used_up", "extension.most_per_loan"),
    Asked("is sixty days late", {"days_overdue": 60}, None),
    Asked("is sixty-one", {"days_overdue": 61}, "too_late", "extension.until_days_overdue"),
    Asked("is disputed and moved", {"disputed": True, "extensions": 9}, "disputed"),
    Asked("is due in thirty days", {"days_overdue": 0, "due_on": date(2026, 4, 3)}, None),
    Asked(
        "is due in thirty-one",
        {"days_overdue": 0, "due_on": date(2026, 4, 4)},
        "too_early",
        "extension.from_days_overdue",
    ),
    Asked(
        "was moved three days ago",
        {"extensions": 1, "extended_on": date(2026, 3, 1)},
        "too_soon",
        "extension.days_between",
        {"days_between": 4},
    ),
    Asked(
        "was moved four days ago",
        {"extensions": 1, "extended_on": date(2026, 2, 28)},
        None,
        "",
        {"days_between": 4},
    ),
]


@pytest.mark.parametrize("case", EXTENSIONS, ids=str)
def test_more_time_for_a_loan_that(case: Asked) -> None:
    policy = ruled("extension", **(case.rules or {}))
    assert _reason(offers.extension_refusal(terms(policy, **case.loan))) == (case.reason, case.rule)


def test_more_time_runs_from_today_where_the_day_has_passed() -> None:
    assert offers.extensions(terms()) == (
        ExtensionOffer(7, date(2026, 3, 11)),
        ExtensionOffer(14, date(2026, 3, 18)),
    )


def test_more_time_runs_from_the_due_date_where_it_is_still_to_come() -> None:
    coming = terms(due_on=date(2026, 3, 10), days_overdue=0)
    assert offers.extension(coming, 7) == ExtensionOffer(7, date(2026, 3, 17))


def test_more_time_that_ends_on_a_day_off_ends_on_the_next_business_day() -> None:
    policy = ruled("calendar", move="next_business_day")
    assert offers.extension(terms(policy), 3) == ExtensionOffer(5, date(2026, 3, 9))
    twice = replace(policy, extension=replace(policy.extension, offer_days=(3, 4, 7)))
    assert [o.days for o in offers.extensions(terms(twice))] == [5, 7]


def test_more_time_may_cost_something() -> None:
    assert offers.extension(terms(ruled("extension", fee=Decimal("4.90"))), 7).fee == Decimal(
        "4.90"
    )


PLANS = [
    Asked("may be paid in parts", {}, None),
    Asked("is disputed", {"disputed": True}, "disputed"),
    Asked("has a plan", {"agreement": IN_FORCE}, "agreed"),
    Asked("had a plan", {"plans": 1}, "used_up", "plan.most_per_loan"),
    Asked("is paid", {"balance": Decimal("0.00")}, "nothing_due"),
    Asked("is due today", {"days_overdue": 0, "due_on": TODAY}, None),
    Asked(
        "is due tomorrow",
        {"days_overdue": 0, "due_on": date(2026, 3, 5)},
        "too_early",
        "plan.from_days_overdue",
    ),
    Asked("is 120 days late", {"days_overdue": 120}, None),
    Asked("is 121", {"days_overdue": 121}, "too_late", "plan.until_days_overdue"),
    Asked("is forty dollars", {"due_amount": Decimal("40.00")}, None),
    Asked("is a cent less", {"due_amount": Decimal("39.99")}, "too_small", "plan.smallest_part"),
]


@pytest.mark.parametrize("case", PLANS, ids=str)
def test_parts_for_a_loan_that(case: Asked) -> None:
    assert _reason(plans.plan_refusal(terms(**case.loan))) == (case.reason, case.rule)


def parts(made: Plan | Refusal) -> str:
    """A plan as "0304 67.25, 0318 67.25"."""
    assert isinstance(made, Plan), made
    return ", ".join(f"{part.due_on:%m%d} {part.amount}" for part in made.parts)


WISHES: dict[str, tuple[Wish, str]] = {
    "three parts": (Wish(count=3), "0318 44.83, 0401 44.83, 0415 44.84"),
    "six parts": (
        Wish(count=6),
        "0318 22.41, 0401 22.41, 0415 22.41, 0429 22.41, 0513 22.41, 0527 22.45",
    ),
    "fifty a part": (Wish(amount=Decimal("50")), "0318 50.00, 0401 50.00, 0415 34.50"),
    "a rest too small for itself": (Wish(amount=Decimal("60")), "0318 60.00, 0401 74.50"),
    "fifty a week": (
        Wish(amount=Decimal("50"), every_days=7),
        "0311 50.00, 0318 50.00, 0325 34.50",
    ),
    "half now, half on the 15th": (
        Wish(half=True, now=True, on=date(2026, 3, 15)),
        "0304 67.25, 0315 67.25",
    ),
    "half on friday": (Wish(half=True, on=date(2026, 3, 6)), "0306 67.25, 0320 67.25"),
    "half friday, the rest on the 13th": (
        Wish(half=True, on=date(2026, 3, 6), rest_on=date(2026, 3, 13)),
        "0306 67.25, 0313 67.25",
    ),
    "sixty now": (Wish(amount=Decimal("60"), now=True), "0304 60.00, 0318 74.50"),
    "sixty now and the rest on the 15th": (
        Wish(amount=Decimal("60"), now=True, rest_on=date(2026, 3, 15)),
        "0304 60.00, 0315 74.50",
    ),
    "three parts from the 10th": (
        Wish(count=3, on=date(2026, 3, 10)),
        "0310 44.83, 0324 44.83, 0407 44.84",
    ),
    "three parts, one now": (
        Wish(count=3, now=True),
        "0304 44.83, 0318 44.83, 0401 44.84",
    ),
    "two parts of seventy": (Wish(count=2, amount=Decimal("70")), "0318 70.00, 0401 64.50"),
}


@pytest.mark.parametrize(("wish", "expected"), WISHES.values(), ids=WISHES)
def test_what_a_borrower_asks_for(wish: Wish, expected: str) -> None:
    assert parts(plans.plan(terms(), wish)) == expected
    assert Wish.from_json(wish.to_json()) == wish


TOO_MUCH: dict[str, tuple[Wish, Refusal]] = {
    "seven parts": (Wish(count=7), Refusal("too_many", "plan.most_parts", 6)),
    "parts of 19": (
        Wish(amount=Decimal("19")),
        Refusal("part_too_small", "plan.smallest_part", Decimal("20.00")),
    ),
    "a last part that is too small": (
        Wish(amount=Decimal("120"), now=True),
        Refusal("part_too_small", "plan.smallest_part", Decimal("20.00")),
    ),
    "all of it": (Wish(amount=Decimal("134.50")), Refusal("whole", "", Decimal("134.50"))),
    "once a month": (
        Wish(amount=Decimal("50"), every_days=30),
        Refusal("too_slow", "plan.days_between", 14),
    ),
    "from the 19th": (
        Wish(count=3, on=date(2026, 3, 19)),
        Refusal("too_far", "plan.days_between", date(2026, 3, 18)),
    ),
    "the rest in a month": (
        Wish(half=True, now=True, rest_on=date(2026, 4, 4)),
        Refusal("too_far", "plan.days_between", date(2026, 3, 18)),
    ),
}


@pytest.mark.parametrize(("wish", "refusal"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_a_borrower_may_not_have(wish: Wish, refusal: Refusal) -> None:
    assert plans.plan(terms(), wish) == refusal


def test_parts_that_would_be_too_many_are_too_small() -> None:
    asked = terms(due_amount=Decimal("734.50"))
    assert plans.plan(asked, Wish(amount=Decimal("90"))) == Refusal(
        "part_too_small", "plan.most_parts", Decimal("122.42")
    )
    assert isinstance(plans.plan(asked, Wish(amount=Decimal("122.42"))), Plan)


def test_fewer_parts_are_the_most_where_each_would_be_too_small() -> None:
    assert plans.plan(terms(due_amount=Decimal("70.00")), Wish(count=9)) == Refusal(
        "too_many", "plan.most_parts", 3
    )


def test_what_is_not_due_yet_is_first_paid_on_its_day() -> None:
    coming = terms(due_on=date(2026, 3, 10), days_overdue=0, due_amount=Decimal("120.00"))
    assert parts(plans.plan(coming, Wish(count=2))) == "0310 60.00, 0324 60.00"


def test_a_down_payment_is_the_first_part_and_is_paid_today() -> None:
    policy = ruled("plan", down_payment_percent=25)
    assert parts(plans.plan(terms(policy), Wish(count=3))) == "0304 33.63, 0318 50.43, 0401 50.44"
    assert (
        parts(plans.plan(terms(policy), Wish(amount=Decimal("50"))))
        == "0304 50.00, 0318 50.00, 0401 34.50"
    )
    assert (
        parts(plans.plan(terms(policy), Wish(amount=Decimal("25"), now=True)))
        == "0304 33.63, 0318 100.87"
    )
    assert (
        parts(plans.plan(terms(policy), Wish(half=True, on=date(2026, 3, 10))))
        == "0304 67.25, 0310 67.25"
    )


def test_parts_on_days_off_are_paid_on_business_days_but_for_today_s() -> None:
    saturday = Terms(ruled("calendar", move="next_business_day"), LOAN, date(2026, 3, 7), "US")
    assert parts(plans.plan(saturday, Wish(count=3))) == "0323 44.83, 0406 44.83, 0420 44.84"
    assert parts(plans.plan(saturday, Wish(count=2, now=True))) == "0307 67.25, 0323 67.25"


def test_days_rise_even_where_a_long_holiday_swallows_them() -> None:
    policy = replace(
        ruled("calendar", move="next_business_day"), plan=replace(POLICY.plan, days_between=1)
    )
    golden_week = Terms(policy, LOAN, date(2026, 9, 30), "CN")
    assert parts(plans.plan(golden_week, Wish(count=3))) == "1008 44.83, 1009 44.83, 1010 44.84"


def test_the_offers_leave_out_what_would_be_too_small() -> None:
    offered = plans.plans(terms(due_amount=Decimal("61.00")))
    assert [len(made.parts) for made in offered] == [2, 3]


def test_where_none_of_them_fits_the_most_that_does_is_offered() -> None:
    few = terms(ruled("plan", offer_parts=(4, 6)), due_amount=Decimal("61.00"))
    assert [len(made.parts) for made in plans.plans(few)] == [3]


amounts = st.integers(1, 5_000_000).map(lambda cents: Decimal(cents) / 100)
days = st.none() | st.integers(0, 40).map(lambda n: TODAY + timedelta(days=n))
wishes = st.builds(
    Wish,
    count=st.none() | st.integers(2, 60),
    amount=st.none() | amounts,
    half=st.booleans(),
    now=st.booleans(),
    on=days,
    rest_on=days,
    every_days=st.none() | st.sampled_from([7, 14, 15, 28, 30]),
)


@given(
    due=amounts,
    wish=wishes,
    smallest=amounts,
    most=st.integers(2, 24),
    interval=st.sampled_from([1, 7, 14, 30]),
    down=st.sampled_from([0, 1, 10, 33, 99]),
    due_in=st.integers(-40, 40),
    move=st.booleans(),
)
def test_any_plan_adds_up_and_keeps_to_the_rules(
    due: Decimal,
    wish: Wish,
    smallest: Decimal,
    most: int,
    interval: int,
    down: int,
    due_in: int,
    move: bool,
) -> None:
    rules = replace(
        POLICY.plan,
        smallest_part=smallest,
        most_parts=most,
        days_between=interval,
        down_payment_percent=down,
    )
    calendar = replace(POLICY.calendar, move="next_business_day" if move else "keep")
    policy = replace(POLICY, plan=rules, calendar=calendar)
    due_on = TODAY + timedelta(days=due_in)
    loan: LoanView = replace(LOAN, due_amount=due, due_on=due_on, days_overdue=max(0, -due_in))
    asked = Terms(policy, loan, TODAY, "CN")
    made = plans.plan(asked, wish)
    if isinstance(made, Refusal):
        assert made.reason in {"too_many", "part_too_small", "whole", "too_slow", "too_far"}
        return
    assert made.amount == due
    assert 2 <= len(made.parts) <= most
    assert all(part.amount >= smallest for part in made.parts)
    assert all(part.amount == part.amount.quantize(Decimal("0.01")) for part in made.parts)
    on = [part.due_on for part in made.parts]
    assert on == sorted(set(on))
    assert on[0] >= TODAY
    if down:
        assert on[0] == TODAY
        assert made.parts[0].amount >= plans.down_payment(asked)


# Less than all


def relieving(kind: str, *steps: tuple[int, int]) -> Policy:
    return ruled(kind, percent_by_days_overdue=steps)


def test_nothing_is_forgiven_as_delivered() -> None:
    assert offers.settlement(terms()) == Refusal("off", "settlement.percent_by_days_overdue")
    assert offers.waiver(terms()) == Refusal("off", "waiver.percent_by_days_overdue")


SETTLED = {
    "before the first step": (89, None),
    "on it": (90, ("587.60", "146.90")),
    "a day before the next": (179, ("587.60", "146.90")),
    "on the next": (180, ("477.42", "257.08")),
}


@pytest.mark.parametrize(("overdue", "expected"), SETTLED.values(), ids=SETTLED)
def test_what_closes_a_loan_depends_on_how_late_it_is(
    overdue: int, expected: tuple[str, str] | None
) -> None:
    policy = relieving("settlement", (90, 20), (180, 35))
    found = offers.settlement(terms(policy, days_overdue=overdue))
    if expected is None:
        assert found == Refusal("too_early", "settlement.percent_by_days_overdue", 90)
    else:
        amount, forgiven = map(Decimal, expected)
        assert found == ReliefOffer("settlement", amount, forgiven, date(2026, 3, 18))


def test_charges_are_waived_where_the_rest_that_is_due_is_paid() -> None:
    half = relieving("waiver", (1, 50))
    assert offers.waiver(terms(half)) == ReliefOffer(
        "waiver", Decimal("127.25"), Decimal("7.25"), date(2026, 3, 11)
    )
    assert offers.waiver(terms(half, late_charges=Decimal("0.00"))) == Refusal("nothing_to_forgive")
    odd = offers.waiver(terms(half, late_charges=Decimal("14.51")))
    assert isinstance(odd, ReliefOffer)
    assert odd.forgiven == Decimal("7.26")


@pytest.mark.parametrize("kind", ["settlement", "waiver"])
@pytest.mark.parametrize(
    ("loan", "reason"), [({"disputed": True}, "disputed"), ({"agreement": IN_FORCE}, "agreed")]
)
def test_nothing_is_forgiven_beside_a_case_or_another_agreement(
    kind: str, loan: dict[str, Any], reason: str
) -> None:
    assert offers.relief(terms(relieving(kind, (1, 50)), **loan), kind) == Refusal(reason)


@given(balance=amounts, charges=amounts, percent=st.integers(1, 99), overdue=st.integers(0, 400))
def test_what_is_forgiven_and_what_is_paid_are_the_whole(
    balance: Decimal, charges: Decimal, percent: int, overdue: int
) -> None:
    policy = replace(
        relieving("settlement", (1, percent)),
        waiver=replace(POLICY.waiver, percent_by_days_overdue=((1, percent),)),
    )
    past_due = min(balance, charges) + Decimal("1.00")
    asked = terms(
        policy,
        balance=max(balance, past_due),
        past_due=past_due,
        late_charges=min(balance, charges),
        days_overdue=overdue,
        due_on=TODAY - timedelta(days=overdue),
    )
    for kind, whole in (("settlement", asked.loan.balance), ("waiver", past_due)):
        found = offers.relief(asked, kind)
        if isinstance(found, ReliefOffer):
            assert found.amount + found.forgiven == whole
            assert found.amount > 0 < found.forgiven
            assert found.pay_by > TODAY


# Promises

PROMISES: dict[str, tuple[dict[str, Any], dict[str, Any], str | None]] = {
    "a plain one": ({"amount": Decimal("50.00"), "due_on": date(2026, 3, 6)}, {}, None),
    "nothing said yet": ({}, {}, None),
    "thirty days off": ({"due_on": date(2026, 4, 3)}, {}, None),
    "thirty-one": ({"due_on": date(2026, 4, 4)}, {}, "too_far"),
    "five dollars": ({"amount": Decimal("5.00")}, {}, None),
    "a cent less": ({"amount": Decimal("4.99")}, {}, "too_small"),
    "all of a small balance": ({"amount": Decimal("3.00")}, {"balance": Decimal("3.00")}, None),
    "more than is owed": ({"amount": Decimal("734.51")}, {}, "too_much"),
    "one broken before": ({}, {"promises_broken": 1}, None),
    "two broken before": ({}, {"promises_broken": 2}, "broken"),
    "a case": ({}, {"disputed": True}, "disputed"),
    "no debt": ({}, {"balance": Decimal("0.00")}, "nothing_due"),
    "the plan's own next part": (
        {"due_on": date(2026, 3, 18)},
        {"agreement": IN_FORCE, "due_on": date(2026, 3, 18)},
        None,
    ),
    "later than the plan says": (
        {"due_on": date(2026, 3, 19)},
        {"agreement": IN_FORCE, "due_on": date(2026, 3, 18)},
        "agreed",
    ),
}


@pytest.mark.parametrize(("word", "loan", "reason"), PROMISES.values(), ids=PROMISES)
def test_a_word_to_pay(word: dict[str, Any], loan: dict[str, Any], reason: str | None) -> None:
    refused = offers.promise_refusal(terms(**loan), **word)
    assert (refused.reason if refused else None) == reason


# Explained to the lender's people


def lines(asked: Terms) -> str:
    return "\n".join(described(asked, POLICY_TEXT))


WHY: dict[str, tuple[dict[str, Any], str]] = {
    "a case": ({"disputed": True}, "no plan: a case on this loan is open"),
    "another agreement": ({"agreement": IN_FORCE}, "no extension: a plan stands until 2026-04-15"),
    "moved before": ({"extensions": 2}, "no extension: this loan has had 2, 2 being the most (ext"),
    "had its plan": ({"plans": 1}, "no plan: this loan has had 1, 1 being the most (plan.most_per"),
    "too late": ({"days_overdue": 90}, "no extension: 90 days overdue, extensions end at 60 (ext"),
    "too early": (
        {"days_overdue": 0, "due_on": date(2026, 3, 5)},
        "no plan: due in 1 day, plans begin at 0 (plan.from_days_overdue, line ",
    ),
    "too little": (
        {"due_amount": Decimal("39.99")},
        "no plan: 39.99 USD is too little for two parts, none of which may be below 20.00 (plan.",
    ),
    "broken": ({"promises_broken": 2}, "no promise: 2 promises broken, after 2 a person takes the"),
    "paid": ({"balance": Decimal("0.00"), "due_on": None}, "nothing is owed"),
}


@pytest.mark.parametrize(("loan", "words"), WHY.values(), ids=WHY)
def test_why_not_more(loan: dict[str, Any], words: str) -> None:
    assert words in lines(terms(**loan))


def test_what_is_forgiven_is_explained() -> None:
    policy = replace(relieving("settlement", (90, 20)), waiver=relieving("waiver", (1, 50)).waiver)
    said = lines(terms(policy))
    assert "no settlement: 9 days overdue, settlements begin at 90 (settlement.percent_by" in said
    assert "  waiver: 127.25 USD by 2026-03-11; 7.25 USD is forgiven" in said
    free = lines(terms(policy, late_charges=Decimal("0.00")))
    assert "no waiver: there is nothing to forgive" in free


def test_an_extension_that_was_lately_granted_is_explained() -> None:
    policy = ruled("extension", days_between=30, fee=Decimal("6.50"))
    lately = {"extensions": 1, "extended_on": date(2026, 3, 1)}
    assert "the last was on 2026-03-01, the next may be on 2026-03-31 (extension.days_" in lines(
        terms(policy, **lately)
    )
    assert "any day until 2026-03-18, for 6.50 USD; 2 left" in lines(terms(policy))
