"""Paying at Stripe, from the button to the receipt; and a saved card that is charged by a job."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

import jobs
from app import create_app
from bot import checkout, manager, outbox
from bot.runtime import Runtime, build
from models import (
    Handoff,
    Loan,
    Message,
    Payment,
    PaymentEvent,
    PaymentLink,
    PaymentMethod,
)
from payments.gateways.sandbox import SandboxGateway
from settings import SettingsError
from tests import builders
from tests.builders import inbound
from tests.fakes import CATALOGUES, POLICY_TEXT, Clock, TableReader, make_runtime, make_settings
from tests.payments.conftest import link_on
from tests.payments.stripe_server import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, Fault

BROKEN = Fault(500, {"type": "api_error", "message": "x"})


@dataclass
class Visit:
    """A borrower with a link, in a browser."""

    runtime: Runtime
    stripe: FakeStripe
    url: str
    client: FlaskClient

    def press(self, **form: str) -> str:
        """The button; gives the address that the page leads to."""
        answer = self.client.post(self.url, data=form)
        assert answer.status_code == 200, answer.text
        found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
        assert found and f'href="{found[1]}"' in answer.text
        return found[1]

    def comes_back(self) -> Any:
        return self.client.get(f"{self.url}?paid=1")

    def rows(self, table: type[Any]) -> list[Any]:
        return rows(self.runtime, table)


def rows(runtime: Runtime, table: type[Any]) -> list[Any]:
    with runtime.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def words(key: str) -> str:
    return CATALOGUES.text(key, "en").split("{")[0].strip()


@pytest.fixture
def visit(on_stripe: Runtime, stripe: FakeStripe) -> Visit:
    url = link_on(on_stripe)
    return Visit(on_stripe, stripe, url, create_app(runtime=on_stripe).test_client())


def test_looking_at_the_page_makes_none_at_stripe(visit: Visit) -> None:
    page = unescape(visit.client.get(visit.url).text)
    assert "Pay $134.50" in page and words("page.secure") in page
    assert words("page.sandbox") not in page and words("page.card") not in page
    assert visit.stripe.requests == []


def test_from_the_button_to_the_receipt(visit: Visit) -> None:
    assert visit.press() == f"{visit.stripe.base}/pay/cs_test_1"
    asked = visit.stripe.requests[0].form
    for personal in ("Maya", "Brooks", "5550100001", "L0001", "1234"):
        assert personal not in str(asked), personal
    back = asked["success_url"].removeprefix(visit.runtime.settings.public_url)
    assert (back, asked["cancel_url"].endswith(visit.url)) == (f"{visit.url}?paid=1", True)
    visit.stripe.pay("cs_test_1")
    thanks = visit.client.get(back)
    assert "$134.50 has been paid" in thanks.text
    (payment,) = visit.rows(Payment)
    assert (payment.gateway, payment.external_id) == ("stripe", "pi_1")
    assert [m.reply_key for m in visit.rows(Message)] == ["payment.receipt"]
    assert "$134.50 has been paid" in visit.comes_back().text
    assert len(visit.rows(Payment)) == 1


def test_the_page_leads_away_under_the_strict_policy(visit: Visit) -> None:
    answer = visit.client.post(visit.url)
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<script" not in answer.text


def test_who_turns_back_finds_the_same_page_again(visit: Visit) -> None:
    first = visit.press()
    assert visit.client.get(visit.url).status_code == 200
    assert visit.press() == first
    assert len(visit.stripe.sessions) == 1


def test_two_clicks_at_once_make_one_page(visit: Visit) -> None:
    app = visit.client.application

    def click(_: int) -> int:
        return app.test_client().post(visit.url).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {200}
    assert len(visit.stripe.sessions) == 1
    assert len(visit.rows(PaymentEvent)) == 1


def test_another_wish_makes_another_page_and_closes_the_first(visit: Visit) -> None:
    visit.press()
    second = visit.press(save="on")
    assert second.endswith("cs_test_2")
    assert visit.stripe.sessions["cs_test_1"]["status"] == "expired"
    assert visit.stripe.requests[-1].form["customer_creation"] == "always"


def test_a_page_that_was_closed_is_followed_by_a_new_one(visit: Visit) -> None:
    visit.press()
    visit.stripe.sessions["cs_test_1"]["status"] = "expired"
    assert visit.press().endswith("cs_test_2")


def test_who_paid_and_presses_again_is_thanked(visit: Visit) -> None:
    visit.press()
    visit.stripe.pay("cs_test_1")
    answer = visit.client.post(visit.url)
    assert (answer.status_code, answer.location) == (303, f"{visit.url}?paid=1")
    assert len(visit.rows(Payment)) == len(visit.stripe.sessions) == 1


def test_money_that_is_on_its_way_is_not_asked_for_again(visit: Visit) -> None:
    visit.press()
    visit.stripe.pay("cs_test_1", async_=True)
    assert words("page.pending") in visit.comes_back().text
    page = visit.client.get(visit.url)
    assert words("page.pending") in page.text and "<form" not in page.text
    assert words("page.pending") in visit.client.post(visit.url).text
    assert visit.rows(Payment) == [] and len(visit.stripe.sessions) == 1


def test_a_card_that_is_kept_can_be_charged_next_time(visit: Visit) -> None:
    visit.press(save="on")
    visit.stripe.pay(
        "cs_test_1",
        customer="cus_7",
        payment_method={"id": "pm_7", "card": {"brand": "mastercard", "last4": "4444"}},
    )
    visit.comes_back()
    (method,) = visit.rows(PaymentMethod)
    assert (method.label, method.customer, method.external_id) == (
        "Mastercard 4444",
        "cus_7",
        "pm_7",
    )


@pytest.mark.parametrize("fault", [BROKEN, Fault(401, {"type": "invalid_request_error"})])
def test_a_stripe_that_is_away_takes_nothing_and_says_so(visit: Visit, fault: Fault) -> None:
    visit.stripe.faults = [fault, fault]
    answer = visit.client.post(visit.url)
    assert (answer.status_code, words("page.unavailable") in answer.text) == (502, True)
    visit.stripe.faults = []
    assert visit.press().endswith("cs_test_1")


def test_who_comes_back_while_stripe_is_away_is_not_asked_to_pay_again(visit: Visit) -> None:
    visit.press()
    visit.stripe.pay("cs_test_1")
    visit.stripe.faults = [BROKEN, BROKEN]
    assert words("page.pending") in visit.comes_back().text
    assert "has been paid" in visit.comes_back().text


def test_a_policy_without_a_way_to_pay_online_says_whom_to_call(
    on_stripe: Runtime, stripe: FakeStripe
) -> None:
    from dataclasses import replace

    payment = replace(on_stripe.policy.payment, ways=("phone",))
    on_stripe.policy = replace(on_stripe.policy, payment=payment)
    url = link_on(on_stripe)
    answer = create_app(runtime=on_stripe).test_client().post(url)
    assert answer.status_code == 502 and "+1 555 010 0000" in answer.text
    assert stripe.requests == []


def test_a_gateway_without_a_way_to_pay_is_refused_at_start(tmp_path: Path) -> None:
    ways = 'ways = ["card", "bank_debit", "phone"]'
    assert ways in POLICY_TEXT
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY_TEXT.replace(ways, 'ways = ["phone"]'), "utf-8")
    given = {"STRIPE_SECRET_KEY": SECRET_KEY, "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    given |= {"PAYMENT_GATEWAY": "stripe", "POLICY_FILE": str(policy)}
    with pytest.raises(SettingsError, match=r"PAYMENT_GATEWAY is stripe while payment\.ways"):
        build(make_settings(**given))


# Reply to pay


@dataclass
class Person:
    """Maya with a saved card, who texts PAY and CONFIRM; jobs run when they are told to."""

    runtime: Runtime
    jobs: list[tuple[str, int]] = field(default_factory=list)

    def confirms(self) -> int:
        """Two texts; gives the id of the job's row."""
        reader = self.runtime.reader
        assert isinstance(reader, TableReader)
        reader.means("pay", "pay_now")
        self.runtime.enqueue = lambda *job: self.jobs.append(job)
        manager.receive(self.runtime, inbound("pay", "SM1"))
        manager.receive(self.runtime, inbound("CONFIRM", "SM2"))
        ((name, row_id),) = [job for job in self.jobs if job[0] == "charge"]
        assert jobs.JOBS[name] is checkout.charge
        return row_id

    def charge(self) -> PaymentEvent:
        return next(e for e in rows(self.runtime, PaymentEvent) if e.kind == "charge")

    def texts(self) -> list[str]:
        later = [m for m in rows(self.runtime, Message) if m.direction == "outbound"]
        return [m.reply_key for m in later if m.in_reply_to_id is None]

    def owed(self) -> Decimal:
        with self.runtime.reading() as session:
            loan = session.scalars(select(Loan)).one()
            return sum((part.open for part in loan.instalments), loan.late_charges)


def with_card(runtime: Runtime, gateway: str = "stripe") -> Person:
    with runtime.unit_of_work() as uow:
        person, owner = builders.borrower(), builders.sender()
        far = runtime.clock() + timedelta(days=300)
        talk = builders.conversation(person, owner, verified_until=far, state={}, held_by="bot")
        uow.session.add_all([person, owner, talk])
        uow.session.flush()
        card = PaymentMethod(
            borrower_id=person.id,
            gateway=gateway,
            customer="cus_1",
            external_id="pm_1",
            label="Visa 4242",
            created_at=runtime.clock(),
        )
        uow.session.add(card)
        uow.commit()
    return Person(runtime)


@pytest.fixture
def person(on_stripe: Runtime) -> Person:
    return with_card(on_stripe)


def test_a_turn_makes_no_call_and_the_job_takes_the_money(
    person: Person, stripe: FakeStripe
) -> None:
    row_id = person.confirms()
    assert stripe.requests == []
    assert (person.charge().result, person.owed()) == ("queued", Decimal("734.50"))
    checkout.charge(person.runtime, row_id)
    (asked,) = stripe.posted("/v1/payment_intents")
    assert (asked.form["amount"], asked.form["payment_method"]) == ("13450", "pm_1")
    assert (person.charge().result, person.owed()) == ("booked", Decimal("600.00"))
    assert person.texts() == ["payment.receipt"]


def test_a_job_that_runs_twice_takes_it_once(person: Person, stripe: FakeStripe) -> None:
    row_id = person.confirms()
    for _ in range(3):
        checkout.charge(person.runtime, row_id)
    assert len(stripe.requests) == len(rows(person.runtime, Payment)) == 1


def test_workers_at_the_same_moment_take_it_once(person: Person, stripe: FakeStripe) -> None:
    row_id = person.confirms()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: checkout.charge(person.runtime, row_id), range(4)))
    assert len(stripe.intents) == len(rows(person.runtime, Payment)) == 1
    assert person.texts() == ["payment.receipt"]


def test_a_job_that_was_lost_is_found_by_the_sweep(person: Person, stripe: FakeStripe) -> None:
    person.confirms()
    assert checkout.sweep(person.runtime) == 1
    assert person.charge().result == "booked"
    assert checkout.sweep(person.runtime) == 0


def test_a_worker_that_died_with_the_money_taken_takes_it_no_second_time(
    person: Person, stripe: FakeStripe, clock: Clock
) -> None:
    row_id = person.confirms()
    claimed = checkout._claim(person.runtime, row_id)
    assert claimed is not None
    person.runtime.gateway.charge(claimed)  # and here it dies
    checkout.sweep(person.runtime)
    assert person.charge().result == "charging", "another worker may be at it"
    clock.forward(minutes=3)
    checkout.sweep(person.runtime)
    assert (person.charge().result, person.owed()) == ("booked", Decimal("600.00"))
    assert len(stripe.intents) == 1


@pytest.mark.parametrize(
    ("code", "still_there"),
    [("insufficient_funds", True), ("authentication_required", True), ("stolen_card", False)],
)
def test_a_decline_is_told_with_a_link(
    person: Person, stripe: FakeStripe, code: str, still_there: bool
) -> None:
    stripe.declined["pm_1"] = {"type": "card_error", "code": code, "message": "no"}
    checkout.charge(person.runtime, person.confirms())
    assert (person.charge().result, person.owed()) == ("declined", Decimal("734.50"))
    assert person.texts() == ["payment.declined"]
    said = rows(person.runtime, Message)[-1].body
    assert "your Visa 4242 was declined and nothing was taken" in said
    (url,) = re.findall(r"http\S+", said)
    client = create_app(runtime=person.runtime).test_client()
    page = client.get(url.removeprefix(person.runtime.settings.public_url))
    assert "Pay $134.50" in page.text
    (method,) = rows(person.runtime, PaymentMethod)
    assert (method.removed_at is None) == still_there


def test_trouble_is_tried_again_with_the_same_key(
    person: Person, stripe: FakeStripe, clock: Clock
) -> None:
    row_id = person.confirms()
    stripe.faults = [Fault(429, {"type": "rate_limit_error", "message": "x"})]
    checkout.charge(person.runtime, row_id)
    assert (person.charge().result, person.texts()) == ("queued", [])
    checkout.sweep(person.runtime)
    assert len(stripe.requests) == 1, "not at once"
    clock.forward(minutes=1)
    checkout.sweep(person.runtime)
    assert person.charge().result == "booked"
    assert len({request.key for request in stripe.requests}) == 1


def test_when_nobody_can_say_a_person_finds_out(
    person: Person, stripe: FakeStripe, clock: Clock
) -> None:
    person.confirms()
    for _ in range(checkout.ATTEMPTS):
        stripe.faults = [BROKEN, BROKEN]
        checkout.sweep(person.runtime)
        clock.forward(hours=2)
    assert checkout.sweep(person.runtime) == 0
    assert (person.charge().result, person.texts()) == ("in_doubt", ["payment.in_doubt"])
    assert [h.reason for h in rows(person.runtime, Handoff)] == ["charge_in_doubt"]


def test_a_key_that_is_wrong_is_no_fault_of_the_card(person: Person, stripe: FakeStripe) -> None:
    stripe.faults = [Fault(401, {"type": "invalid_request_error", "message": "x"})]
    checkout.charge(person.runtime, person.confirms())
    assert (person.charge().result, person.texts()) == ("refused", ["payment.failed"])
    assert [h.reason for h in rows(person.runtime, Handoff)] == ["charge_refused"]
    assert rows(person.runtime, PaymentMethod)[0].removed_at is None


def test_a_yes_does_not_hold_for_ever(person: Person, stripe: FakeStripe, clock: Clock) -> None:
    person.confirms()
    clock.forward(days=1)
    checkout.sweep(person.runtime)
    assert (person.charge().result, person.texts()) == ("changed", ["payment.not_charged"])
    assert stripe.requests == []


def test_a_crash_that_lasted_longer_than_the_key_is_for_a_person(
    person: Person, stripe: FakeStripe, clock: Clock
) -> None:
    checkout._claim(person.runtime, person.confirms())
    clock.forward(days=2)
    checkout.sweep(person.runtime)
    assert (person.charge().result, person.texts()) == ("in_doubt", ["payment.in_doubt"])
    assert stripe.requests == []


def test_what_was_paid_meanwhile_is_not_charged(person: Person, stripe: FakeStripe) -> None:
    row_id = person.confirms()
    with person.runtime.unit_of_work() as uow:
        uow.session.scalars(select(Loan)).one().apply(Decimal("700.00"))
        uow.commit()
    checkout.charge(person.runtime, row_id)
    assert (person.charge().result, person.texts()) == ("changed", ["payment.not_charged"])
    assert stripe.requests == []


@pytest.mark.parametrize("gone", ["removed", "another gateway's"])
def test_a_card_that_is_of_no_use_is_answered_with_a_link(
    person: Person, stripe: FakeStripe, gone: str
) -> None:
    row_id = person.confirms()
    with person.runtime.unit_of_work() as uow:
        card = uow.session.scalars(select(PaymentMethod)).one()
        if gone == "removed":
            card.removed_at = person.runtime.clock()
        else:
            card.gateway = "sandbox"
        uow.commit()
    checkout.charge(person.runtime, row_id)
    assert (person.charge().result, person.texts()) == ("declined", ["payment.declined"])
    assert stripe.requests == []


def test_a_job_of_a_turn_that_was_rolled_back_does_nothing(person: Person) -> None:
    checkout.charge(person.runtime, 99)
    assert rows(person.runtime, PaymentEvent) == []


def test_who_opted_out_after_the_yes_pays_and_gets_no_text(
    person: Person, stripe: FakeStripe
) -> None:
    row_id = person.confirms()
    manager.receive(person.runtime, inbound("STOP", "SM3"))
    checkout.charge(person.runtime, row_id)
    assert person.owed() == Decimal("600.00")
    receipt = rows(person.runtime, Message)[-1]
    outbox.deliver(person.runtime, receipt.id)
    assert rows(person.runtime, Message)[-1].reason == "opted_out"


def test_nobody_uses_the_card_of_another(on_stripe: Runtime) -> None:
    from bot import acts, effects

    with_card(on_stripe)
    with on_stripe.unit_of_work() as uow:
        other = builders.borrower(phone="+15550100099", loans=())
        sender = uow.session.scalars(select(builders.Sender)).one()
        talk = builders.conversation(other, sender)
        uow.session.add_all([other, talk])
        uow.session.flush()
        act: Any = acts.Act(
            on_stripe, uow.session, talk, Message(id=1), on_stripe.clock(), on_stripe.clock().date()
        )
        with pytest.raises(ValueError, match="its owner alone"):
            acts.apply(act, (effects.ChargeMethod(1, Decimal("1.00"), 1),))
    assert rows(on_stripe, PaymentLink) == []


def test_a_sandbox_takes_nothing_from_real_people(database_url: str, clock: Clock) -> None:
    live = make_runtime(
        database_url,
        clock=clock,
        SIMULATOR="off",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="token",
    )
    person = with_card(live, "sandbox")
    checkout.charge(live, person.confirms())
    assert isinstance(live.gateway, SandboxGateway)
    assert (person.charge().result, person.owed()) == ("declined", Decimal("734.50"))
    live.engine.dispose()
