"""The page that a payment link opens: what is paid, and the button that pays it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot import checkout, outbox
from bot.flows.payment import owed
from bot.payments import Place, page_of, place_of
from bot.replies import language_of
from bot.runtime import Runtime
from bot.turn import Money, Reply
from console.pages import money, protect, runtime
from payments.gateways import Declined, GatewayError
from payments.gateways.sandbox import CARDS

log = logging.getLogger(__name__)

bp = Blueprint("payments", __name__, template_folder="templates", static_folder="static")
protect(bp, referrer="no-referrer")  # the address is the key to the page

STATUS = {
    "due": 200,
    "declined": 200,
    "leaving": 200,
    "pending": 200,
    "paid": 200,
    "used": 200,
    "unknown": 404,
    "changed": 409,
    "expired": 410,
    "unavailable": 502,
    "closed": 503,  # the sandbox moves no money, so for real borrowers there is no payment yet
}
DEAD = frozenset({"changed", "expired", "used"})
"""What a new link may be had for."""


@dataclass(frozen=True)
class Opened:
    """A link as it stands now, and in which words it is shown."""

    state: str
    """One of STATUS."""
    link_id: int | None = None
    amount: Money | None = None
    product: str = ""
    reference: str = ""
    may_renew: bool = False
    locale: str = "en"
    country: str = ""


@bp.get("/<token>")
def page(token: str) -> tuple[str, int]:
    """What the link is for; on the way back from the gateway's page, what came of it."""
    rt = runtime()
    opened = _open(rt, token)
    if "paid" not in request.args or opened.link_id is None:
        return _render(rt, opened, opened.state)
    if opened.state == "used":
        return _render(rt, opened, "paid")
    try:
        found = checkout.look_up(rt, opened.link_id)
    except GatewayError as error:
        log.warning("checkout of link %s not looked up: %s", opened.link_id, error.code)
        return _render(rt, opened, "pending")
    shown = found.state if found and found.state in ("paid", "pending") else opened.state
    return _render(rt, opened, shown)


@bp.post("/<token>")
def pay(token: str) -> tuple[str, int] | Response:
    """Pay, once; a second click changes nothing and sees the same thanks."""
    rt = runtime()
    opened = _open(rt, token)
    if opened.link_id is None or opened.state not in ("due", "used"):
        return _render(rt, opened, opened.state)
    if opened.state == "due":
        wish = checkout.Wish("save" in request.form, request.form.get("card", ""))
        try:
            begun = checkout.begin(rt, opened.link_id, wish)
        except Declined:
            return _render(rt, opened, "declined")
        except GatewayError as error:
            log.error("checkout of link %s failed: %s", opened.link_id, error.code)
            return _render(rt, opened, "unavailable")
        if begun.state == "open":
            return _render(rt, opened, "leaving", address=_web_address(begun.url))
    return redirect(url_for("payments.page", token=token, paid=1), 303)


@bp.post("/<token>/new")
def renew(token: str) -> tuple[str, int] | Response:
    """A link for what is due now, in place of one that has died. Nothing is texted."""
    rt = runtime()
    opened = _open(rt, token)
    if opened.link_id is None or opened.state not in DEAD:
        return _render(rt, opened, opened.state)
    link_id = checkout.renew(rt, opened.link_id)
    if link_id is None:
        return _render(rt, opened, opened.state)
    fresh = rt.payment_url(link_id).rpartition("/")[2]
    return redirect(url_for("payments.page", token=fresh), 303)


def _open(rt: Runtime, token: str) -> Opened:
    link_id = rt.payment_link_id(token)
    if link_id is None:
        return Opened("unknown")
    with rt.unit_of_work() as uow:  # nothing is written; what is read is locked, as in a turn
        place = place_of(rt, uow, link_id)
        if place is None or place.conversation.phone.barred_at is not None:
            return Opened("unknown")  # what a wrong number was sent opens nothing any more
        state = _state(place)
        return Opened(
            state,
            link_id,
            Money(place.link.amount, place.loan.currency),
            place.loan.product,
            f"…{place.loan.reference[-4:]}",
            state in DEAD and checkout.is_open(rt) and checkout.may_renew(place),
            outbox.locale_of(place.conversation),
            place.borrower.country,
        )


def _state(place: Place) -> str:
    link = place.link
    if link.paid_at is not None:
        return "used"
    begun = page_of(place.session, place.rt.gateway.code, link.id)
    if begun is not None and begun.result == "pending":
        return "pending"
    if link.expires_at <= place.now:
        return "expired"
    if link.amount > owed(place.view(), place.today):
        return "changed"
    return "due" if checkout.is_open(place.rt) else "closed"


def _web_address(url: str | None) -> str:
    """The gateway's page, which is one of the web's and nothing else."""
    if url is None or urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("the gateway's page has no web address")
    return url


def _render(rt: Runtime, opened: Opened, shown: str, *, address: str = "") -> tuple[str, int]:
    lender = rt.policy.lender
    values: dict[str, Any] = {"lender": lender.name, "lender_phone": lender.phone}
    values |= {does: f"Visa {digits}" for does, digits in CARDS.items()}
    if opened.amount is not None:
        values |= {
            "amount": opened.amount,
            "product": Reply(f"product.{opened.product}"),
            "reference": opened.reference,
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
        amount=money(opened.amount, opened.locale, opened.country) if opened.amount else "",
        sandbox=not rt.gateway.moves_money,
        may_save=not rt.gateway.moves_money or "card" in rt.policy.payment.ways,
        may_renew=opened.may_renew,
        address=address,
        new_link=url_for("payments.renew", **(request.view_args or {})),
    )
    return html, STATUS[shown]
