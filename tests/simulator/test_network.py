"""The simulated phone network does what Twilio does, as far as the application can see."""

from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from simulator.network import INBOUND_PATH, PhoneNetwork

LENDER, PHONE = "+15550000001", "+15550100001"
PUBLIC = "https://lender.example/sms"
EMPTY = b"<Response/>"
TWO = (
    f'<?xml version="1.0" encoding="UTF-8"?><Response>'
    f'<Message statusCallback="{PUBLIC}/webhooks/twilio/status?message=1">uno</Message>'
    f'<Message to="+15550100002" action="https://elsewhere.example/s"><Body>二</Body></Message>'
    f"</Response>"
).encode()


class FakeApplication:
    """Answers the inbound webhook as it is told to, and keeps every call."""

    def __init__(self, answer=EMPTY, status=200):
        self.answer, self.status, self.calls = answer, status, []

    def __call__(self, path, body, headers):
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="surrogatepass"))
        self.calls.append((path, fields, headers))
        if isinstance(self.answer, Exception):
            raise self.answer
        return (self.status, self.answer) if path == INBOUND_PATH else (204, b"")


def network(application):
    return PhoneNetwork("AC1", "token", PUBLIC, application)


def test_a_text_arrives_as_a_form_that_twilios_own_library_accepts():
    application = FakeApplication()
    body = "hola, ¿cuánto debo? 😀"
    texted = network(application).text(PHONE, LENDER, body, FromCity="")
    [(path, fields, headers)] = application.calls
    assert path == INBOUND_PATH
    assert RequestValidator("token").validate(PUBLIC + path, fields, headers["X-Twilio-Signature"])
    assert (fields["From"], fields["To"], fields["Body"]) == (
        PHONE,
        LENDER,
        "hola, ¿cuánto debo? 😀",
    )
    assert fields["MessageSid"] == fields["SmsSid"] == texted.sid
    assert fields["ToZip"] == ""


def test_replies_get_ids_and_reports_of_their_own():
    application = FakeApplication(TWO)
    texted = network(application).text(PHONE, LENDER, "hi")
    assert [(reply.from_number, reply.to, reply.body) for reply in texted.replies] == [
        (LENDER, PHONE, "uno"),
        (LENDER, "+15550100002", "二"),
    ]
    assert len({texted.sid, *(reply.sid for reply in texted.replies)}) == 3
    reports = application.calls[1:]
    assert [path for path, _, _ in reports] == ["/webhooks/twilio/status?message=1"] * 2
    assert [fields["MessageStatus"] for _, fields, _ in reports] == ["sent", "delivered"]
    assert {fields["MessageSid"] for _, fields, _ in reports} == {texted.replies[0].sid}
    for path, fields, headers in reports:
        signature = headers["X-Twilio-Signature"]
        assert RequestValidator("token").validate(PUBLIC + path, fields, signature)


FAILURES = {
    "an error": (FakeApplication(status=500), 500),
    "a refusal": (FakeApplication(status=403), 403),
    "nobody there": (FakeApplication(ConnectionRefusedError()), None),
    "no TwiML": (FakeApplication(b"oops"), 200),
}


@pytest.mark.parametrize(("application", "status"), FAILURES.values(), ids=FAILURES)
def test_a_text_that_the_application_could_not_take_stays_in_the_log(application, status):
    phones = network(application)
    texted = phones.text(PHONE, LENDER, "hi")
    assert (texted.status, texted.replies) == (status, ())
    assert [(text.sid, text.body, text.status) for text in phones.texts()] == [
        (texted.sid, "hi", "received")
    ]


def test_a_lost_text_is_in_the_log_alone():
    application = FakeApplication()
    phones = network(application)
    texted = phones.text(PHONE, LENDER, "hi", lose=True)
    assert application.calls == []
    assert phones.get(texted.sid).direction == "inbound"


def test_a_phone_sees_its_own_conversation_in_order():
    phones = network(FakeApplication(TWO))
    phones.text(PHONE, LENDER, "first")
    phones.text("+15550100009", LENDER, "another's", lose=True)
    phones.send(LENDER, PHONE, "last")
    assert [text.body for text in phones.texts(PHONE)] == ["first", "uno", "last"]


def test_half_an_emoji_is_sent_as_the_phone_typed_it():
    application = FakeApplication()
    assert network(application).text(PHONE, LENDER, "a\ud83d").status == 200
    assert application.calls[0][1]["Body"] == "a\ud83d"
