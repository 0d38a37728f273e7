"""Taking money: the gateway's page behind a link, a new link for an old one, a saved card.

None of it happens in a turn, which makes no call over the network: a page is made when a borrower
presses the button, and a saved card is charged by a job.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot import outbox
from bot.flows.payment import due_now, owed
from bot.payments import Place, book, page_of, place_of
from bot.replies import formatting_locale
from bot.runtime import Runtime
from bot.turn import Reply
from models import Borrower, Conversation, Loan, PaymentEvent, PaymentLink, PaymentMethod
from payments.gateways import (
    Charge,
    Checkout,
    Declined,
    GatewayError,
    GatewayUnavailable,
    Order,
    Processing,
    SavedMethod,
)

log = logging.getLogger(__name__)

RENEWABLE = timedelta(days=30)
"""For so long after it was texted a link that has died can be exchanged for a new one."""
ATTEMPTS = 5
STUCK = timedelta(minutes=2)
"""A charge that was begun so long ago was left behind by a crash."""
STALE = timedelta(hours=20)
"""A yes holds no longer; and gateways know an attempt by its key for a day."""


def is_open(rt: Runtime) -> bool:
    """Whether money can be paid at all: nobody but the demo's borrowers pays into a sandbox."""
    return rt.gateway.moves_money or rt.settings.simulator


@dataclass(frozen=True)
class Wish:
    """What a borrower chose before the button: to keep the way to pay, and a sandbox's card."""

    save: bool = False
    test_card: str = ""


def begin(rt: Runtime, link_id: int, wish: Wish) -> Checkout:
    """The gateway's page for a link that can be paid; what came of it, where it was gone through.

    There is one page at a time for a link, so that nobody pays twice on two of them.

    Raises:
        GatewayError: it could not be had.

    """
    before = _last_page(rt, link_id)
    number = 1
    if before is not None:
        found = rt.gateway.look_up(before.data["page"])
        if found.state in ("paid", "pending"):
            return settled(rt, link_id, found)
        if found.state == "open" and before.data["save"] == wish.save:
            return found
        if found.state == "open":
            rt.gateway.close(found.id)
        number = before.data["number"] + 1
    made = rt.gateway.begin(_order(rt, link_id, number, wish))
    if made.state != "open":
        return settled(rt, link_id, made)
    _remember(rt, link_id, {"page": made.id, "number": number, "save": wish.save})
    return made


def look_up(rt: Runtime, link_id: int) -> Checkout | None:
    """What has become of a link's page, booked if it was paid; None where none was opened.

    Raises:
        GatewayError: nobody can say.

    """
    before = _last_page(rt, link_id)
    if before is None:
        return None
    return settled(rt, link_id, rt.gateway.look_up(before.data["page"]))


def settled(rt: Runtime, link_id: int, checkout: Checkout) -> Checkout:
    """The same page, with what it brought booked."""
    with rt.unit_of_work() as uow:
        if checkout.received is not None:
            book(rt, uow, rt.gateway.code, link_id, checkout.received)
        page = page_of(uow.session, rt.gateway.code, link_id)
        if page is not None and page.result == "open" and checkout.state != "open":
            page.result = checkout.state
        uow.commit()
    return checkout


def _last_page(rt: Runtime, link_id: int) -> PaymentEvent | None:
    with rt.reading() as session:
        return page_of(session, rt.gateway.code, link_id)


def _remember(rt: Runtime, link_id: int, data: dict[str, object]) -> None:
    """Keep the page; where another click has just done so, it is the same page."""
    try:
        with rt.unit_of_work() as uow:
            page = page_of(uow.session, rt.gateway.code, link_id)
            if page is None:
                page = PaymentEvent(
                    gateway=rt.gateway.code,
                    external_id=f"link-{link_id}",
                    kind="page",
                    received_at=rt.clock(),
                )
                uow.session.add(page)
            page.data, page.result = data, "open"
            uow.commit()
    except IntegrityError:
        log.debug("link %s: its page is known", link_id)


def _order(rt: Runtime, link_id: int, number: int, wish: Wish) -> Order:
    reference = rt.payment_reference(link_id)
    with rt.reading() as session:
        link = session.get_one(PaymentLink, link_id)
        loan = session.get_one(Loan, link.loan_id)
        borrower = session.get_one(Borrower, loan.borrower_id)
        conversation = session.get_one(Conversation, link.conversation_id)
        known = (
            PaymentMethod.borrower_id == borrower.id,
            PaymentMethod.gateway == rt.gateway.code,
        )
        newest = select(PaymentMethod.customer).where(*known).order_by(PaymentMethod.id.desc())
        locale = outbox.locale_of(conversation)
        title = Reply("page.title", {"lender": rt.policy.lender.name})
        return Order(
            reference=reference,
            key=f"page-{reference}-{number}-{int(wish.save)}",
            amount=link.amount,
            currency=loan.currency,
            title=rt.catalogues.render(title, locale, country=borrower.country),
            locale=str(formatting_locale(locale, borrower.country)),
            ways=rt.policy.payment.ways,
            back_url=rt.payment_url(link_id),
            expires_at=link.expires_at,
            now=rt.clock(),
            customer=session.scalar(newest.limit(1)),
            save=wish.save,
            test_card=wish.test_card,
        )


def renew(rt: Runtime, link_id: int) -> int | None:
    """A link for what is due now in place of one that has died; the newest, if there is one.

    Returns:
        Its id; None where nothing is due, the old one is too old, or the number is not the
        borrower's any more.

    """
    with rt.unit_of_work() as uow:
        place = place_of(rt, uow, link_id)
        if place is None or not may_renew(place):
            return None
        amount = due_now(place.view(), place.today)
        same = (
            PaymentLink.loan_id == place.loan.id,
            PaymentLink.conversation_id == place.conversation.id,
            PaymentLink.amount == amount,
            PaymentLink.paid_at.is_(None),
            PaymentLink.expires_at > place.now,
        )
        newest = select(PaymentLink).where(*same).order_by(PaymentLink.id.desc()).limit(1)
        link = uow.session.scalar(newest) or PaymentLink(
            loan_id=place.loan.id,
            conversation_id=place.conversation.id,
            amount=amount,
            created_at=place.now,
            expires_at=place.now + timedelta(hours=rt.policy.payment.link_hours),
        )
        uow.session.add(link)
        uow.commit()
        return link.id


def may_renew(place: Place) -> bool:
    """Whether a link may be exchanged for a new one."""
    phone = place.conversation.phone
    is_theirs = phone.borrower_id == place.borrower.id and phone.barred_at is None
    young = place.now < place.link.created_at + RENEWABLE
    return is_theirs and young and due_now(place.view(), place.today) > 0


# Saved cards


def charge(rt: Runtime, event_id: int) -> None:
    """Take what a borrower confirmed from the card that they saved, and tell them of it.

    Done again after a crash it takes nothing twice: the gateway knows the attempt by its key.
    """
    claimed = _claim(rt, event_id)
    if claimed is None:
        return
    try:
        received = rt.gateway.charge(claimed)
    except Processing:
        _end(rt, event_id, "pending")
    except Declined as error:
        log.info("charge declined id=%s code=%s", event_id, error.code)
        _end(rt, event_id, "declined", drop=error.for_good)
    except GatewayUnavailable as error:
        log.warning("charge in doubt id=%s error=%s", event_id, error.code)
        _put_off(rt, event_id)
    except GatewayError as error:
        log.error("charge refused id=%s error=%s", event_id, error.code)
        _end(rt, event_id, "refused")
    else:
        with rt.unit_of_work() as uow:
            row = uow.session.get_one(PaymentEvent, event_id)
            book(rt, uow, rt.gateway.code, row.data["link"], received)
            row.result = "booked"
            uow.commit()


def sweep(rt: Runtime) -> int:
    """Take up the charges that a crash or a failure left behind.

    Returns:
        How many were found.

    """
    with rt.reading() as session:
        waiting = select(PaymentEvent.id).where(
            PaymentEvent.kind == "charge", PaymentEvent.result.in_(("queued", "charging"))
        )
        found = session.scalars(waiting.order_by(PaymentEvent.id).limit(200)).all()
    for event_id in found:
        charge(rt, event_id)
    return len(found)


def _claim(rt: Runtime, event_id: int) -> Charge | None:
    """What to charge, if it is still to be; otherwise the borrower is told why not."""
    with rt.unit_of_work() as uow:
        row = uow.session.get(PaymentEvent, event_id)
        if row is None or row.kind != "charge":
            return None  # the turn that wanted it was rolled back
        place = place_of(rt, uow, row.data["link"])
        uow.session.refresh(row, with_for_update={"of": PaymentEvent})
        if place is None or not _is_due(row, place.now):
            return None
        method = uow.session.get(PaymentMethod, row.data["method"])
        if _is_off(place, row) or method is None or not _is_usable(place, row, method):
            uow.commit()
            return None
        tries = row.data.get("tries", 0) + 1
        row.data = {**row.data, "tries": tries, "tried_at": place.now.isoformat()}
        row.result = "charging"
        uow.commit()
        reference = rt.payment_reference(place.link.id)
        return Charge(
            reference=reference,
            key=f"charge-{reference}",
            amount=place.link.amount,
            currency=place.loan.currency,
            method=SavedMethod(method.external_id, method.customer, method.label),
        )


def _is_off(place: Place, row: PaymentEvent) -> bool:
    """Whether nothing is to be charged any more; the borrower has been told where that is news."""
    if place.link.paid_at is not None:
        row.result = "ignored"
        return True
    stale = place.now - row.received_at > STALE
    if "tried_at" in row.data:  # it may have been taken: that is for a person to find out
        if stale:
            _give_up(place, row)
        return stale
    if stale or place.link.amount > owed(place.view(), place.today):
        row.result = "changed"
        place.text(Reply("payment.not_charged"))
        return True
    return False


def _is_usable(place: Place, row: PaymentEvent, method: PaymentMethod) -> bool:
    """Whether the card is still there and belongs to the gateway; otherwise a link is sent."""
    rt = place.rt
    if method.removed_at is None and method.gateway == rt.gateway.code and is_open(rt):
        return True
    _tell_declined(place, row, method)
    return False


def _is_due(row: PaymentEvent, now: datetime) -> bool:
    if row.result not in ("queued", "charging"):
        return False
    last = row.data.get("tried_at")
    if last is None:
        return True
    tried_at = datetime.fromisoformat(last)
    wait = timedelta(seconds=15 * 3 ** row.data["tries"]) if row.result == "queued" else STUCK
    return now >= tried_at + wait


def _end(rt: Runtime, event_id: int, result: str, *, drop: bool = False) -> None:
    """Write down what came of a charge; a decline is told, with a link to pay in another way."""
    with rt.unit_of_work() as uow:
        row = uow.session.get_one(PaymentEvent, event_id)
        place = place_of(rt, uow, row.data["link"])
        assert place is not None  # links are never deleted while a charge refers to them
        method = uow.session.get_one(PaymentMethod, row.data["method"])
        if drop:
            method.removed_at = method.removed_at or place.now
        row.result = result
        if result == "declined":
            _tell_declined(place, row, method)
        elif result == "refused":
            place.hand_off("charge_refused")
            place.keep_link_alive()
            amount = place.view().money(place.link.amount)
            place.text(Reply("payment.failed", {"amount": amount}))
        uow.commit()


def _tell_declined(place: Place, row: PaymentEvent, method: PaymentMethod) -> None:
    row.result = "declined"
    place.keep_link_alive()
    amount = place.view().money(place.link.amount)
    place.text(Reply("payment.declined", {"amount": amount, "method": method.label}))


def _put_off(rt: Runtime, event_id: int) -> None:
    """Try again later; when nobody knows after all tries, a person finds out."""
    with rt.unit_of_work() as uow:
        row = uow.session.get_one(PaymentEvent, event_id)
        row.result = "queued"
        if row.data["tries"] >= ATTEMPTS:
            place = place_of(rt, uow, row.data["link"])
            assert place is not None  # links are never deleted while a charge refers to them
            _give_up(place, row)
        uow.commit()


def _give_up(place: Place, row: PaymentEvent) -> None:
    row.result = "in_doubt"
    place.hand_off("charge_in_doubt")
    amount = place.view().money(place.link.amount)
    place.text(Reply("payment.in_doubt", {"amount": amount}))
