"""What the reader makes of one message."""

from __future__ import annotations

from dataclasses import dataclass

INTENTS = (
    "pay_now",
    "request_extension",
    "dispute",
    "stop_messaging",
    "fewer_messages",
    "resume_messaging",
    "ask_balance",
    "ask_due_date",
    "ask_payment_methods",
    "request_plan",
    "promise_to_pay",
    "already_paid",
    "hardship",
    "complaint",
    "wrong_person",
    "ask_identity",
    "ask_consequences",
    "talk_to_agent",
    "crisis",
    "help",
    "affirm",
    "deny",
    "greet",
    "thanks",
    "out_of_scope",
)

LANGUAGES = ("en", "es", "zh_Hans", "zh_Hant")


@dataclass(frozen=True)
class Part:
    """One of two wishes in a message: the words that speak of it, and what they mean."""

    text: str
    intent: str


@dataclass(frozen=True)
class Understanding:
    """One message, understood.

    Attributes:
        text: as the borrower wrote it.
        language: one of ``LANGUAGES``; None where the text does not show it.
        language_clear: the text is long and plain enough to switch a person's language by.
        intent: one of ``INTENTS``.
        confidence: from 0 to 1.
        ranking: the three best intents with their confidences, best first; the keyword's alone for
            a carrier keyword, empty for a text without content.
        opt_out: "done" (act on it), "ask" (ask once), "no".
        crisis: the text speaks, or may well speak, of suicide, self-harm or danger from others.
        keyword: "stop", "start" or "help" when the whole message is a carrier keyword.
        parts: where the message carries two wishes, both, that of ``intent`` first; else empty.

    """

    text: str
    language: str | None
    language_clear: bool
    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]
    opt_out: str
    crisis: bool = False
    keyword: str | None = None
    parts: tuple[Part, ...] = ()
