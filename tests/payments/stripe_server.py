"""Stripe's API as far as we use it, on this machine: answers, records, misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SECRET_KEY = "sk_test_of_the_tests"
WEBHOOK_SECRET = "whsec_of_the_tests"


@dataclass(frozen=True)
class Request:
    """What was asked; the form's fields by Stripe's own names, ``line_items[0][quantity]``."""

    method: str
    path: str
    form: dict[str, str]
    key: str | None


@dataclass(frozen=True)
class Fault:
    """How a request fails: Stripe's error object, or a server that keeps silent."""

    status: int
    error: dict[str, str]
    silent: float = 0
    acts: bool = False
    """It is done all the same; only the answer is lost."""


class FakeStripe:
    """An account: Checkout Sessions and Payment Intents, with Stripe's idempotency."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.sessions: dict[str, dict[str, Any]] = {}
        self.intents: dict[str, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.declined: dict[str, dict[str, str]] = {}
        """Error objects by payment method."""
        self.base = ""
        self._replays: dict[str, tuple[dict[str, str], int, dict[str, Any]]] = {}
        self._of_intent: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def posted(self, path: str) -> list[Request]:
        return [r for r in self.requests if r.method == "POST" and r.path == path]

    def pay(self, session_id: str, *, async_: bool = False, **intent: Any) -> dict[str, Any]:
        """A borrower goes through a page."""
        session = self.sessions[session_id]
        made = self._intent(
            session["amount_total"], session["currency"], self._of_intent[session_id], **intent
        )
        session |= {
            "status": "complete",
            "payment_status": "unpaid" if async_ else "paid",
            "payment_intent": made["id"],
            "url": None,
        }
        return session

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else None
            if fault is not None and not fault.acts:
                time.sleep(fault.silent)
                return fault.status, {"error": fault.error}
            answered = self._once(request)
            if fault is not None:
                time.sleep(fault.silent)
                return fault.status, {"error": fault.error}
            return answered

    def _once(self, request: Request) -> tuple[int, dict[str, Any]]:
        """The same key gives the same answer, and none to other parameters."""
        if request.key is None or request.key not in self._replays:
            status, body = self._do(request)
            if request.key is not None:
                self._replays[request.key] = (request.form, status, body)
            return status, body
        form, status, body = self._replays[request.key]
        if form != request.form:
            return 400, {"error": {"type": "idempotency_error", "message": "other parameters"}}
        return status, body

    def _do(self, request: Request) -> tuple[int, dict[str, Any]]:
        parts = request.path.strip("/").split("/")
        match [request.method, *parts]:
            case ["POST", "v1", "checkout", "sessions"]:
                return 200, self._session(request.form)
            case ["GET", "v1", "checkout", "sessions", session_id] if session_id in self.sessions:
                return 200, self._expanded(self.sessions[session_id])
            case ["POST", "v1", "checkout", "sessions", session_id, "expire"]:
                session = self.sessions[session_id]
                if session["status"] != "open":
                    return 400, {"error": {"type": "invalid_request_error", "message": "not open"}}
                session |= {"status": "expired", "url": None}
                return 200, session
            case ["POST", "v1", "payment_intents"]:
                return self._charge(request.form)
            case _:
                return 404, {"error": {"type": "invalid_request_error", "message": "no such thing"}}

    def _session(self, form: dict[str, str]) -> dict[str, Any]:
        session_id = f"cs_test_{len(self.sessions) + 1}"
        self.sessions[session_id] = session = {
            "id": session_id,
            "object": "checkout.session",
            "url": f"{self.base}/pay/{session_id}",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
            "currency": form["line_items[0][price_data][currency]"],
            "client_reference_id": form["client_reference_id"],
            "metadata": _metadata(form, "metadata["),
        }
        self._of_intent[session_id] = _metadata(form, "payment_intent_data[metadata][")
        return dict(session)

    def _expanded(self, session: dict[str, Any]) -> dict[str, Any]:
        return {**session, "payment_intent": self.intents.get(session["payment_intent"] or "")}

    def _charge(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        error = self.declined.get(form["payment_method"])
        if error is not None:
            status = 402 if error["type"] == "card_error" else 400
            return status, {"error": error}
        metadata = _metadata(form, "metadata[")
        return 200, self._intent(int(form["amount"]), form["currency"], metadata)

    def _intent(
        self, amount: int, currency: str, metadata: dict[str, str], **values: Any
    ) -> dict[str, Any]:
        intent_id = f"pi_{len(self.intents) + 1}"
        self.intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "status": "succeeded",
            "amount": amount,
            "amount_received": amount,
            "currency": currency,
            "metadata": metadata,
            **values,
        }
        return dict(self.intents[intent_id])


def _metadata(form: dict[str, str], under: str) -> dict[str, str]:
    return {k[len(under) : -1]: v for k, v in form.items() if k.startswith(under)}


@contextmanager
def serving() -> Iterator[FakeStripe]:
    """The account on a port of this machine."""
    account = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            form = dict(parse_qsl(self.rfile.read(size).decode(), keep_blank_values=True))
            path = urlsplit(self.path).path
            if self.headers.get("Authorization") != f"Bearer {SECRET_KEY}":
                status, body = 401, {"error": {"type": "invalid_request_error", "message": "key"}}
            else:
                key = self.headers.get("Idempotency-Key") if self.command == "POST" else None
                status, body = account.answer(Request(self.command, path, form, key))
            said = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.send_header("Request-Id", "req_test")
                self.end_headers()
                self.wfile.write(said)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has not waited for it

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    account.base = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
