"""Stripe's webhook: what has become of a payment."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request

from bot import payments
from bot.runtime import Runtime

MAX_BODY = 1024 * 1024
"""Events hold a few kilobytes."""


def add_views(bp: Blueprint) -> None:
    """Add the view to a blueprint; its error handlers turn what it raises into answers."""

    @bp.post("/stripe")
    def stripe_event() -> Response:
        rt: Runtime = current_app.extensions["repayline"]
        if rt.settings.payment_gateway != "stripe":
            abort(404)
        request.max_content_length = MAX_BODY
        body = request.get_data(cache=False)
        event = rt.gateway.read_event(body, request.headers.get("Stripe-Signature"))
        result = payments.record_event(rt, rt.gateway.code, event)
        return Response(result + "\n", mimetype="text/plain")
