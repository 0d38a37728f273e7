"""How a message is heard: what the provider takes it for, what it names, which question it meets.

The turn and its replay hear alike, as both do it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.dialog import menu_is_open
from bot.entities import Entities, extract
from bot.nlu.understanding import Understanding
from bot.policy import Policy
from bot.turn import IDLE, Also, LoanView, State


def as_provider_says(opt_out_type: str | None, understood: Understanding) -> Understanding:
    """Where the provider took a message for STOP, START or HELP, that is what it is."""
    if opt_out_type is None:
        return understood
    keyword = opt_out_type.lower()
    intent = {"stop": "stop_messaging", "start": "resume_messaging", "help": "help"}[keyword]
    return replace(
        understood,
        intent=intent,
        confidence=1.0,
        ranking=((intent, 1.0),),
        opt_out="done" if keyword == "stop" else "no",
        keyword=keyword,
    )


def state_met(
    stored: Mapping[str, Any], last_inbound_at: datetime | None, now: datetime, policy: Policy
) -> State:
    """Where the dialogue stands; a question left open for too long is forgotten."""
    hours = policy.understanding.forget_after_hours
    until = stored.get("slots", {}).get("open_until")  # where the line itself has asked
    if until is not None and now <= datetime.fromisoformat(until):
        return State.from_json(stored)
    if last_inbound_at is not None and now - last_inbound_at > timedelta(hours=hours):
        return State()
    return State.from_json(stored)


@dataclass(frozen=True)
class Named:
    """What a message names.

    Attributes:
        entities: for its wish, or the first of two.
        also: its second wish, where it carries two. An answer to an open question carries one.

    """

    entities: Entities
    also: Also | None = None


def named_in(
    understood: Understanding,
    loans: tuple[LoanView, ...],
    state: State,
    *,
    now: datetime,
    timezone: str,
    locale: str,
) -> Named:
    """What a message names, where the dialogue stands and with the loans that are open.

    Args:
        understood: the message.
        loans: the borrower's.
        state: where the dialogue stands.
        now: the time of the turn.
        timezone: the borrower's.
        locale: the borrower's stored one.

    """
    open_loans = [loan for loan in loans if loan.balance > 0]
    if "loan" in state.slots:
        open_loans = [loan for loan in open_loans if loan.id == state.slots["loan"]]

    def entities(text: str) -> Entities:
        return extract(
            text,
            now=now,
            timezone=timezone,
            locale=locale,
            language=understood.language,
            currency=open_loans[0].currency if open_loans else "USD",
            # "half" is half of something only where it is plain of what.
            balance=open_loans[0].balance if len(open_loans) == 1 else None,
            menu=menu_is_open(state),
        )

    if not understood.parts or state.step != IDLE:
        return Named(entities(understood.text))
    first, second = understood.parts
    return Named(entities(first.text), Also(second.intent, entities(second.text)))
