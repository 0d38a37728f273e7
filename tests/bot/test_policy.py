"""The lender's rules: what is refused in which words, what is offered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from bot.policy import ExtensionOffer, Policy, PolicyError
from bot.runtime import read_policy
from bot.turn import LoanView
from settings import PROJECT, SettingsError
from tests import builders
from tests.fakes import POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)
TODAY = date(2026, 3, 4)
LOAN = builders.loan_view()


@dataclass(frozen=True)
class Refused:
    name: str
    old: str
    new: str
    words: str

    def __str__(self) -> str:
        return self.name


REFUSED = [
    Refused("no TOML", "[lender]", "[lender", "The policy is not valid TOML"),
    Refused("unknown section", "[promise]", "[promises]", "[promises] is no section"),
    Refused("missing section", "[promise]\nlongest_days = 30\n", "", "lacks the section [promise]"),
    Refused("unknown key", "sure =", "certain =", "understanding.certain is unknown"),
    Refused("missing key", "tries = 3\n", "", "identity.tries is missing"),
    Refused("sure of everything", "sure = 0.45", "sure = 0", "understanding.sure must lie"),
    Refused("sure of nothing", "sure = 0.45", "sure = 1.0", "understanding.sure must lie"),
    Refused("not a number", "sure = 0.45", 'sure = "0.45"', "understanding.sure must be a number"),
    Refused("truth for a number", "tries = 3", "tries = true", "identity.tries must be a whole"),
    Refused("unknown question", '"birth_year"', '"shoe_size"', "identity.ask must be empty or one"),
    Refused("no tries", "tries = 3", "tries = 0", "identity.tries must be 1 or more"),
    Refused("negative", "tries = 3", "tries = -1", "identity.tries must be 1 or more"),
    Refused("a float of money", 'minimum = "5.00"', "minimum = 5.0", "payment.minimum must be an"),
    Refused("no amount", 'minimum = "5.00"', 'minimum = "five"', "payment.minimum must be an"),
    Refused("nothing", 'minimum = "5.00"', 'minimum = "0"', "payment.minimum must be more"),
    Refused("link hours", "link_hours = 24", "link_hours = 0", "payment.link_hours must be 1"),
    Refused("no choices", "[7, 14]", "[]", "extension.offer_days must name days"),
    Refused("a choice over the most", "[7, 14]", "[7, 15]", "extension.offer_days must name days"),
    Refused("a choice of no time", "[7, 14]", "[0]", "extension.offer_days must name days"),
    Refused("texts for days", "[7, 14]", '["7"]', "extension.offer_days must be a list of whole"),
    Refused("too many choices", "[7, 14]", "[1,2,3,4,5,6,7,8,9]", "may name 8 choices"),
    Refused("promise days", "longest_days = 30", "longest_days = 0", "promise.longest_days must"),
    Refused("no general helpline", '"*" = "findahelpline.com"', "", "[helplines] needs a text"),
    Refused("an empty helpline", 'US = "988"', 'US = ""', "[helplines] needs a text"),
    Refused("a number as a name", '"Repayline Demo Lending"', "7", "lender.name must be a text"),
]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_policy_is_refused_in_one_sentence(case: Refused) -> None:
    assert case.old in POLICY_TEXT
    with pytest.raises(PolicyError) as refused:
        Policy.from_toml(POLICY_TEXT.replace(case.old, case.new, 1))
    said = str(refused.value)
    assert case.words in said
    assert said.endswith(".")
    assert "\n" not in said


AMOUNTS = {"not a number": "NaN", "endless": "Infinity", "three places": "5.001"}


@pytest.mark.parametrize("amount", AMOUNTS.values(), ids=AMOUNTS)
def test_a_senseless_minimum_is_refused(amount: str) -> None:
    with pytest.raises(PolicyError, match=r"payment\.minimum"):
        Policy.from_toml(POLICY_TEXT.replace('"5.00"', f'"{amount}"'))


def test_a_policy_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"POLICY_FILE .*none\.toml cannot be read"):
        read_policy(PROJECT / "none.toml")
    with pytest.raises(SettingsError, match=r"POLICY_FILE .* cannot be read"):
        read_policy(PROJECT)


@dataclass(frozen=True)
class Asked:
    name: str
    loan: LoanView
    refusal: str | None

    def __str__(self) -> str:
        return self.name


ASKED = [
    Asked("may have more time", LOAN, None),
    Asked("nothing due", replace(LOAN, due_on=None), "nothing_due"),
    Asked("disputed", replace(LOAN, disputed=True), "disputed"),
    Asked("once before", replace(LOAN, extensions=1), None),
    Asked("twice before", replace(LOAN, extensions=2), "used_up"),
    Asked("sixty days late", replace(LOAN, days_overdue=60), None),
    Asked("sixty-one", replace(LOAN, days_overdue=61), "too_late"),
    Asked("the dispute comes first", replace(LOAN, disputed=True, extensions=9), "disputed"),
]


@pytest.mark.parametrize("case", ASKED, ids=str)
def test_more_time_for_a_loan_that(case: Asked) -> None:
    assert POLICY.extension_refusal(case.loan) == case.refusal


def test_more_time_runs_from_today_where_the_day_has_passed() -> None:
    assert POLICY.extension_offers(LOAN, TODAY) == (
        ExtensionOffer(7, date(2026, 3, 11)),
        ExtensionOffer(14, date(2026, 3, 18)),
    )


def test_more_time_runs_from_the_due_date_where_it_is_still_to_come() -> None:
    loan = replace(LOAN, due_on=date(2026, 3, 10))
    assert POLICY.extension_offer(loan, 7, TODAY) == ExtensionOffer(7, date(2026, 3, 17))


@pytest.mark.parametrize(
    ("country", "helpline"), [("US", "988"), ("ES", "024"), ("FR", "findahelpline.com")]
)
def test_a_helpline_for_every_country(country: str, helpline: str) -> None:
    assert POLICY.helpline(country) == helpline
