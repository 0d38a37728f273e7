"""Who texts what: borrowers of an invented lender, and real-looking texts in four languages."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, insert

from bot.replies import language_of
from migrations import upgrade
from models import Borrower, Conversation, Instalment, Loan, Phone, Sender
from simulator.network import PhoneNetwork
from training.dataset import load

SENDER = "+15550109999"
BORROWERS = 4000
INSTALMENTS = 10
PLACES = {
    "en": ("US", "America/New_York", "USD"),
    "es": ("US", "America/Chicago", "USD"),
    "zh_Hans": ("CN", "Asia/Shanghai", "CNY"),
    "zh_Hant": ("TW", "Asia/Taipei", "TWD"),
}
LANGUAGES = list(PLACES)


def phone_of(number: int) -> str:
    """The telephone of a borrower; the language goes with the number."""
    return f"+1555{number:07}"


def load_borrowers(engine: Engine) -> None:
    """Migrate a database and fill it: borrowers who are late, known to the line, verified."""
    upgrade(engine)
    now = datetime.now(UTC)
    numbers = range(1, BORROWERS + 1)
    with engine.begin() as connection:
        sender = {"id": 1, "channel": "twilio", "address": SENDER, "country": "US"}
        connection.execute(insert(Sender), [sender])
        for table, rows in (
            (Borrower, [_borrower(n, now) for n in numbers]),
            (Phone, [{"id": n, "number": phone_of(n), "borrower_id": n} for n in numbers]),
            (Conversation, [_conversation(n, now) for n in numbers]),
            (Loan, [_loan(n, now.date()) for n in numbers]),
            (Instalment, [row for n in numbers for row in _instalments(n, now.date())]),
        ):
            connection.execute(insert(table), rows)


def _language(number: int) -> str:
    return LANGUAGES[number % len(LANGUAGES)]


def _borrower(number: int, now: datetime) -> dict[str, Any]:
    language = _language(number)
    country, zone, _ = PLACES[language]
    return {
        "id": number,
        "reference": f"B{number}",
        "first_name": "Maya",
        "last_name": "Brooks",
        "locale": language,
        "timezone": zone,
        "country": country,
        "identity_answers": {"birth_year": "1990"},
        "created_at": now,
    }


def _conversation(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "sender_id": 1,
        "phone_id": number,
        "state": {},
        "verified_until": now + timedelta(days=1),
        "created_at": now,
    }


def _loan(number: int, today: date) -> dict[str, Any]:
    return {
        "id": number,
        "borrower_id": number,
        "reference": f"L{number}",
        "product": "personal_loan",
        "currency": PLACES[_language(number)][2],
        "principal": Decimal("1200.00"),
        "opened_on": today - timedelta(days=130),
        "late_charges": Decimal("14.50"),
    }


def _instalments(number: int, today: date) -> Iterator[dict[str, Any]]:
    for n in range(INSTALMENTS):
        yield {
            "loan_id": number,
            "number": n + 1,
            "due_on": today + timedelta(days=30 * (n - 4) - 9),
            "amount": Decimal("120.00"),
            "paid": Decimal("120.00") if n < 4 else Decimal("0.00"),
        }


@dataclass(frozen=True)
class Text:
    """One text of one borrower."""

    phone: str
    body: str


@dataclass(frozen=True)
class Line:
    """A text in the order in which the texts come, and whose dialogue it belongs to."""

    language: str
    text: str
    dialogue: int


TOGETHER = 64
"""Dialogues that go on at the same time."""


def read_openings(directory: Path) -> list[Line]:
    """The training examples, each text once, in a shuffled order that is always the same."""
    chosen = list({example.text: example for example in load(directory)}.values())
    random.Random(7).shuffle(chosen)
    return [Line(example.language, example.text, n) for n, example in enumerate(chosen)]


def read_dialogues(directory: Path, conversations: Path) -> list[Line]:
    """Dialogues, many at a time.

    Each begins with an example that comes only once, and goes on as one of the conversations that
    are kept as tests does: a year of birth, a choice, a yes, a second thought.
    """
    answers: dict[str, list[list[str]]] = {language: [] for language in LANGUAGES}
    for path in sorted(conversations.glob("*.yml")):
        for kept in yaml.safe_load(path.read_text("utf-8")):
            language = language_of(kept.get("person", {}).get("locale", "en"))
            said = [str(turn["borrower"]) for turn in kept["turns"][1:] if "borrower" in turn]
            answers[language].append(said)
    draw = random.Random(7)
    dialogues = [
        [opening, *(Line(opening.language, text, opening.dialogue) for text in later)]
        for opening in read_openings(directory)
        for later in [draw.choice(answers[opening.language])]
    ]
    lines: list[Line] = []
    for first in range(0, len(dialogues), TOGETHER):
        together = dialogues[first : first + TOGETHER]
        for turns in zip_longest(*together):
            lines += [line for line in turns if line is not None]
    return lines


class Traffic:
    """What one server is sent: one text after another, each from a borrower of its language."""

    def __init__(self, lines: list[Line], *, distinct: bool) -> None:
        """Begin at the first. With ``distinct`` the texts end where they would come again."""
        self._lines, self._distinct, self._used = lines, distinct, 0

    def take(self, count: int) -> list[Text]:
        """The texts that are next; say by ``used`` how many of them were really sent."""
        if self._distinct:
            count = min(count, len(self._lines) - self._used)
        return [self._text(n) for n in range(self._used, self._used + count)]

    def used(self, count: int) -> None:
        """Go on behind so many texts."""
        self._used += count

    @property
    def distinct_share(self) -> float:
        """The share of the texts sent that had not been sent before."""
        sent = {line.text for line in self._lines[: self._used]}
        return len(sent) / max(1, self._used)

    def _text(self, n: int) -> Text:
        line = self._lines[n % len(self._lines)]
        place = LANGUAGES.index(line.language) or len(LANGUAGES)
        group = line.dialogue % (BORROWERS // len(LANGUAGES))
        return Text(phone_of(group * len(LANGUAGES) + place), line.text)


def signed(texts: list[Text], account: str, token: str, public_url: str) -> list[bytes]:
    """The inbound webhooks that the provider would call for these texts."""
    requests: list[bytes] = []

    def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        requests.append(_request(path, body, headers))
        return 200, b"<Response/>"

    network = PhoneNetwork(account, token, public_url, post)
    for text in texts:
        network.text(text.phone, SENDER, text.body)
    return requests


def rest(texts: list[Text]) -> list[bytes]:
    """The same texts for the REST channel of a Rasa server."""
    headers = {"Content-Type": "application/json"}
    return [
        _request(
            "/webhooks/rest/webhook",
            json.dumps({"sender": text.phone, "message": text.body}).encode(),
            headers,
        )
        for text in texts
    ]


def _request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = {**headers, "Host": "127.0.0.1", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body
