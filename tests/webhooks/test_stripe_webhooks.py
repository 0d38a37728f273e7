"""Stripe's webhook: signed, taken in once, in any order; money that arrived is never lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stripe
from flask.testing import FlaskClient
from sqlalchemy import select

from app import create_app
from bot import checkout
from bot.runtime import Runtime
from models import (
    Handoff,
    LenderEvent,
    Loan,
    Message,
    Payment,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
)
from tests.fakes import Clock, make_runtime
from tests.payments.conftest import link_on

SECRET = "whsec_of_the_tests"
ENDPOINT = "/webhooks/stripe"
STRIPE = {
    "PAYMENT_GATEWAY": "stripe",
    "STRIPE_SECRET_KEY": "sk_test_of_the_tests",
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "STRIPE_API_BASE": "http://127.0.0.1:1",  # a report is taken in without asking back
}


@dataclass
class Endpoint:
    """The application, and Stripe that reports to it."""

    runtime: Runtime
    client: FlaskClient
    reference: str

    def report(self, event: dict[str, Any], *, at: int | None = None, secret: str = SECRET) -> Any:
        body = json.dumps(event)
        signature = stripe.WebhookSignature.generate_signature_header(body, secret, at)
        return self.client.post(ENDPOINT, data=body, headers={"Stripe-Signature": signature})

    def rows(self, table: type[Any]) -> list[Any]:
        with self.runtime.reading() as session:
            return list(session.scalars(select(table).order_by(table.id)))

    def owed(self) -> Decimal:
        with self.runtime.reading() as session:
            loan = session.scalars(select(Loan)).one()
            return sum((part.open for part in loan.instalments), loan.late_charges)


@pytest.fixture
def endpoint(database_url: str, clock: Clock) -> Iterator[Endpoint]:
    runtime = make_runtime(database_url, clock=clock, **STRIPE)
    link_on(runtime)
    client = create_app(runtime=runtime).test_client()
    yield Endpoint(runtime, client, runtime.payment_reference(1))
    runtime.engine.dispose()


def event(kind: str, about: dict[str, Any], event_id: str = "evt_1") -> dict[str, Any]:
    return {"id": event_id, "object": "event", "type": kind, "data": {"object": about}}


def session(reference: str, kind: str = "completed", **about: Any) -> dict[str, Any]:
    event_id = about.pop("event_id", "evt_1")
    told = {
        "id": "cs_1",
        "object": "checkout.session",
        "payment_status": "paid",
        "status": "complete",
        "payment_intent": "pi_1",
        "amount_total": 13450,
        "currency": "usd",
        "client_reference_id": reference,
        "metadata": {"repayline_link": reference},
        "customer_details": {"name": "Maya Brooks", "email": "maya@example.com"},
    }
    return event(f"checkout.session.{kind}", {**told, **about}, event_id)


def intent(reference: str, kind: str = "succeeded", **about: Any) -> dict[str, Any]:
    event_id = about.pop("event_id", "evt_2")
    told = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": 13450,
        "amount_received": 13450,
        "currency": "usd",
        "metadata": {"repayline_link": reference},
    }
    return event(f"payment_intent.{kind}", {**told, **about}, event_id)


def card_charge(reference: str, kind: str = "charge.succeeded", **about: Any) -> dict[str, Any]:
    event_id = about.pop("event_id", "evt_3")
    told = {
        "id": "ch_1",
        "object": "charge",
        "amount": 13450,
        "currency": "usd",
        "payment_intent": "pi_1",
        "customer": "cus_1",
        "payment_method": "pm_1",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        "metadata": {"repayline_link": reference, "repayline_save": "on"},
    }
    return event(kind, {**told, **about}, event_id)


def dispute(reference: str, **about: Any) -> dict[str, Any]:
    told = {"id": "dp_1", "payment_intent": "pi_1", "amount": 13450, "currency": "usd"}
    told |= {"object": "dispute", "reason": "fraudulent", "status": "needs_response", **about}
    return event("charge.dispute.created", told, "evt_4")


Report = Callable[[str], dict[str, Any]]
LATER = "async_payment_succeeded"


@dataclass(frozen=True)
class Case:
    """Reports in the order of their arrival. What is not expected must not happen."""

    name: str
    reports: tuple[Report, ...]
    results: tuple[str, ...]
    paid: tuple[str, ...] = ()
    owed: str = "734.50"
    texts: tuple[str, ...] = ()
    handoffs: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    before: Callable[[Endpoint], None] | None = None

    def __str__(self) -> str:
        return self.name


BOOKED: dict[str, Any] = {
    "paid": ("134.50",),
    "owed": "600.00",
    "texts": ("payment.receipt",),
    "told": ("payment.booked",),
}


def expire(endpoint: Endpoint) -> None:
    endpoint.runtime.clock.forward(days=3)  # type: ignore[attr-defined]


def owe_in_yen(endpoint: Endpoint) -> None:
    with endpoint.runtime.unit_of_work() as uow:
        uow.session.scalars(select(Loan)).one().currency = "JPY"
        uow.commit()


def wrong_number(endpoint: Endpoint) -> None:
    from models import Phone

    with endpoint.runtime.unit_of_work() as uow:
        uow.session.scalars(select(Phone)).one().borrower_id = None
        uow.commit()


CASES = [
    Case("a page was gone through", (session,), ("booked",), **BOOKED),
    Case("told twice in two ways", (session, intent), ("booked", "known"), **BOOKED),
    Case("told twice in the other order", (intent, session), ("booked", "known"), **BOOKED),
    Case(
        "the same report again",
        (session, session, session),
        ("booked", "repeated", "repeated"),
        **BOOKED,
    ),
    Case(
        "money that comes days later",
        (
            lambda r: session(r, payment_status="unpaid"),
            lambda r: session(r, LATER, event_id="evt_9"),
        ),
        ("pending", "booked"),
        **BOOKED,
    ),
    Case(
        "its arrival is told before its departure",
        (
            lambda r: session(r, LATER, event_id="evt_9"),
            lambda r: session(r, payment_status="unpaid"),
        ),
        ("booked", "pending"),
        **BOOKED,
    ),
    Case(
        "money that did not come",
        (
            lambda r: session(r, payment_status="unpaid"),
            lambda r: session(r, "async_payment_failed", payment_status="unpaid", event_id="evt_9"),
        ),
        ("pending", "failed"),
        texts=("payment.failed",),
    ),
    Case("a page that nobody went through", (lambda r: session(r, "expired"),), ("expired",)),
    Case(
        "a card that the gateway's page refused",
        (lambda r: intent(r, "payment_failed", status="requires_payment_method"),),
        ("failed",),
    ),
    Case("after the link has expired", (session,), ("booked",), before=expire, **BOOKED),
    Case(
        "less than was asked for",
        (lambda r: session(r, amount_total=10000),),
        ("mismatch",),
        **{**BOOKED, "paid": ("100.00",), "owed": "634.50"},
        handoffs=("payment_differs",),
    ),
    Case(
        "more than is owed",
        (lambda r: session(r, amount_total=80000),),
        ("mismatch",),
        paid=("800.00",),
        owed="0.00",
        texts=("payment.receipt_settled",),
        told=("payment.booked",),
        handoffs=("payment_differs", "overpaid"),
    ),
    Case(
        "paid twice on two pages",
        (session, lambda r: session(r, id="cs_2", payment_intent="pi_2", event_id="evt_9")),
        ("booked", "booked"),
        paid=("134.50", "134.50"),
        owed="465.50",
        texts=("payment.receipt", "payment.receipt"),
        told=("payment.booked", "payment.booked"),
        handoffs=("paid_twice",),
    ),
    Case(
        "in another currency than the loan's",
        (session,),
        ("foreign",),
        before=owe_in_yen,
        handoffs=("payment_in_another_currency",),
    ),
    Case(
        "the number is somebody else's by now",
        (session,),
        ("booked",),
        before=wrong_number,
        **{**BOOKED, "texts": ()},
    ),
    Case(
        "a payment of another business",
        (lambda _: session("", metadata={}, client_reference_id=None),),
        ("ignored",),
    ),
    Case("a reference that we did not sign", (lambda _: session("Mg.forged"),), ("unknown",)),
    Case(
        "a kind that nobody knows",
        (lambda r: event("customer.created", {"id": "cus_1"}),),
        ("ignored",),
    ),
    Case("a kind without an object", (lambda r: {"id": "evt_1", "type": "ping"},), ("ignored",)),
    Case("a card is saved", (card_charge,), ("method_saved",), methods=("Visa 4242",)),
    Case(
        "a card that nobody wanted to be kept",
        (lambda r: card_charge(r, metadata={"repayline_link": r}),),
        ("ignored",),
    ),
    Case(
        "the same card is saved anew",
        (card_charge, lambda r: card_charge(r, payment_method="pm_2", event_id="evt_9")),
        ("method_saved", "method_saved"),
        methods=("Visa 4242",),
    ),
    Case(
        "a saved card is taken away",
        (
            card_charge,
            lambda r: event("payment_method.detached", {"id": "pm_1"}, "evt_9"),
        ),
        ("method_saved", "method_removed"),
    ),
    Case(
        "refunded",
        (session, lambda r: card_charge(r, "charge.refunded", amount_refunded=13450)),
        ("booked", "refunded"),
        **{**BOOKED, "told": ("payment.booked", "payment.refunded")},
        handoffs=("payment_refunded",),
    ),
    Case(
        "refunded before anybody told that it was paid",
        (lambda r: card_charge(r, "charge.refunded", amount_refunded=13450),),
        ("refunded",),
        told=("payment.refunded",),
        handoffs=("payment_refunded",),
    ),
    Case(
        "disputed at the bank",
        (session, dispute),
        ("booked", "disputed"),
        **{**BOOKED, "told": ("payment.booked", "payment.disputed")},
        handoffs=("payment_disputed",),
    ),
    Case("a dispute of another business", (dispute,), ("ignored",)),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_reports(endpoint: Endpoint, case: Case) -> None:
    if case.before is not None:
        case.before(endpoint)
    answers = [endpoint.report(made(endpoint.reference)) for made in case.reports]
    assert [answer.status_code for answer in answers] == [200] * len(case.reports)
    assert tuple(answer.text.strip() for answer in answers) == case.results
    assert tuple(str(p.amount) for p in endpoint.rows(Payment)) == case.paid
    assert endpoint.owed() == Decimal(case.owed)
    assert tuple(m.reply_key for m in endpoint.rows(Message)) == case.texts
    assert tuple(h.reason for h in endpoint.rows(Handoff)) == case.handoffs
    assert tuple(e.kind for e in endpoint.rows(LenderEvent)) == case.told
    kept = [m.label for m in endpoint.rows(PaymentMethod) if m.removed_at is None]
    assert tuple(kept) == case.methods
    recorded = endpoint.rows(PaymentEvent)
    assert [r.result for r in recorded] == [r for r in case.results if r != "repeated"]
    assert "Maya" not in str([r.data for r in recorded])


def test_what_is_kept_of_a_report_tells_nothing_of_the_person(endpoint: Endpoint) -> None:
    endpoint.report(session(endpoint.reference))
    (row,) = endpoint.rows(PaymentEvent)
    assert (row.gateway, row.external_id, row.kind) == (
        "stripe",
        "evt_1",
        "checkout.session.completed",
    )
    assert row.data == {
        "id": "cs_1",
        "payment_intent": "pi_1",
        "currency": "usd",
        "status": "complete",
        "payment_status": "paid",
        "minor": "13450",
    }


def signature(body: str, *, secret: str = SECRET, at: int | None = None) -> str:
    return stripe.WebhookSignature.generate_signature_header(body, secret, at)


FORGED: dict[str, Callable[[str], dict[str, str]]] = {
    "no signature": lambda body: {},
    "an empty one": lambda body: {"Stripe-Signature": ""},
    "nonsense": lambda body: {"Stripe-Signature": "t=now,v1=yes"},
    "another secret's": lambda body: {"Stripe-Signature": signature(body, secret="whsec_guess")},
    "of another body": lambda body: {"Stripe-Signature": signature(body + " ")},
    "too long ago": lambda body: {"Stripe-Signature": signature(body, at=int(time.time()) - 301)},
    "of an older scheme": lambda body: {"Stripe-Signature": signature(body).replace("v1=", "v0=")},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_forged_report_is_refused_without_a_trace(
    endpoint: Endpoint, headers: Callable[[str], dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(session(endpoint.reference))
    answer = endpoint.client.post(ENDPOINT, data=body, headers=headers(body))
    assert (answer.status_code, answer.text) == (403, "The signature does not fit.\n")
    assert endpoint.rows(PaymentEvent) == endpoint.rows(Payment) == []
    assert "STRIPE_WEBHOOK_SECRET" in caplog.text
    assert SECRET not in caplog.text and "pi_1" not in caplog.text


def test_a_signature_holds_for_five_minutes(endpoint: Endpoint) -> None:
    answer = endpoint.report(session(endpoint.reference), at=int(time.time()) - 290)
    assert (answer.status_code, answer.text) == (200, "booked\n")


def test_while_the_secret_is_changed_one_of_two_signatures_is_enough(endpoint: Endpoint) -> None:
    body = json.dumps(session(endpoint.reference))
    now = int(time.time())
    old = signature(body, secret="whsec_old", at=now).partition(",")[2]
    both = f"{signature(body, at=now)},{old}"
    assert endpoint.client.post(ENDPOINT, data=body, headers={"Stripe-Signature": both}).text == (
        "booked\n"
    )


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"id": "evt_1"}', "null"])
def test_a_signed_report_that_makes_no_sense_is_a_400(endpoint: Endpoint, body: str) -> None:
    headers = {"Stripe-Signature": signature(body)}
    answer = endpoint.client.post(ENDPOINT, data=body, headers=headers)
    assert (answer.status_code, endpoint.rows(PaymentEvent)) == (400, [])


def test_the_same_report_many_times_at_once_books_one_payment(endpoint: Endpoint) -> None:
    app = endpoint.client.application
    body = json.dumps(session(endpoint.reference))
    other = json.dumps(intent(endpoint.reference))

    def report(text: str) -> str:
        headers = {"Stripe-Signature": signature(text)}
        return app.test_client().post(ENDPOINT, data=text, headers=headers).text.strip()

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(report, [body, other] * 3))
    assert sorted(results) == ["booked", "known", *["repeated"] * 4]
    assert endpoint.owed() == Decimal("600.00")
    assert len(endpoint.rows(Payment)) == len(endpoint.rows(Message)) == 1
    assert len(endpoint.rows(PaymentEvent)) == 2


def test_a_report_that_could_not_be_stored_comes_again(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(endpoint.runtime.catalogues), "render", full)
        assert endpoint.report(session(endpoint.reference)).status_code == 500
    assert endpoint.rows(PaymentEvent) == endpoint.rows(Payment) == []
    assert endpoint.report(session(endpoint.reference)).text == "booked\n"


def test_where_payments_are_not_at_stripe_there_is_no_such_webhook(
    runtime: Runtime,
) -> None:
    client = create_app(runtime=runtime).test_client()
    assert client.post(ENDPOINT, data="{}").status_code == 404


def test_a_body_beyond_all_reports_is_refused_unread(endpoint: Endpoint) -> None:
    assert endpoint.client.post(ENDPOINT, data=b"a" * (1024 * 1024 + 1)).status_code == 413


def test_a_charge_whose_money_does_not_come_after_all(endpoint: Endpoint) -> None:
    with endpoint.runtime.unit_of_work() as uow:
        uow.session.add(
            PaymentEvent(
                gateway="stripe",
                external_id="charge-1",
                kind="charge",
                data={"link": 1, "method": 1},
                result="pending",
                received_at=endpoint.runtime.clock(),
            )
        )
        uow.commit()
    failed = intent(endpoint.reference, "payment_failed", status="requires_payment_method")
    assert endpoint.report(failed).text == "failed\n"
    assert [m.reply_key for m in endpoint.rows(Message)] == ["payment.failed"]
    with endpoint.runtime.reading() as session_:
        link = session_.scalars(select(PaymentLink)).one()
        left = link.expires_at - endpoint.runtime.clock()
    assert left >= timedelta(hours=23)
    assert checkout.sweep(endpoint.runtime) == 0
