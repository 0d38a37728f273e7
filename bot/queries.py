"""The queries of every turn, each built once: building one costs as much as running it."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import contains_eager

from models import (
    Agreement,
    Borrower,
    Case,
    Conversation,
    Extension,
    Instalment,
    Loan,
    Message,
    MessageStatus,
    Money,
    Payment,
    PaymentMethod,
    Phone,
    Promise,
    Sender,
)


@cache
def before() -> Select[Any]:
    """The id of a message that came before, its phone's language, and how many turns it waits for.

    Parameters: ``channel``, ``external_id``, ``number``.
    """
    message = select(Message.id).where(
        Message.channel == bindparam("channel"), Message.external_id == bindparam("external_id")
    )
    locale = (
        select(func.coalesce(Conversation.locale, Borrower.locale))
        .select_from(Phone)
        .outerjoin(Borrower, Phone.borrower_id == Borrower.id)
        .outerjoin(Conversation, Conversation.phone_id == Phone.id)
        .where(Phone.number == bindparam("number"))
        .order_by(Conversation.last_inbound_at.desc().nulls_last())
        .limit(1)
    )
    waiting = (
        select(func.count())
        .select_from(Message)
        .join(Conversation, Message.conversation_id == Conversation.id)
        .join(Phone, Conversation.phone_id == Phone.id)
        .where(
            Message.status == MessageStatus.UNPROCESSED,
            Message.retry_at.is_not(None),
            Phone.number == bindparam("number"),
        )
    )
    return select(message.scalar_subquery(), locale.scalar_subquery(), waiting.scalar_subquery())


def _conversation(*clauses: ColumnElement[bool]) -> Select[Conversation]:
    """A conversation with its sender, phone and borrower, locked until the transaction ends.

    The phone is locked with it: PostgreSQL reads a row anew after waiting for it only where that
    row is locked, and whoever waited for a STOP must see it.
    """
    return (
        select(Conversation)
        .join(Conversation.sender)
        .join(Conversation.phone)
        .outerjoin(Phone.borrower)
        .options(
            contains_eager(Conversation.sender),
            contains_eager(Conversation.phone).contains_eager(Phone.borrower),
        )
        .where(*clauses)
        .with_for_update(of=(Conversation, Phone))
        .execution_options(populate_existing=True)
    )


@cache
def conversation_by_address() -> Select[Conversation]:
    """Parameters: ``number``, ``channel``, ``address``."""
    return _conversation(
        Phone.number == bindparam("number"),
        Sender.channel == bindparam("channel"),
        Sender.address == bindparam("address"),
    )


@cache
def conversation_by_sender() -> Select[Conversation]:
    """Parameters: ``number``, ``sender_id``."""
    return _conversation(Phone.number == bindparam("number"), Sender.id == bindparam("sender_id"))


@cache
def conversation_by_id() -> Select[Conversation]:
    """Parameters: ``conversation_id``."""
    return _conversation(Conversation.id == bindparam("conversation_id"))


@cache
def loans() -> Select[Any]:
    """A borrower's loans, a row for each unpaid instalment, locked until the transaction ends.

    Columns, not objects: this is read at every turn, and written hardly ever.
    Parameters: ``borrower_id``.
    """
    count = select(func.count())
    counts = {
        "extensions": count.where(Extension.loan_id == Loan.id),
        "extended_at": select(func.max(Extension.created_at)).where(Extension.loan_id == Loan.id),
        "disputes": count.where(Case.loan_id == Loan.id, Case.status == "open"),
        "plans": count.where(Agreement.loan_id == Loan.id, Agreement.kind == "plan"),
        "promises_broken": count.where(Promise.loan_id == Loan.id, Promise.status == "broken"),
    }
    unpaid = (Instalment.loan_id == Loan.id) & (Instalment.paid < Instalment.amount)
    return (
        select(
            Loan.id,
            Loan.product,
            Loan.reference,
            Loan.currency,
            Loan.late_charges,
            Instalment.due_on,
            Instalment.amount,
            Instalment.paid,
            Instalment.agreement_id,
            *(query.scalar_subquery().label(name) for name, query in counts.items()),
        )
        .outerjoin(Instalment, unpaid)
        .where(Loan.borrower_id == bindparam("borrower_id"))
        .order_by(Loan.id, Instalment.due_on, Instalment.number)
        .with_for_update(of=Loan)
    )


@cache
def commitments() -> Executable:
    """Promises and agreements that stand open on a borrower's loans. Parameters: ``borrower_id``.

    Columns: ``loan_id``, ``kind`` (promise, plan, settlement or waiver), ``amount``, ``forgiven``,
    ``ends_on``, ``paid``.
    """
    promised = (
        select(
            Promise.loan_id,
            literal("promise").label("kind"),
            Promise.amount,
            literal(Decimal("0.00"), Money).label("forgiven"),
            Promise.due_on.label("ends_on"),
            literal(Decimal("0.00"), Money).label("paid"),
        )
        .join(Loan, Promise.loan_id == Loan.id)
        .where(Loan.borrower_id == bindparam("borrower_id"), Promise.status == "open")
    )
    agreed = (
        select(
            Agreement.loan_id,
            Agreement.kind,
            Agreement.amount,
            Agreement.forgiven,
            Agreement.ends_on,
            Agreement.paid,
        )
        .join(Loan, Agreement.loan_id == Loan.id)
        .where(Loan.borrower_id == bindparam("borrower_id"), Agreement.status == "open")
    )
    return union_all(promised, agreed)


@cache
def payments() -> Executable:
    """Payments on a borrower's loans, newest first. Parameters: ``borrower_id``, ``since``."""
    return (
        select(Payment.loan_id, Payment.amount, Payment.paid_at)
        .join(Loan, Payment.loan_id == Loan.id)
        .where(Loan.borrower_id == bindparam("borrower_id"), Payment.paid_at >= bindparam("since"))
        .order_by(Payment.paid_at.desc(), Payment.id.desc())
        .limit(20)
    )


@cache
def methods() -> Executable:
    """Ways to pay that a borrower has saved, newest first. Parameters: ``borrower_id``."""
    return (
        select(PaymentMethod.id, PaymentMethod.label)
        .where(
            PaymentMethod.borrower_id == bindparam("borrower_id"),
            PaymentMethod.removed_at.is_(None),
        )
        .order_by(PaymentMethod.id.desc())
    )


@cache
def cases() -> Executable:
    """A borrower's open cases, newest first. Parameters: ``borrower_id``."""
    return (
        select(Case.case_number, Case.topic, Case.answer_due_on, Case.loan_id)
        .where(Case.borrower_id == bindparam("borrower_id"), Case.status == "open")
        .order_by(Case.id.desc())
    )


@cache
def last_answer() -> Executable:
    """Status and time of the last answer in a conversation. Parameters: ``conversation_id``."""
    return (
        select(Message.status, Message.created_at)
        .where(
            Message.conversation_id == bindparam("conversation_id"),
            Message.direction == "outbound",
            Message.in_reply_to_id.is_not(None),
            Message.status != MessageStatus.BLOCKED,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
