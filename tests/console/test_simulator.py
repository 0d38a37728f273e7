"""The phone simulator: what it sends, what it shows, and what it says when something is off."""

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import console.simulator
from app import create_app
from bot import manager
from bot.replies import LANGUAGES
from console.simulator import LOST_AFTER, HttpNetwork, Unreachable
from models import Conversation, Message, MessageStatus
from simulator.network import PhoneNetwork
from simulator.provider import make_provider_server
from tests import builders
from tests.fakes import make_runtime, temporary_database

PHONE = builders.PHONE
URL = f"/simulator/phones/{PHONE}"


def logged(sid, text, at, *, sender=PHONE):
    return {
        "sid": sid,
        "from": sender,
        "to": builders.SENDER,
        "text": text,
        "status": "received",
        "at": at.isoformat(),
    }


def test_the_first_phone_is_there_with_its_hint(browser):
    page = browser.get("/simulator/").text
    for said in ("Maya Brooks", PHONE, "$734.50", "birth year", "1990", "how much do I owe?"):
        assert said in page, said


def test_an_empty_database_says_what_to_do(tmp_path):
    from models import Base

    runtime = make_runtime(temporary_database(tmp_path))
    Base.metadata.create_all(runtime.engine)
    page = create_app(runtime=runtime).test_client().get("/simulator/").text
    assert "flask demo --load" in page


def test_without_the_simulator_there_is_no_such_page(runtime):
    from dataclasses import replace

    runtime.settings = replace(runtime.settings, simulator=False)
    client = create_app(runtime=runtime).test_client()
    assert client.get("/simulator/").status_code == 404
    assert "/simulator/" not in client.get("/health/").text


def test_a_text_goes_to_the_network_with_the_lenders_number(browser, network):
    answer = browser.post(f"{URL}/messages", json={"text": "hi <b>"})
    assert (answer.status_code, answer.json) == (202, {"sid": "SM1"})
    assert network.sent == [(PHONE, builders.SENDER, "hi <b>", False)]


def test_a_webhook_can_be_lost_on_purpose(browser, network):
    browser.post(f"{URL}/messages", json={"text": "hi", "lose": True})
    assert network.sent[0][3] is True


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"json": {}}, 400, id="no text"),
        pytest.param({"json": {"text": ""}}, 400, id="empty text"),
        pytest.param({"json": {"text": 5}}, 400, id="a number"),
        pytest.param({"json": ["text"]}, 400, id="a list"),
        pytest.param({"data": "{"}, 415, id="not JSON"),
        pytest.param({"data": {"text": "hi"}}, 415, id="a form, as other sites can post"),
    ],
)
def test_what_is_no_text_is_not_sent(browser, network, body, status):
    assert browser.post(f"{URL}/messages", **body).status_code == status
    assert network.sent == []


@pytest.mark.parametrize("number", ["5550100001", "+0", "+1555abc0001", "+1555010000112345678"])
def test_what_is_no_number_has_no_phone(browser, number):
    assert browser.get(f"/simulator/phones/{number}").status_code == 404
    answer = browser.post(f"/simulator/phones/{number}/messages", json={"text": "hi"})
    assert answer.status_code == 404


def test_a_stranger_has_a_phone_too(browser, network):
    assert browser.get("/simulator/phones/+15550100999").status_code == 200
    browser.post("/simulator/phones/+15550100999/messages", json={"text": "who are you"})
    assert network.sent[0][0] == "+15550100999"


def test_the_screen_as_data_holds_both_sides_and_what_was_understood(browser, runtime, reader):
    ranking = (("ask_balance", 0.93), ("ask_due_date", 0.04), ("pay_now", 0.01))
    reader.means("what do i owe", "ask_balance", 0.93, ranking=ranking)
    manager.receive(runtime, builders.inbound("what do i owe", "SM1"))
    data = browser.get(f"{URL}/messages").json
    asked, answered = data["messages"]
    assert (asked["direction"], asked["text"], asked["status"]) == (
        "inbound",
        "what do i owe",
        "processed",
    )
    assert (asked["segments"], asked["encoding"]) == (1, "GSM-7")
    assert asked["understanding"]["intent"] == "ask_balance"
    assert [name for name, _ in asked["understanding"]["ranking"]] == [n for n, _ in ranking]
    assert asked["understanding"]["replies"] == ["identity.ask_birth_year"]
    assert (answered["direction"], answered["status"]) == ("outbound", "sending")
    assert asked["at"] == "2026-03-04T17:00:00+00:00"
    facts = data["facts"]
    assert (facts["held_by"], facts["step"]) == ("bot", "identity.answer")
    assert facts["owes"] == [["personal_loan", {"amount": "734.50", "currency": "USD"}]]
    assert (data["waiting"], data["reachable"]) == (False, True)


def test_the_facts_follow_the_conversation(browser, runtime, reader, clock):
    manager.receive(runtime, builders.inbound("STOP", "SM1"))
    with runtime.unit_of_work() as uow:
        conversation = uow.session.scalars(select(Conversation)).one()
        conversation.held_by, conversation.locale = "agent", "es"
        conversation.verified_until = clock.now + timedelta(hours=2)
        uow.commit()
    facts = browser.get(f"{URL}/messages").json["facts"]
    assert (facts["held_by"], facts["locale"]) == ("agent", "es")
    assert facts["verified_until"] == "2026-03-04T19:00:00+00:00"
    assert facts["opted_out_at"] is not None
    screen = browser.get(f"{URL}/screen").text
    for said in ("opted out", "verified", "Spanish", "OptOut", "consent.stopped"):
        assert said in screen, said


def test_a_payment_link_can_be_clicked(browser, runtime):
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        reply = uow.session.scalars(select(Message).where(Message.direction == "outbound")).one()
        reply.body = "Pay here: http://localhost:8000/pay/MQ.abc. Thanks"
        uow.commit()
    screen = browser.get(f"{URL}/screen").text
    assert 'href="http://localhost:8000/pay/MQ.abc" target="_blank"' in screen


def test_a_blocked_text_is_shown_as_not_sent(browser, runtime):
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        reply = uow.session.scalars(select(Message).where(Message.direction == "outbound")).one()
        reply.status, reply.reason = MessageStatus.BLOCKED, "opted_out"
        uow.commit()
    assert "blocked: opted_out" in browser.get(f"{URL}/screen").text


def test_a_turn_that_failed_is_told(browser, runtime, reader):
    reader.failing.add("hello")
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    assert "The turn failed (RuntimeError), 1 time." in browser.get(f"{URL}/screen").text


@pytest.mark.parametrize(
    ("age", "status", "waiting"),
    [
        pytest.param(timedelta(seconds=1), "on its way", True, id="just sent"),
        pytest.param(LOST_AFTER, "lost", False, id="never came"),
    ],
)
def test_a_text_that_has_not_come_yet_is_on_the_phone(
    browser, network, clock, age, status, waiting
):
    network.screens[PHONE] = [
        logged("SM1", "anybody there?", clock.now - age),
        logged("SM2", "an answer", clock.now, sender=builders.SENDER),
    ]
    data = browser.get(f"{URL}/messages").json
    assert [(m["text"], m["status"]) for m in data["messages"]] == [("anybody there?", status)]
    assert data["waiting"] is waiting
    assert ("flask reconcile" in browser.get(f"{URL}/screen").text) is (status == "lost")


def test_a_text_that_came_is_shown_once(browser, network, runtime, clock):
    network.screens[PHONE] = [logged("SM1", "hello", clock.now)]
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    messages = browser.get(f"{URL}/messages").json["messages"]
    assert [m["direction"] for m in messages] == ["inbound", "outbound"]


def test_a_network_that_is_down_is_said_in_one_sentence(browser, network, runtime):
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    network.reachable = False
    for url in (URL, f"{URL}/screen"):
        answer = browser.get(url)
        assert answer.status_code == 200
        assert "phone network does not answer" in answer.text
        assert "hello" in answer.text
    answer = browser.post(f"{URL}/messages", json={"text": "hi"})
    assert (answer.status_code, "error" in answer.json) == (503, True)


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [("hello", 1, "GSM-7"), ("", 1, "GSM-7"), ("好" * 71, 2, "UCS-2")],
)
def test_segments_are_counted_while_typing(browser, text, count, encoding):
    answer = browser.post("/simulator/segments", json={"text": text})
    assert answer.json == {"count": count, "encoding": encoding}


def test_every_language_has_things_to_try():
    path = Path(console.simulator.__file__).with_name("suggestions.json")
    suggestions = json.loads(path.read_text("utf-8"))
    assert set(suggestions) == set(LANGUAGES)
    assert all(len(texts) >= 6 for texts in suggestions.values())


def test_the_real_phone_network_understands_the_page():
    calls = []

    def post(path, body, headers):
        calls.append(path)
        return 200, b"<Response><Message>welcome</Message></Response>"

    network = PhoneNetwork("AC1", "token", "http://localhost:8000", post)
    server = make_provider_server(network)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        over_http = HttpNetwork(f"http://127.0.0.1:{server.port}")
        sid = over_http.send(PHONE, builders.SENDER, "hi", lose=True)
        assert [(t["sid"], t["from"], t["text"]) for t in over_http.texts(PHONE)] == [
            (sid, PHONE, "hi")
        ]
        assert calls == []
        with pytest.raises(Unreachable):
            over_http.send("nonsense", builders.SENDER, "hi", lose=False)
    finally:
        server.shutdown()
        thread.join()
    with pytest.raises(Unreachable):
        over_http.texts(PHONE)
