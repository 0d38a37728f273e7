"""The provider and the phones behind it: what it took, what became of it, what it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from channels.base import (
    BadNumber,
    ChannelThrottled,
    ChannelUnavailable,
    ContentFiltered,
    InboundMessage,
    LoggedMessage,
    OutboundMessage,
    RecipientOptedOut,
    SendError,
    SendUncertain,
    StatusUpdate,
)
from settings import Settings
from tests.fakes import FakeChannel

FATES = {
    "delivered": None,
    "read": None,
    "unreachable": "30003",
    "filtered": "30007",
    "opted out": "21610",
    "dead number": "30005",
}
"""What becomes of a text that the provider took, and the code that it gives for a failure."""
ARRIVES = frozenset({"delivered", "read"})


class PowerCut(BaseException):
    """The process dies in the middle of a call; no handler of the application's sees it."""


TROUBLES: dict[str, Callable[[], BaseException]] = {
    "throttled": lambda: ChannelThrottled("20429"),
    "down": ChannelUnavailable,
    "uncertain, taken": lambda: SendUncertain("timeout"),
    "uncertain, not taken": lambda: SendUncertain("timeout"),
    "opted out": lambda: RecipientOptedOut("21610"),
    "dead number": lambda: BadNumber("21614"),
    "filtered": lambda: ContentFiltered("30007"),
    "power cut, taken": PowerCut,
    "power cut, not taken": PowerCut,
}
"""What goes wrong with the next call."""


@dataclass(frozen=True)
class Taken:
    """A text that the provider took to send, and what our books said in that moment."""

    step: int
    message_id: int
    attempt: int
    external_id: str
    number: str
    sender: str
    text: str
    at: datetime
    fate: str
    opted_out: bool
    barred: bool


@dataclass
class Network(FakeChannel):
    """A provider with a memory. ``facts`` says what our books hold of a number right now."""

    settings: Settings
    clock: Callable[[], datetime]
    facts: Callable[[str], tuple[bool, bool]]
    step: int = 0
    fate: str = "delivered"
    trouble: str = ""
    arrived: dict[str, InboundMessage] = field(default_factory=dict)
    """What people wrote, by the provider's id."""
    answered: set[str] = field(default_factory=set)
    """Inbound messages to which the provider has taken our answer."""
    taken: list[Taken] = field(default_factory=list)
    reported: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.settings)

    def write(self, inbound: InboundMessage) -> None:
        """Somebody writes; whether it reaches us is another matter."""
        self.arrived[inbound.external_id] = replace(inbound, sent_at=self.clock())

    def answer(self, sid: str, replies: tuple[OutboundMessage, ...]) -> None:
        """Our response to a delivery arrives; a second response to the same is not looked at."""
        if sid in self.answered:
            return
        self.answered.add(sid)
        for reply in replies:
            self._take(reply)

    def send(self, message: OutboundMessage) -> str:
        """A call of ours."""
        trouble, self.trouble = self.trouble, ""
        if not trouble:
            return self._take(message)
        if trouble.endswith(", taken"):
            self._take(message)
        error = TROUBLES[trouble]()
        assert isinstance(error, SendError | PowerCut)
        raise error

    def _take(self, message: OutboundMessage) -> str:
        opted_out, barred = self.facts(message.to)
        external_id = f"SMout{len(self.taken) + 1}"
        query = parse_qs(urlsplit(message.status_callback or "").query)
        self.taken.append(
            Taken(
                step=self.step,
                message_id=message.id,
                attempt=int(query["attempt"][0]),
                external_id=external_id,
                number=message.to,
                sender=message.from_number,
                text=message.text,
                at=self.clock(),
                fate=self.fate,
                opted_out=opted_out,
                barred=barred,
            )
        )
        return external_id

    def news(self, taken: Taken, status: str) -> StatusUpdate:
        """One status callback, as it is due."""
        self.reported.setdefault(taken.external_id, []).append(status)
        failed = status in ("undelivered", "failed")
        return StatusUpdate(
            self.code,
            taken.external_id,
            status,
            FATES[taken.fate] if failed else None,
            message_id=taken.message_id,
            attempt=taken.attempt,
        )

    def statuses(self, taken: Taken) -> list[str]:
        """What may be reported of a text, the true end of it last."""
        if taken.fate in ARRIVES:
            return ["queued", "sending", "sent", *sorted({"delivered", taken.fate})]
        return ["queued", "sent", "failed" if taken.fate == "opted out" else "undelivered"]

    def list_messages(self, since: datetime, *, to: str | None = None) -> Iterator[LoggedMessage]:
        """The provider's log."""
        for sid, inbound in self.arrived.items():
            if inbound.sent_at is not None and inbound.sent_at >= since:
                yield LoggedMessage(
                    external_id=sid,
                    direction="inbound",
                    from_number=inbound.from_number,
                    to=inbound.to,
                    text=inbound.text,
                    status="received",
                    sent_at=inbound.sent_at,
                    num_media=len(inbound.media),
                )
        for taken in self.taken:
            if taken.at >= since:
                yield LoggedMessage(
                    external_id=taken.external_id,
                    direction="outbound",
                    from_number=taken.sender,
                    to=taken.number,
                    text=taken.text,
                    status=self.statuses(taken)[-1],
                    sent_at=taken.at,
                    error_code=FATES[taken.fate],
                )
