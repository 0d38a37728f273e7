"""The demo's borrowers: loaded once into an empty database, and described as they stand."""

from __future__ import annotations

from decimal import Decimal

from argon2 import PasswordHasher
from sqlalchemy import func, select

import demo
from bot.replies import LANGUAGES, language_of
from bot.runtime import Runtime
from models import Agent, Borrower, Loan, Sender
from tests import builders
from tests.fakes import CATALOGUES


def test_the_demo_is_loaded_once(runtime: Runtime) -> None:
    assert demo.load(runtime)
    assert not demo.load(runtime)
    with runtime.reading() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table))
            for table in (Borrower, Sender, Agent)
        ]
        agent = session.scalars(select(Agent)).one()
    assert counts == [len(demo.BORROWERS), 1, 1]
    assert PasswordHasher().verify(agent.password_hash, demo.AGENT_PASSWORD)


def test_a_database_that_has_borrowers_is_left_alone(runtime: Runtime) -> None:
    with runtime.unit_of_work() as uow:
        uow.session.add(builders.borrower())
        uow.commit()
    assert not demo.load(runtime)
    with runtime.reading() as session:
        assert session.scalar(select(func.count()).select_from(Sender)) == 0


def test_the_demo_speaks_every_language_and_every_product_has_a_name() -> None:
    assert {language_of(b.locale) for b in demo.BORROWERS} == set(LANGUAGES)
    for borrower in demo.BORROWERS:
        for loan in borrower.loans:
            assert CATALOGUES.text(f"product.{loan.product}", borrower.locale)


def test_what_is_described_is_what_stands_in_the_book(runtime: Runtime) -> None:
    demo.load(runtime)
    described = demo.describe(runtime)

    assert described["lender_number"] == demo.SENDER
    maya = described["borrowers"][0]
    (loan,) = maya.pop("loans")
    assert maya == {
        "phone": "+15550100001",
        "name": "Maya Brooks",
        "locale": "en",
        "timezone": "America/New_York",
        "verification": "birth_year",
        "verification_answer": "1990",
    }
    assert {key: loan[key] for key in ("balance", "past_due", "due_on", "days_overdue")} == {
        "balance": "734.50",
        "past_due": "134.50",
        "due_on": "2026-02-23",
        "days_overdue": 9,
    }
    with runtime.unit_of_work() as uow:
        loan_id = uow.session.scalars(select(Loan.id).order_by(Loan.id)).first()
        uow.session.get_one(Loan, loan_id).apply(Decimal("34.50"))
        uow.commit()
    assert demo.describe(runtime)["borrowers"][0]["loans"][0]["balance"] == "700.00"


def test_an_empty_database_is_described_as_empty(runtime: Runtime) -> None:
    assert demo.describe(runtime) == {"lender_number": None, "borrowers": []}
