"""What each reply key speaks of, by its first part."""

from __future__ import annotations

from collections.abc import Collection

OPT_OUT_CONFIRMATION = "consent.stopped"
APOLOGY = "wrong_person.sorry"
ABOUT_DEBT = frozenset(
    {
        *("already_paid", "balance", "case", "collector", "dispute", "due", "extension"),
        *("followup", "loan", "payment", "plan", "promise", "relief"),
    }
)
"""Topics that say something about the debt."""
NEUTRAL = frozenset(
    {
        *("clarify", "complaint", "consent", "consequences", "crisis", "flow", "footer", "greet"),
        *("handoff", "hardship", "help", "identity", "language", "media", "methods", "misses"),
        *("product", "smalltalk", "thanks", "unknown", "wrong_person"),
    }
)
"""Topics that anybody may read. Whatever stands in neither table is taken to be of the debt."""
TELLING = frozenset({"hardship.ways"})
"""Keys of a neutral topic that show that there is a debt."""
WITHOUT_FOOTER = frozenset(
    {
        *("consent", "crisis", "greet", "help", "identity", "language", "thanks", "unknown"),
        "wrong_person",
    }
)
"""Topics that need no opt-out line: nothing of the debt, or they name STOP."""
WHILE_HELD = frozenset({"consent", "crisis", "help"})
"""What is answered while a person holds the conversation: a cry for help, HELP, STOP, START."""
LAST_WORDS = frozenset({OPT_OUT_CONFIRMATION, "crisis.helpline"})
"""What may stand in the one confirmation: a text can be an opt-out and a cry for help."""
MUST_GO = frozenset({"consent", "crisis"})
"""What no list of words keeps back: a helpline, and what becomes of somebody's consent."""
TO_BE_SILENT = frozenset({"opted_out", "held"})
"""Reasons that want an answer to be kept back and nothing said instead."""
AT_ANY_HOUR = frozenset({*WHILE_HELD, "wrong_person"})
"""What goes at night even where it was held up: it must be known at once."""


def is_last_word(keys: Collection[str]) -> bool:
    """Whether a text is the one confirmation that may follow an opt-out."""
    return OPT_OUT_CONFIRMATION in keys and LAST_WORDS.issuperset(keys)


def topics(keys: Collection[str]) -> frozenset[str]:
    """The first parts of reply keys."""
    return frozenset(key.partition(".")[0] for key in keys)


def discloses(keys: Collection[str]) -> bool:
    """Whether they speak of the debt, so that only the borrower may read them."""
    return bool(topics(keys) - NEUTRAL or TELLING.intersection(keys))


def needs_footer(keys: Collection[str]) -> bool:
    """Whether the opt-out line must stand below: 12 CFR 1006.6(e)."""
    return bool(topics(keys) - WITHOUT_FOOTER)
