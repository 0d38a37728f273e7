"""Lenders' rules for the random runs: as delivered, loose, strict, and the presets."""

from __future__ import annotations

from functools import cache

from bot.policy import Policy
from settings import PROJECT
from tests.fakes import POLICY_TEXT

_RELIEF = "percent_by_days_overdue = []\npay_within_days = "
_LOOSE = {
    f"{_RELIEF}14": "percent_by_days_overdue = [[0, 10], [30, 35]]\npay_within_days = 14",
    f"{_RELIEF}7": "percent_by_days_overdue = [[0, 50]]\npay_within_days = 7",
    "most_per_loan = 2": "most_per_loan = 5",
    "most_per_loan = 1": "most_per_loan = 5",
    'fee = "0.00"': 'fee = "7.50"',
    "until_days_overdue = 60": "until_days_overdue = 400",
    "until_days_overdue = 120": "until_days_overdue = 400",
    "down_payment_percent = 0": "down_payment_percent = 10",
    "most_broken = 2": "most_broken = 9",
}
_STRICT = {
    'ask = "birth_year"': 'ask = "id_last4"',
    "tries = 3": "tries = 1",
    "holds_hours = 24": "holds_hours = 1",
    "offer_days = [7, 14]": "offer_days = [3]",
    "most_days = 14": "most_days = 3",
    "most_per_loan = 2": "most_per_loan = 1",
    "days_between = 0": "days_between = 20",
    "partial = true": "partial = false",
    "longest_days = 30": "longest_days = 5",
    'smallest = "5.00"': 'smallest = "50.00"',
    "most_broken = 2": "most_broken = 0",
    "sure = 0.45": "sure = 0.7",
    'languages = ["en", "es", "zh_Hans", "zh_Hant"]': 'languages = ["en", "es"]',
}
_OTHER = {
    'ask = "birth_year"': 'ask = "postcode"',
    'role = "creditor"': 'role = "collector"',
    'tone = "warm"': 'tone = "formal"',
    'move = "keep"': 'move = "next_business_day"',
    "link_hours = 24": "link_hours = 1",
    "remind_after_hours = 3": "remind_after_hours = 1",
    "close_after_hours = 24": "close_after_hours = 5",
}
_VARIANTS = {
    "as delivered": {},
    "nothing asked": {'ask = "birth_year"': 'ask = ""'},
    "loose": _LOOSE,
    "loose, nothing asked": {**_LOOSE, 'ask = "birth_year"': 'ask = ""'},
    "strict": _STRICT,
    "other": _OTHER,
}
_PRESETS = {path.stem: path for path in sorted((PROJECT / "policies").glob("*.toml"))}
NAMES = (*_VARIANTS, *_PRESETS)
DRAWN = (*NAMES, "loose", "loose, nothing asked")
"""Those that allow much lead furthest."""


@cache
def policy(name: str) -> Policy:
    """The rules of that name."""
    if name in _PRESETS:
        return Policy.from_toml(_PRESETS[name].read_text("utf-8"))
    text = POLICY_TEXT
    for old, new in _VARIANTS[name].items():
        assert old in text, f"{old!r} does not stand in policy.toml"
        text = text.replace(old, new)
    return Policy.from_toml(text)
