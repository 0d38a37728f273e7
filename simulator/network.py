"""What happens on the provider's side: texts become signed webhooks, TwiML becomes texts."""

from __future__ import annotations

import logging
import secrets
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote_from_bytes

from channels.twilio import SIGNATURE_HEADER, sign

log = logging.getLogger(__name__)

INBOUND_PATH = "/webhooks/twilio/inbound"
API_VERSION = "2010-04-01"
# Fields that Twilio sends, and signs, even where it knows nothing to put in them.
PLACES = [f"{end}{part}" for end in ("From", "To") for part in ("Country", "State", "City", "Zip")]


class Post(Protocol):
    """How a webhook reaches the application: the answer's status and body."""

    def __call__(
        self, path_and_query: str, body: bytes, headers: dict[str, str], /
    ) -> tuple[int, bytes]:
        """Post a body to the application, or raise an OSError where it cannot be reached."""


@dataclass(frozen=True)
class LoggedText:
    """One message in the provider's log."""

    sid: str
    direction: str  # inbound, outbound-reply or outbound-api, as Twilio says
    from_number: str
    to: str
    body: str
    status: str
    created_at: datetime
    sent_at: datetime | None = None
    num_media: int = 0
    status_callback: str | None = None


@dataclass(frozen=True)
class Texted:
    """What came of a text: its sid, the webhook's HTTP status (None: no answer), the replies."""

    sid: str
    status: int | None
    replies: tuple[LoggedText, ...] = ()


class PhoneNetwork:
    """Phones, the provider between them and the application, and the provider's log in memory.

    `post` carries a signed request to the application: over HTTP, or straight to its test client.
    Whatever the application answers or fails to, a text stays in the log.
    """

    def __init__(self, account_sid: str, auth_token: str, public_url: str, post: Post) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.public_url = public_url.rstrip("/")
        self._post = post
        self._texts: dict[str, LoggedText] = {}  # by sid, oldest first
        self._lock = threading.Lock()

    def text(
        self, from_number: str, to: str, body: str, *, lose: bool = False, **extra: str
    ) -> Texted:
        """Text from a phone to one of our numbers; returns when the replies have arrived.

        `extra` are fields of the webhook (`MediaUrl0=…`) beyond the usual or in their place; with
        `lose` the webhook is never sent, as when the application is down.
        """
        text = self.accept(from_number, to, body, num_media=int(extra.get("NumMedia") or 0))
        return Texted(text.sid, None) if lose else self.deliver(text, **extra)

    def accept(self, from_number: str, to: str, body: str, *, num_media: int = 0) -> LoggedText:
        """Write a phone's text into the log; the application does not know of it yet."""
        return self._log("inbound", from_number, to, body, "received", num_media=num_media)

    def deliver(self, text: LoggedText, **extra: str) -> Texted:
        """Call the inbound webhook with a phone's text and hand its replies to the phone."""
        usual = {
            **dict.fromkeys(PLACES, ""),
            "ToCountry": "US",
            "FromCountry": "US",
            "SmsMessageSid": text.sid,
            "SmsSid": text.sid,
            "MessageSid": text.sid,
            "AccountSid": self.account_sid,
            "SmsStatus": "received",
            "From": text.from_number,
            "To": text.to,
            "Body": text.body,
            "NumMedia": str(text.num_media),
            "NumSegments": "1",
            "ApiVersion": API_VERSION,
        }
        status, answer = self.call(INBOUND_PATH, {**usual, **extra})
        if status != 200:
            log.warning("the inbound webhook answered %s", status or "nothing")
            return Texted(text.sid, status)
        try:
            replies = tuple(self._replies(text, answer))
        except ET.ParseError:
            log.warning("the inbound webhook's answer is not XML")
            return Texted(text.sid, status)
        return Texted(text.sid, status, tuple(self.report(reply) for reply in replies))

    def send(
        self, from_number: str, to: str, body: str, *, status_callback: str | None = None
    ) -> LoggedText:
        """Take a message from the application; `report` tells it what became of it."""
        return self._log(
            "outbound-api", from_number, to, body, "queued", status_callback=status_callback
        )

    def report(
        self, text: LoggedText, statuses: Iterable[str] = ("sent", "delivered")
    ) -> LoggedText:
        """Bring a message of the application to its phone, with a status callback a step."""
        for status in statuses:
            text = replace(text, status=status, sent_at=text.sent_at or _now())
            with self._lock:
                self._texts[text.sid] = text
            if (text.status_callback or "").startswith(f"{self.public_url}/"):
                path = str(text.status_callback).removeprefix(self.public_url)
                self.call(path, self._status_fields(text))
        return text

    def call(self, path_and_query: str, fields: Mapping[str, str]) -> tuple[int | None, bytes]:
        """Post fields to the application, signed; a broken line is status None."""
        pairs = [(_encoded(name), _encoded(value)) for name, value in fields.items()]
        signature = sign(self.auth_token, self.public_url + path_and_query, pairs)
        body = "&".join(f"{quote_from_bytes(n)}={quote_from_bytes(v)}" for n, v in pairs).encode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            SIGNATURE_HEADER: signature,
        }
        try:
            return self._post(path_and_query, body, headers)
        except OSError as error:  # every error of requests is one
            log.warning("the application cannot be reached: %s", type(error).__name__)
            return None, b""

    def texts(self, number: str | None = None) -> list[LoggedText]:
        """Read the log, oldest first; with a number, what this phone sent and got."""
        with self._lock:
            texts = list(self._texts.values())
        return [text for text in texts if number is None or number in (text.from_number, text.to)]

    def get(self, sid: str) -> LoggedText | None:
        """Find one message."""
        with self._lock:
            return self._texts.get(sid)

    def _replies(self, text: LoggedText, twiml: bytes) -> Iterator[LoggedText]:
        for message in ET.fromstring(twiml).iter("Message"):  # noqa: S314 - the application's own
            yield self._log(
                "outbound-reply",
                message.get("from") or text.to,
                message.get("to") or text.from_number,
                message.findtext("Body") or message.text or "",
                "queued",
                status_callback=message.get("statusCallback") or message.get("action"),
            )

    def _log(
        self,
        direction: str,
        from_number: str,
        to: str,
        body: str,
        status: str,
        *,
        num_media: int = 0,
        status_callback: str | None = None,
    ) -> LoggedText:
        text = LoggedText(
            sid=f"{'MM' if num_media else 'SM'}{secrets.token_hex(16)}",
            direction=direction,
            from_number=from_number,
            to=to,
            body=body,
            status=status,
            created_at=_now(),
            sent_at=_now() if direction == "inbound" else None,
            num_media=num_media,
            status_callback=status_callback,
        )
        with self._lock:
            self._texts[text.sid] = text
        return text

    def _status_fields(self, text: LoggedText) -> dict[str, str]:
        return {
            "SmsSid": text.sid,
            "SmsStatus": text.status,
            "MessageStatus": text.status,
            "To": text.to,
            "MessageSid": text.sid,
            "AccountSid": self.account_sid,
            "From": text.from_number,
            "ApiVersion": API_VERSION,
        }


def _now() -> datetime:
    return datetime.now(UTC)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a phone may send half an emoji
