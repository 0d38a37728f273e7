"""A link to pay 134.50 of 734.50, texted to Maya; and an account at a Stripe of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from app import create_app
from bot.runtime import Runtime
from models import PaymentLink
from tests import builders
from tests.fakes import Clock, make_runtime
from tests.payments.stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, serving


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime=runtime).test_client()


@pytest.fixture
def make_link(runtime: Runtime) -> Callable[..., str]:
    """Make a link and give its path; ``locale`` is the borrower's, ``writes`` what they write."""
    return lambda *args, **values: link_on(runtime, *args, **values)


def link_on(
    runtime: Runtime,
    amount: str = "134.50",
    *,
    locale: str = "en",
    writes: str | None = None,
    country: str = "US",
    **loan: str,
) -> str:
    with runtime.unit_of_work() as uow:
        borrower = builders.borrower(
            locale=locale, country=country, loans=(builders.loan(**loan),) if loan else None
        )
        sender = builders.sender()
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


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with serving() as account:
        yield account


@pytest.fixture
def on_stripe(database_url: str, clock: Clock, stripe: FakeStripe) -> Iterator[Runtime]:
    """The application with its payments at that account."""
    made = make_runtime(
        database_url,
        clock=clock,
        PAYMENT_GATEWAY="stripe",
        STRIPE_SECRET_KEY=SECRET_KEY,
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        STRIPE_API_BASE=stripe.base,
    )
    yield made
    made.engine.dispose()
