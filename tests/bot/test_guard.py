"""The gate before every text: what stops one, what the opt-out and the bar let through."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot import guard
from bot.guard import Facts, needs_footer, objection


@dataclass(frozen=True)
class Case:
    name: str
    keys: str
    objection: str | None
    text: str = "Hello"
    opted_out: bool = False
    barred: bool = False
    verified: bool = True

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("nothing stands against it", "balance.late", None),
    Case("opted out", "greet.hello", "opted_out", opted_out=True),
    Case("opted out, even a helpline", "crisis.helpline", "opted_out", opted_out=True),
    Case("opted out, without keys", "", "opted_out", opted_out=True),
    Case("the one confirmation", "consent.stopped", None, opted_out=True),
    Case("nothing beside it", "consent.stopped balance.late", "opted_out", opted_out=True),
    Case("barred", "greet.hello", "barred", barred=True),
    Case("the apology", "wrong_person.sorry", None, barred=True),
    Case("nothing beside the apology", "wrong_person.sorry help.who", "barred", barred=True),
    Case("barred and opted out", "wrong_person.sorry", "opted_out", opted_out=True, barred=True),
    Case("not verified, a balance", "balance.late", "not_verified", verified=False),
    Case(
        "not verified, a balance among others",
        "greet.hello due.today",
        "not_verified",
        verified=False,
    ),
    Case("not verified, a payment", "payment.link", "not_verified", verified=False),
    Case("not verified, a choice of loans", "loan.which", "not_verified", verified=False),
    Case("not verified, a promise", "promise.confirm", "not_verified", verified=False),
    Case("not verified, the question", "identity.ask_birth_year", None, verified=False),
    Case("not verified, a greeting", "greet.hello", None, verified=False),
    Case("empty", "greet.hello", "empty", text=" \n"),
    Case("as long as may be", "greet.hello", None, text="x" * 1600),
    Case("too long", "greet.hello", "too_long", text="x" * 1601),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_stands_against_a_text(case: Case) -> None:
    facts = Facts(case.opted_out, case.barred, case.verified)
    assert objection(case.keys.split(), case.text, facts) == case.objection


@pytest.mark.parametrize(
    ("keys", "footer"),
    [
        ("balance.late balance.next", True),
        ("payment.receipt", True),
        ("dispute.opened", True),
        ("greet.hello", False),
        ("greet.hello balance.late", True),
        ("consent.stopped", False),
        ("help.what help.who", False),
        ("crisis.helpline", False),
        ("identity.ask_birth_year", False),
        ("unknown.number", False),
    ],
)
def test_the_opt_out_line_stands_below_what_is_about_the_debt(keys: str, footer: bool) -> None:
    assert needs_footer(keys.split()) == footer


def test_the_guard_names_only_topics_that_exist() -> None:
    from tests.bot.test_replies import KEYS

    topics = {key.partition(".")[0] for key in KEYS}
    assert topics >= guard.ABOUT_DEBT | guard.WITHOUT_FOOTER
    assert {guard.OPT_OUT_CONFIRMATION, guard.APOLOGY} <= KEYS
    assert not guard.ABOUT_DEBT & guard.WITHOUT_FOOTER
