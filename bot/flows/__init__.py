"""The topics of conversation, one file each. ``FLOWS`` is the whole table."""

from bot.flows import (
    balance,
    clarify,
    consent,
    dispute,
    extension,
    handoff,
    identity,
    loan,
    payment,
    promise,
    smalltalk,
)
from bot.flows.flow import Flow, Step

FLOWS: tuple[Flow, ...] = (
    *balance.FLOWS,
    *payment.FLOWS,
    *extension.FLOWS,
    *promise.FLOWS,
    *dispute.FLOWS,
    *consent.FLOWS,
    *handoff.FLOWS,
    *smalltalk.FLOWS,
    *identity.FLOWS,
    *loan.FLOWS,
    *clarify.FLOWS,
)
BY_INTENT = {intent: flow for flow in FLOWS for intent in flow.starts_on}
BY_NAME = {flow.name: flow for flow in FLOWS}

__all__ = ["BY_INTENT", "BY_NAME", "FLOWS", "Flow", "Step"]
