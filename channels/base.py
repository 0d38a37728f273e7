"""What a provider of text messages looks like to the rest of the application."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

# ruff: noqa: N818 - the errors are named after what happened, not after being errors.

Fields: TypeAlias = Sequence[tuple[str, str]]
OptOutType: TypeAlias = Literal["STOP", "START", "HELP"]


@dataclass(frozen=True)
class Media:
    """A picture, sound or file that came with a message; it lies at the provider."""

    url: str
    content_type: str


@dataclass(frozen=True)
class InboundMessage:
    """A text that somebody sent to one of our numbers."""

    channel: str
    external_id: str
    from_number: str
    to: str
    text: str
    media: tuple[Media, ...] = ()
    opt_out_type: OptOutType | None = None
    messaging_service: str | None = None
    account: str | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True)
class StatusUpdate:
    """What became of a message of ours, in Twilio's words.

    One of: queued sending sent delivered undelivered failed read canceled.
    """

    channel: str
    external_id: str
    status: str
    error_code: str | None = None
    message_id: int | None = None
    attempt: int | None = None
    """Which hand-over of the message it speaks of, counted from 0 as the row does."""


@dataclass(frozen=True)
class OutboundMessage:
    """A message row of ours, ready to be sent."""

    id: int
    to: str
    from_number: str
    text: str
    status_callback: str | None = None


@dataclass(frozen=True)
class LoggedMessage:
    """One line of the provider's own log."""

    external_id: str
    direction: Literal["inbound", "outbound"]
    from_number: str
    to: str
    text: str
    status: str
    sent_at: datetime | None = None
    error_code: str | None = None
    num_media: int = 0


class Channel(Protocol):
    """One provider, both directions."""

    code: str

    def verify(
        self, path_and_query: str, raw_body: bytes, signature: str | None
    ) -> list[tuple[str, str]]:
        """Fields of a request that the provider really made, or BadSignature."""

    def parse_inbound(self, fields: Fields) -> InboundMessage:
        """Message in a verified request, or InvalidRequest."""

    def parse_status(self, fields: Fields, query: str = "") -> StatusUpdate | None:
        """News in a verified request; None where its status word is not known."""

    def send(self, message: OutboundMessage) -> str:
        """Hand a message to the provider: its id of the message there, or a SendError."""

    def explain(self, error_code: str | None) -> SendError:
        """Meaning of the error code of a status callback."""

    def list_messages(self, since: datetime, *, to: str | None = None) -> Iterator[LoggedMessage]:
        """Read the provider's log in both directions from `since` on, oldest first."""


class BadSignature(Exception):
    """The request does not come from the provider, or not to this address."""


class InvalidRequest(Exception):
    """The provider's request lacks what we need; its text is one sentence for a person."""


class UnknownSender(Exception):
    """A message to a number, service or account that is none of ours."""


class SendError(Exception):
    """The provider did not take, or did not deliver, a message.

    `retryable`: trying again may help, at most `max_retries` times where that is set.
    `alarm`: our own set-up is at fault, so a person of the lender should see it.
    `reason` is for people; it names no phone number and no text.
    """

    retryable = False
    max_retries: int | None = None
    alarm = False

    def __init__(self, code: str | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.code}" if self.code else type(self).__name__


class ChannelUnavailable(SendError):
    """The provider cannot be reached or has trouble of its own."""

    retryable = True


class SendUncertain(ChannelUnavailable):
    """The line broke after the request: look in the provider's log before sending again."""


class ChannelThrottled(SendError):
    """Too much at once: back off."""

    retryable = True


class HandsetUnreachable(SendError):
    """The phone is off or out of reach, or the carrier gave no reason."""

    retryable = True
    max_retries = 2


class RecipientOptedOut(SendError):
    """The provider holds an opt-out of this person: record it, never retry."""


class BadNumber(SendError):
    """No text can ever reach this number: stop, tell the lender."""


class ContentFiltered(SendError):
    """The carrier took the text for spam: pause the template."""

    alarm = True


class SenderUnregistered(SendError):
    """The sending number lacks a registration: pause the sender."""

    alarm = True


class RegionNotEnabled(SendError):
    """The account may not text to this country, or not from this number."""

    alarm = True


class ChannelMisconfigured(SendError):
    """Wrong credentials, or a sending number that is not in the account."""

    alarm = True


class SendRejected(SendError):
    """The provider refused for a reason that no rule of ours knows."""

    alarm = True
