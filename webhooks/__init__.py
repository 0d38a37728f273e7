"""HTTP in from providers: verify, parse, hand over, answer."""

from __future__ import annotations

import logging
from typing import Any, Protocol

from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from channels.base import (
    BadSignature,
    InboundMessage,
    InvalidRequest,
    OutboundMessage,
    StatusUpdate,
    UnknownSender,
)
from faults import described
from payments.gateways import ForgedEvent, UnreadableEvent
from webhooks import stripe, twilio

log = logging.getLogger(__name__)


class Received(Protocol):
    """What became of an inbound message."""

    @property
    def replies(self) -> tuple[OutboundMessage, ...]:
        """Messages to send in the answer to the webhook."""


class Manager(Protocol):
    """The use cases that webhooks call; the module `bot.manager` is one."""

    def receive(self, rt: Any, inbound: InboundMessage, /) -> Received:
        """Store a message once and take a turn, or raise UnknownSender."""

    def record_status(self, rt: Any, update: StatusUpdate, /) -> None:
        """Record what became of a message of ours."""


def make_blueprint(manager: Manager) -> Blueprint:
    """Make the views of all providers; the runtime is in `current_app.extensions["repayline"]`."""
    bp = Blueprint("webhooks", __name__)
    twilio.add_views(bp, manager)
    stripe.add_views(bp)
    for error, answer in ANSWERS.items():
        bp.register_error_handler(error, answer)
    return bp


def _bad_signature(error: BadSignature) -> Response:
    log.warning(
        "webhook refused: its signature is %s; is PUBLIC_URL what the provider calls?", error
    )
    return _plain(403, "The signature does not fit.")


def _forged(error: ForgedEvent) -> Response:
    log.warning("webhook refused: not signed with STRIPE_WEBHOOK_SECRET, or too long ago")
    return _plain(403, "The signature does not fit.")


def _unreadable(error: UnreadableEvent) -> Response:
    log.error("webhook refused: a signed report cannot be read (%s)", error)
    return _plain(400, "The report cannot be read.")


def _invalid(error: InvalidRequest) -> Response:
    log.warning("webhook refused: the request is not complete")
    return _plain(400, str(error))


def _unknown_sender(error: UnknownSender) -> Response:
    log.error("webhook refused: a message to a number that is none of ours; add it as a sender")
    return _plain(403, "This number is not served here.")


def _http_error(error: HTTPException) -> HTTPException:
    return error


def _failed(error: Exception) -> Response:
    log.error("webhook failed: %s", described(error))
    return _plain(500, "Not stored; reconciling will find the message.")


def _plain(status: int, sentence: str) -> Response:
    return Response(sentence + "\n", status, mimetype="text/plain")


ANSWERS: dict[type[Exception], Any] = {
    BadSignature: _bad_signature,
    ForgedEvent: _forged,
    UnreadableEvent: _unreadable,
    InvalidRequest: _invalid,
    UnknownSender: _unknown_sender,
    HTTPException: _http_error,
    Exception: _failed,
}
