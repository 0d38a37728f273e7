"""What becomes of a case that is open: more words on it, and the question how it stands."""

from __future__ import annotations

from bot.effects import AddToCase, HandOff
from bot.flows.flow import Flow
from bot.nlu import sorts
from bot.turn import CaseView, LoanView, Outcome, Turn, done, say


def on_loan(turn: Turn, loan: LoanView) -> CaseView | None:
    """The case that is open on a loan."""
    return next((case for case in turn.cases if case.loan_id == loan.id), None)


def on_topic(turn: Turn, topic: str) -> CaseView | None:
    """The case of a topic that is open."""
    return next((case for case in turn.cases if case.topic == topic), None)


def add(turn: Turn, case: CaseView, queue: str) -> Outcome:
    """The words go to the case that is open, instead of a second one."""
    return done(
        say("case.added", answer_due_on=case.answer_due_on),
        effects=(
            AddToCase(case.case_number, turn.text),
            HandOff(queue, case.topic, hold=False),
        ),
    )


def is_asked_about(turn: Turn) -> bool:
    """Whether the message asks how a case stands. No intent says so: plain words do."""
    return sorts.asks_about_case(turn.text)


def _status(turn: Turn) -> Outcome:
    if not turn.cases:
        return done(say("case.none"))
    return done(
        *(
            say("case.open", case_number=case.case_number, answer_due_on=case.answer_due_on)
            for case in turn.cases[:2]
        )
    )


CASES = Flow("cases", frozenset(), _status, about_debt=True)
FLOWS = (CASES,)
