"""A link to pay 134.50 of 734.50, texted to Maya."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from app import create_app
from bot.runtime import Runtime
from models import PaymentLink
from tests import builders


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime=runtime).test_client()


@pytest.fixture
def make_link(runtime: Runtime) -> Callable[..., str]:
    """Make a link and give its path; ``locale`` is the borrower's, ``writes`` what they write."""

    def make(amount: str = "134.50", *, locale: str = "en", writes: str | None = None) -> str:
        with runtime.unit_of_work() as uow:
            borrower, sender = builders.borrower(locale=locale), builders.sender()
            conversation = builders.conversation(
                borrower, sender, state={}, held_by="bot", locale=writes
            )
            uow.session.add_all([borrower, sender, conversation])
            uow.session.flush()
            link = PaymentLink(
                loan_id=borrower.loans[0].id,
                conversation_id=conversation.id,
                amount=Decimal(amount),
                created_at=runtime.clock(),
                expires_at=runtime.clock() + timedelta(hours=24),
            )
            uow.session.add(link)
            uow.session.flush()
            url = runtime.payment_url(link.id)
            uow.commit()
        return url.removeprefix(runtime.settings.public_url)

    return make
