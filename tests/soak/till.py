"""The payment gateway: it knows what really was paid, whatever we were told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from payments.gateways import (
    Charge,
    Checkout,
    Declined,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    Order,
    Processing,
    Received,
)
from payments.gateways.sandbox import SandboxGateway

TROUBLES = ("declined", "unavailable", "unavailable, taken", "refused", "processing")
"""What goes wrong with the next charge of a saved card."""


@dataclass
class Till(SandboxGateway):
    """A sandbox with a memory: the shadow ledger of all money."""

    trouble: str = ""
    paid: dict[str, tuple[str, Received]] = field(default_factory=dict)
    """What was paid, by its own id, with the reference that it came with."""
    told: set[str] = field(default_factory=set)
    """Of which we have heard."""
    events: int = 0

    def begin(self, order: Order) -> Checkout:
        """The payment itself."""
        made = super().begin(order)
        if made.received is not None:
            self._take(order.reference, made.received)
            self.told.add(made.received.external_id)
        return made

    def charge(self, charge: Charge) -> Received:
        """Take from a saved card; asked again with the same key, nothing is taken twice."""
        trouble, self.trouble = self.trouble, ""
        if trouble == "declined":
            raise Declined("card_declined", for_good=True)
        if trouble == "refused":
            raise GatewayRefused("unknown")
        if trouble == "unavailable":
            raise GatewayUnavailable("timeout")
        received = super().charge(charge)
        self._take(charge.reference, received)
        if trouble == "processing":
            raise Processing
        if trouble == "unavailable, taken":
            raise GatewayUnavailable("timeout")
        self.told.add(received.external_id)
        return received

    def _take(self, reference: str, received: Received) -> None:
        self.paid.setdefault(received.external_id, (reference, received))

    def pay(self, reference: str, amount: Decimal, currency: str, number: int) -> str:
        """Somebody pays on a page of the gateway's own; we have yet to hear of it."""
        received = Received(f"{reference}-{number}", amount, currency)
        self._take(reference, received)
        return received.external_id

    def report(self, external_id: str, meaning: str = "paid") -> GatewayEvent:
        """A report of a payment, as it is sent and may be repeated."""
        reference, received = self.paid[external_id]
        if meaning == "paid":
            self.told.add(external_id)
        event = GatewayEvent(
            external_id=f"{meaning}-{external_id}",
            kind=f"soak.{meaning}",
            meaning=meaning,  # type: ignore[arg-type]
            reference=reference,
            payment_id=external_id,
        )
        return replace(event, received=received) if meaning == "paid" else event

    def untold(self) -> list[str]:
        """What was paid and we have not heard of."""
        return sorted(set(self.paid) - self.told)
