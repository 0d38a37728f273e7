"""Twilio: signed webhooks in, TwiML and the REST API out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from unicodedata import category
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit, urlunsplit

from channels.base import (
    BadNumber,
    BadSignature,
    ChannelMisconfigured,
    ChannelThrottled,
    ChannelUnavailable,
    ContentFiltered,
    Fields,
    HandsetUnreachable,
    InboundMessage,
    InvalidRequest,
    LoggedMessage,
    Media,
    OptOutType,
    OutboundMessage,
    RecipientOptedOut,
    RegionNotEnabled,
    SendError,
    SenderUnregistered,
    SendRejected,
    SendUncertain,
    StatusUpdate,
)

if TYPE_CHECKING:
    from twilio.rest import Client

log = logging.getLogger(__name__)

SIGNATURE_HEADER = "X-Twilio-Signature"
MAX_REPLIES = 10  # https://www.twilio.com/docs/messaging/twiml
MAX_MEDIA = 10
TIMEOUT = 10  # seconds
PAGE_SIZE = 500
STATUS_PATH = "/webhooks/twilio/status"

STATUSES = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "read": "read",
    "canceled": "canceled",
}
OPT_OUT_TYPES = {"STOP", "START", "HELP"}

# https://www.twilio.com/docs/api/errors; they come on sending and in status callbacks.
ERRORS: dict[str, type[SendError]] = {
    "20003": ChannelMisconfigured,  # wrong account or token
    "20429": ChannelThrottled,
    "14107": ChannelThrottled,  # 30 replies within 30 seconds
    "21211": BadNumber,
    "21212": ChannelMisconfigured,  # our own number is not one
    "21408": RegionNotEnabled,
    "21606": ChannelMisconfigured,  # the sending number is not in the account
    "21610": RecipientOptedOut,
    "21611": ChannelThrottled,  # the sending number's queue is full
    "21612": RegionNotEnabled,
    "21614": BadNumber,
    "30001": ChannelThrottled,
    "30003": HandsetUnreachable,
    "30005": BadNumber,
    "30006": BadNumber,
    "30007": ContentFiltered,
    "30008": HandsetUnreachable,
    "30032": SenderUnregistered,
    "30034": SenderUnregistered,
}

_SURROGATES = re.compile(rb"(?:\xed[\xa0-\xbf][\x80-\xbf])+")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{14,}={0,2}")  # shorter ones are words
_PUNCTUATION = ".,;:!?'\"$%/-()¿¡"
_LONG_NUMBER = re.compile(r"\+?\d{6,}")


class TwilioChannel:
    """One Twilio account.

    `public_url` is the address, without a slash at its end, that Twilio calls; `secondary_token`
    is accepted beside the first while tokens are rotated.
    """

    code = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        secondary_token: str = "",
        api_url: str = "https://api.twilio.com",
        public_url: str = "",
    ) -> None:
        self.account_sid = account_sid
        self.public_url = public_url.rstrip("/")
        self._auth_token = auth_token
        self._tokens = [token for token in (auth_token, secondary_token) if token]
        self._api_url = api_url
        self._addresses = _with_and_without_port(self.public_url)
        self._client: Client | None = None

    def verify(
        self, path_and_query: str, raw_body: bytes, signature: str | None
    ) -> list[tuple[str, str]]:
        """Fields of a request that Twilio signed for our public address, or BadSignature.

        `path_and_query` is as it came, still percent-encoded, without the path of `public_url`;
        `raw_body` the body's bytes, because text that is no good UTF-8 is signed as it is;
        `signature` the header X-Twilio-Signature.
        """
        if not signature:
            raise BadSignature("missing")
        fields = read_form(raw_body)
        given = signature.encode(errors="replace")
        for address in self._addresses:
            for token in self._tokens:
                expected = sign(token, address + path_and_query, fields)
                if hmac.compare_digest(expected.encode(), given):
                    return [(_text(name), _text(value)) for name, value in fields]
        raise BadSignature("wrong")

    def parse_inbound(self, fields: Fields) -> InboundMessage:
        """Message in a verified request, or InvalidRequest where it is no complete SMS."""
        form = dict(fields)
        account = form.get("AccountSid") or None
        if account and account != self.account_sid:
            log.warning("a message for another account than the one set; is it a subaccount?")
        opt_out_type = form.get("OptOutType", "").upper()
        return InboundMessage(
            channel=self.code,
            external_id=_message_sid(form),
            from_number=_number(form, "From"),
            to=_number(form, "To"),
            text=_unwrapped(form.get("Body", "")),
            media=tuple(_media(form)),
            opt_out_type=cast(OptOutType, opt_out_type) if opt_out_type in OPT_OUT_TYPES else None,
            messaging_service=form.get("MessagingServiceSid") or None,
            account=account,
        )

    def parse_status(self, fields: Fields, query: str = "") -> StatusUpdate | None:
        """News in a verified request; None where its status word is not known.

        InvalidRequest where the message's id or the status is missing.
        """
        form = dict(fields)
        sid = _message_sid(form)
        word = form.get("MessageStatus") or form.get("SmsStatus")
        if not word:
            raise InvalidRequest("MessageStatus is missing.")
        if word not in STATUSES:
            log.warning("status %.20r is not known; known: %s", word, ", ".join(STATUSES))
            return None
        ours = parse_qs(query)
        return StatusUpdate(
            channel=self.code,
            external_id=sid,
            status=STATUSES[word],
            error_code=form.get("ErrorCode") or None,
            message_id=_count(ours.get("message", [""])[0]),
            attempt=_count(ours.get("attempt", [""])[0]),
        )

    def status_callback(self, message_id: int) -> str:
        """Address at which Twilio tells what became of a message of ours."""
        return f"{self.public_url}{STATUS_PATH}?message={message_id}"

    def twiml(self, replies: Iterable[OutboundMessage]) -> str:
        """TwiML document that sends the replies in the answer to a webhook, ten at most."""
        from twilio.twiml.messaging_response import MessagingResponse

        replies = tuple(replies)
        if len(replies) > MAX_REPLIES:
            log.error("%d replies to one message; Twilio takes %d", len(replies), MAX_REPLIES)
        response = MessagingResponse()
        for reply in replies[:MAX_REPLIES]:
            # Twilio would answer whoever wrote; saying it keeps a reply from the wrong person.
            response.message(
                _NOT_XML.sub("", reply.text),
                to=reply.to,
                from_=reply.from_number or None,
                status_callback=reply.status_callback or self.status_callback(reply.id),
            )
        return str(response)

    def send(self, message: OutboundMessage) -> str:
        """Hand a message to Twilio: its sid, or a SendError."""
        sent = _translated(
            lambda: self._rest().messages.create(
                to=message.to,
                from_=message.from_number,
                body=message.text,
                status_callback=message.status_callback or self.status_callback(message.id),
            )
        )
        return str(sent.sid)

    def explain(self, error_code: str | None) -> SendError:
        """Meaning of the error code of a status callback, which are those of sending."""
        return _send_error(error_code)

    def list_messages(
        self, since: datetime, *, to: str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[LoggedMessage]:
        """Read Twilio's log of SMS in both directions from `since` on, oldest first."""
        filters: dict[str, Any] = {"date_sent_after": since.astimezone(UTC)}
        if to:
            filters["to"] = to
        newest_first = _translated(
            lambda: list(self._rest().messages.stream(**filters, page_size=page_size))
        )
        rows = [_logged(row) for row in newest_first if not _is_other_medium(row)]
        # Twilio's filter knows days; pages may overlap while messages arrive.
        unique = {row.external_id: row for row in rows if row.sent_at and row.sent_at >= since}
        yield from reversed(unique.values())

    def _rest(self) -> Client:
        if self._client is None:
            from channels.twilio_http import RedirectedClient

            self._client = RedirectedClient(
                self.account_sid, self._auth_token, self._api_url, timeout=TIMEOUT
            )
        return self._client


def read_form(raw_body: bytes) -> list[tuple[bytes, bytes]]:
    """Fields of a form-encoded body as bytes, blank ones too: all that was signed."""
    pairs = (chunk.partition(b"=") for chunk in raw_body.split(b"&") if chunk)
    return [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]


def sign(token: str, url: str, fields: Iterable[tuple[bytes, bytes]] = ()) -> str:
    """X-Twilio-Signature of a POST to a URL with these fields.

    See https://www.twilio.com/docs/usage/security#validating-requests.
    """
    signed = url.encode(errors="replace") + b"".join(n + v for n, v in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), signed, hashlib.sha1).digest()).decode()


def _send_error(code: str | None, reason: str = "", *, status: int = 400) -> SendError:
    """Meaning of Twilio's error code.

    Without a code that we know, the `status` of the HTTP answer decides. Phone numbers in the
    `reason` are struck out.
    """
    if code in ERRORS:
        kind = ERRORS[code]
    elif status in (401, 403):
        kind = ChannelMisconfigured
    elif status == 429:
        kind = ChannelThrottled
    elif status == 503:
        kind = ChannelUnavailable
    elif status >= 500:
        kind = SendUncertain
    else:
        kind = SendRejected
    return kind(code, _LONG_NUMBER.sub("…", reason))


def _translated(call: Callable[[], Any]) -> Any:
    """Call the REST API: its result, or every failure of it as a SendError."""
    import requests
    from twilio.base.exceptions import TwilioException
    from urllib3.exceptions import MaxRetryError

    try:
        return call()
    except requests.ConnectionError as error:
        # Only where no connection came about is it sure that Twilio has nothing.
        never_connected = isinstance(error.args[0] if error.args else None, MaxRetryError)
        kind = ChannelUnavailable if never_connected else SendUncertain
        raise kind(reason=type(error).__name__) from None
    except (requests.RequestException, ValueError) as error:
        raise SendUncertain(reason=type(error).__name__) from None
    except TwilioException as error:
        # A page that cannot be fetched hides its answer among the arguments.
        answer = error.args[1] if len(error.args) > 1 else None
        status = getattr(error, "status", None) or getattr(answer, "status_code", None)
        code = getattr(error, "code", None)
        known = str(code) if code and code != status else None
        reason = getattr(error, "msg", None) or getattr(error, "title", None) or ""
        raise _send_error(known, str(reason), status=status or 500) from None


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """Both forms of an address: Twilio signs now the one, now the other."""
    parts = urlsplit(url)
    bare = re.sub(r":\d+$", "", parts.netloc)
    default = f"{bare}:{443 if parts.scheme == 'https' else 80}"
    other = default if parts.netloc == bare else bare
    return url, urlunsplit(parts._replace(netloc=other))


def _unquoted(raw: bytes) -> bytes:
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _text(raw: bytes) -> str:
    """Text that any database can hold.

    Emoji may come as two surrogates; what is left of lone surrogates, of bytes that are no UTF-8,
    and NUL become U+FFFD.
    """
    joined = _SURROGATES.sub(
        lambda found: (
            found[0]
            .decode("utf-8", "surrogatepass")
            .encode("utf-16-le", "surrogatepass")
            .decode("utf-16-le", "replace")
            .encode()
        ),
        raw,
    )
    return joined.decode("utf-8", "replace").replace("\0", "\ufffd")


def _unwrapped(body: str) -> str:
    """Body, decoded where it is base64: Twilio now and then sends a joined SMS like that.

    Long words are valid base64 too, so what comes out must be UTF-8 and look like a sentence:
    words with blanks between them, or Chinese.
    """
    packed = re.sub(r"\r?\n", "", body).strip()
    if len(packed) % 4 or not _BASE64.fullmatch(packed):
        return body
    try:
        raw = base64.b64decode(packed, validate=True)
        text = raw.decode()
    except (binascii.Error, UnicodeDecodeError):
        return body
    canonical = base64.b64encode(raw).decode() == packed
    return text if canonical and _is_sentence(text) else body


def _is_sentence(text: str) -> bool:
    text = text.replace("\r\n", "\n")
    if any(category(char) in {"Cc", "Co"} and char != "\n" for char in text):
        return False
    plain = sum(c.isalnum() or c.isspace() or c in _PUNCTUATION or c > "\u1fff" for c in text)
    blanks = sum(char.isspace() for char in text)
    chinese = sum("\u3400" <= char <= "\u9fff" for char in text)
    return plain >= 0.9 * len(text) and (blanks > 0 or chinese >= 0.3 * len(text))


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def _message_sid(form: dict[str, str]) -> str:
    sid = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid")
    if not sid:
        raise InvalidRequest("MessageSid is missing.")
    return sid


def _number(form: dict[str, str], field: str) -> str:
    number = form.get(field, "").strip()
    if not number:
        raise InvalidRequest(f"{field} is missing.")
    prefix, colon, _ = number.partition(":")
    if colon:
        raise InvalidRequest(f"{field} is a {prefix} address; this line takes SMS and MMS only.")
    return number


def _media(form: dict[str, str]) -> Iterator[Media]:
    count = form.get("NumMedia", "")
    for n in range(min(int(count), MAX_MEDIA) if re.fullmatch(r"[0-9]{1,9}", count) else 0):
        if url := form.get(f"MediaUrl{n}"):
            yield Media(url, form.get(f"MediaContentType{n}") or "application/octet-stream")


def _is_other_medium(row: Any) -> bool:
    return ":" in (row.from_ or "") or ":" in (row.to or "")


def _logged(row: Any) -> LoggedMessage:
    return LoggedMessage(
        external_id=row.sid,
        direction="inbound" if row.direction == "inbound" else "outbound",
        from_number=row.from_ or "",
        to=row.to or "",
        text=_unwrapped(_text((row.body or "").encode("utf-8", "surrogatepass"))),
        status=str(row.status),
        sent_at=row.date_sent or row.date_created,
        error_code=str(row.error_code) if row.error_code else None,
        num_media=int(row.num_media or 0),
    )
