"""The one gate before every outbound text. Pure: facts in, an objection or None out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

OPT_OUT_CONFIRMATION = "consent.stopped"
APOLOGY = "wrong_person.sorry"
ABOUT_DEBT = frozenset({"balance", "due", "payment", "extension", "promise", "loan"})
"""First parts of the reply keys that say something about the debt."""
WITHOUT_FOOTER = frozenset(
    {"consent", "crisis", "greet", "help", "identity", "thanks", "unknown", "wrong_person"}
)
"""First parts of the keys that need no opt-out line: nothing of the debt, or they name STOP."""
MAX_LENGTH = 1600
"""Twilio takes no longer message."""


@dataclass(frozen=True)
class Facts:
    """What decides whether a text may go, at the moment of sending."""

    opted_out: bool
    barred: bool
    verified: bool
    """Whether the person has shown who they are, or the policy does not ask."""


def topics(keys: Collection[str]) -> frozenset[str]:
    """The first parts of reply keys."""
    return frozenset(key.partition(".")[0] for key in keys)


def objection(keys: Collection[str], text: str, facts: Facts) -> str | None:
    """Why a text may not go, in one word for the record; None where it may.

    Args:
        keys: the reply keys that it is made of.
        text: as it would be sent.
        facts: as they stand now.

    """
    if facts.opted_out and set(keys) != {OPT_OUT_CONFIRMATION}:
        return "opted_out"
    if facts.barred and set(keys) != {APOLOGY}:
        return "barred"
    if not facts.verified and topics(keys) & ABOUT_DEBT:
        return "not_verified"
    if not text.strip():
        return "empty"
    if len(text) > MAX_LENGTH:
        return "too_long"
    return None


def needs_footer(keys: Collection[str]) -> bool:
    """Whether the opt-out line must stand below: 12 CFR 1006.6(e)."""
    return bool(topics(keys) - WITHOUT_FOOTER)
