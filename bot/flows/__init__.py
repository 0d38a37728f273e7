"""The topics of conversation, one file each. ``FLOWS`` is the whole table."""

from bot.flows import (
    already_paid,
    balance,
    cases,
    clarify,
    complaint,
    consent,
    dispute,
    extension,
    handoff,
    hardship,
    identity,
    language,
    loan,
    payment,
    plan,
    promise,
    relief,
    smalltalk,
)
from bot.flows.flow import Flow, Step

FLOWS: tuple[Flow, ...] = (
    *balance.FLOWS,
    *payment.FLOWS,
    *extension.FLOWS,
    *plan.FLOWS,
    *relief.FLOWS,
    *promise.FLOWS,
    *dispute.FLOWS,
    *already_paid.FLOWS,
    *hardship.FLOWS,
    *complaint.FLOWS,
    *cases.FLOWS,
    *consent.FLOWS,
    *handoff.FLOWS,
    *language.FLOWS,
    *smalltalk.FLOWS,
    *identity.FLOWS,
    *loan.FLOWS,
    *clarify.FLOWS,
)
BY_INTENT = {intent: flow for flow in FLOWS for intent in flow.starts_on}
BY_NAME = {flow.name: flow for flow in FLOWS}

__all__ = ["BY_INTENT", "BY_NAME", "FLOWS", "Flow", "Step"]
