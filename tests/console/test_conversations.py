"""The list of conversations, and one of them."""

import re
from datetime import timedelta

from bot import manager
from console.conversations import MESSAGES
from models import Borrower, Conversation, Handoff, Message, Phone
from tests import builders


def test_an_empty_list_says_so(agent):
    assert "Nobody has written yet" in agent.get("/console/").text


def test_a_row_says_who_what_and_how_it_stands(agent, runtime, reader):
    reader.means("i want a human", "talk_to_agent")
    manager.receive(runtime, builders.inbound("i want a human", "SM1"))
    with runtime.unit_of_work() as uow:
        conversation = uow.session.get_one(Conversation, 1)
        conversation.phone.opted_out_at = runtime.clock()
        conversation.verified_until = runtime.clock() + timedelta(hours=1)
        uow.commit()
    page = agent.get("/console/").text
    for said in (
        "Maya Brooks",
        "+15550100001",
        "English",
        "held by agent",
        "general: talk_to_agent",
        "opted out",
        "verified",
        "12:00",  # in New York
    ):
        assert said in page, said


def test_a_closed_hand_off_and_a_verification_that_ran_out_are_not_shown(agent, runtime, clock):
    manager.receive(runtime, builders.inbound("hello", "SM1"))
    with runtime.unit_of_work() as uow:
        now = clock.now
        uow.session.get_one(Conversation, 1).verified_until = now - timedelta(seconds=1)
        uow.session.add(
            Handoff(conversation_id=1, queue="crisis", reason="x", created_at=now, closed_at=now)
        )
        uow.commit()
    page = agent.get("/console/").text
    assert "crisis" not in page
    assert "verified" not in page


def test_the_newest_stand_first_fifty_to_a_page(agent, runtime, clock):
    for number in range(52):
        clock.forward(minutes=1)
        manager.receive(
            runtime, builders.inbound("hello", f"SM{number}", phone=f"+1555020{number:04d}")
        )
    first, second = agent.get("/console/").text, agent.get("/console/?page=2").text
    assert first.index("+15550200051") < first.index("+15550200050")
    assert ("+15550200002" in first, "+15550200001" in first) == (True, False)
    assert "+15550200001" in second
    assert "+15550200002" not in second
    assert ('rel="next"' in first, 'rel="next"' in second) == (True, False)
    assert agent.get("/console/?page=nonsense").status_code == 200
    assert agent.get("/console/?page=-3").status_code == 200


def test_a_conversation_shows_the_texts_and_what_was_made_of_them(agent, runtime, reader):
    ranking = (("ask_balance", 0.93), ("ask_due_date", 0.04), ("pay_now", 0.01))
    reader.means("what do i owe", "ask_balance", 0.93, ranking=ranking)
    manager.receive(runtime, builders.inbound("what do i owe", "SM1"))
    page = agent.get("/console/conversations/1").text
    for said in (
        "what do i owe",
        "ask_balance",
        "93 %",
        "ask_due_date",
        "pay_now",
        "identity.ask_birth_year",
        "identity.answer",
        "1 segment · GSM-7",
        "$734.50",
    ):
        assert said in page, said


def test_older_messages_are_a_click_away(agent, runtime):
    manager.receive(runtime, builders.inbound("the very first", "SM1"))
    with runtime.unit_of_work() as uow:
        uow.session.add_all(
            Message(
                conversation_id=1,
                direction="inbound",
                channel="twilio",
                external_id=f"SM-{number}",
                body=f"text {number}",
                status="processed",
                created_at=runtime.clock(),
                updated_at=runtime.clock(),
            )
            for number in range(MESSAGES)
        )
        uow.commit()
    page = agent.get("/console/conversations/1").text
    assert ">text 0<" in page
    assert "the very first" not in page
    older = page.split('class="older"><a href="')[1].split('"')[0]
    page = agent.get(older).text
    assert "the very first" in page
    assert ">text 0<" not in page


def test_a_name_stands_in_the_order_of_its_language(agent, runtime):
    with runtime.unit_of_work() as uow:
        phone = uow.session.get_one(Phone, 1)
        person = uow.session.get_one(Borrower, phone.borrower_id)
        person.first_name, person.last_name, person.locale = "晓雯", "李", "zh_Hans"
        uow.commit()
    manager.receive(runtime, builders.inbound("你好", "SM1"))
    assert "李晓雯" in agent.get("/console/").text


def test_an_unknown_conversation_is_not_found(agent):
    assert agent.get("/console/conversations/99").status_code == 404


def test_what_a_person_holds_is_handed_back_to_the_bot(agent, runtime, reader):
    reader.means("i want a human", "talk_to_agent")
    reader.means("hello", "greet")
    manager.receive(runtime, builders.inbound("i want a human", "SM1"))
    assert manager.receive(runtime, builders.inbound("hello", "SM2")).replies == ()
    page = agent.get("/console/conversations/1").text
    form = {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', page)[1]}
    assert agent.post("/console/conversations/1/handback").status_code == 400
    assert agent.post("/console/conversations/99/handback", data=form).status_code == 404
    assert agent.post("/console/conversations/1/handback", data=form).status_code == 303
    page = agent.get("/console/conversations/1").text
    assert "Hand back to the bot" not in page
    assert "general: talk_to_agent" not in page
    assert len(manager.receive(runtime, builders.inbound("hello", "SM3")).replies) == 1
