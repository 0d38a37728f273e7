"""The stand-in answers Twilio's own library as Twilio does, over HTTP on this machine."""

import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from channels import base
from channels.base import OutboundMessage
from channels.twilio import TwilioChannel
from channels.twilio_http import RedirectedClient
from simulator.network import INBOUND_PATH, PhoneNetwork
from simulator.provider import ERRORS, MAGIC_FROM, MAGIC_TO, make_provider_server

ACCOUNT, TOKEN = "AC0123456789abcdef0123456789abcdef", "token"
LENDER, PHONE = "+15550000001", "+15550100001"
PUBLIC = "http://localhost:8000"


class FakeApplication:
    """Answers every text with one reply; keeps what was called with which text."""

    def __init__(self):
        self.paths, self.texts = [], []

    def __call__(self, path, body, headers):
        self.paths.append(path)
        text = parse_qs(body.decode()).get("Body", [])
        if text == ["slow"]:
            time.sleep(0.1)
        self.texts += text
        return 200, b"<Response><Message>hola</Message></Response>"


@pytest.fixture
def application():
    return FakeApplication()


@pytest.fixture
def network(application):
    return PhoneNetwork(ACCOUNT, TOKEN, PUBLIC, application)


@pytest.fixture
def address(network):
    server = make_provider_server(network)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def channel(address):
    return TwilioChannel(ACCOUNT, TOKEN, api_url=address, public_url=PUBLIC)


def message(to=PHONE, from_number=LENDER, text="hello"):
    return OutboundMessage(7, to, from_number, text)


def eventually(check, seconds=5):
    deadline = time.monotonic() + seconds
    while not check() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert check()


def test_a_message_is_taken_and_its_delivery_reported(channel, network, application):
    sid = channel.send(message(text="¿Puede pagar? 你好"))
    eventually(lambda: network.get(sid).status == "delivered")
    eventually(lambda: application.paths == ["/webhooks/twilio/status?message=7"] * 2)
    assert (network.get(sid).to, network.get(sid).body) == (PHONE, "¿Puede pagar? 你好")


def test_the_log_comes_in_pages_without_gap_or_repeat(channel, network):
    for number in range(120):
        network.text(PHONE, LENDER, str(number), lose=True)
    since = datetime.now(UTC) - timedelta(hours=1)
    logged = list(channel.list_messages(since, page_size=50))
    assert [line.text for line in logged] == [str(number) for number in range(120)]
    assert {(line.direction, line.from_number, line.to) for line in logged} == {
        ("inbound", PHONE, LENDER)
    }


def test_a_text_that_arrives_while_the_log_is_read_moves_no_page(address, network):
    for number in range(4):
        network.text(PHONE, LENDER, str(number), lose=True)
    client = RedirectedClient(ACCOUNT, TOKEN, address, timeout=5)
    page = client.messages.page(page_size=2)
    seen = [text.body for text in page]
    network.text(PHONE, LENDER, "late", lose=True)
    seen += [text.body for text in page.next_page()]
    assert seen == ["3", "2", "1", "0"]


def test_the_log_is_filtered_by_number_and_time(channel, network):
    network.text(PHONE, LENDER, "in", lose=True)
    network.text(PHONE, "+15550000002", "another sender", lose=True)
    network.report(network.send(LENDER, PHONE, "out"))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert [line.text for line in channel.list_messages(hour_ago, to=LENDER)] == ["in"]
    assert [(line.direction, line.text) for line in channel.list_messages(hour_ago)] == [
        ("inbound", "in"),
        ("inbound", "another sender"),
        ("outbound", "out"),
    ]
    assert list(channel.list_messages(datetime.now(UTC) + timedelta(hours=1))) == []


def test_one_message_can_be_fetched(address, network):
    client = RedirectedClient(ACCOUNT, TOKEN, address, timeout=5)
    sid = network.text(PHONE, LENDER, "hi", lose=True).sid
    fetched = client.messages(sid).fetch()
    assert (fetched.body, fetched.direction, fetched.status) == ("hi", "inbound", "received")
    with pytest.raises(TwilioRestException) as missing:
        client.messages("SM00000000000000000000000000000000").fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)


@pytest.mark.parametrize("token", ["wrong", ""])
def test_wrong_credentials_are_refused(address, network, token):
    if token:
        with pytest.raises(base.ChannelMisconfigured) as refused:
            TwilioChannel(ACCOUNT, token, api_url=address, public_url=PUBLIC).send(message())
        assert refused.value.code == "20003"
    url = f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert requests.post(url, data={"To": PHONE}, timeout=5).status_code == 401
    assert network.texts() == []


REFUSALS = {
    **{f"to {number}": (message(to=number), code) for number, code in MAGIC_TO.items()},
    **{
        f"from {number}": (message(from_number=number), code) for number, code in MAGIC_FROM.items()
    },
    "no number": (message(to="hello"), 21211),
    "no recipient": (message(to=""), 21604),
    "no sender": (message(from_number=""), 21603),
    "no text": (message(text=""), 21602),
    "too long a text": (message(text="a" * 1601), 21617),
}


@pytest.mark.parametrize(("refused", "code"), REFUSALS.values(), ids=REFUSALS)
def test_what_twilio_refuses_is_refused_with_its_code(channel, network, refused, code):
    with pytest.raises(base.SendError) as error:
        channel.send(refused)
    assert error.value.code == str(code)
    assert code in ERRORS
    assert network.texts() == []


def test_the_number_that_always_works_does(channel, network):
    assert network.get(channel.send(message(from_number="+15005550006"))).to == PHONE


def test_a_phone_texts_and_sees_the_answer(address, application):
    sent = requests.post(
        f"{address}/phones/{PHONE}/messages", json={"to": LENDER, "text": "hi"}, timeout=5
    )
    assert sent.status_code == 202

    def screen():
        shown = requests.get(f"{address}/phones/{PHONE}/messages", timeout=5).json()["messages"]
        return [(text["from"], text["text"]) for text in shown]

    eventually(lambda: screen() == [(PHONE, "hi"), (LENDER, "hola")])
    assert application.paths == [INBOUND_PATH]


def test_what_is_typed_first_arrives_first(address, application):
    typed = ["slow", *"123456789"]
    for text in typed:
        url = f"{address}/phones/{PHONE}/messages"
        requests.post(url, json={"to": LENDER, "text": text}, timeout=5)
    eventually(lambda: application.texts == typed)


def test_a_lost_text_is_found_in_the_log_alone(address, application, channel):
    asked = {"to": LENDER, "text": "hi", "lose": True}
    sent = requests.post(f"{address}/phones/{PHONE}/messages", json=asked, timeout=5)
    logged = list(channel.list_messages(datetime.now(UTC) - timedelta(hours=1)))
    assert [line.external_id for line in logged] == [sent.json()["sid"]]
    assert application.paths == []


BAD_TEXTS = {
    "no number": ("/phones/me/messages", {"to": LENDER, "text": "hi"}, 400),
    "no text": (f"/phones/{PHONE}/messages", {"to": LENDER}, 400),
    "a list": (f"/phones/{PHONE}/messages", [], 400),
}


@pytest.mark.parametrize(("path", "asked", "status"), BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_a_senseless_text_is_refused(address, network, path, asked, status):
    assert requests.post(address + path, json=asked, timeout=5).status_code == status
    assert network.texts() == []


def test_pages_of_other_sites_cannot_text(address, network):
    url = f"{address}/phones/{PHONE}/messages"
    form = requests.post(url, data='{"to":"+15550000001","text":"hi"}', timeout=5)
    rebound = requests.post(
        url, json={"to": LENDER, "text": "hi"}, headers={"Host": "evil.example"}, timeout=5
    )
    assert (form.status_code, rebound.status_code) == (415, 400)
    assert network.texts() == []


def test_health(address):
    assert requests.get(f"{address}/health", timeout=5).json() == {"status": "ok"}
