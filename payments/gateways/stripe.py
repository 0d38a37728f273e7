"""Stripe: Checkout pages, cards charged later, and signed events, by the official library.

What Stripe is told of a payment is its amount, a title and a signed reference; never who pays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import stripe

from payments.gateways import (
    Charge,
    Checkout,
    CheckoutState,
    Declined,
    ForgedEvent,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Meaning,
    Order,
    Processing,
    Received,
    SavedMethod,
    UnreadableEvent,
)

TIMEOUT = 8
"""Seconds. With one retry a borrower's click is answered before a web worker gives up."""
TOLERANCE = 300
"""Seconds that a signature holds, as Stripe's own libraries have it."""
REFERENCE = "repayline_link"
"""The key of the metadata under which our reference travels."""
SAVED = "repayline_save"
# Amounts go in the smallest unit: https://docs.stripe.com/currencies#zero-decimal. The Icelandic
# króna and the Ugandan shilling have no smaller unit either, but are written with two places that
# must be 00 (#special-cases); a Taiwan dollar and a forint have cents when they are charged.
NO_DECIMALS = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF"})
NO_DECIMALS |= {"VND", "VUV", "XAF", "XOF", "XPF"}
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
WHOLE_ONLY = frozenset({"ISK", "UGX"})
# A filter over what the account has turned on and what fits currency and country.
WAYS = {
    "card": ("card",),
    "alipay": ("alipay",),
    "wechat_pay": ("wechat_pay",),
    "bank_debit": ("us_bank_account", "sepa_debit", "bacs_debit", "acss_debit", "au_becs_debit"),
}
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
"""How long a Checkout page may live."""
OF_NO_USE = frozenset(
    {"expired_card", "lost_card", "stolen_card", "pickup_card", "payment_method_customer_decline"}
)
"""Declines after which a saved card need not be tried again."""

Json = Mapping[str, Any]


class StripeGateway:
    """Payments through a Stripe account.

    Args:
        secret_key: ``sk_…``, or ``rk_…`` with the right to write Checkout Sessions and Payment
            Intents.
        webhook_secret: ``whsec_…`` of the endpoint.
        api_base: where the API is.
        timeout: seconds for one request.

    """

    code = "stripe"
    moves_money = True

    def __init__(
        self,
        *,
        secret_key: str,
        webhook_secret: str,
        api_base: str = "https://api.stripe.com",
        timeout: int = TIMEOUT,
    ) -> None:
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            http_client=stripe.RequestsClient(timeout=timeout),
            max_network_retries=1,
        )

    def begin(self, order: Order) -> Checkout:
        """A Checkout page for an order; asked again with the same key, the same page."""
        with _translated():
            session = self._client.v1.checkout.sessions.create(
                _session_params(order), {"idempotency_key": order.key}
            )
        return _checkout(_plain(session))

    def look_up(self, checkout_id: str) -> Checkout:
        """What has become of a page."""
        with _translated():
            session = self._client.v1.checkout.sessions.retrieve(
                checkout_id, {"expand": ["payment_intent.payment_method"]}
            )
        return _checkout(_plain(session))

    def close(self, checkout_id: str) -> None:
        """Expire a page. One that is not open any more stays what it is."""
        try:
            with _translated():
                self._client.v1.checkout.sessions.expire(checkout_id)
        except GatewayRefused:
            return

    def charge(self, charge: Charge) -> Received:
        """Take money from a saved card while its owner is elsewhere."""
        with _translated(of_method=True):
            intent = self._client.v1.payment_intents.create(
                {
                    "amount": to_minor(charge.amount, charge.currency),
                    "currency": charge.currency.lower(),
                    "customer": charge.method.customer,
                    "payment_method": charge.method.external_id,
                    "off_session": True,
                    "confirm": True,
                    "metadata": {REFERENCE: charge.reference},
                },
                {"idempotency_key": charge.key},
            )
        made = _plain(intent)
        if made["status"] == "succeeded":
            return _received(made["id"], made["amount_received"], made["currency"])
        if made["status"] == "processing":
            raise Processing("processing")
        raise Declined(str(made["status"]))  # it wants its owner, who is not there

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        """What a signed report says."""
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, TOLERANCE)
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise ForgedEvent from error
        try:
            event = json.loads(body)
            return _event(event)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableEvent(type(error).__name__) from error


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount as Stripe counts it.

    Raises:
        GatewayRefused: the currency has no such small coins.

    """
    currency = currency.upper()
    if currency in WHOLE_ONLY and amount != amount.to_integral_value():
        raise GatewayRefused("fraction_of_a_coin")
    minor = amount.scaleb(_places(currency))
    if minor != minor.to_integral_value():
        raise GatewayRefused("fraction_of_a_coin")
    return int(minor)


def from_minor(minor: int, currency: str) -> Decimal:
    """An amount that Stripe tells, with two places; what is smaller than those is cut off."""
    amount = Decimal(minor).scaleb(-_places(currency.upper()))
    return amount.quantize(Decimal("0.01"), rounding="ROUND_DOWN")


def _places(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def _session_params(order: Order) -> Any:
    intent: dict[str, Any] = {"metadata": {REFERENCE: order.reference}}
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": order.reference,
        "metadata": {REFERENCE: order.reference},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": to_minor(order.amount, order.currency),
                    "product_data": {"name": order.title},
                },
            }
        ],
        "payment_intent_data": intent,
        "locale": language_tag(order.locale),
        "success_url": f"{order.back_url}?paid=1",
        "cancel_url": order.back_url,
        # What is owed is owed in the loan's currency; a page in another would not add up.
        "adaptive_pricing": {"enabled": False},
    }
    allowed = [kind for way in order.ways for kind in WAYS.get(way, ())]
    if not allowed:
        raise GatewayRefused("no_way_to_pay_online")
    params["allowed_payment_method_types"] = allowed
    options: dict[str, Any] = {}
    if "wechat_pay" in allowed:
        options["wechat_pay"] = {"client": "web"}
    if order.save and "card" in allowed:
        options["card"] = {"setup_future_usage": "off_session"}
        intent["metadata"][SAVED] = "on"
        if order.customer is None:
            params["customer_creation"] = "always"
    if order.customer is not None:
        params["customer"] = order.customer
    if options:
        params["payment_method_options"] = options
    left = order.expires_at - order.now
    if left < LONGEST:  # without a word it lives for the longest that there is
        ends = order.expires_at if left >= SHORTEST + timedelta(minutes=1) else _soon(order.now)
        params["expires_at"] = int(ends.timestamp())
    return params


def _soon(now: datetime) -> datetime:
    """The shortest life of a page, in steps, so that a second click asks for the same."""
    ends = now + SHORTEST + timedelta(minutes=5)
    step = int(timedelta(minutes=10).total_seconds())
    return datetime.fromtimestamp(-(-int(ends.timestamp()) // step) * step, UTC)


def language_tag(locale: str) -> str:
    """A borrower's locale as Checkout names it."""
    parts = locale.replace("-", "_").split("_")
    if parts[0] == "zh":
        if "HK" in parts:
            return "zh-HK"
        return "zh-TW" if {"Hant", "TW", "MO"} & set(parts) else "zh"
    if parts[0] == "es":
        return "es" if len(parts) == 1 or parts[-1] == "ES" else "es-419"
    return "en-GB" if parts[:1] == ["en"] and parts[-1] in {"GB", "IE"} else "en"


def _checkout(session: Json) -> Checkout:
    state: CheckoutState = "closed"
    received = None
    if session.get("payment_status") == "paid":
        state, received = "paid", _received_by(session)
    elif session["status"] == "open":
        state = "open"
    elif session["status"] == "complete":
        state = "pending"
    return Checkout(session["id"], state, session.get("url"), received)


def _received_by(session: Json) -> Received:
    intent = session.get("payment_intent")
    method = None
    if isinstance(intent, Mapping):
        saved = SAVED in (intent.get("metadata") or {})
        method = _method(intent.get("payment_method"), intent.get("customer")) if saved else None
        intent = intent["id"]
    return _received(
        str(intent or session["id"]), session["amount_total"], session["currency"], method
    )


def _received(
    external_id: str, minor: int, currency: str, method: SavedMethod | None = None
) -> Received:
    return Received(external_id, from_minor(minor, currency), currency.upper(), method)


def _method(method: Any, customer: Any) -> SavedMethod | None:
    """A card with what a person knows it by; None for what is no card of a customer's."""
    if not isinstance(method, Mapping) or not isinstance(customer, str):
        return None
    card = method.get("card")
    return SavedMethod(method["id"], customer, _label(card)) if card else None


def _label(card: Json) -> str:
    brand = str(card.get("brand") or "card")
    return f"{BRANDS.get(brand, brand.replace('_', ' ').title())} {card.get('last4') or ''}".strip()


def _plain(found: Any) -> dict[str, Any]:
    plain: dict[str, Any] = found.to_dict()
    return plain


@contextmanager
def _translated(*, of_method: bool = False) -> Iterator[None]:
    """The library's errors as ours: https://docs.stripe.com/error-handling.

    With ``of_method``, a saved card that is not there any more is one that is declined for good.
    """
    try:
        yield
    except stripe.CardError as error:
        reason = error.code or "card_declined"
        declined = getattr(error.error, "decline_code", None) or reason
        raise Declined(declined, for_good={reason, declined} & OF_NO_USE != set()) from None
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        raise GatewayUnavailable(_code(error)) from None
    except stripe.APIError as error:
        raise GatewayUnavailable(_code(error)) from None
    except stripe.InvalidRequestError as error:
        if of_method and error.param in ("payment_method", "customer"):
            raise Declined(error.code or "no_such_method", for_good=True) from None
        raise GatewayRefused(_code(error)) from None
    except stripe.StripeError as error:
        raise GatewayRefused(_code(error)) from None


def _code(error: stripe.StripeError) -> str:
    """What may be logged of an error: its kind and Stripe's words for it, never its text."""
    told = (error.code, getattr(error, "param", None), error.request_id)
    return " ".join([type(error).__name__, *(str(word) for word in told if word)])


# Events: https://docs.stripe.com/api/events/types


def _event(event: Json) -> GatewayEvent:
    kind = str(event["type"])
    about = (event.get("data") or {}).get("object") or {}
    read = EVENTS.get(kind)
    if read is None:
        return GatewayEvent(event["id"], kind, "other", data=_facts(about))
    found = read(about)
    return GatewayEvent(
        event["id"],
        kind,
        found["meaning"],
        (about.get("metadata") or {}).get(REFERENCE) or about.get("client_reference_id"),
        found.get("payment_id"),
        found.get("received"),
        found.get("method"),
        _facts(about),
    )


def _facts(about: Json) -> dict[str, str]:
    """Ids, amounts and states: nothing that tells who paid."""
    kept = {
        name: about.get(name)
        for name in ("id", "payment_intent", "currency", "status", "payment_status", "reason")
    }
    minor = about.get("amount_total", about.get("amount_received", about.get("amount")))
    kept["minor"] = about.get("amount_refunded") or minor
    return {name: str(value) for name, value in kept.items() if isinstance(value, str | int)}


def _session(about: Json) -> dict[str, Any]:
    """A Checkout page was gone through; with some ways to pay the money comes days later."""
    if about.get("payment_status") == "paid":
        received = _received_by(about)
        return {"meaning": "paid", "received": received, "payment_id": received.external_id}
    return {"meaning": "pending", "payment_id": about.get("payment_intent")}


def _intent(about: Json) -> dict[str, Any]:
    received = _received(about["id"], about["amount_received"], about["currency"])
    return {"meaning": "paid", "received": received, "payment_id": about["id"]}


def _card(about: Json) -> dict[str, Any]:
    """A charge tells which card it was, and whether its owner wanted it kept."""
    details = about.get("payment_method_details") or {}
    saved = SAVED in (about.get("metadata") or {}) and details.get("card")
    method = {"id": about.get("payment_method"), "card": details.get("card")}
    found = _method(method, about.get("customer")) if saved and method["id"] else None
    return {
        "meaning": "method_saved" if found else "other",
        "method": found,
        "payment_id": about.get("payment_intent"),
    }


def _detached(about: Json) -> dict[str, Any]:
    gone = SavedMethod(about["id"], "", "")
    return {"meaning": "method_removed", "method": gone}


def _of_payment(meaning: Meaning) -> Callable[[Json], dict[str, Any]]:
    return lambda about: {
        "meaning": meaning,
        "payment_id": about.get("payment_intent") or about["id"],
    }


EVENTS: dict[str, Callable[[Json], dict[str, Any]]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "checkout.session.async_payment_failed": _of_payment("failed"),
    "checkout.session.expired": _of_payment("expired"),
    "payment_intent.succeeded": _intent,
    "payment_intent.payment_failed": _of_payment("failed"),
    "charge.succeeded": _card,
    "charge.refunded": _of_payment("refunded"),
    "charge.dispute.created": _of_payment("disputed"),
    "payment_method.detached": _detached,
}
"""What Stripe must be asked to report, and how each is read."""
