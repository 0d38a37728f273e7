"""Doing what a turn decided: each effect becomes rows, in the turn's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import effects, outbox
from bot.runtime import Runtime
from models import (
    Agreement,
    Case,
    ConsentEvent,
    Conversation,
    Extension,
    Handoff,
    LenderEvent,
    Loan,
    Message,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
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
    after_commit: Callable[..., object] = lambda *_: None
    """Puts a call off until the rows are really there; without it the sweep finds them."""


Values = dict[str, Any]


def apply(act: Act, wanted: tuple[effects.Effect, ...]) -> Values:
    """Do the effects in order.

    Returns:
        What the replies of the same turn may name: ``payment_url``, ``case_number``.

    """
    values: Values = {}
    for effect in wanted:
        values |= _DOERS[type(effect)](act, effect) or {}
        kind = _EVENTS.get(type(effect))
        if kind is not None:
            _tell_lender(act, kind, effect)
    return values


_EVENTS: dict[type, str] = {
    effects.OptOut: "consent.withdrawn",
    effects.OptIn: "consent.given",
    effects.WantFewer: "consent.fewer",
    effects.BarNumber: "number.wrong",
    effects.HandOff: "conversation.handed_off",
    effects.GrantExtension: "extension.granted",
    effects.AgreePlan: "plan.agreed",
    effects.AgreeRelief: "relief.agreed",
    effects.RecordPromise: "promise.recorded",
    effects.OpenCase: "case.opened",
    effects.AddToCase: "case.added_to",
    effects.NoteHardship: "hardship.noted",
}
"""What the lender's own system hears of, and under which name."""


def _tell_lender(act: Act, kind: str, effect: effects.Effect) -> None:
    borrower = act.conversation.phone.borrower
    data = asdict(effect)
    data.pop("statement", None)  # the borrower's own words stay here; the case leads to them
    act.session.add(
        LenderEvent(
            borrower_id=borrower.id if borrower else None,
            loan_id=data.pop("loan_id", None),
            message_id=act.message.id,
            kind=kind,
            data=_as_json(data),
            created_at=act.now,
        )
    )


def _as_json(value: Any) -> Any:
    """Amounts and days as texts, so that none is rounded."""
    if isinstance(value, Mapping):
        return {name: _as_json(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    return str(value) if isinstance(value, Decimal | date | datetime) else value


def _opt_out(act: Act, effect: effects.OptOut) -> None:
    phone = act.conversation.phone
    phone.opted_out_at = phone.opted_out_at or act.now
    outbox.stop_messages(act.session, phone, "opted_out", act.now)
    _consent(act, "opt_out", effect.source)


def _opt_in(act: Act, effect: effects.OptIn) -> None:
    act.conversation.phone.opted_out_at = None
    _consent(act, "opt_in", effect.source)


def _fewer(act: Act, effect: effects.WantFewer) -> None:
    wished = {"a_week": effect.a_week, "window": effect.window}
    phone = act.conversation.phone
    phone.wishes = {**phone.wishes, **{k: v for k, v in wished.items() if v is not None}}
    _consent(act, "fewer", "model")


def _bar(act: Act, effect: effects.BarNumber) -> None:
    phone = act.conversation.phone
    phone.barred_at, phone.barred_reason = act.now, "wrong_number"
    outbox.stop_messages(act.session, phone, "barred", act.now)
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
    already = select(Handoff).where(
        Handoff.conversation_id == act.conversation.id,
        Handoff.queue == effect.queue,
        Handoff.closed_at.is_(None),
    )
    open_one = act.session.scalar(already.limit(1))
    if open_one is not None:
        if effect.call_back_at is not None:
            open_one.call_back_at, open_one.reason = effect.call_back_at, effect.reason
    else:
        act.session.add(
            Handoff(
                conversation_id=act.conversation.id,
                message_id=act.message.id,
                queue=effect.queue,
                reason=effect.reason,
                call_back_at=effect.call_back_at,
                created_at=act.now,
            )
        )


def _language(act: Act, effect: effects.SetLanguage) -> None:
    act.conversation.locale = effect.language


def _hardship(act: Act, effect: effects.NoteHardship) -> None:
    borrower = act.conversation.phone.borrower
    if borrower is not None:
        borrower.hardship_until = max(effect.until, borrower.hardship_until or effect.until)


def _payment_link(act: Act, effect: effects.CreatePaymentLink) -> Values:
    return {"payment_url": act.rt.payment_url(_new_link(act, effect).id)}


def _new_link(act: Act, effect: effects.CreatePaymentLink | effects.ChargeMethod) -> PaymentLink:
    link = PaymentLink(
        loan_id=effect.loan_id,
        conversation_id=act.conversation.id,
        amount=effect.amount,
        created_at=act.now,
        expires_at=act.now + timedelta(hours=act.rt.policy.payment.link_hours),
    )
    act.session.add(link)
    act.session.flush()
    return link


def _charge(act: Act, effect: effects.ChargeMethod) -> None:
    """A link, which is texted should the card be declined, and what a job does with it."""
    method = act.session.get_one(PaymentMethod, effect.method_id)
    borrower = act.conversation.phone.borrower
    if borrower is None or method.borrower_id != borrower.id:
        raise ValueError("a way to pay is used by its owner alone")
    link = _new_link(act, effect)
    charge = PaymentEvent(
        gateway=method.gateway,
        external_id=f"charge-{link.id}",
        kind="charge",
        data={"link": link.id, "method": method.id},
        result="queued",
        received_at=act.now,
    )
    act.session.add(charge)
    act.session.flush()
    act.after_commit(act.rt.enqueue, "charge", charge.id)


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
            fee=effect.fee,
            created_at=act.now,
        )
    )
    for instalment in moved:
        instalment.due_on = effect.new_due_on
    loan.late_charges += effect.fee
    _replace_promises(act, loan.id)


def _plan(act: Act, effect: effects.AgreePlan) -> None:
    """What is due becomes the plan's parts; what is not due yet stays as it was."""
    loan = act.session.get_one(Loan, effect.loan_id)
    agreement = _agreement(
        act,
        effect.loan_id,
        "plan",
        amount=sum((part.amount for part in effect.parts), Decimal("0.00")),
        ends_on=max(part.due_on for part in effect.parts),
    )
    loan.put_into_parts(
        [(part.due_on, part.amount) for part in effect.parts], act.today, agreement.id
    )


def _relief(act: Act, effect: effects.AgreeRelief) -> None:
    _agreement(
        act,
        effect.loan_id,
        effect.kind,
        amount=effect.amount,
        forgiven=effect.forgiven,
        ends_on=effect.pay_by,
    )


def _agreement(act: Act, loan_id: int, kind: str, **values: Any) -> Agreement:
    """The row; a word given before on the same loan is replaced by it."""
    _replace_promises(act, loan_id)
    agreement = Agreement(
        loan_id=loan_id, message_id=act.message.id, kind=kind, created_at=act.now, **values
    )
    act.session.add(agreement)
    act.session.flush()
    return agreement


def _promise(act: Act, effect: effects.RecordPromise) -> None:
    _replace_promises(act, effect.loan_id)
    act.session.add(
        Promise(
            loan_id=effect.loan_id,
            message_id=act.message.id,
            amount=effect.amount,
            due_on=effect.due_on,
            created_at=act.now,
        )
    )


def _replace_promises(act: Act, loan_id: int) -> None:
    open_ones = select(Promise).where(
        Promise.loan_id == loan_id,
        Promise.status == "open",
        Promise.message_id != act.message.id,  # a part and the rest stand side by side
    )
    for earlier in act.session.scalars(open_ones):
        earlier.status, earlier.closed_at = "replaced", act.now


CASE_LETTERS = {"dispute": "D", "already_paid": "P", "complaint": "C"}


def _case(act: Act, effect: effects.OpenCase) -> Values:
    borrower = act.conversation.phone.borrower
    if borrower is None:
        raise ValueError("a case needs a borrower")
    case_number = f"{CASE_LETTERS[effect.topic]}-{act.message.id:05d}"
    act.session.add(
        Case(
            borrower_id=borrower.id,
            loan_id=effect.loan_id,
            message_id=act.message.id,
            case_number=case_number,
            topic=effect.topic,
            kind=effect.kind,
            statement=effect.statement,
            details=dict(effect.details),
            created_at=act.now,
            answer_due_on=effect.answer_due_on,
        )
    )
    if effect.loan_id is not None:
        act.session.get_one(Loan, effect.loan_id).reminders_paused_at = act.now
    return {"case_number": case_number}


def _add_to_case(act: Act, effect: effects.AddToCase) -> Values:
    """The words come below those that opened it; when it must be answered stays."""
    numbered = select(Case).where(Case.case_number == effect.case_number)
    case = act.session.scalars(numbered).one()
    case.statement = f"{case.statement}\n{effect.statement}"
    return {"case_number": effect.case_number}


_DOERS: dict[type, Callable[[Act, Any], Values | None]] = {
    effects.OptOut: _opt_out,
    effects.OptIn: _opt_in,
    effects.WantFewer: _fewer,
    effects.BarNumber: _bar,
    effects.Verified: _verified,
    effects.IdentityMiss: _identity_miss,
    effects.HandOff: _hand_off,
    effects.SetLanguage: _language,
    effects.CreatePaymentLink: _payment_link,
    effects.ChargeMethod: _charge,
    effects.GrantExtension: _extension,
    effects.AgreePlan: _plan,
    effects.AgreeRelief: _relief,
    effects.RecordPromise: _promise,
    effects.OpenCase: _case,
    effects.AddToCase: _add_to_case,
    effects.NoteHardship: _hardship,
}
