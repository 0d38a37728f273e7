"""Two wishes in one message: "paid 200 yesterday, can i do the rest friday?".

The label of a message is what its writer most wants (the precedence list of the intents). What else
it asks for is found clause by clause, so that both can be taken up.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.nlu.understanding import Part

ARRANGED = ("request_plan", "request_extension", "promise_to_pay", "pay_now")
ASKED = (
    *("ask_balance", "ask_due_date", "ask_payment_methods", "ask_identity", "ask_consequences"),
)
PRECEDENCE = (
    *("dispute", "already_paid", "talk_to_agent", "request_plan", "request_extension"),
    *("promise_to_pay", "pay_now", "hardship", "fewer_messages", *ASKED),
)
"""What is taken up beside something else, as the intents rank, but that trouble told beside a
payment is answered with it, not instead. An opt-out, a cry for help and a
wrong number stand alone; a complaint is answered by a person, who reads all of it."""
ONE_WISH = frozenset(
    frozenset(pair)
    for pair in (
        *((a, b) for a in ARRANGED for b in ARRANGED if a < b),
        ("pay_now", "ask_payment_methods"),
        ("already_paid", "dispute"),
        ("dispute", "ask_balance"),
        ("dispute", "ask_identity"),
        ("ask_balance", "ask_due_date"),
    )
)
"""Pairs that are two ways to say one thing, or parts of it."""
SURE = 0.6
"""For the clause that speaks of what the whole message was read as."""
SURE_BESIDE = {"hardship": 0.5, "already_paid": 0.85, **dict.fromkeys(ASKED, 0.7)}
SURE_OF_ANOTHER = 0.95
"""For a clause that adds a wish. Trouble told beside a request is common and plain; "i was gonna
wait til friday" beside a payment is no wish."""
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


Glance = Callable[[str], tuple[str, float]]


def two_wishes(text: str, intent: str, read: Glance) -> tuple[Part, ...]:
    """The wishes of a message, the higher in precedence first; empty where it is but one.

    Args:
        text: output of ``normalise.for_encoder``.
        intent: what it was read as.
        read: the likeliest intent of a clause, with its confidence.

    """
    if intent not in PRECEDENCE:
        return ()
    places = clauses(text)
    if not 2 <= len(places) <= MOST_CLAUSES:
        return ()
    meant = [(place, *read(text[slice(*place)].strip())) for place in places]
    if not any(name == intent and confidence >= SURE for _, name, confidence in meant):
        return ()
    others = [
        name
        for _, name, confidence in meant
        if name in PRECEDENCE
        and name != intent
        and confidence >= SURE_BESIDE.get(name, SURE_OF_ANOTHER)
        and frozenset((name, intent)) not in ONE_WISH
    ]
    if not others:
        return ()
    other = min(others, key=PRECEDENCE.index)
    first = Part(_joined(text, [place for place, name, _ in meant if name != other]), intent)
    second = Part(_joined(text, [place for place, name, _ in meant if name == other]), other)
    return tuple(sorted((first, second), key=lambda part: PRECEDENCE.index(part.intent)))


def _joined(text: str, places: list[tuple[int, int]]) -> str:
    return ", ".join(text[a:b].strip() for a, b in places)
