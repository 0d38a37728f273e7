"""The lender's rules as a file: what is refused in which words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.guard import lint
from bot.policy import Policy, PolicyError
from bot.policy.policy import LANGUAGES
from bot.runtime import read_policy
from settings import PROJECT, SettingsError
from tests.fakes import POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)


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
    Refused("no window", '"09:00-18:00"', '"9 to 6"', "lender.hours must be a window"),
    Refused("no days", '"mon-fri"', '"workdays"', "lender.days must name weekdays"),
    Refused("no zone", '"America/New_York"', '"New York"', "lender.timezone must be a zone"),
    Refused("no role", '"creditor"', '"friend"', "lender.role must be one of creditor, collector"),
    Refused("no tone", '"warm"', '"stern"', "lender.tone must be one of warm, formal"),
    Refused("no move", '"keep"', '"back"', "calendar.move must be one of keep"),
    Refused("one part", "[2, 3, 4]", "[1, 2]", "plan.offer_parts must name numbers of parts"),
    Refused("too many parts", "[2, 3, 4]", "[2, 7]", "plan.offer_parts must name numbers"),
    Refused("all paid down", "percent = 0", "percent = 100", "plan.down_payment_percent must lie"),
    Refused(
        "an end before the beginning",
        "until_days_overdue = 120",
        "until_days_overdue = -1",
        "plan.until_days_overdue must not come before",
    ),
    Refused(
        "relief in no order",
        "percent_by_days_overdue = []\npay_within_days = 14",
        "percent_by_days_overdue = [[90, 20], [60, 30]]\npay_within_days = 14",
        "settlement.percent_by_days_overdue must name rising days",
    ),
    Refused(
        "all of it forgiven",
        "percent_by_days_overdue = []\npay_within_days = 14",
        "percent_by_days_overdue = [[90, 100]]\npay_within_days = 14",
        "settlement.percent_by_days_overdue may forgive 1 to 99 percent",
    ),
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


def test_a_sentence_names_the_line_that_is_wrong() -> None:
    lines = POLICY_TEXT.splitlines()
    number = lines.index('smallest_part = "20.00"') + 1
    with pytest.raises(PolicyError, match=rf"^line {number}: plan\.smallest_part must be more"):
        Policy.from_toml(POLICY_TEXT.replace('smallest_part = "20.00"', 'smallest_part = "0.00"'))


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


@pytest.mark.parametrize(
    ("country", "helpline"), [("US", "988"), ("ES", "024"), ("FR", "findahelpline.com")]
)
def test_a_helpline_for_every_country(country: str, helpline: str) -> None:
    assert POLICY.helpline(country) == helpline


PRESETS = sorted((PROJECT / "policies").glob("*.toml"))


def test_two_presets_ship() -> None:
    assert [path.stem for path in PRESETS] == ["personal-loans-and-cards", "small-consumer-loans"]


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_makes_sense_and_says_more_than_what_is_delivered(path: Path) -> None:
    preset = read_policy(path)
    for name in ("lender", "hours", "calendar", "extension", "plan", "settlement", "promise"):
        assert getattr(preset, name) != getattr(POLICY, name), name
    assert preset.helplines == POLICY.helplines
    assert set(preset.consequences) == set(LANGUAGES)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_forbids_no_text_that_the_bot_says(path: Path) -> None:
    found = lint.findings(read_policy(path))
    # A name in Chinese makes a text in English cost more; that is the price of the name.
    assert not [str(finding) for finding in found if "segments" not in finding.sentence]
