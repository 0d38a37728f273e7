"""A gateway that moves no money, with test cards that behave as real ones do."""

from __future__ import annotations

from payments.gateways import (
    Charge,
    Checkout,
    Declined,
    ForgedEvent,
    GatewayEvent,
    GatewayRefused,
    Order,
    Received,
    SavedMethod,
)

CARDS = {"works": "4242", "declines": "0002", "declines_later": "0341"}
"""Test cards by what they do, with their last four digits (those of Stripe's own test cards)."""


class SandboxGateway:
    """Takes every payment and moves nothing, unless a card is chosen that is declined."""

    code = "sandbox"
    moves_money = False

    def begin(self, order: Order) -> Checkout:
        """The payment itself: there is no page to go to."""
        card = order.test_card if order.test_card in CARDS else "works"
        if card == "declines":
            raise Declined("card_declined")
        customer = order.customer or f"customer-{order.reference}"
        method = SavedMethod(f"{customer}-{CARDS[card]}", customer, f"Visa {CARDS[card]}")
        received = Received(
            f"sandbox-{order.reference}",
            order.amount,
            order.currency,
            method if order.save else None,
        )
        return Checkout(received.external_id, "paid", received=received)

    def look_up(self, checkout_id: str) -> Checkout:
        """There is no page that something could have become of."""
        return Checkout(checkout_id, "closed")

    def close(self, checkout_id: str) -> None:
        """There is no page."""

    def charge(self, charge: Charge) -> Received:
        """Take money from a saved card; the one that is declined later is declined now."""
        if charge.method.external_id.endswith(CARDS["declines_later"]):
            raise Declined("card_declined")
        if not charge.method.external_id.endswith(CARDS["works"]):
            raise GatewayRefused("unknown_method")
        return Received(f"sandbox-{charge.reference}", charge.amount, charge.currency)

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        """Nobody reports anything."""
        raise ForgedEvent
