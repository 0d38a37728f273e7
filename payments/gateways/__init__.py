"""What takes a payment, as the rest of the application sees it: a seam, and who stands behind it.

``sandbox`` moves no money; ``stripe`` is Stripe's Checkout. ``PAYMENT_GATEWAY`` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from settings import Settings

# ruff: noqa: N818 - the errors are named after what happened, not after being errors.

CheckoutState: TypeAlias = Literal["open", "paid", "pending", "closed"]
Meaning: TypeAlias = Literal[
    "paid",
    "pending",
    "failed",
    "expired",
    "method_saved",
    "method_removed",
    "refunded",
    "disputed",
    "other",
]


@dataclass(frozen=True)
class SavedMethod:
    """A way to pay that a borrower let the gateway keep.

    Attributes:
        external_id: the gateway's id of it.
        customer: the gateway's id of its owner.
        label: what a person knows it by: "Visa 4242".

    """

    external_id: str
    customer: str
    label: str


@dataclass(frozen=True)
class Received:
    """Money that has arrived. ``external_id`` is the same however often it is told of."""

    external_id: str
    amount: Decimal
    currency: str
    method: SavedMethod | None = None
    """Where one was saved with it."""


@dataclass(frozen=True)
class Order:
    """What is to be paid on the gateway's page. Nothing in it tells who pays.

    Attributes:
        reference: our own name of the payment link, signed; it comes back with every report.
        key: the same for the same attempt, so that asking twice makes one page.
        title: what the page says is paid, in the borrower's language.
        locale: the borrower's, with the country where it is known: ``es_MX``.
        ways: of the policy's ``payment.ways``.
        back_url: where the borrower comes back to; with ``?paid=1`` after paying.
        customer: the gateway's id of this borrower, from an earlier payment.
        save: the borrower wants the way to pay to be kept.
        test_card: which card of the sandbox is used.

    """

    reference: str
    key: str
    amount: Decimal
    currency: str
    title: str
    locale: str
    ways: tuple[str, ...]
    back_url: str
    expires_at: datetime
    now: datetime
    customer: str | None = None
    save: bool = False
    test_card: str = ""


@dataclass(frozen=True)
class Checkout:
    """The gateway's page for an order: ``open`` at an address, or what came of it."""

    id: str
    state: CheckoutState
    url: str | None = None
    received: Received | None = None


@dataclass(frozen=True)
class Charge:
    """Money to be taken from a saved way to pay, while its owner is elsewhere."""

    reference: str
    key: str
    amount: Decimal
    currency: str
    method: SavedMethod


@dataclass(frozen=True)
class GatewayEvent:
    """Something that a gateway reported.

    Attributes:
        external_id: the report's own id; a repeated report has the same.
        kind: the gateway's word for it.
        meaning: ours.
        reference: of the payment link, where it holds one.
        payment_id: the gateway's id of the payment that it is about.
        received: the money, where it tells that some arrived.
        method: a way to pay that was saved or removed.
        data: ids, amounts and states, to be kept with it.

    """

    external_id: str
    kind: str
    meaning: Meaning
    reference: str | None = None
    payment_id: str | None = None
    received: Received | None = None
    method: SavedMethod | None = None
    data: Mapping[str, str] = field(default_factory=dict)


class GatewayError(Exception):
    """The gateway would not do it. ``code`` is its own word for why, for the log."""

    def __init__(self, code: str = "") -> None:
        super().__init__(code or type(self).__name__)
        self.code = code


class Declined(GatewayError):
    """The bank said no, or wants its customer there; another way to pay may do.

    ``for_good``: the saved way to pay is of no use any more.
    """

    def __init__(self, code: str = "", *, for_good: bool = False) -> None:
        super().__init__(code)
        self.for_good = for_good


class GatewayUnavailable(GatewayError):
    """Out of reach, too busy or broken: what came of it is unknown; ask with the same key again."""


class GatewayRefused(GatewayError):
    """The request makes no sense to the gateway, or the key is not good: ours to put right."""


class Processing(GatewayError):
    """Money is on its way; a report will tell whether it arrived."""


class ForgedEvent(Exception):
    """A report that the gateway did not sign, or signed too long ago."""


class UnreadableEvent(Exception):
    """A report that is signed, and that cannot be read."""


class PaymentGateway(Protocol):
    """What takes payments."""

    code: str
    moves_money: bool

    def begin(self, order: Order) -> Checkout:
        """A page where the order is paid, or the payment itself; or a GatewayError."""

    def look_up(self, checkout_id: str) -> Checkout:
        """What has become of a page; or a GatewayError."""

    def close(self, checkout_id: str) -> None:
        """Let nobody pay on a page any more. One that is closed, or paid, stays what it is."""

    def charge(self, charge: Charge) -> Received:
        """Take money from a saved way to pay; or a GatewayError."""

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        """What a verified report says; or ForgedEvent, or UnreadableEvent."""


ONLINE = ("card", "bank_debit", "alipay", "wechat_pay")
"""Those of the policy's ways to pay that a gateway takes."""


def build_gateway(settings: Settings) -> PaymentGateway:
    """The gateway that the settings name."""
    if settings.payment_gateway == "stripe":
        from payments.gateways.stripe import StripeGateway

        return StripeGateway(
            secret_key=settings.stripe_secret_key,
            webhook_secret=settings.stripe_webhook_secret,
            api_base=settings.stripe_api_base,
        )
    from payments.gateways.sandbox import SandboxGateway

    return SandboxGateway()
