"""The page behind a payment link: pays once, and is honest about every other case."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import select

from app import create_app
from models import Loan, Message, Payment, PaymentLink, PaymentMethod, Phone
from tests.fakes import CATALOGUES, make_runtime
from tests.payments.conftest import link_on


def payments(runtime):
    with runtime.reading() as session:
        return session.scalars(select(Payment)).all()


def receipts(runtime):
    with runtime.reading() as session:
        return session.scalars(select(Message.reply_key)).all()


def words(key, locale="en"):
    return CATALOGUES.text(key, locale).split("{")[0].strip()


def test_the_page_says_what_is_paid_and_no_more(client, make_link):
    answer = client.get(make_link())
    assert answer.status_code == 200
    for said in ("$134.50", "personal loan", "1234", "Repayline Demo Lending", "no money moves"):
        assert said in answer.text, said
    for personal in ("Maya", "Brooks", "5550100001", "L0001", "734.50"):
        assert personal not in answer.text, personal


def test_looking_at_the_page_pays_nothing(client, make_link, runtime):
    url = make_link()
    assert (client.get(url).status_code, client.head(url).status_code) == (200, 200)
    assert payments(runtime) == []


def test_paying_books_the_amount_and_texts_a_receipt(client, make_link, runtime):
    url = make_link()
    answer = client.post(url)
    assert (answer.status_code, answer.location) == (303, f"{url}?paid=1")
    assert "$134.50 has been paid" in client.get(answer.location).text
    [payment] = payments(runtime)
    assert (payment.amount, payment.gateway) == (Decimal("134.50"), "sandbox")
    assert receipts(runtime) == ["payment.receipt"]
    with runtime.reading() as session:
        loan = session.get_one(Loan, payment.loan_id)
        assert (loan.late_charges, loan.instalments[4].open) == (Decimal("0.00"), Decimal("0.00"))


def test_a_double_click_pays_once(client, make_link, runtime):
    url = make_link()
    first, second = client.post(url), client.post(url)
    assert first.location == second.location
    assert len(payments(runtime)) == 1
    assert len(receipts(runtime)) == 1


def test_clicks_at_the_same_moment_pay_once(client, make_link, runtime):
    url = make_link()
    app = client.application
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: app.test_client().post(url).status_code, range(4)))
    assert answers == [303] * 4
    assert len(payments(runtime)) == 1


def test_a_link_that_was_used_says_so_and_pays_no_more(client, make_link, runtime):
    url = make_link()
    client.post(url)
    answer = client.get(url)
    assert (answer.status_code, words("page.used") in answer.text) == (200, True)
    assert "Pay $" not in answer.text
    client.post(url)
    assert len(payments(runtime)) == 1


def test_nobody_is_thanked_for_what_was_not_paid(client, make_link):
    answer = client.get(f"{make_link()}?paid=1")
    assert words("page.used") not in answer.text
    assert "has been paid" not in answer.text
    assert "<form" in answer.text


def expire(runtime, clock):
    clock.forward(hours=24)


def owe_less(runtime, clock):
    with runtime.unit_of_work() as uow:
        loan = uow.session.scalars(select(Loan)).one()
        loan.apply(Decimal("700.00"))
        uow.commit()


def forget(runtime, clock):
    with runtime.unit_of_work() as uow:
        uow.session.delete(uow.session.scalars(select(PaymentLink)).one())
        uow.commit()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("change", "status", "key"),
    [
        pytest.param(expire, 410, "page.expired", id="expired"),
        pytest.param(owe_less, 409, "page.changed", id="owes less than that now"),
        pytest.param(forget, 404, "page.unknown", id="link is gone"),
    ],
)
def test_what_cannot_be_paid_is_not_paid(
    client, make_link, runtime, clock, method, change, status, key
):
    url = make_link()
    change(runtime, clock)
    answer = client.open(url, method=method)
    assert (answer.status_code, words(key) in answer.text) == (status, True)
    assert "Pay $" not in answer.text
    offered = words("page.new") if key != "page.unknown" else words("page.text_us")
    assert offered in answer.text
    assert payments(runtime) == []


@pytest.mark.parametrize("change", [expire, owe_less], ids=["expired", "changed"])
def test_a_new_link_is_had_right_there_and_nothing_is_texted(
    client, make_link, runtime, clock, change
):
    url = make_link()
    change(runtime, clock)
    due = "$34.50" if change is owe_less else "$134.50"
    fresh = client.post(f"{url}/new")
    assert fresh.status_code == 303 and fresh.location != url
    page = client.get(fresh.location)
    assert (page.status_code, f"Pay {due}" in page.text) == (200, True)
    assert client.post(f"{url}/new").location == fresh.location, "the one that there is"
    assert receipts(runtime) == []
    client.post(fresh.location)
    assert [f"${p.amount}" for p in payments(runtime)] == [due]


def test_after_a_payment_the_next_one_can_be_made(client, make_link, runtime):
    url = make_link()
    client.post(url)
    assert words("page.more") in client.get(url).text
    fresh = client.post(f"{url}/new")
    assert "Pay $120.00" in client.get(fresh.location).text


def forget_the_borrower(runtime, clock):
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Phone)).one().borrower_id = None
        uow.commit()


def pay_everything(runtime, clock):
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Loan)).one().apply(Decimal("734.50"))
        uow.commit()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda runtime, clock: clock.forward(days=31), id="too old"),
        pytest.param(forget_the_borrower, id="the number is somebody else's"),
        pytest.param(pay_everything, id="nothing is owed"),
    ],
)
def test_no_new_link_for_one_that(client, make_link, runtime, clock, change):
    url = make_link()
    expire(runtime, clock)
    change(runtime, clock)
    page = client.get(url)
    assert words("page.new") not in page.text
    assert client.post(f"{url}/new").status_code == page.status_code
    with runtime.reading() as session:
        assert len(session.scalars(select(PaymentLink)).all()) == 1


def test_a_link_that_can_be_paid_is_not_exchanged(client, make_link, runtime):
    url = make_link()
    assert client.post(f"{url}/new").status_code == 200
    with runtime.reading() as session:
        assert len(session.scalars(select(PaymentLink)).all()) == 1


def test_what_was_sent_to_a_wrong_number_opens_nothing(client, make_link, runtime, clock):
    url = make_link()
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Phone)).one().barred_at = clock()
        uow.commit()
    for answer in (client.get(url), client.post(url), client.post(f"{url}/new")):
        assert answer.status_code == 404
        assert "$" not in answer.text and "loan" not in answer.text
    assert payments(runtime) == []


def test_a_test_card_that_is_declined_pays_nothing(client, make_link, runtime):
    url = make_link()
    answer = client.post(url, data={"card": "declines"})
    assert (answer.status_code, words("page.declined") in answer.text) == (200, True)
    assert payments(runtime) == []
    assert client.post(url, data={"card": "works"}).status_code == 303
    assert len(payments(runtime)) == 1


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        pytest.param({"card": "works"}, [], id="not wanted"),
        pytest.param({"card": "works", "save": "on"}, ["Visa 4242"], id="wanted"),
        pytest.param({"card": "declines_later", "save": "on"}, ["Visa 0341"], id="another"),
        pytest.param({"card": "declines", "save": "on"}, [], id="declined"),
    ],
)
def test_a_card_is_kept_where_the_borrower_wants_it(client, make_link, runtime, form, kept):
    client.post(make_link(), data=form)
    with runtime.reading() as session:
        assert [m.label for m in session.scalars(select(PaymentMethod))] == kept


def test_nobody_but_the_demos_borrowers_pays_into_a_sandbox(database_url, clock):
    live = make_runtime(
        database_url,
        clock=clock,
        SIMULATOR="off",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="token",
    )
    url = link_on(live)
    client = create_app(runtime=live).test_client()
    for answer in (client.get(url), client.post(url)):
        assert (answer.status_code, words("page.closed") in answer.text) == (503, True)
    assert payments(live) == []
    live.engine.dispose()


def test_a_link_lives_until_it_expires(client, make_link, clock):
    url = make_link()
    clock.forward(hours=23, minutes=59)
    assert client.get(url).status_code == 200


def test_all_that_is_owed_may_be_paid(client, make_link, runtime):
    client.post(make_link("734.50"))
    assert receipts(runtime) == ["payment.receipt_settled"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda token: "nonsense", id="unknown"),
        pytest.param(lambda token: token[:-2] + "xx", id="signature changed"),
        pytest.param(lambda token: "Mg." + token.partition(".")[2], id="another link's number"),
        pytest.param(lambda token: token.partition(".")[0], id="signature cut off"),
        pytest.param(lambda token: "é" + token, id="not ASCII"),
        pytest.param(lambda token: token + "x", id="one letter more"),
        pytest.param(lambda token: "a" * 5000, id="very long"),
    ],
)
def test_a_token_that_we_did_not_sign_opens_nothing(client, make_link, runtime, method, tamper):
    token = make_link().removeprefix("/pay/")
    answer = client.open(f"/pay/{tamper(token)}", method=method)
    assert (answer.status_code, words("page.unknown") in answer.text) == (404, True)
    assert payments(runtime) == []


def test_a_full_stop_that_a_phone_takes_for_part_of_the_link_does_no_harm(client, make_link):
    assert client.get(f"{make_link()}。").status_code == 200


@pytest.mark.parametrize(
    ("locale", "writes", "language", "amount"),
    [
        pytest.param("en", None, "en", "$134.50", id="English"),
        pytest.param("es", None, "es", "$134.50", id="Spanish"),
        pytest.param("zh_Hans", None, "zh-Hans", "134.50", id="Simplified Chinese"),
        pytest.param("zh_Hant_HK", None, "zh-Hant", "US$134.50", id="Traditional Chinese"),
        pytest.param("en", "es", "es", "$134.50", id="writes another language"),
    ],
)
def test_the_page_speaks_the_borrowers_language(
    client, make_link, locale, writes, language, amount
):
    url = make_link(locale=locale, writes=writes)
    page = client.get(url).text
    assert f'<html lang="{language}">' in page
    assert amount in page
    used = language.replace("-", "_")
    assert words("page.sandbox", used) in page
    assert words("page.used", used) not in page
    client.post(url)
    assert words("page.used", used) in client.get(url).text


def test_the_address_is_kept_secret(client, make_link):
    headers = client.get(make_link()).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
