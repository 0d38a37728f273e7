"""Where money comes in: the seam for payment gateways, and one that moves no money."""

from __future__ import annotations

from typing import Protocol

from models import PaymentLink


class PaymentGateway(Protocol):
    """What takes a payment."""

    code: str

    def charge(self, link: PaymentLink) -> str:
        """Take a link's amount: the gateway's own id of the payment, the same if asked again."""


class SandboxGateway:
    """Takes every payment and moves nothing."""

    code = "sandbox"

    def charge(self, link: PaymentLink) -> str:
        """Take a link's amount: the gateway's own id of the payment, the same if asked again."""
        return f"sandbox-{link.id}"
