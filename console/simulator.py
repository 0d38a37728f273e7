"""The phone simulator: a borrower's phone, and beside it what the bot made of every text.

A text goes to the simulated phone network, which calls the signed webhook as a provider would;
the page asks once a second what has come of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import requests
from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.replies import language_of, segments
from bot.runtime import Runtime
from console.pages import protect, runtime
from console.thread import Bubble, Facts, bubbles_of, facts_of
from models import Borrower, Conversation, Message, Phone, Sender

PEOPLE = 50
LOST_AFTER = timedelta(seconds=15)
"""A text that the application has not got for so long is not on its way any more."""

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")

bp = Blueprint("simulator", __name__)
protect(bp)


@bp.before_request
def check_number() -> None:
    """Only what can be a telephone number has a phone."""
    number = (request.view_args or {}).get("number")
    if number is not None and not NUMBER.fullmatch(number):
        abort(404)


class Unreachable(Exception):  # noqa: N818 - named after what happened
    """The simulated phone network does not answer."""


class Network(Protocol):
    """The simulated phone network, as this page uses it."""

    def send(self, number: str, to: str, text: str, *, lose: bool) -> str:
        """Text from a phone: the message's sid, or Unreachable."""

    def texts(self, number: str) -> list[dict[str, str]]:
        """All that a phone sent and got, oldest first, or Unreachable."""


class HttpNetwork:
    """The phone network in its own process on this machine."""

    def __init__(self, base_url: str, timeout: float = 3) -> None:
        self._base_url, self._timeout = base_url, timeout

    def send(self, number: str, to: str, text: str, *, lose: bool) -> str:
        """Text from a phone: the message's sid, or Unreachable."""
        asked = {"to": to, "text": text, "lose": lose}
        return str(self._call("POST", number, asked)["sid"])

    def texts(self, number: str) -> list[dict[str, str]]:
        """All that a phone sent and got, oldest first, or Unreachable."""
        return list(self._call("GET", number)["messages"])

    def _call(self, method: str, number: str, asked: dict[str, Any] | None = None) -> Any:
        url = f"{self._base_url}/phones/{quote(number)}/messages"
        with requests.Session() as session:
            session.trust_env = False  # no proxy stands between two processes of one machine
            try:
                answer = session.request(method, url, json=asked, timeout=self._timeout)
                answer.raise_for_status()
                return answer.json()
            except (requests.RequestException, ValueError) as error:
                raise Unreachable from error


@dataclass(frozen=True)
class Person:
    """Somebody whose phone can be picked up."""

    facts: Facts
    identity: str | None
    """The answer to the identity question. It may be shown, for nobody here is real."""


@dataclass(frozen=True)
class Screen:
    """What a phone shows now, and what is known beside it."""

    facts: Facts
    messages: list[Bubble]
    waiting: bool
    reachable: bool


@bp.get("/", strict_slashes=False)
def home() -> Response | str:
    """The first phone."""
    return _page(None)


@bp.get("/phones/<number>")
def phone(number: str) -> Response | str:
    """One phone."""
    return _page(number)


@bp.get("/phones/<number>/screen")
def screen(number: str) -> str:
    """The parts of the page that change."""
    rt = runtime()
    return render_template("console/_screen.html", **_shown(rt, _screen(rt, number)))


@bp.get("/phones/<number>/messages")
def messages(number: str) -> Response:
    """The same as data."""
    data = asdict(_screen(runtime(), number))
    text = json.dumps(data, ensure_ascii=False, default=_written)
    return Response(text, mimetype="application/json")


@bp.post("/phones/<number>/messages")
def send(number: str) -> tuple[Response, int]:
    """Text from a phone: ``{"text", "lose"?}``. The answer comes later, on the screen."""
    asked = request.get_json()
    text = asked.get("text") if isinstance(asked, dict) else None
    if not isinstance(text, str) or not text:
        return jsonify(error='Send {"text": "…"}.'), 400
    rt = runtime()
    to = _lender_number(rt)
    if to is None:
        return jsonify(error="There is no sender yet: run `flask demo --load`."), 409
    try:
        sid = _network(rt).send(number, to, text, lose=bool(asked.get("lose")))
    except Unreachable:
        return jsonify(error="The phone network does not answer."), 503
    return jsonify(sid=sid), 202


@bp.post("/segments")
def count_segments() -> Response:
    """What a text would cost."""
    asked = request.get_json()
    return jsonify(asdict(segments(str(asked.get("text", "") if isinstance(asked, dict) else ""))))


def _page(number: str | None) -> str:
    rt = runtime()
    people = _people(rt)
    if number is None and people:
        number = people[0].facts.number
    if number is None:
        return render_template("console/simulator_empty.html")
    found = _screen(rt, number)
    return render_template(
        "console/simulator.html",
        people=people,
        person=next((p for p in people if p.facts.number == number), None),
        identity_asked=rt.policy.identity.ask,
        suggestions=_suggestions()[language_of(found.facts.locale)],
        lender_number=_lender_number(rt),
        **_shown(rt, found),
    )


def _shown(rt: Runtime, found: Screen) -> dict[str, Any]:
    return {
        "facts": found.facts,
        "bubbles": found.messages,
        "waiting": found.waiting,
        "reachable": found.reachable,
        "lender": rt.policy.lender.name,
    }


def _network(rt: Runtime) -> Network:
    fake: Network | None = current_app.extensions.get("repayline.phone_network")
    return fake or HttpNetwork(rt.settings.simulator_url)


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _lender_number(rt: Runtime) -> str | None:
    with rt.reading() as session:
        return session.scalar(select(Sender.address).order_by(Sender.id).limit(1))


def _people(rt: Runtime) -> list[Person]:
    ask = rt.policy.identity.ask
    with rt.reading() as session:
        query = select(Phone).join(Borrower).order_by(Borrower.id, Phone.id).limit(PEOPLE)
        phones = session.scalars(query.options(joinedload(Phone.borrower))).all()
        all_facts = facts_of(rt, session, [(phone, None) for phone in phones])
        return [
            Person(facts, phone.borrower.identity_answers.get(ask) if phone.borrower else None)
            for phone, facts in zip(phones, all_facts, strict=True)
        ]


def _screen(rt: Runtime, number: str) -> Screen:
    try:
        texts, reachable = _network(rt).texts(number), True
    except Unreachable:
        texts, reachable = [], False
    with rt.reading() as session:
        phone = session.scalar(select(Phone).where(Phone.number == number))
        conversation = session.scalar(
            select(Conversation)
            .join(Conversation.phone)
            .where(Phone.number == number)
            .order_by(Conversation.id)
            .limit(1)
        )
        stranger = Facts(name="", number=number, locale="en")
        facts = facts_of(rt, session, [(phone, conversation)])[0] if phone else stranger
        bubbles = bubbles_of(session, conversation.id) if conversation else []
        missing = _not_received(session, number, texts, rt.clock())
    bubbles = sorted([*bubbles, *missing], key=lambda bubble: bubble.at)
    waiting = any(b.status in ("on its way", "received") for b in bubbles[-3:])
    return Screen(facts, bubbles, waiting, reachable)


def _not_received(
    session: Session, number: str, texts: list[dict[str, str]], now: datetime
) -> list[Bubble]:
    """Texts that left the phone and that the application has not got."""
    sent = [text for text in texts if text["from"] == number]
    sids = [text["sid"] for text in sent]
    known = set(session.scalars(select(Message.external_id).where(Message.external_id.in_(sids))))
    bubbles = []
    for text in sent:
        if text["sid"] in known:
            continue
        at, cost = datetime.fromisoformat(text["at"]), segments(text["text"])
        bubbles.append(
            Bubble(
                id=None,
                external_id=text["sid"],
                direction="inbound",
                text=text["text"],
                at=at,
                status="on its way" if now - at < LOST_AFTER else "lost",
                segments=cost.count,
                encoding=cost.encoding,
            )
        )
    return bubbles


@cache
def _suggestions() -> dict[str, list[str]]:
    """Things to try, by language."""
    path = Path(__file__).with_name("suggestions.json")
    found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    return found
