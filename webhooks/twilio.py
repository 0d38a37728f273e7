"""Twilio's two webhooks: a message for us, and what became of one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, current_app, request

from channels.twilio import SIGNATURE_HEADER

if TYPE_CHECKING:
    from webhooks import Manager

MAX_BODY = 256 * 1024  # ten times what 1,600 emoji take, percent-encoded


def add_views(bp: Blueprint, manager: Manager) -> None:
    """Add the views to a blueprint; its error handlers turn what they raise into answers."""

    @bp.post("/twilio/inbound")
    def twilio_inbound() -> Response:
        rt, fields = _verified()
        inbound = rt.channels["twilio"].parse_inbound(fields)
        received = manager.receive(rt, inbound)
        return Response(rt.channels["twilio"].twiml(received.replies), mimetype="text/xml")

    @bp.post("/twilio/status")
    def twilio_status() -> Response:
        rt, fields = _verified()
        update = rt.channels["twilio"].parse_status(fields, request.query_string.decode("latin-1"))
        if update is not None:
            manager.record_status(rt, update)
        return Response(status=204)


def _verified() -> tuple[Any, list[tuple[str, str]]]:
    """Runtime, and the fields of a request that Twilio signed."""
    rt = current_app.extensions["repayline"]
    request.max_content_length = MAX_BODY
    body = request.get_data(cache=False)
    signature = request.headers.get(SIGNATURE_HEADER)
    return rt, rt.channels["twilio"].verify(raw_path(request.environ), body, signature)


def raw_path(environ: dict[str, Any]) -> str:
    """Path and query as the provider wrote them, below the place where the app is mounted.

    A decoded and quoted again path may differ from the one that was signed, so the server's copy
    of the request line is used where it gives one (gunicorn and Werkzeug do).
    """
    mount = environ.get("SCRIPT_NAME", "")
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if not raw:
        path = (mount + environ.get("PATH_INFO", "")).encode("latin-1")
        query = environ.get("QUERY_STRING", "")
        raw = quote(path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    if not raw.startswith("/"):  # a proxy may pass the whole address on
        parts = urlsplit(raw)
        raw = parts.path + (f"?{parts.query}" if parts.query else "")
    return raw.removeprefix(mount) if raw.startswith(f"{mount}/") else raw
