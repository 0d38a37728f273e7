"""The page behind a payment link: pays once, and is honest about every other case."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import select

from models import Loan, Message, Payment, PaymentLink
from tests.fakes import CATALOGUES


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
    assert "<form" not in answer.text
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
    assert "<form" not in answer.text
    assert payments(runtime) == []


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
