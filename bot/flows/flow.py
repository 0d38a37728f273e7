"""What a flow is: a table of what starts it, its steps, and what each step does with an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.turn import Outcome, Reply, Slots, Turn

Start = Callable[[Turn], Outcome]
Ask = Callable[[Turn, Slots], Reply]
Take = Callable[[Turn, Slots], Outcome | None]


@dataclass(frozen=True)
class Step:
    """One question.

    ``take`` reads the answer; None means that it was none. ``ask`` words the question again.
    """

    take: Take
    ask: Ask
    menu: bool = True
    """Whether a bare number is a choice here."""
    any_words: bool = False
    """Whether the answer is free text, so that another intent in it does not leave the flow."""
    wants: frozenset[str] = frozenset()
    """Entities that make a short message an answer, whatever else it was taken for."""
    reads: frozenset[str] = frozenset()
    """Intents of other flows in which an answer may come: "i'll pay the 20th" to "until when?"."""
    media: bool = False
    """Whether a picture is an answer: of a receipt, say."""


@dataclass(frozen=True)
class Flow:
    """One topic of conversation."""

    name: str
    starts_on: frozenset[str]
    start: Start
    steps: Mapping[str, Step] = field(default_factory=dict)
    about_debt: bool = False
    """It speaks of the debt, so the person must have shown who they are."""
    one_loan: bool = False
    """It needs to know which loan; ``turn.loan`` is set when it starts."""
    resumes: bool = True
    """Interrupted by a question, it is offered again afterwards."""
