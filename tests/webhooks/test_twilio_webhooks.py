"""Twilio's webhooks: verified, parsed, handed over, answered; and otherwise left no trace."""

import base64
import re
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from flask import Flask

import webhooks
from channels.base import OutboundMessage, StatusUpdate, UnknownSender
from channels.twilio import TwilioChannel, sign
from simulator.network import PhoneNetwork
from webhooks.twilio import MAX_BODY, raw_path

ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "token"
LENDER, BORROWER = "+15550000001", "+15550100001"
INBOUND, STATUS = "/webhooks/twilio/inbound", "/webhooks/twilio/status"


class FakeManager:
    """Remembers what it was handed; answers the same id with the same replies."""

    def __init__(self, replies=(), fails=None):
        self.replies, self.fails = tuple(replies), fails
        self.stored, self.calls, self.statuses = {}, 0, []

    def receive(self, rt, inbound):
        self.calls += 1
        if self.fails:
            raise self.fails
        if inbound.to != LENDER:
            raise UnknownSender
        duplicate = inbound.external_id in self.stored
        self.stored.setdefault(inbound.external_id, inbound)
        return SimpleNamespace(duplicate=duplicate, replies=self.replies)

    def record_status(self, rt, update):
        self.statuses.append(update)


class Line:
    """An application with the webhooks in it, and a phone network that calls them."""

    def __init__(self, manager, public_url="https://lender.example/sms"):
        app = Flask(__name__)
        channel = TwilioChannel(ACCOUNT, TOKEN, public_url=public_url)
        app.extensions["repayline"] = SimpleNamespace(channels={"twilio": channel})
        app.register_blueprint(webhooks.make_blueprint(manager), url_prefix="/webhooks")
        self.manager, self.client, self.public_url = manager, app.test_client(), public_url
        self.answer = None
        self.network = PhoneNetwork(ACCOUNT, TOKEN, public_url, self.post)

    def post(self, path, body, headers):
        answer = self.client.post(path, data=body, headers=headers)
        if path == INBOUND:
            self.answer = answer
        return answer.status_code, answer.data

    def text(self, body, **extra):
        return self.network.text(BORROWER, extra.pop("To", LENDER), body, **extra)


def reply(number=1, text="hola"):
    return OutboundMessage(number, BORROWER, LENDER, text)


@dataclass
class Case:
    """One webhook. What is not expected must not happen."""

    name: str
    body: str = "hi"
    extra: dict = field(default_factory=dict)
    expect: int = 200
    text: str | None = None
    media: int = 0
    says: str = ""
    level: str | None = None


CASES = [
    Case("plain text", text="hi"),
    Case("all blank but what counts", extra={"FromZip": "", "SurpriseField": ""}, text="hi"),
    Case("no text", body="", text=""),
    Case("Chinese and emoji", body="我想延期 😀", text="我想延期 😀"),
    Case("line breaks, plus and ampersand", body="a+b\r\nc & d=e %", text="a+b\r\nc & d=e %"),
    Case("base64", body=base64.b64encode("me das más tiempo".encode()).decode(),
         text="me das más tiempo"),
    Case("a word like base64", body="yespleasecallme1", text="yespleasecallme1"),
    Case("NUL", body="a\0b", text="a\ufffdb"),
    Case("half an emoji", body="ok \ud83d", text="ok \ufffd"),
    Case("an emoji in two halves", body="\ud83d\ude00", text="😀"),
    Case("1,600 characters", body="ñ" * 1600, text="ñ" * 1600),
    Case("far more characters", body="😀" * 9000, text="😀" * 9000),
    Case("a picture alone", body="", media=1, text="",
         extra={"NumMedia": "1", "MediaUrl0": "https://a/1", "MediaContentType0": "image/png"}),
    Case("the fallback call", extra={"ErrorCode": "11200", "ErrorUrl": "https://x/"}, text="hi"),
    Case("no id", extra={"MessageSid": "", "SmsSid": "", "SmsMessageSid": ""}, expect=400,
         says="MessageSid is missing.\n", level="WARNING"),
    Case("no sender", extra={"From": ""}, expect=400, says="From is missing.\n", level="WARNING"),
    Case("WhatsApp", extra={"From": f"whatsapp:{BORROWER}"}, expect=400, level="WARNING",
         says="From is a whatsapp address; this line takes SMS and MMS only.\n"),
    Case("a number of nobody", extra={"To": "+15559999999"}, expect=403, level="ERROR",
         says="This number is not served here.\n"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("public_url", ["https://lender.example/sms", "http://localhost:8000"])
def test_an_inbound_message(case, public_url, caplog):
    line = Line(FakeManager(), public_url)
    line.text(case.body, **case.extra)
    assert line.answer.status_code == case.expect
    assert [message.text for message in line.manager.stored.values()] == (
        [] if case.text is None else [case.text]
    )
    assert sum(len(message.media) for message in line.manager.stored.values()) == case.media
    if case.says:
        assert (line.answer.mimetype, line.answer.text) == ("text/plain", case.says)
    else:
        assert line.answer.mimetype == "text/xml"
        assert re.fullmatch(r"<\?xml[^>]*\?><Response ?/>", line.answer.text)
    ours = [record for record in caplog.records if record.name.startswith(("webhooks", "channels"))]
    assert [record.levelname for record in ours] == ([case.level] if case.level else [])
    assert not re.search(r"\d{7}", caplog.text)


def test_replies_travel_in_the_answer_and_their_delivery_comes_back():
    line = Line(FakeManager([reply(1, "uno"), reply(2, "dos & <tres>")]))
    texted = line.text("hi")
    assert [(text.to, text.body, text.status) for text in texted.replies] == [
        (BORROWER, "uno", "delivered"),
        (BORROWER, "dos & <tres>", "delivered"),
    ]
    sids = [text.sid for text in texted.replies]
    assert line.manager.statuses == [
        StatusUpdate("twilio", sid, status, message_id=number)
        for number, sid in zip((1, 2), sids, strict=True)
        for status in ("sent", "delivered")
    ]


def test_a_repeated_webhook_gets_the_same_answer():
    line = Line(FakeManager([reply()]))
    line.text("hi", MessageSid="SM1")
    first = line.answer.data
    line.text("hi", MessageSid="SM1")
    assert (line.answer.data, line.manager.calls, len(line.manager.stored)) == (first, 2, 1)


FORM = {"MessageSid": "SM1", "MessageStatus": "sent", "From": BORROWER, "To": LENDER}


def signed(address, token=TOKEN):
    pairs = [(name.encode(), value.encode()) for name, value in FORM.items()]
    return {"X-Twilio-Signature": sign(token, address, pairs)}


FORGED = {
    "no signature": lambda path: {},
    "an empty signature": lambda path: {"X-Twilio-Signature": ""},
    "another token's": lambda path: signed(f"https://lender.example/sms{path}", "guess"),
    "another address's, claimed by headers": lambda path: {
        **signed(f"https://evil.example{path}"),
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    },
}


@pytest.mark.parametrize("path", [INBOUND, STATUS])
@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_forged_request_is_refused_without_a_trace(path, headers, caplog):
    line = Line(FakeManager([reply()]))
    answer = line.client.post(path, data=FORM, headers=headers(path))
    assert (answer.status_code, answer.text) == (403, "The signature does not fit.\n")
    assert (line.manager.calls, line.manager.statuses) == (0, [])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "5550" not in caplog.text
    true = signed(f"https://lender.example/sms{path}")
    assert line.client.post(path, data=FORM, headers=true).status_code in (200, 204)


def test_a_signature_for_one_webhook_does_not_open_the_other():
    line = Line(FakeManager())
    pairs = [(b"MessageSid", b"SM1"), (b"MessageStatus", b"sent")]
    signature = sign(TOKEN, line.public_url + INBOUND, pairs)
    body = "MessageSid=SM1&MessageStatus=sent"
    answer = line.client.post(STATUS, data=body, headers={"X-Twilio-Signature": signature})
    assert (answer.status_code, line.manager.statuses) == (403, [])


class DatabaseIsDownError(Exception):
    """Its words hold what a borrower wrote, as SQLAlchemy's do."""


def test_a_message_that_could_not_be_stored_is_a_500_so_that_it_comes_again(caplog):
    line = Line(FakeManager(fails=DatabaseIsDownError(f"cannot insert 'secret' of {BORROWER}")))
    assert line.text("secret").status == 500
    assert "DatabaseIsDownError" in caplog.text
    assert "secret" not in caplog.text + line.answer.text
    assert "5550100001" not in caplog.text + line.answer.text


@pytest.mark.parametrize(
    ("word", "recorded"), [("delivered", ["delivered"]), ("read", ["read"]), ("teleported", [])]
)
def test_a_status_callback_is_answered_whether_its_word_is_known_or_not(word, recorded):
    line = Line(FakeManager())
    status, body = line.network.call(
        f"{STATUS}?message=5", {"MessageSid": "SM1", "MessageStatus": word, "ErrorCode": ""}
    )
    assert (status, body) == (204, b"")
    assert [update.status for update in line.manager.statuses] == recorded
    assert {update.message_id for update in line.manager.statuses} <= {5}


def test_a_status_callback_without_an_id_is_told_so():
    line = Line(FakeManager())
    status, body = line.network.call(STATUS, {"MessageStatus": "sent"})
    assert (status, body) == (400, b"MessageSid is missing.\n")


def test_a_body_beyond_all_texts_is_refused_unread():
    line = Line(FakeManager())
    answer = line.client.post(INBOUND, data=b"A=" + b"a" * MAX_BODY)
    assert (answer.status_code, line.manager.calls) == (413, 0)


def test_a_webhook_is_only_ever_posted():
    line = Line(FakeManager())
    assert line.client.get(INBOUND).status_code == 405


RAW_PATHS = {
    "as gunicorn gives it": ({"RAW_URI": "/a%2Fb?x=%7E+1", "PATH_INFO": "/a/b"}, "/a%2Fb?x=%7E+1"),
    "a trailing question mark": ({"RAW_URI": "/a?"}, "/a?"),
    "the whole address": ({"RAW_URI": "https://evil.example/a?b=1"}, "/a?b=1"),
    "mounted, prefix kept": ({"RAW_URI": "/sms/a?b", "SCRIPT_NAME": "/sms"}, "/a?b"),
    "mounted, prefix stripped": ({"RAW_URI": "/smsa", "SCRIPT_NAME": "/sms"}, "/smsa"),
    "no raw address": ({"PATH_INFO": "/a b", "QUERY_STRING": "c=%20"}, "/a%20b?c=%20"),
    "no raw address, mounted": ({"SCRIPT_NAME": "/sms", "PATH_INFO": "/a"}, "/a"),
}


@pytest.mark.parametrize(("environ", "path"), RAW_PATHS.values(), ids=RAW_PATHS)
def test_the_path_is_taken_as_it_was_written(environ, path):
    assert raw_path(environ) == path
