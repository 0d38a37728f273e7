"""Doing what a turn decided: each effect becomes rows, in the turn's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import effects
from bot.runtime import Runtime
from models import (
    ConsentEvent,
    Conversation,
    Dispute,
    Extension,
    Handoff,
    Loan,
    Message,
    PaymentLink,
    Promise,
)


@dataclass(frozen=True)
class Act:
    """Where an effect happens: the message that caused it, and the clock."""

    rt: Runtime
    session: Session
    conversation: Conversation
    message: Message
    now: datetime
    today: date


Values = dict[str, Any]


def apply(act: Act, wanted: tuple[effects.Effect, ...]) -> Values:
    """Do the effects in order.

    Returns:
        What the replies of the same turn may name: ``payment_url``, ``case_number``.

    """
    values: Values = {}
    for effect in wanted:
        values |= _DOERS[type(effect)](act, effect) or {}
    return values


def _opt_out(act: Act, effect: effects.OptOut) -> None:
    phone = act.conversation.phone
    phone.opted_out_at = phone.opted_out_at or act.now
    _consent(act, "opt_out", effect.source)


def _opt_in(act: Act, effect: effects.OptIn) -> None:
    act.conversation.phone.opted_out_at = None
    _consent(act, "opt_in", effect.source)


def _fewer(act: Act, effect: effects.WantFewer) -> None:
    _consent(act, "fewer", "model")


def _bar(act: Act, effect: effects.BarNumber) -> None:
    phone = act.conversation.phone
    phone.barred_at, phone.barred_reason = act.now, "wrong_number"
    _consent(act, "wrong_number", "model")


def _consent(act: Act, kind: str, source: str) -> None:
    act.session.add(
        ConsentEvent(
            phone_id=act.conversation.phone_id,
            message_id=act.message.id,
            kind=kind,
            source=source,
            words=act.message.body,
            created_at=act.now,
        )
    )


def _verified(act: Act, effect: effects.Verified) -> None:
    hours = act.rt.policy.identity.holds_hours
    act.conversation.verified_until = act.now + timedelta(hours=hours)
    act.conversation.identity_misses = 0


def _identity_miss(act: Act, effect: effects.IdentityMiss) -> None:
    act.conversation.identity_misses += 1


def _hand_off(act: Act, effect: effects.HandOff) -> None:
    if effect.hold:
        act.conversation.held_by = "agent"
    already = select(Handoff.id).where(
        Handoff.conversation_id == act.conversation.id,
        Handoff.queue == effect.queue,
        Handoff.closed_at.is_(None),
    )
    if act.session.scalar(already.limit(1)) is None:
        act.session.add(
            Handoff(
                conversation_id=act.conversation.id,
                message_id=act.message.id,
                queue=effect.queue,
                reason=effect.reason,
                created_at=act.now,
            )
        )


def _payment_link(act: Act, effect: effects.CreatePaymentLink) -> Values:
    link = PaymentLink(
        loan_id=effect.loan_id,
        conversation_id=act.conversation.id,
        amount=effect.amount,
        created_at=act.now,
        expires_at=act.now + timedelta(hours=act.rt.policy.payment.link_hours),
    )
    act.session.add(link)
    act.session.flush()
    return {"payment_url": act.rt.payment_url(link.id)}


def _extension(act: Act, effect: effects.GrantExtension) -> None:
    loan = act.session.get_one(Loan, effect.loan_id)
    unpaid = [i for i in loan.instalments if i.open > 0]
    moved = [i for i in unpaid if i.due_on < act.today] or unpaid[:1]
    act.session.add(
        Extension(
            loan_id=loan.id,
            message_id=act.message.id,
            days=effect.days,
            old_due_on=moved[0].due_on,
            new_due_on=effect.new_due_on,
            created_at=act.now,
        )
    )
    for instalment in moved:
        instalment.due_on = effect.new_due_on


def _promise(act: Act, effect: effects.RecordPromise) -> None:
    open_ones = select(Promise).where(Promise.loan_id == effect.loan_id, Promise.status == "open")
    for earlier in act.session.scalars(open_ones):
        earlier.status = "replaced"
    act.session.add(
        Promise(
            loan_id=effect.loan_id,
            message_id=act.message.id,
            amount=effect.amount,
            due_on=effect.due_on,
            created_at=act.now,
        )
    )


def _dispute(act: Act, effect: effects.OpenDispute) -> Values:
    case_number = f"D-{act.message.id:05d}"
    act.session.add(
        Dispute(
            loan_id=effect.loan_id,
            message_id=act.message.id,
            case_number=case_number,
            kind=effect.kind,
            statement=effect.statement,
            created_at=act.now,
            answer_due_on=effect.answer_due_on,
        )
    )
    act.session.get_one(Loan, effect.loan_id).reminders_paused_at = act.now
    return {"case_number": case_number}


_DOERS: dict[type, Callable[[Act, Any], Values | None]] = {
    effects.OptOut: _opt_out,
    effects.OptIn: _opt_in,
    effects.WantFewer: _fewer,
    effects.BarNumber: _bar,
    effects.Verified: _verified,
    effects.IdentityMiss: _identity_miss,
    effects.HandOff: _hand_off,
    effects.CreatePaymentLink: _payment_link,
    effects.GrantExtension: _extension,
    effects.RecordPromise: _promise,
    effects.OpenDispute: _dispute,
}
