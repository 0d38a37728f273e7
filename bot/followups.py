"""What the line does by itself when time has passed: promises, agreements, open questions.

Each borrower's conversation is one transaction under its lock, and all that decides is read anew
inside it: run twice, or by many workers at once, nothing is asked or closed twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import outbox, queries, silence
from bot.book import loans_of, still_promised, today_of
from bot.dialog import open_step
from bot.entities import Entities
from bot.flows import promise as promises
from bot.nlu.understanding import Understanding
from bot.replies import language_of
from bot.runtime import Runtime
from bot.turn import LoanView, Reply, State, Turn
from faults import described
from models import (
    Agreement,
    Borrower,
    Conversation,
    Handoff,
    Instalment,
    LenderEvent,
    Loan,
    Message,
    MessageStatus,
    Promise,
    UnitOfWork,
)

log = logging.getLogger(__name__)

BATCH = 200
FURTHEST_EAST = timedelta(hours=14)
"""Where a day begins first: no borrower's date is later than the one there."""
PART_MISSED = ("plan", "part_missed")
BROKEN = {"promise": "promise_broken", "plan": "plan_broken", "relief": "agreement_broken"}
"""Why a person takes over; while one of these is open, nothing more is asked."""
WITH_A_PERSON = frozenset({"held", "crisis", "paused", "with_a_person"})
"""Objections for which a person is at it already."""


def follow_up(rt: Runtime) -> int:
    """Do all that has come due.

    Returns:
        How many conversations something was done in.

    """
    done = 0
    for look_for, attend in ((_asleep, _wake), (_with_something_due, _attend)):
        for conversation_id in look_for(rt):
            done += _in_peace(rt, conversation_id, attend)
    return done


Attend = Callable[[Runtime, UnitOfWork, Conversation, datetime], bool]


def _in_peace(rt: Runtime, conversation_id: int, attend: Attend) -> bool:
    """Attend to one conversation under its lock; what fails there stays there."""
    try:
        with rt.unit_of_work() as uow:
            known = {"conversation_id": conversation_id}
            conversation = uow.session.scalars(queries.conversation_by_id(), known).one()
            did = attend(rt, uow, conversation, rt.clock())
            uow.commit()
            return did
    except Exception as error:  # whatever broke, the other borrowers' turn comes
        log.error("follow-up failed conversation=%s error=%s", conversation_id, described(error))
        return False


# Silence


def _asleep(rt: Runtime) -> Iterator[int]:
    """Conversations whose question has waited long enough."""
    now, after = rt.clock(), 0
    while True:
        due = (
            select(Conversation.id)
            .where(Conversation.wake_at <= now, Conversation.id > after)
            .order_by(Conversation.id)
            .limit(BATCH)
        )
        with rt.reading() as session:
            found = session.scalars(due).all()
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1]


def _wake(rt: Runtime, uow: UnitOfWork, conversation: Conversation, now: datetime) -> bool:
    """Remind of a question once, or close it."""
    if conversation.wake_at is None or conversation.wake_at > now:
        return False
    state = State.from_json(conversation.state)
    written_at = conversation.last_inbound_at or conversation.created_at
    closes_at = silence.closes_at(state, written_at, rt.policy)
    if conversation.held_by == "agent":
        conversation.wake_at = None
    elif now >= closes_at or not silence.is_reminded_of(state):
        conversation.state, conversation.wake_at = State().to_json(), None
    else:
        conversation.wake_at = closes_at
        if not _is_reminded(uow.session, conversation, written_at):
            _remind(rt, uow, conversation, state, now)
    return True


def _is_reminded(session: Session, conversation: Conversation, written_at: datetime) -> bool:
    reminder = select(Message.id).where(
        Message.conversation_id == conversation.id,
        Message.direction == "outbound",
        Message.created_at >= written_at,
        Message.reply_key.startswith("flow.still_open"),
    )
    return session.scalar(reminder.limit(1)) is not None


def _remind(
    rt: Runtime, uow: UnitOfWork, conversation: Conversation, state: State, now: datetime
) -> None:
    """Say the question again, in short where it is long; in the allowed hours only."""
    verdict = outbox.may_speak_first(rt, uow.session, conversation, now)
    if verdict.reason is not None:
        if verdict.retry_at is not None and conversation.wake_at is not None:
            conversation.wake_at = min(conversation.wake_at, verdict.retry_at)
        return
    step = open_step(state)
    assert step is not None
    turn = _turn(rt, uow.session, conversation, now)
    restated = (Reply("flow.still_open"), step.ask(turn, state.slots))
    written = outbox.write(rt, conversation, None, restated, {}, now)
    short = written.segments > rt.policy.contact.most_segments
    said = (Reply("flow.still_open_short"),) if short else restated
    outbox.say_first(rt, uow, conversation, said, now, may_wait=False)


def _turn(rt: Runtime, session: Session, conversation: Conversation, now: datetime) -> Turn:
    """A turn in which nobody has said anything, to word a question by."""
    borrower = conversation.phone.borrower
    today = today_of(borrower, now)
    language = language_of(outbox.locale_of(conversation))
    return Turn(
        text="",
        understanding=Understanding("", language, False, "out_of_scope", 0.0, (), "no"),
        entities=Entities(),
        now=now,
        today=today,
        policy=rt.policy,
        country=borrower.country if borrower else conversation.sender.country,
        first_name=borrower.first_name if borrower else None,
        timezone=borrower.timezone if borrower else "UTC",
        language=language,
        loans=loans_of(session, borrower, today) if borrower else (),
        identity_answers=borrower.identity_answers if borrower else {},
        identity_misses=conversation.identity_misses,
        verified=True,
    )


# What was agreed and has not come


@dataclass(frozen=True)
class _Due:
    """Something agreed whose day has passed, or whose question was not answered."""

    conversation_id: int
    timezone: str
    ask_after: date
    """The day behind which it is asked about."""
    asked_at: datetime | None
    """When it was; or when they wrote last, if that was later and leaves it open."""

    def is_due(self, now: datetime, person_after: timedelta) -> bool:
        """Whether something is to be done now."""
        if self.asked_at is not None:
            return now >= self.asked_at + person_after
        return now.astimezone(ZoneInfo(self.timezone)).date() > self.ask_after


def _with_something_due(rt: Runtime) -> list[int]:
    """Conversations in which it is time to ask, or to call a person.

    Those that must wait for the hours, or in which a question is open, come up again later.
    """
    now, rules = rt.clock(), rt.policy.promise
    person_after = timedelta(days=rules.person_after_days)
    with rt.reading() as session:
        found = [
            due
            for rows in (_promises_due, _relief_due, _parts_due)
            for due in rows(session, now, timedelta(days=rules.ask_after_days - 1))
            if due.is_due(now, person_after)
        ]
        kept: dict[int, bool] = {}
        for due in found:
            kept[due.conversation_id] = (
                due.asked_at is not None
                or kept.get(due.conversation_id, False)
                or _may_try(rt, session, due.conversation_id, now)
            )
    return [conversation_id for conversation_id, wanted in kept.items() if wanted]


def _may_try(rt: Runtime, session: Session, conversation_id: int, now: datetime) -> bool:
    conversation = session.get_one(Conversation, conversation_id)
    if conversation.wake_at is not None:
        return False
    verdict = outbox.may_speak_first(rt, session, conversation, now)
    return verdict.reason != "hours" or verdict.retry_at is None


def _promises_due(session: Session, now: datetime, grace: timedelta) -> Iterator[_Due]:
    rows = session.execute(
        select(Message.conversation_id, Borrower.timezone, Promise.due_on, Promise.asked_at)
        .join(Message, Promise.message_id == Message.id)
        .join(Loan, Promise.loan_id == Loan.id)
        .join(Borrower, Loan.borrower_id == Borrower.id)
        .where(
            Promise.closed_at.is_(None),
            Promise.status.in_(("open", "broken")),
            Promise.due_on < _latest_date(now) - grace,
        )
        .order_by(Promise.due_on, Promise.id)
        .execution_options(yield_per=BATCH)
    )
    for row in rows:
        yield _Due(row.conversation_id, row.timezone, row.due_on + grace, row.asked_at)


def _relief_due(session: Session, now: datetime, grace: timedelta) -> Iterator[_Due]:
    rows = session.execute(
        select(Message.conversation_id, Borrower.timezone, Agreement.ends_on)
        .join(Message, Agreement.message_id == Message.id)
        .join(Loan, Agreement.loan_id == Loan.id)
        .join(Borrower, Loan.borrower_id == Borrower.id)
        .where(
            Agreement.status == "open",
            Agreement.kind != "plan",
            Agreement.paid < Agreement.amount,
            Agreement.ends_on < _latest_date(now),
        )
        .order_by(Agreement.ends_on, Agreement.id)
    )
    for row in rows:
        yield _Due(row.conversation_id, row.timezone, row.ends_on, None)


def _parts_due(session: Session, now: datetime, grace: timedelta) -> Iterator[_Due]:
    """Plans with a part that has not come, unless a new word stands instead of it."""
    promised = select(Promise.id).where(
        Promise.loan_id == Agreement.loan_id, Promise.status == "open"
    )
    rows = session.execute(
        select(
            Agreement.id,
            Agreement.loan_id,
            Message.conversation_id,
            Conversation.last_inbound_at,
            Borrower.timezone,
            func.min(Instalment.due_on).label("due_on"),
        )
        .join(Message, Agreement.message_id == Message.id)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .join(Loan, Agreement.loan_id == Loan.id)
        .join(Borrower, Loan.borrower_id == Borrower.id)
        .join(Instalment, Instalment.loan_id == Loan.id)
        .where(
            Agreement.status == "open",
            Agreement.kind == "plan",
            Instalment.agreement_id == Agreement.id,
            Instalment.paid < Instalment.amount,
            Instalment.due_on < _latest_date(now) - grace,
            ~promised.exists(),
        )
        .group_by(
            Agreement.id,
            Agreement.loan_id,
            Message.conversation_id,
            Conversation.last_inbound_at,
            Borrower.timezone,
        )
        .order_by(Agreement.id)
    ).all()
    for row in rows:
        asked_at = _asked_at(session, row.loan_id, row.id, row.due_on)
        if asked_at is not None:
            asked_at = max(asked_at, row.last_inbound_at or asked_at)
        yield _Due(row.conversation_id, row.timezone, row.due_on + grace, asked_at)


def _latest_date(now: datetime) -> date:
    return (now + FURTHEST_EAST).date()


def _asked_at(session: Session, loan_id: int, agreement_id: int, due_on: date) -> datetime | None:
    """When it was asked about a part of a plan: the lender's system was told of it then."""
    told = select(LenderEvent).where(
        LenderEvent.loan_id == loan_id, LenderEvent.kind == ".".join(PART_MISSED)
    )
    same = {"agreement": agreement_id, "due_on": due_on.isoformat()}
    return next(
        (
            event.created_at
            for event in session.scalars(told)
            if {name: event.data.get(name) for name in same} == same
        ),
        None,
    )


@dataclass(frozen=True)
class _Missed:
    """What has not come: a promise, a part of a plan, the money for a settlement or waiver."""

    row: Promise | Agreement
    kind: str
    amount: Decimal
    due_on: date
    asked_at: datetime | None = None


@dataclass(frozen=True)
class _Place:
    """A conversation being attended to, under its lock and that of the loans."""

    rt: Runtime
    uow: UnitOfWork
    conversation: Conversation
    now: datetime
    today: date
    loans: dict[int, LoanView]

    @property
    def session(self) -> Session:
        """The open transaction's."""
        return self.uow.session

    def tell_lender(self, topic: str, what: str, missed: _Missed, **data: Any) -> None:
        """Write down what the lender's system must hear of."""
        borrower = self.conversation.phone.borrower
        self.session.add(
            LenderEvent(
                borrower_id=borrower.id if borrower else None,
                loan_id=missed.row.loan_id,
                message_id=missed.row.message_id,
                kind=f"{topic}.{what}",
                data={
                    "amount": str(missed.amount),
                    "due_on": missed.due_on.isoformat(),
                    **data,
                },
                created_at=self.now,
            )
        )

    def hand_off(self, reason: str) -> None:
        """Tell a person, once. The bot goes on answering what the borrower writes."""
        if _is_handed_off(self, (reason,)):
            return
        queue = "hardship" if _is_hard(self) else "general"
        self.session.add(
            Handoff(
                conversation_id=self.conversation.id,
                queue=queue,
                reason=reason,
                created_at=self.now,
            )
        )
        self.session.flush()


def _is_handed_off(place: _Place, reasons: Collection[str]) -> bool:
    same = select(Handoff.id).where(
        Handoff.conversation_id == place.conversation.id,
        Handoff.reason.in_(reasons),
        Handoff.closed_at.is_(None),
    )
    return place.session.scalar(same.limit(1)) is not None


def _is_hard(place: _Place) -> bool:
    borrower = place.conversation.phone.borrower
    until = borrower.hardship_until if borrower else None
    return until is not None and place.today <= until


def _attend(rt: Runtime, uow: UnitOfWork, conversation: Conversation, now: datetime) -> bool:
    """Ask about what has not come, or call a person where nobody answered."""
    borrower = conversation.phone.borrower
    today = today_of(borrower, now)
    views = loans_of(uow.session, borrower, today) if borrower else ()
    place = _Place(rt, uow, conversation, now, today, {view.id: view for view in views})
    missed = [*_missed_promises(place), *_missed_relief(place), *_missed_parts(place)]
    did = [_after_question(place, it) for it in missed if it.asked_at is not None]
    fresh = [it for it in missed if it.asked_at is None]
    return bool(fresh and _ask(place, fresh)) or any(did)


def _agreed_here(place: _Place, table: type[Any], *clauses: Any) -> Iterator[Any]:
    """Rows that were confirmed in this conversation, as they stand under the lock."""
    query = (
        select(table)
        .join(Message, table.message_id == Message.id)
        .where(Message.conversation_id == place.conversation.id, *clauses)
        .order_by(table.id)
        .execution_options(populate_existing=True)
    )
    yield from place.session.scalars(query).all()


def _missed_promises(place: _Place) -> Iterator[_Missed]:
    """Promises whose day has passed and that were not paid since; those that were are closed."""
    grace = timedelta(days=place.rt.policy.promise.ask_after_days)
    waiting = (Promise.closed_at.is_(None), Promise.status.in_(("open", "broken")))
    for word in _agreed_here(place, Promise, *waiting):
        if place.today < word.due_on + grace:
            continue
        view = place.loans.get(word.loan_id)
        settled = view is not None and view.balance <= 0
        if settled or still_promised(place.session, word) <= 0:
            word.status = "kept" if word.status == "open" else word.status
            word.closed_at = place.now
        else:
            yield _Missed(word, "promise", word.amount, word.due_on, word.asked_at)


def _missed_relief(place: _Place) -> Iterator[_Missed]:
    """Settlements and waivers whose money did not come in time.

    What was paid late but in full is with a person since it came.
    """
    waiting = (Agreement.status == "open", Agreement.kind != "plan")
    for agreement in _agreed_here(place, Agreement, *waiting):
        if place.today > agreement.ends_on and agreement.paid < agreement.amount:
            yield _Missed(agreement, "relief", agreement.amount, agreement.ends_on)


def _missed_parts(place: _Place) -> Iterator[_Missed]:
    """The oldest part that is missing, of each plan."""
    last = place.today - timedelta(days=place.rt.policy.promise.ask_after_days)
    waiting = (Agreement.status == "open", Agreement.kind == "plan")
    for agreement in _agreed_here(place, Agreement, *waiting):
        view = place.loans.get(agreement.loan_id)
        if view is not None and view.promise is not None:
            continue  # a new word stands instead of it
        parts = (
            select(Instalment)
            .where(
                Instalment.agreement_id == agreement.id,
                Instalment.paid < Instalment.amount,
                Instalment.due_on <= last,
            )
            .order_by(Instalment.due_on, Instalment.number)
            .limit(1)
            .execution_options(populate_existing=True)
        )
        for part in place.session.scalars(parts):
            asked_at = _asked_at(place.session, agreement.loan_id, agreement.id, part.due_on)
            yield _Missed(agreement, "plan", part.open, part.due_on, asked_at)


def _after_question(place: _Place, missed: _Missed) -> bool:
    """Close what was answered; where nobody answered for too long, a person takes over."""
    assert missed.asked_at is not None
    written_at = place.conversation.last_inbound_at
    answered = written_at is not None and written_at > missed.asked_at
    since = max(missed.asked_at, written_at or missed.asked_at)
    wait = timedelta(days=place.rt.policy.promise.person_after_days)
    row = missed.row
    if isinstance(row, Promise) and answered:
        row.closed_at = place.now
        return True
    if place.now < since + wait:
        return False
    if isinstance(row, Promise):
        row.closed_at = place.now
    else:
        _end(place, missed)
    place.hand_off(BROKEN[missed.kind])
    return True


def _ask(place: _Place, fresh: list[_Missed]) -> bool:
    """One question about all that has not come; in silence where nothing may be said."""
    if place.conversation.wake_at is not None:
        return False  # they are in the middle of something
    loan_ids = {missed.row.loan_id for missed in fresh}
    verdict = outbox.may_speak_first(
        place.rt, place.session, place.conversation, place.now, loan_ids=loan_ids
    )
    waits = verdict.retry_at is not None and not _is_late(place, fresh)
    objection = _objection(place, loan_ids) or verdict.reason
    if objection is not None and objection == verdict.reason and waits:
        return False
    if objection is None:
        objection = _question(place, fresh[0])
    for missed in fresh:
        _break(place, missed, asked=objection is None)
    if objection is not None and objection not in WITH_A_PERSON:
        place.hand_off(BROKEN[fresh[0].kind])
    return True


def _is_late(place: _Place, fresh: list[_Missed]) -> bool:
    """Whether it could not be asked for so long that a person should have it."""
    rules = place.rt.policy.promise
    wait = timedelta(days=rules.ask_after_days + rules.person_after_days)
    return any(place.today >= missed.due_on + wait for missed in fresh)


def _objection(place: _Place, loan_ids: Collection[int]) -> str | None:
    """Why nothing automatic is said about these loans, besides what the guard knows."""
    if not place.loans.keys() >= set(loan_ids):
        return "not_theirs"  # the number belongs to somebody else by now
    if _is_hard(place):
        return "hardship"
    if any(place.loans[loan_id].disputed for loan_id in loan_ids):
        return "paused"
    return "with_a_person" if _is_handed_off(place, BROKEN.values()) else None


def _question(place: _Place, missed: _Missed) -> str | None:
    """Ask, and leave the question open.

    Returns:
        Why it could not be said after all.

    """
    rules = place.rt.policy.promise
    until = place.now + timedelta(days=rules.person_after_days)
    state = promises.missed(
        missed.row.loan_id,
        missed.kind,
        missed.amount,
        missed.due_on,
        open_until=until.isoformat(),
    )
    step = open_step(state)
    assert step is not None
    turn = _turn(place.rt, place.session, place.conversation, place.now)
    said = (Reply("followup.hello"), step.ask(turn, state.slots))
    message = outbox.say_first(
        place.rt,
        place.uow,
        place.conversation,
        said,
        place.now,
        loan_ids=(missed.row.loan_id,),
        may_wait=False,
    )
    if message.status == MessageStatus.BLOCKED:
        return message.reason
    place.conversation.state, place.conversation.wake_at = state.to_json(), until
    return None


def _break(place: _Place, missed: _Missed, *, asked: bool) -> None:
    """Write down that it has not come."""
    row = missed.row
    if isinstance(row, Promise):
        row.status = "broken"
        row.asked_at, row.closed_at = (place.now, None) if asked else (None, place.now)
        place.tell_lender("promise", "broken", missed, promise=row.id)
    elif missed.kind == "plan" and asked:
        place.tell_lender(*PART_MISSED, missed, agreement=row.id)
    else:
        _end(place, missed)


def _end(place: _Place, missed: _Missed) -> None:
    """An agreement that was not kept; the debt stands as it was."""
    assert isinstance(missed.row, Agreement)
    missed.row.status, missed.row.ended_at = "broken", place.now
    agreed = {"agreement": missed.row.id, "agreed": missed.row.kind}
    place.tell_lender("agreement", "broken", missed, **agreed)
