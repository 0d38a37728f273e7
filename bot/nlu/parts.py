"""Two wishes in one message: "paid 200 yesterday, can i do the rest friday?".

The label of a message is what its writer most wants (the precedence list of the intents). What else
it asks for is found clause by clause, so that both can be taken up.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.nlu.understanding import Part

TOPICS = frozenset(
    (
        *("pay_now", "request_extension", "request_plan", "promise_to_pay", "already_paid"),
        *("ask_balance", "ask_due_date", "ask_payment_methods", "ask_consequences"),
        *("ask_identity", "hardship", "dispute", "fewer_messages", "talk_to_agent"),
    )
)
"""What is taken up beside something else. An opt-out, a cry for help and a wrong number stand alone;
a complaint is answered by a person, who reads all of it."""
ONE_WISH = frozenset(
    frozenset(pair)
    for pair in (
        ("request_extension", "promise_to_pay"),
        ("request_extension", "request_plan"),
        ("request_plan", "promise_to_pay"),
        ("request_plan", "pay_now"),
        ("promise_to_pay", "pay_now"),
        ("pay_now", "ask_payment_methods"),
        ("already_paid", "dispute"),
        ("dispute", "ask_balance"),
        ("dispute", "ask_identity"),
        ("ask_balance", "ask_due_date"),
    )
)
"""Pairs that are two ways to say one thing, or parts of it."""
SURE = 0.6
MOST_CLAUSES = 6

_END = re.compile(
    r"[;!?\n…。]+|[.,](?=\s|\D|$)"
    r"|\s+(?:but|also|then|pero|ademas|además|tambien|también|aunque)\s+"
    r"|\s+(?:and|y)\s+(?=(?:can|could|how|when|what|i|do|will|would|is|puedo|puede|pueden|cuanto"
    r"|cuánto|cuando|cuándo|como|cómo|me|que|qué)\b)"
    r"|(?:但是?|不过|不過|另外|还有|還有|然后|然後|而且|可是|同埋)(?=\S{2})",
    re.IGNORECASE,
)


def clauses(text: str) -> list[tuple[int, int]]:
    """Where the clauses of a text begin and end; marks and joining words belong to none."""
    found, start = [], 0
    for end in _END.finditer(text):
        found.append((start, end.start()))
        start = end.end()
    found.append((start, len(text)))
    return [(a, b) for a, b in found if sum(map(str.isalpha, text[a:b])) >= 2]


def two_wishes(text: str, intent: str, read: Callable[[str], tuple[str, float]]) -> tuple[Part, ...]:
    """The wishes of a message, that of ``intent`` first; empty where it is but one.

    Args:
        text: output of ``normalise.for_encoder``.
        intent: what it was read as.
        read: the likeliest intent of a clause, with its confidence.

    """
    if intent not in TOPICS:
        return ()
    places = clauses(text)
    if not 2 <= len(places) <= MOST_CLAUSES:
        return ()
    meant = [(place, *read(text[slice(*place)].strip())) for place in places]
    certain = {name for _, name, confidence in meant if confidence >= SURE}
    others = [
        name
        for _, name, confidence in meant
        if confidence >= SURE
        and name != intent
        and name in TOPICS
        and frozenset((name, intent)) not in ONE_WISH
    ]
    if intent not in certain or not others:
        return ()
    other = others[0]
    first = [place for place, name, _ in meant if name != other]
    second = [place for place, name, _ in meant if name == other]
    return (Part(_joined(text, first), intent), Part(_joined(text, second), other))


def _joined(text: str, places: list[tuple[int, int]]) -> str:
    return ", ".join(text[a:b].strip() for a, b in places)
