"""A question that nobody answers: when it is reminded of, and when it is closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.dialog import open_step
from bot.flows import BY_NAME
from bot.policy import Policy
from bot.turn import State


def wakes_at(state: State, now: datetime, policy: Policy) -> datetime | None:
    """When to look at a conversation again after a message; None where nothing is awaited."""
    if open_step(state) is None:
        return None
    if is_reminded_of(state):
        return now + timedelta(hours=policy.silence.remind_after_hours)
    return closes_at(state, now, policy)


def closes_at(state: State, written_at: datetime, policy: Policy) -> datetime:
    """When a question is closed whose borrower wrote last at ``written_at``."""
    closes = written_at + timedelta(hours=policy.silence.close_after_hours)
    until = state.slots.get("open_until")  # where the line itself has asked
    return closes if until is None else max(closes, datetime.fromisoformat(until))


def is_reminded_of(state: State) -> bool:
    """Whether a question is worth a reminder: a flow comes back to it, and the line asked once."""
    return (
        open_step(state) is not None
        and BY_NAME[state.flow].resumes
        and "open_until" not in state.slots
    )
