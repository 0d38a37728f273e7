"""Small stand-ins that record what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import keywords
from bot.nlu.language import detect
from bot.nlu.understanding import Understanding
from bot.policy import Policy
from bot.replies import Catalogues
from bot.runtime import Runtime
from channels.base import LoggedMessage, OutboundMessage, SendError, SendRejected
from channels.twilio import TwilioChannel
from models import connect
from settings import PROJECT, Settings

CATALOGUES = Catalogues()
FORMAL = Catalogues(tone="formal")
POLICY_TEXT = (PROJECT / "policy.toml").read_text("utf-8")
KEYWORD_INTENTS = {"stop": "stop_messaging", "start": "resume_messaging", "help": "help"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: str = "2026-03-04T17:00:00") -> None:
        self.now = datetime.fromisoformat(now).replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class TableReader:
    """Understands what the test says that a text means; keywords and language are real."""

    name = "table"

    def __init__(self) -> None:
        self.table: dict[str, Mapping[str, Any]] = {}
        self.failing: set[str] = set()

    def means(self, text: str, intent: str, confidence: float = 0.95, **more: Any) -> None:
        self.table[text] = {"intent": intent, "confidence": confidence, **more}

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        if text in self.failing:
            raise RuntimeError("the reader broke")
        language = detect(text)
        keyword = keywords.match(text, locale)
        entry = self.table.get(text, {"intent": "out_of_scope", "confidence": 0.1})
        intent, confidence = entry["intent"], entry["confidence"]
        named = KEYWORD_INTENTS[keyword] if keyword else keywords.command(text)
        if named:
            intent, confidence = named, 1.0
        ranking = entry.get("ranking", ((intent, confidence),))
        certain = intent == "stop_messaging" and confidence >= 0.6
        return Understanding(
            text=text,
            language=language.code,
            language_clear=language.clear,
            intent=intent,
            confidence=confidence,
            ranking=tuple(ranking),
            opt_out=entry.get("opt_out", "done" if certain else "no"),
            crisis=entry.get("crisis", intent == "crisis"),
            keyword=keyword,
            parts=entry.get("parts", ()),
        )


class FakeChannel(TwilioChannel):
    """Twilio's parsing and signatures, with sending and the log kept in lists."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token,
            secondary_token="",
            api_url="http://nowhere.invalid",
            public_url=settings.public_url,
        )
        self.sent: list[OutboundMessage] = []
        self.fails_with: list[SendError] = []
        self.log: list[LoggedMessage] = []

    def send(self, message: OutboundMessage) -> str:
        if self.fails_with:
            raise self.fails_with.pop(0)
        self.sent.append(message)
        return f"SMsent{len(self.sent)}"

    def list_messages(self, since: datetime, *, to: str | None = None) -> Iterator[LoggedMessage]:
        yield from self.log


def make_settings(**values: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": "a-secret-for-tests", **values})


def make_runtime(
    database_url: str, *, policy: str = POLICY_TEXT, clock: Clock | None = None, **settings: str
) -> Runtime:
    made = make_settings(DATABASE_URL=database_url, **settings)
    channel = FakeChannel(made)
    reader = TableReader()
    rules = Policy.from_toml(policy)
    return Runtime(
        settings=made,
        engine=connect(made.database_url),
        channels={channel.code: channel},
        policy=rules,
        catalogues=FORMAL if rules.lender.tone == "formal" else CATALOGUES,
        load_reader=lambda: reader,
        clock=clock or Clock(),
    )


def rejected(code: str) -> SendError:
    return SendRejected(code, "refused")


def temporary_database(directory: Path) -> str:
    return f"sqlite:///{directory / 'test.db'}"
