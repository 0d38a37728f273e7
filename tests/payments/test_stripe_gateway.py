"""Stripe behind the seam: what it is asked, and what its answers and refusals are taken for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments.gateways import (
    Charge,
    Declined,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    Processing,
    SavedMethod,
)
from payments.gateways.stripe import StripeGateway, from_minor, language_tag, to_minor
from tests.payments.stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, Fault

NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
ORDER = Order(
    reference="ref-1",
    key="page-ref-1-1-0",
    amount=Decimal("134.50"),
    currency="USD",
    title="Pay Repayline Demo Lending",
    locale="en_US",
    ways=("card", "alipay", "wechat_pay", "phone"),
    back_url="https://sms.lender.example/pay/abc",
    expires_at=NOW + timedelta(hours=5),
    now=NOW,
)
CARD = SavedMethod("pm_1", "cus_1", "Visa 4242")
CHARGE = Charge("ref-1", "charge-ref-1", Decimal("134.50"), "USD", CARD)


@pytest.fixture
def gateway(stripe: FakeStripe) -> StripeGateway:
    return StripeGateway(
        secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base=stripe.base, timeout=1
    )


def test_a_page_is_asked_for_with_all_that_it_needs_and_no_more(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    made = gateway.begin(ORDER)
    assert (made.id, made.state) == ("cs_test_1", "open")
    assert made.url == f"{stripe.base}/pay/cs_test_1"
    (asked,) = stripe.posted("/v1/checkout/sessions")
    assert asked.key == ORDER.key
    assert asked.form == {
        "mode": "payment",
        "client_reference_id": "ref-1",
        "metadata[repayline_link]": "ref-1",
        "payment_intent_data[metadata][repayline_link]": "ref-1",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "13450",
        "line_items[0][price_data][product_data][name]": "Pay Repayline Demo Lending",
        "allowed_payment_method_types[0]": "card",
        "allowed_payment_method_types[1]": "alipay",
        "allowed_payment_method_types[2]": "wechat_pay",
        "payment_method_options[wechat_pay][client]": "web",
        "adaptive_pricing[enabled]": "false",
        "locale": "en",
        "success_url": "https://sms.lender.example/pay/abc?paid=1",
        "cancel_url": "https://sms.lender.example/pay/abc",
        "expires_at": str(int((NOW + timedelta(hours=5)).timestamp())),
    }


def test_a_card_is_kept_only_where_the_borrower_wants_it(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    gateway.begin(replace(ORDER, save=True))
    gateway.begin(replace(ORDER, save=True, customer="cus_9", key="another"))
    first, second = (request.form for request in stripe.posted("/v1/checkout/sessions"))
    for form in (first, second):
        assert form["payment_method_options[card][setup_future_usage]"] == "off_session"
        assert form["payment_intent_data[metadata][repayline_save]"] == "on"
    assert (first["customer_creation"], "customer" in first) == ("always", False)
    assert (second["customer"], "customer_creation" in second) == ("cus_9", False)


@pytest.mark.parametrize(
    ("left", "lives"),
    [
        pytest.param(timedelta(hours=48), None, id="longer than a page can"),
        pytest.param(timedelta(hours=24), None, id="as long as a page can"),
        pytest.param(timedelta(hours=2), timedelta(hours=2), id="as long as the link"),
        pytest.param(timedelta(minutes=3), timedelta(minutes=40), id="no shorter than a page can"),
    ],
)
def test_a_page_lives_as_long_as_its_link(
    gateway: StripeGateway, stripe: FakeStripe, left: timedelta, lives: timedelta | None
) -> None:
    gateway.begin(replace(ORDER, expires_at=NOW + left))
    told = stripe.requests[0].form.get("expires_at")
    assert told == (None if lives is None else str(int((NOW + lives).timestamp())))


def test_asking_twice_with_a_key_makes_one_page(gateway: StripeGateway, stripe: FakeStripe) -> None:
    assert gateway.begin(ORDER) == gateway.begin(ORDER)
    assert len(stripe.sessions) == 1
    with pytest.raises(GatewayUnavailable, match="IdempotencyError"):
        gateway.begin(replace(ORDER, amount=Decimal("1.00")))


def test_an_answer_that_was_lost_is_asked_for_again_and_makes_one_page(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    stripe.faults = [Fault(500, {"type": "api_error", "message": "oops"}, acts=True)]
    assert gateway.begin(ORDER).id == "cs_test_1"
    assert len(stripe.sessions) == 1
    assert len(stripe.requests) == 2


def test_what_became_of_a_page(gateway: StripeGateway, stripe: FakeStripe) -> None:
    page = gateway.begin(replace(ORDER, save=True))
    assert gateway.look_up(page.id).state == "open"
    stripe.pay(
        page.id,
        customer="cus_1",
        payment_method={"id": "pm_1", "type": "card", "card": {"brand": "visa", "last4": "4242"}},
    )
    found = gateway.look_up(page.id)
    assert found.state == "paid" and found.received is not None
    assert (found.received.external_id, found.received.amount) == ("pi_1", Decimal("134.50"))
    assert (found.received.currency, found.received.method) == ("USD", CARD)
    gateway.close(page.id)  # it is paid, and stays so
    assert gateway.look_up(page.id).state == "paid"


def test_money_that_is_on_its_way_and_a_page_that_was_closed(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    on_its_way = gateway.begin(ORDER)
    stripe.pay(on_its_way.id, async_=True)
    assert gateway.look_up(on_its_way.id).state == "pending"
    other = gateway.begin(replace(ORDER, key="another"))
    gateway.close(other.id)
    assert gateway.look_up(other.id).state == "closed"


def test_a_saved_card_is_charged_while_its_owner_is_elsewhere(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    received = gateway.charge(CHARGE)
    assert (received.external_id, received.amount) == ("pi_1", Decimal("134.50"))
    (asked,) = stripe.posted("/v1/payment_intents")
    assert asked.key == "charge-ref-1"
    assert asked.form == {
        "amount": "13450",
        "currency": "usd",
        "customer": "cus_1",
        "payment_method": "pm_1",
        "off_session": "true",
        "confirm": "true",
        "metadata[repayline_link]": "ref-1",
    }
    assert gateway.charge(CHARGE) == received
    assert len(stripe.intents) == 1


@dataclass(frozen=True)
class Refusal:
    name: str
    error: dict[str, str]
    expected: type[GatewayError]
    for_good: bool = False

    def __str__(self) -> str:
        return self.name


def card_error(code: str, **more: str) -> dict[str, str]:
    return {"type": "card_error", "code": code, "message": "Maya's card", **more}


REFUSALS = [
    Refusal("no money on it", card_error("card_declined", decline_code="insufficient_funds"),
            Declined),
    Refusal("its owner must be there", card_error("authentication_required"), Declined),
    Refusal("expired", card_error("expired_card"), Declined, for_good=True),
    Refusal("stolen", card_error("card_declined", decline_code="stolen_card"), Declined,
            for_good=True),
    Refusal("not there any more", {"type": "invalid_request_error", "code": "resource_missing",
            "param": "payment_method", "message": "No such PaymentMethod"}, Declined,
            for_good=True),
    Refusal("amount too small", {"type": "invalid_request_error", "code": "amount_too_small",
            "param": "amount", "message": "too small"}, GatewayRefused),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_charge_is_refused(gateway: StripeGateway, stripe: FakeStripe, case: Refusal) -> None:
    stripe.declined["pm_1"] = case.error
    with pytest.raises(GatewayError) as refused:
        gateway.charge(CHARGE)
    assert type(refused.value) is case.expected
    assert getattr(refused.value, "for_good", False) == case.for_good
    assert "Maya" not in str(refused.value) + refused.value.code


TROUBLE = {
    "too many requests": Fault(429, {"type": "rate_limit_error", "message": "slow down"}),
    "another request with this key": Fault(409, {"type": "invalid_request_error", "message": "x"}),
    "broken": Fault(500, {"type": "api_error", "message": "x"}),
    "no answer in time": Fault(500, {"type": "api_error", "message": "x"}, silent=1.5),
}


@pytest.mark.parametrize("fault", TROUBLE.values(), ids=TROUBLE)
def test_trouble_is_no_decline(gateway: StripeGateway, stripe: FakeStripe, fault: Fault) -> None:
    stripe.faults = [fault, fault]
    with pytest.raises(GatewayUnavailable):
        gateway.charge(CHARGE)
    stripe.faults = []
    assert gateway.charge(CHARGE).external_id == "pi_1"


def test_nobody_listens() -> None:
    nowhere = StripeGateway(
        secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, api_base="http://127.0.0.1:1"
    )
    with pytest.raises(GatewayUnavailable):
        nowhere.charge(CHARGE)


def test_a_wrong_key_is_ours_to_put_right(stripe: FakeStripe) -> None:
    wrong = StripeGateway(
        secret_key="sk_test_wrong", webhook_secret=WEBHOOK_SECRET, api_base=stripe.base
    )
    with pytest.raises(GatewayRefused, match="AuthenticationError"):
        wrong.begin(ORDER)


@pytest.mark.parametrize(
    ("status", "expected"), [("processing", Processing), ("requires_action", Declined)]
)
def test_a_charge_that_is_not_through(
    gateway: StripeGateway, stripe: FakeStripe, status: str, expected: type[GatewayError]
) -> None:
    stripe._charge = lambda form: (  # type: ignore[method-assign]
        200,
        {"id": "pi_1", "object": "payment_intent", "status": status},
    )
    with pytest.raises(expected):
        gateway.charge(CHARGE)


MINOR = {
    "dollars": ("134.50", "USD", 13450),
    "pesos": ("1585.50", "MXN", 158550),
    "yuan": ("896.50", "CNY", 89650),
    "Taiwan dollars have cents": ("3700.00", "TWD", 370000),
    "forints have cents": ("99.50", "HUF", 9950),
    "yen have none": ("500.00", "JPY", 500),
    "nor have Chilean pesos": ("12000.00", "CLP", 12000),
    "krónur are whole and written with two places": ("5.00", "ISK", 500),
    "so are Ugandan shillings": ("5.00", "UGX", 500),
    "dinars have three places, the last of which is 0": ("5.12", "KWD", 5120),
}


@pytest.mark.parametrize(("amount", "currency", "minor"), MINOR.values(), ids=MINOR)
def test_amounts_as_stripe_counts_them(amount: str, currency: str, minor: int) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency.lower()) == Decimal(amount)


@pytest.mark.parametrize("currency", ["JPY", "KRW", "ISK", "UGX"])
def test_there_are_no_halves_of_the_smallest_coin(currency: str) -> None:
    with pytest.raises(GatewayRefused):
        to_minor(Decimal("100.50"), currency)


def test_no_way_to_pay_online_is_said_before_anybody_is_asked(
    gateway: StripeGateway, stripe: FakeStripe
) -> None:
    with pytest.raises(GatewayRefused):
        gateway.begin(replace(ORDER, ways=("phone", "transfer")))
    assert stripe.requests == []


LOCALES = {
    "en": "en", "en_US": "en", "en_GB": "en-GB", "es": "es", "es_ES": "es", "es_MX": "es-419",
    "es_US": "es-419", "zh_Hans_CN": "zh", "zh_Hant_TW": "zh-TW", "zh_Hant_HK": "zh-HK",
    "zh_Hant": "zh-TW",
}  # fmt: skip


@pytest.mark.parametrize(("locale", "tag"), LOCALES.items())
def test_the_page_is_in_the_borrowers_language(locale: str, tag: str) -> None:
    assert language_tag(locale) == tag


def test_both_gateways_keep_the_protocol() -> None:
    from inspect import signature

    from payments.gateways import PaymentGateway
    from payments.gateways.sandbox import SandboxGateway

    wanted: dict[str, Any] = {
        name: signature(value)
        for name, value in vars(PaymentGateway).items()
        if callable(value) and not name.startswith("_")
    }
    assert set(wanted) == {"begin", "look_up", "close", "charge", "read_event"}
    for made in (SandboxGateway, StripeGateway):
        assert {name: signature(getattr(made, name)) for name in wanted} == wanted
        assert {made.code, made.moves_money} in ({"sandbox", False}, {"stripe", True})
