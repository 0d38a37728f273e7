"""The borrower's guide: four languages, nothing personal, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from bot.replies import LANGUAGES
from guide import NEAR, OWN_NAMES
from guide.places import KINDS, places
from settings import PROJECT
from tests.fakes import CATALOGUES, POLICY_TEXT, make_runtime, temporary_database

TEMPLATE = (PROJECT / "guide" / "templates" / "guide" / "page.html").read_text("utf-8")


def _client(folder: Path, **changes: str) -> FlaskClient:
    text = POLICY_TEXT
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return create_app(runtime=make_runtime(temporary_database(folder), policy=text)).test_client()


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return _client(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_is_there_in_every_language(client: FlaskClient, language: str) -> None:
    code = language.replace("_", "-")
    answer = client.get(f"/guide/{code}")
    assert answer.status_code == 200
    assert f'<html lang="{code}">' in answer.text
    for key in ("title", "record_what", "late_kind", "help_parts_say", "rights_respect"):
        assert CATALOGUES.text(f"guide.{key}", language) in answer.text
    for name in OWN_NAMES.values():
        assert name in answer.text
    assert "{" not in answer.text
    assert "+1 555 010 0000" in answer.text


ASKED_FOR = {
    "es-MX,es;q=0.9,en;q=0.8": ("es", "México"),
    "zh-CN,zh;q=0.9": ("zh-Hans", "中国"),
    "zh-TW": ("zh-Hant", "台灣"),
    "zh-HK,zh;q=0.8": ("zh-Hant", "中國香港特別行政區"),
    "en-GB": ("en", "United Kingdom"),
    "fr-FR,de;q=0.5,es;q=0.3": ("es", ""),
    "fr": ("en", ""),
    "": ("en", ""),
}


@pytest.mark.parametrize(("header", "shown"), ASKED_FOR.items())
def test_the_browser_chooses_the_language_and_the_country_that_is_open(
    client: FlaskClient, header: str, shown: tuple[str, str]
) -> None:
    answer = client.get("/guide", headers={"Accept-Language": header})
    assert f'<html lang="{shown[0]}">' in answer.text
    assert answer.headers["Vary"] == "Accept-Language"
    opened = re.findall(r"<details open>\s*<summary>(.*?)</summary>", answer.text)
    assert opened == ([shown[1]] if shown[1] else [])


@pytest.mark.parametrize("path", ["/guide/fr", "/guide/zh", "/guide/en/1", "/guide/1990"])
def test_what_is_no_language_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_nothing_comes_from_elsewhere_and_nothing_is_kept(client: FlaskClient) -> None:
    answer = client.get("/guide/en")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    loaded = re.findall(r'<(?:link|img|script)[^>]*(?:href|src)="([^"]+)"', answer.text)
    assert loaded == ["/guide/static/guide.css"]
    assert client.get(loaded[0]).status_code == 200
    outside = re.findall(r'<a href="https?://[^>]+>', answer.text)
    assert len(outside) > 15
    assert all('rel="noopener noreferrer"' in link for link in outside)


def test_the_lenders_own_words_stand_instead_of_the_catalogues(tmp_path: Path) -> None:
    own = ("[consequences]\n", '[consequences]\nen = "A late fee of one dollar <b>applies</b>."\n')
    client = _client(tmp_path, own=own)
    assert "A late fee of one dollar &lt;b&gt;applies" in client.get("/guide/en").text
    assert CATALOGUES.text("guide.late_first", "en") not in client.get("/guide/en").text
    assert CATALOGUES.text("guide.late_first", "es") in client.get("/guide/es").text


def test_only_what_the_rules_offer_is_named(tmp_path: Path) -> None:
    section = "[plan]\noffer_parts = [2, 3, 4]\nmost_parts = 6\n"
    section += 'smallest_part = "20.00"\n# From one part to the next.\ndays_between = 14\n'
    section += "# Of what is due, paid at once.\ndown_payment_percent = 0\nmost_per_loan = 1\n"
    client = _client(tmp_path, plan=(section, section.replace("loan = 1", "loan = 0")))
    assert CATALOGUES.text("guide.help_parts", "en") not in client.get("/guide/en").text
    assert CATALOGUES.text("guide.help_time_say", "en") in client.get("/guide/en").text


def test_a_lender_of_one_language_has_no_switch_and_no_other_page(tmp_path: Path) -> None:
    only = ('languages = ["en", "es", "zh_Hans", "zh_Hant"]', 'languages = ["es"]')
    client = _client(tmp_path, languages=only)
    assert '<html lang="es">' in client.get("/guide").text
    assert 'class="languages"' not in client.get("/guide").text
    assert client.get("/guide/en").status_code == 404


def test_the_helpline_is_the_policys(client: FlaskClient) -> None:
    page = client.get("/guide/zh-Hans").text
    assert 'href="tel:12356"' in page
    assert 'href="tel:8009112000"' in page


def test_every_text_of_the_guide_is_shown_somewhere() -> None:
    used = set(re.findall(r'text\([\'"](\w+)[\'"]\)', TEMPLATE))
    used |= {f"{part}_title" for part in ("record", "late", "help", "advice", "scam", "rights")}
    ways = ("time", "parts", "hardship", "dispute", "person")
    used |= {f"help_{way}{end}" for way in ways for end in ("", "_what", "_say")}
    used |= {f"kind_{kind}" for kind in KINDS}
    for language in LANGUAGES:
        texts = CATALOGUES._texts[language]
        assert {key for key in texts if key.startswith("guide.")} == {f"guide.{k}" for k in used}


def test_the_places_make_sense() -> None:
    for country, many in places().items():
        assert {place.kind for place in many} <= set(KINDS)
        assert "record" in {place.kind for place in many}, country
        for place in many:
            assert place.name
            assert place.url.startswith("http") or place.phone
            assert re.fullmatch(r"[\d ]*", place.phone)
    assert {country for many in NEAR.values() for country in many} <= set(places())
