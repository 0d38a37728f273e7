"""Stand-in for Twilio over HTTP: the part of its REST API that we use, and phones that text."""

from __future__ import annotations

import hmac
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from simulator.network import API_VERSION, LoggedText, PhoneNetwork, Post

MAX_LENGTH = 1600
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
# https://www.twilio.com/docs/iam/test-credentials: numbers that always fail, and how.
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
ERRORS = {  # code: (HTTP status, words)
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid 'From' Phone Number"),
    21408: (400, "Permission to send an SMS has not been enabled for the region"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, SMS-capable number of this account."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (429, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' phone number is not currently reachable via SMS"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
}


class ProviderError(Exception):
    """A refusal, in Twilio's codes."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def create_provider(network: PhoneNetwork) -> Flask:
    """Make the stand-in's web application around a phone network."""
    app = Flask(__name__)
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]  # no page elsewhere may text
    app.register_blueprint(_rest_api(network), url_prefix=f"/{API_VERSION}/Accounts/<account>")
    app.register_blueprint(_phones(network), url_prefix="/phones/<number>")
    app.register_error_handler(ProviderError, _refusal)

    @app.get("/health")
    def health() -> Response:
        return jsonify(status="ok")

    return app


def _rest_api(network: PhoneNetwork) -> Blueprint:
    bp = Blueprint("rest", __name__)
    background = ThreadPoolExecutor(4, thread_name_prefix="status-callbacks")

    @bp.before_request
    def authenticate() -> None:
        given = request.authorization
        user, password = (given.username, given.password) if given else ("", "")
        right = hmac.compare_digest(
            f"{user}:{password}".encode(), f"{network.account_sid}:{network.auth_token}".encode()
        )
        if not right:
            raise ProviderError(20003)
        if (request.view_args or {}).get("account") != network.account_sid:
            raise ProviderError(20404)

    @bp.post("/Messages.json")
    def create(account: str) -> tuple[Response, int]:
        form = request.form
        _check_sending(form.get("From", ""), form.get("To", ""), form.get("Body", ""))
        text = network.send(
            form["From"], form["To"], form["Body"], status_callback=form.get("StatusCallback")
        )
        background.submit(network.report, text)
        return jsonify(_as_json(text, account)), 201

    @bp.get("/Messages/<sid>.json")
    def fetch(account: str, sid: str) -> Response:
        text = network.get(sid)
        if text is None:
            raise ProviderError(20404)
        return jsonify(_as_json(text, account))

    @bp.get("/Messages.json")
    def listing(account: str) -> Response:
        asked = request.args
        size = min(asked.get("PageSize", 50, type=int), 1000)
        number = asked.get("Page", 0, type=int)
        texts = [text for text in reversed(network.texts()) if _wanted(text, asked)]
        # The token names the last text of the page before, so that new texts move nothing.
        after = asked.get("PageToken", "").removeprefix("PA")
        start = next((n + 1 for n, text in enumerate(texts) if text.sid == after), 0)
        page = texts[start : start + size]
        path = f"/{API_VERSION}/Accounts/{account}/Messages.json"
        filters = {k: v for k, v in asked.items() if k not in ("Page", "PageToken", "PageSize")}
        filters["PageSize"] = str(size)
        following = {
            **filters,
            "Page": str(number + 1),
            "PageToken": f"PA{page[-1].sid}" if page else "",
        }
        more = start + size < len(texts)
        return jsonify(
            messages=[_as_json(text, account) for text in page],
            page=number,
            page_size=size,
            start=number * size,
            end=number * size + max(len(page) - 1, 0),
            uri=request.full_path,
            first_page_uri=f"{path}?{urlencode({**filters, 'Page': '0'})}",
            next_page_uri=f"{path}?{urlencode(following)}" if more else None,
            previous_page_uri=None,
        )

    return bp


def _phones(network: PhoneNetwork) -> Blueprint:
    bp = Blueprint("phones", __name__)
    # One thread: what is typed first arrives first.
    background = ThreadPoolExecutor(1, thread_name_prefix="phones")

    @bp.post("/messages")
    def text(number: str) -> tuple[Response, int]:
        """Text from a phone: `{"to", "text", "lose"?}`; the replies come later, see below."""
        asked = request.get_json()
        to, body = (asked.get("to"), asked.get("text")) if isinstance(asked, dict) else (None, None)
        if not NUMBER.fullmatch(number) or not isinstance(to, str) or not isinstance(body, str):
            return jsonify(error='Send {"to": "+1…", "text": "…"} to /phones/+1…/messages.'), 400
        sent = network.accept(number, to, body)
        if not asked.get("lose"):
            background.submit(network.deliver, sent)
        return jsonify(sid=sent.sid), 202

    @bp.get("/messages")
    def screen(number: str) -> Response:
        """Show what a phone sent and got, oldest first."""
        return jsonify(
            messages=[
                {
                    "sid": text.sid,
                    "from": text.from_number,
                    "to": text.to,
                    "text": text.body,
                    "status": text.status,
                    "at": text.created_at.isoformat(),
                }
                for text in network.texts(number)
            ]
        )

    return bp


def _check_sending(from_number: str, to: str, body: str) -> None:
    problems = [
        (not to, 21604),
        (not from_number, 21603),
        (not body, 21602),
        (from_number in MAGIC_FROM, MAGIC_FROM.get(from_number, 0)),
        (to in MAGIC_TO, MAGIC_TO.get(to, 0)),
        (not NUMBER.fullmatch(to), 21211),
        (len(body) > MAX_LENGTH, 21617),
    ]
    for wrong, code in problems:
        if wrong:
            raise ProviderError(code)


def _wanted(text: LoggedText, asked: Any) -> bool:
    """Whether a text passes the filters; a date alone means its midnight, UTC."""
    for field, value in (("To", text.to), ("From", text.from_number)):
        if field in asked and asked[field] != value:
            return False
    after = asked.get("DateSent>") or asked.get("DateSentAfter")
    before = asked.get("DateSent<") or asked.get("DateSentBefore")
    if not (after or before):
        return True
    if text.sent_at is None:
        return False
    sent_at = text.sent_at.replace(microsecond=0)
    return (not after or sent_at >= _time(after)) and (not before or sent_at <= _time(before))


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _as_json(text: LoggedText, account: str) -> dict[str, Any]:
    uri = f"/{API_VERSION}/Accounts/{account}/Messages/{text.sid}"
    return {
        "account_sid": account,
        "api_version": API_VERSION,
        "body": text.body,
        "date_created": format_datetime(text.created_at),
        "date_sent": format_datetime(text.sent_at) if text.sent_at else None,
        "date_updated": format_datetime(text.sent_at or text.created_at),
        "direction": text.direction,
        "error_code": None,
        "error_message": None,
        "from": text.from_number,
        "messaging_service_sid": None,
        "num_media": str(text.num_media),
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text.to,
        "uri": f"{uri}.json",
    }


def _refusal(error: ProviderError) -> tuple[Response, int]:
    status, words = ERRORS[error.code]
    more = f"https://www.twilio.com/docs/errors/{error.code}"
    return jsonify(code=error.code, message=words, more_info=more, status=status), status


def http_post(base_url: str, timeout: float = 15) -> Post:
    """Make a `post` that reaches the application over HTTP, with Twilio's patience."""
    session = requests.Session()
    session.trust_env = False  # no proxy stands between two processes of one machine
    session.headers["Connection"] = "close"  # a kept line breaks when the application restarts

    def post(path_and_query: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        url = base_url.rstrip("/") + path_and_query
        answer = session.post(url, data=body, headers=headers, timeout=timeout)
        return answer.status_code, answer.content

    return post


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *args: Any) -> None:
        """Say nothing: the addresses hold phone numbers."""


def make_provider_server(network: PhoneNetwork, port: int = 0) -> BaseWSGIServer:
    """Make a server of this machine alone; port 0 takes a free one (`server.port` says which)."""
    return make_server(
        "127.0.0.1", port, create_provider(network), threaded=True, request_handler=_QuietHandler
    )
