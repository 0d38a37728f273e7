"""The one gate before every outbound text. Pure: a text and the facts in, a verdict out."""

from bot.guard.decision import GO, Facts, Kind, Text, Verdict, decide
from bot.guard.keys import (
    ABOUT_DEBT,
    APOLOGY,
    NEUTRAL,
    OPT_OUT_CONFIRMATION,
    TO_BE_SILENT,
    WITHOUT_FOOTER,
    discloses,
    is_last_word,
    needs_footer,
    topics,
)

__all__ = [
    "ABOUT_DEBT",
    "APOLOGY",
    "GO",
    "NEUTRAL",
    "OPT_OUT_CONFIRMATION",
    "TO_BE_SILENT",
    "WITHOUT_FOOTER",
    "Facts",
    "Kind",
    "Text",
    "Verdict",
    "decide",
    "discloses",
    "is_last_word",
    "needs_footer",
    "topics",
]
