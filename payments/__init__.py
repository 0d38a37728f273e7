"""The page that a payment link opens: what is paid, and the button that pays it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from bot.manager import record_payment
from bot.replies import language_of
from bot.runtime import Runtime
from bot.turn import Money, Reply
from console.pages import protect, runtime
from models import Borrower, Conversation, Loan, PaymentLink
from payments.sandbox import PaymentGateway, SandboxGateway

GATEWAY: PaymentGateway = SandboxGateway()

bp = Blueprint("payments", __name__, template_folder="templates", static_folder="static")
protect(bp, referrer="no-referrer")  # the address is the key to the page

STATUS = {
    "due": 200,
    "used": 200,
    "unknown": 404,
    "changed": 409,
    "expired": 410,
    "closed": 503,  # the sandbox moves no money, so for real borrowers there is no payment yet
}


@dataclass(frozen=True)
class Opened:
    """A link as it stands now, and in which words it is shown."""

    state: str
    """One of STATUS."""
    link: PaymentLink | None = None
    locale: str = "en"
    country: str = ""


@bp.get("/<token>")
def page(token: str) -> tuple[str, int]:
    """What the link is for."""
    rt = runtime()
    opened = _open(rt, token)
    just_paid = opened.state == "used" and "paid" in request.args
    return _render(rt, opened, "paid" if just_paid else opened.state)


@bp.post("/<token>")
def pay(token: str) -> tuple[str, int] | Response:
    """Pay, once; a second click changes nothing and sees the same thanks."""
    rt = runtime()
    opened = _open(rt, token)
    link = opened.link
    if link is None or opened.state not in ("due", "used"):
        return _render(rt, opened, opened.state)
    if opened.state == "due":
        record_payment(
            rt,
            link_id=link.id,
            gateway=GATEWAY.code,
            external_id=GATEWAY.charge(link),
            amount=link.amount,
        )
    return redirect(url_for("payments.page", token=token, paid=1), 303)


def _open(rt: Runtime, token: str) -> Opened:
    link_id = rt.payment_link_id(token)
    with rt.reading() as session:
        loan = selectinload(PaymentLink.loan)
        options = (loan.selectinload(Loan.instalments), loan.selectinload(Loan.borrower))
        link = session.get(PaymentLink, link_id, options=options) if link_id is not None else None
        if link is None:
            return Opened("unknown")
        borrower: Borrower = link.loan.borrower
        conversation = session.get_one(Conversation, link.conversation_id)
        locale = conversation.locale or borrower.locale
        state = _state(link, rt.clock())
        if state == "due" and GATEWAY.code == "sandbox" and not rt.settings.simulator:
            state = "closed"
        return Opened(state, link, locale, borrower.country)


def _state(link: PaymentLink, now: datetime) -> str:
    if link.paid_at is not None:
        return "used"
    if link.expires_at <= now:
        return "expired"
    loan = link.loan
    balance = sum((part.open for part in loan.instalments), loan.late_charges)
    return "changed" if link.amount > balance else "due"


def _render(rt: Runtime, opened: Opened, shown: str) -> tuple[str, int]:
    lender = rt.policy.lender
    values: dict[str, Any] = {"lender": lender.name, "lender_phone": lender.phone}
    link = opened.link
    if link is not None:
        values |= {
            "amount": Money(link.amount, link.loan.currency),
            "product": Reply(f"product.{link.loan.product}"),
            "reference": f"…{link.loan.reference[-4:]}",
        }

    def text(key: str) -> str:
        reply = Reply(f"page.{key}", values)
        return rt.catalogues.render(reply, opened.locale, country=opened.country)

    html = render_template(
        "payments/page.html",
        shown=shown,
        text=text,
        lender=lender,
        language=language_of(opened.locale).replace("_", "-"),
    )
    return html, STATUS[opened.state]
