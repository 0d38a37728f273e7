"""What Twilio sends is read as it was meant; what we send fails in words that we know."""

import base64
import io
import logging
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote_from_bytes, urlencode

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from urllib3.exceptions import MaxRetryError

from channels import base
from channels.base import (
    BadSignature,
    InboundMessage,
    InvalidRequest,
    Media,
    OutboundMessage,
    SendError,
    StatusUpdate,
)
from channels.twilio import ERRORS, TwilioChannel, read_form, sign

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
API = "https://proxy.lender.example/twilio"
PATH = "/webhooks/twilio/inbound"


def channel(public_url="https://sms.lender.example", **settings):
    given = {"auth_token": "12345", "api_url": API, **settings}
    return TwilioChannel(ACCOUNT, public_url=public_url, **given)


def encoded(pairs):
    return "&".join(f"{quote_from_bytes(n)}={quote_from_bytes(v)}" for n, v in pairs).encode()


# --- verify


def test_the_official_vector_verifies():
    body = (
        b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309"
        b"&To=%2B18005551212&Caller=%2B14158675309"
    )
    fields = channel("https://mycompany.com").verify(
        "/myapp.php?foo=1&bar=2", body, "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    )
    assert dict(fields)["Caller"] == "+14158675309"


FORMS = {
    "plain": {"Body": "hi", "From": "+15550100001"},
    "blank fields": {"Body": "", "FromCity": "", "A": "1"},
    "no field at all": {},
    "Chinese": {"Body": "我想延期"},
    "emoji": {"Body": "👍🏽"},
    "plus, ampersand, equals, percent": {"Body": "a+b & c=d 100%", "x=y": "&"},
    "line breaks": {"Body": "one\r\ntwo\nthree"},
    "capitals sort before small letters": {"b": "1", "B": "2", "a": "3", "_": "4"},
    "1,600 characters and more": {"Body": "ñ" * 5000},
    "a NUL": {"Body": "a\0b"},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("path", [PATH, f"{PATH}?a=b%20c&d=", f"{PATH}?x=%E4%BD%A0+~"])
@pytest.mark.parametrize(
    "public_url",
    [
        "https://sms.lender.example",
        "https://lender.example/sms",
        "https://lender.example:8443",
        "http://localhost:8000",
        "https://lender.example:443",
    ],
)
def test_a_request_signed_by_twilios_own_library_verifies(form, path, public_url):
    signature = RequestValidator("12345").compute_signature(public_url + path, form)
    fields = channel(public_url).verify(path, urlencode(form).encode(), signature)
    assert [name for name, _ in fields] == list(form)


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=8))
def test_our_signature_is_twilios_for_any_form(form):
    ours = sign("12345", "https://x.example/", read_form(urlencode(form).encode()))
    assert ours == RequestValidator("12345").compute_signature("https://x.example/", form)


@pytest.mark.parametrize(
    ("configured", "called"),
    [
        ("https://x.example", "https://x.example:443"),
        ("https://x.example:443", "https://x.example"),
        ("http://x.example/sms", "http://x.example:80/sms"),
        ("https://x.example:8443", "https://x.example"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]:443"),
    ],
)
def test_a_port_more_or_less_in_the_signed_address_verifies(configured, called):
    signature = RequestValidator("12345").compute_signature(called + PATH, {"A": "1"})
    assert channel(configured).verify(PATH, b"A=1", signature) == [("A", "1")]


ODD_BYTES = {
    "an emoji as two surrogates": (b"\xed\xa0\xbd\xed\xb8\x80!", "😀!"),
    "half an emoji": (b"ok \xed\xa0\xbd done", "ok \ufffd done"),
    "the halves the wrong way round": (b"\xed\xb8\x80\xed\xa0\xbd", "\ufffd\ufffd"),
    "no UTF-8": (b"caf\xe9 now", "caf\ufffd now"),
    "NUL": (b"a\0b", "a\ufffdb"),
    "a good emoji": ("😀".encode(), "😀"),
}


@pytest.mark.parametrize(("raw", "text"), ODD_BYTES.values(), ids=ODD_BYTES)
def test_bytes_are_verified_as_signed_and_read_as_far_as_they_make_sense(raw, text):
    pairs = [(b"Body", raw), (b"To", b"+15550000001")]
    signature = sign("12345", f"https://sms.lender.example{PATH}", pairs)
    fields = dict(channel().verify(PATH, encoded(pairs), signature))
    assert fields["Body"] == text
    fields["Body"].encode()  # PostgreSQL takes it


def test_a_field_sent_twice_is_signed_once():
    signature = sign("12345", f"https://sms.lender.example{PATH}", [(b"A", b"1"), (b"A", b"2")])
    assert len(channel().verify(PATH, b"A=2&A=1&A=2", signature)) == 3


GOOD = sign("12345", f"https://sms.lender.example{PATH}", [(b"Body", b"hi"), (b"B", b"")])
BAD_REQUESTS = {
    "no signature": (PATH, b"Body=hi&B=", None),
    "an empty signature": (PATH, b"Body=hi&B=", ""),
    "another token": (PATH, b"Body=hi&B=", sign("x", f"https://sms.lender.example{PATH}")),
    "not even ASCII": (PATH, b"Body=hi&B=", "ü" * 28),
    "a changed value": (PATH, b"Body=ho&B=", GOOD),
    "a dropped blank field": (PATH, b"Body=hi", GOOD),
    "an added field": (PATH, b"Body=hi&B=&C=", GOOD),
    "another path": ("/webhooks/twilio/status", b"Body=hi&B=", GOOD),
    "an added query": (f"{PATH}?message=1", b"Body=hi&B=", GOOD),
    "a slash more": (f"{PATH}/", b"Body=hi&B=", GOOD),
}


@pytest.mark.parametrize(("path", "body", "signature"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_request_that_twilio_did_not_make_is_refused(path, body, signature):
    assert channel().verify(PATH, b"Body=hi&B=", GOOD)
    with pytest.raises(BadSignature):
        channel().verify(path, body, signature)


@pytest.mark.parametrize("token", ["old", "new"])
def test_both_tokens_are_accepted_while_they_rotate(token):
    signature = sign(token, f"https://sms.lender.example{PATH}")
    assert channel(auth_token="old", secondary_token="new").verify(PATH, b"", signature) == []


def test_no_token_at_all_accepts_nothing():
    signature = sign("", f"https://sms.lender.example{PATH}")
    with pytest.raises(BadSignature):
        channel(auth_token="", secondary_token="").verify(PATH, b"", signature)


# --- inbound messages

PLAIN = InboundMessage("twilio", "SM1", "+15550100001", "+15550000001", "hi", account=ACCOUNT)


@dataclass
class Inbound:
    name: str
    form: dict = field(default_factory=dict)
    expect: InboundMessage | None = None
    problem: str | None = None
    without: tuple = ()


INBOUND = [
    Inbound("plain text", expect=PLAIN),
    Inbound("only the old name of the id", {"SmsSid": "SM1"}, PLAIN, without=("MessageSid",)),
    Inbound("no text field", expect=replace(PLAIN, text=""), without=("Body",)),
    Inbound("a blank text", {"Body": ""}, replace(PLAIN, text="")),
    Inbound("unknown fields", {"Surprise": "1", "FromCity": ""}, PLAIN),
    Inbound(
        "a picture alone",
        {"Body": "", "NumMedia": "1", "MediaUrl0": "https://a/1", "MediaContentType0": "image/png"},
        replace(PLAIN, text="", media=(Media("https://a/1", "image/png"),)),
    ),
    Inbound(
        "two pictures, one type missing",
        {"NumMedia": "2", "MediaUrl0": "u0", "MediaContentType0": "image/gif", "MediaUrl1": "u1"},
        replace(PLAIN, media=(Media("u0", "image/gif"), Media("u1", "application/octet-stream"))),
    ),
    Inbound("a picture's address without a count", {"MediaUrl0": "u0", "NumMedia": "0"}, PLAIN),
    Inbound("a count that is none", {"NumMedia": "many"}, PLAIN),
    Inbound("a count beyond all media", {"NumMedia": "999999999"}, PLAIN),
    Inbound("opt-out", {"OptOutType": "STOP"}, replace(PLAIN, opt_out_type="STOP")),
    Inbound("a blank opt-out", {"OptOutType": ""}, PLAIN),
    Inbound("an unknown opt-out", {"OptOutType": "PAUSE"}, PLAIN),
    Inbound(
        "through a messaging service",
        {"MessagingServiceSid": "MG1"},
        replace(PLAIN, messaging_service="MG1"),
    ),
    Inbound("no id", without=("MessageSid",), problem="MessageSid is missing."),
    Inbound("no sender", without=("From",), problem="From is missing."),
    Inbound("a blank recipient", {"To": " "}, problem="To is missing."),
    Inbound(
        "WhatsApp",
        {"From": "whatsapp:+15550100001"},
        problem="From is a whatsapp address; this line takes SMS and MMS only.",
    ),
]


@pytest.mark.parametrize("case", INBOUND, ids=lambda case: case.name)
def test_inbound(case, caplog):
    form = {
        "MessageSid": "SM1",
        "AccountSid": ACCOUNT,
        "From": "+15550100001",
        "To": "+15550000001",
        "Body": "hi",
        **case.form,
    }
    fields = [(name, value) for name, value in form.items() if name not in case.without]
    if case.problem:
        with pytest.raises(InvalidRequest) as refused:
            channel().parse_inbound(fields)
        assert str(refused.value) == case.problem
    else:
        assert channel().parse_inbound(fields) == case.expect
    assert not caplog.records


def test_another_account_is_received_with_a_warning_that_names_nobody(caplog):
    fields = [*SOMEBODY.items(), ("AccountSid", "AC9")]
    assert channel().parse_inbound(fields).account == "AC9"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "AC9" not in caplog.text and "5550100001" not in caplog.text


SOMEBODY = {"MessageSid": "SM1", "From": "+15550100001", "To": "+15550000001"}
JOINED = [
    "I can pay 150 on Friday, is that ok?",
    "no puedo pagar este mes, ¿me dan más tiempo?",
    "我想延期还款可以吗",
    "你搵錯人,delete我個number",
    "ok 👍 thanks a lot",
    "first line\r\nsecond line here",
]
WORDS = [
    "stop",
    "STOP",
    "ok",
    "pagado12",
    "alreadypaid1",
    "yespleasecallmeback1",
    "aaaaaaaaaaaaaaaa",
    "Questionentiendo",
    "STRICTsha1ovengo",
    "https://pay.example/a",
    "1234567890123456",
    "4111111111111111",
    "two words",
    "c3RvcA==",  # "stop": too short to be a joined message
    "SSBkbyBvaw==",  # "I do ok": so is this
    "SSBjYW4gcGF5IDE1MCBvbiBGcmlkYXk",  # a padding sign is missing
    "SSBjYW4gcGF5IDE1MCBvbiBGcmlkYXk= ok",
    base64.b64encode(bytes(range(24))).decode(),
    base64.b64encode(b"\xff\xfe not utf-8 at all!").decode(),
]


@pytest.mark.parametrize("text", JOINED)
@pytest.mark.parametrize("wrap", [0, 20])
def test_a_joined_message_that_came_as_base64_is_decoded(text, wrap):
    packed = base64.b64encode(text.encode()).decode()
    if wrap:
        packed = "\r\n".join(packed[n : n + wrap] for n in range(0, len(packed), wrap))
    assert channel().parse_inbound([*SOMEBODY.items(), ("Body", packed)]).text == text


@pytest.mark.parametrize("text", WORDS)
def test_what_only_looks_like_base64_is_left_alone(text):
    assert channel().parse_inbound([*SOMEBODY.items(), ("Body", text)]).text == text


# --- statuses


@dataclass
class Status:
    name: str
    form: dict
    query: str = ""
    expect: StatusUpdate | None = None
    problem: str | None = None
    logged: str = ""


STATUSES = [
    *(
        Status(word, {"MessageStatus": word}, expect=StatusUpdate("twilio", "SM1", word))
        for word in (
            *("queued", "sending", "sent", "delivered", "undelivered", "failed"),
            *("read", "canceled"),
        )
    ),
    Status("accepted", {"MessageStatus": "accepted"}, "", StatusUpdate("twilio", "SM1", "queued")),
    Status("old name", {"SmsStatus": "sent"}, "", StatusUpdate("twilio", "SM1", "sent")),
    Status(
        "with its error",
        {"MessageStatus": "undelivered", "ErrorCode": "30003"},
        expect=StatusUpdate("twilio", "SM1", "undelivered", error_code="30003"),
    ),
    Status(
        "a blank error",
        {"MessageStatus": "sent", "ErrorCode": ""},
        expect=StatusUpdate("twilio", "SM1", "sent"),
    ),
    Status(
        "with our message's id",
        {"MessageStatus": "sent"},
        "message=42",
        StatusUpdate("twilio", "SM1", "sent", message_id=42),
    ),
    Status(
        "an id that is none",
        {"MessageStatus": "sent"},
        "message=x&y=1",
        StatusUpdate("twilio", "SM1", "sent"),
    ),
    Status(
        "an id too long for any row",
        {"MessageStatus": "sent"},
        f"message={'9' * 30}",
        StatusUpdate("twilio", "SM1", "sent"),
    ),
    Status("unknown word", {"MessageStatus": "teleported"}, logged="'teleported'"),
    Status("no status", {}, problem="MessageStatus is missing."),
    Status("no id", {"MessageSid": "", "MessageStatus": "sent"}, problem="MessageSid is missing."),
]


@pytest.mark.parametrize("case", STATUSES, ids=lambda case: case.name)
def test_status(case, caplog):
    fields = list({**SOMEBODY, **case.form}.items())
    if case.problem:
        with pytest.raises(InvalidRequest) as refused:
            channel().parse_status(fields, case.query)
        assert str(refused.value) == case.problem
    else:
        assert channel().parse_status(fields, case.query) == case.expect
    assert case.logged in caplog.text
    assert bool(caplog.records) == bool(case.logged)
    assert "+1555" not in caplog.text


# --- TwiML


def reply(number, text, **fields):
    return OutboundMessage(number, "+15550100001", "+15550000001", text, **fields)


def messages(twiml):
    return ET.parse(io.StringIO(twiml)).getroot().findall("Message")


def test_nothing_to_say_is_an_empty_response():
    root = ET.parse(io.StringIO(channel().twiml(()))).getroot()
    assert (root.tag, len(root)) == ("Response", 0)


def test_replies_go_to_their_person_and_tell_what_became_of_them():
    twiml = channel("https://x.example/sms").twiml([reply(7, "uno & <dos>"), reply(8, "二 😀")])
    assert [message.text for message in messages(twiml)] == ["uno & <dos>", "二 😀"]
    assert messages(twiml)[0].attrib == {
        "to": "+15550100001",
        "from": "+15550000001",
        "statusCallback": "https://x.example/sms/webhooks/twilio/status?message=7",
    }


def test_a_reply_may_name_another_status_callback():
    twiml = channel().twiml([reply(7, "a", status_callback="https://other.example/s")])
    assert messages(twiml)[0].get("statusCallback") == "https://other.example/s"


def test_characters_that_xml_forbids_are_left_out():
    twiml = channel().twiml([reply(1, "a\0b\x0bc\ud800d\ufffee\n")])
    assert messages(twiml)[0].text == "abcde\n"


def test_an_eleventh_reply_is_left_out_loudly(caplog):
    twiml = channel().twiml(reply(n, str(n)) for n in range(11))
    assert len(messages(twiml)) == 10
    assert [record.levelname for record in caplog.records] == ["ERROR"]


# --- sending

MESSAGE = reply(7, "hello")
MESSAGES_URL = f"{API}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@responses.activate
def test_sending_asks_the_address_of_the_settings_and_returns_the_sid():
    responses.post(MESSAGES_URL, json={"sid": "SM9", "status": "queued"}, status=201)
    assert channel().send(MESSAGE) == "SM9"
    sent = dict(part.split("=") for part in responses.calls[0].request.body.split("&"))
    assert sent == {
        "To": "%2B15550100001",
        "From": "%2B15550000001",
        "Body": "hello",
        "StatusCallback": "https%3A%2F%2Fsms.lender.example%2Fwebhooks%2Ftwilio%2Fstatus"
        "%3Fmessage%3D7",
    }


def twilio_says(status, code=None):
    body = {"message": "The number +15550100001 is odd", "status": status}
    return {"json": body | ({"code": code} if code else {}), "status": status}


SEND_ERRORS = {
    "opted out": (twilio_says(400, 21610), base.RecipientOptedOut, False),
    "no such number": (twilio_says(400, 21211), base.BadNumber, False),
    "a landline": (twilio_says(400, 21614), base.BadNumber, False),
    "another region": (twilio_says(400, 21408), base.RegionNotEnabled, False),
    "too fast": (twilio_says(429, 20429), base.ChannelThrottled, True),
    "too fast, no code": (twilio_says(429), base.ChannelThrottled, True),
    "queue full": (twilio_says(400, 21611), base.ChannelThrottled, True),
    "wrong token": (twilio_says(401, 20003), base.ChannelMisconfigured, False),
    "forbidden, no code": (twilio_says(403), base.ChannelMisconfigured, False),
    "a code nobody knows": (twilio_says(400, 29999), base.SendRejected, False),
    "unavailable": (twilio_says(503, 20503), base.ChannelUnavailable, True),
    "trouble there": (twilio_says(500, 20500), base.SendUncertain, True),
    "a gateway in between": ({"body": "<html>", "status": 502}, base.SendUncertain, True),
    "nonsense for an answer": ({"body": "<html>", "status": 201}, base.SendUncertain, True),
    "never connected": (
        {"body": requests.ConnectionError(MaxRetryError(None, "/"))},
        base.ChannelUnavailable,
        True,
    ),
    "cut off": ({"body": requests.ConnectionError("aborted")}, base.SendUncertain, True),
    "no answer in time": ({"body": requests.ReadTimeout()}, base.SendUncertain, True),
}


@pytest.mark.parametrize(("answer", "kind", "retryable"), SEND_ERRORS.values(), ids=SEND_ERRORS)
@responses.activate
def test_a_failed_send_is_one_of_ours(answer, kind, retryable, caplog):
    caplog.set_level(logging.DEBUG)
    responses.post(MESSAGES_URL, **answer)
    with pytest.raises(SendError) as failed:
        channel().send(MESSAGE)
    assert type(failed.value) is kind
    assert failed.value.retryable is retryable
    for told in (caplog.text, str(failed.value), repr(failed.value), failed.value.reason):
        assert "5550100001" not in told and "hello" not in told


@pytest.mark.parametrize("code", ["30003", "30008"])
def test_an_unreachable_phone_is_tried_twice_more(code):
    error = channel().explain(code)
    assert (error.retryable, error.max_retries) == (True, 2)


def test_no_error_that_names_the_person_or_the_text_is_tried_again():
    final = (base.RecipientOptedOut, base.BadNumber, base.ContentFiltered)
    assert not [code for code, kind in ERRORS.items() if kind in final and kind.retryable]


@pytest.mark.parametrize("code", ["30007", "30032", "30034", "21408", "21612", "20003", "21606"])
def test_faults_of_our_own_set_up_ring_an_alarm(code):
    assert channel().explain(code).alarm


@responses.activate
def test_a_rejection_keeps_its_code_and_twilios_words():
    answer = {"code": 63999, "message": "Nothing works today", "status": 400}
    responses.post(MESSAGES_URL, json=answer, status=400)
    with pytest.raises(base.SendRejected, match="SendRejected 63999") as failed:
        channel().send(MESSAGE)
    assert failed.value.code == "63999"
    assert failed.value.reason.endswith("Nothing works today")


@pytest.mark.parametrize("code", [None, "99999"])
def test_a_failure_without_a_known_code_is_a_rejection(code):
    error = channel().explain(code)
    assert (type(error), error.code) == (base.SendRejected, code)


# --- the provider's log


def row(sid, sent, **fields):
    return {
        "sid": sid,
        "direction": "inbound",
        "from": "+15550100001",
        "to": "+15550000001",
        "body": "hi",
        "status": "received",
        "num_media": "0",
        "date_sent": sent,
        **fields,
    }


@responses.activate
def test_the_log_is_read_oldest_first_over_all_pages_and_cleaned():
    next_page = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1&PageToken=PASM2"
    first = [
        row("SM4", "Mon, 04 Mar 2024 12:30:00 +0000", body="half \ud83d", num_media="1"),
        row("SM3", "Mon, 04 Mar 2024 12:20:00 +0000", direction="outbound-api", error_code=30003),
        row("SM3w", "Mon, 04 Mar 2024 12:20:00 +0000", **{"from": "whatsapp:+15550100001"}),
    ]
    second = [
        row("SM3", "Mon, 04 Mar 2024 12:20:00 +0000", direction="outbound-api"),
        row("SM2", "Mon, 04 Mar 2024 12:00:00 +0000"),
        row("SM1", "Mon, 04 Mar 2024 11:59:59 +0000"),
    ]
    responses.get(MESSAGES_URL, json={"messages": first, "next_page_uri": next_page})
    responses.get(f"{API}{next_page}", json={"messages": second, "next_page_uri": None})
    logged = list(channel().list_messages(datetime(2024, 3, 4, 12, tzinfo=UTC)))
    assert [(line.external_id, line.direction) for line in logged] == [
        ("SM2", "inbound"),
        ("SM3", "outbound"),
        ("SM4", "inbound"),
    ]
    assert (logged[2].text, logged[2].num_media) == ("half \ufffd", 1)
    assert logged[0].sent_at == datetime(2024, 3, 4, 12, tzinfo=UTC)
    asked = responses.calls[0].request.params
    assert asked["DateSent>"] == "2024-03-04T12:00:00Z"


@responses.activate
def test_no_log_of_ours_holds_the_numbers_that_were_asked_for(caplog):
    caplog.set_level(logging.DEBUG)
    responses.get(MESSAGES_URL, json={"messages": [], "next_page_uri": None})
    assert list(channel().list_messages(datetime(2024, 3, 4, tzinfo=UTC), to="+15550000001")) == []
    assert "5550000001" not in caplog.text


@responses.activate
def test_a_page_that_cannot_be_read_says_so_instead_of_ending_the_log():
    next_page = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?Page=1&PageToken=PASM2"
    rows = [row("SM4", "Mon, 04 Mar 2024 12:30:00 +0000")]
    responses.get(MESSAGES_URL, json={"messages": rows, "next_page_uri": next_page})
    responses.get(
        f"{API}{next_page}", status=429, json={"code": 20429, "message": "", "status": 429}
    )
    with pytest.raises(base.ChannelThrottled):
        list(channel().list_messages(datetime(2024, 3, 4, 12, tzinfo=UTC)))
