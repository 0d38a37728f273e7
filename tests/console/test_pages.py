"""What holds for every page: its headers, and that nothing a borrower writes becomes markup."""

import re

import pytest
from sqlalchemy import select

from bot import manager
from console.pages import CONTENT_SECURITY_POLICY, html_lang, language_name, linked, local
from models import Borrower, Conversation
from tests import builders
from tests.console.test_auth import urls_of

ATTACK = "<script>alert(1)</script>"
INLINE = re.compile(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.I)


@pytest.fixture
def spoken(runtime, reader, app):
    """A conversation in which the borrower's text and name are an attack."""
    reader.means(ATTACK, "greet")
    with runtime.unit_of_work() as uow:
        uow.session.scalars(select(Borrower)).one().first_name = f'"{ATTACK}'
        uow.commit()
    manager.receive(runtime, builders.inbound(ATTACK, "SM1"))


def test_every_page_has_a_strict_policy_and_no_inline_code(app, agent, spoken):
    seen = set()
    for blueprint in ("console", "simulator", "health", "payments"):
        for endpoint, method, url in urls_of(app, blueprint):
            if method == "POST" or endpoint == "console.login":
                continue
            answer = agent.get(url)
            assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, endpoint
            assert answer.headers["X-Content-Type-Options"] == "nosniff", endpoint
            if answer.mimetype == "text/html":
                assert not INLINE.search(answer.text), endpoint
                seen.add(endpoint)
            if not endpoint.endswith(".static"):
                assert answer.headers["Cache-Control"] == "no-store", endpoint
    assert seen >= {
        "console.conversations",
        "console.conversation",
        "simulator.home",
        "simulator.phone",
        "simulator.screen",
        "health.health",
        "payments.page",
    }


def test_the_log_in_page_has_the_policy_too(browser):
    answer = browser.get("/console/login")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert not INLINE.search(answer.text)


@pytest.mark.parametrize(
    "url",
    [
        "/console/",
        "/console/conversations/1",
        "/simulator/",
        "/simulator/phones/+15550100001",
        "/simulator/phones/+15550100001/screen",
    ],
)
def test_a_script_in_a_text_or_a_name_is_shown_and_not_run(agent, spoken, url):
    page = agent.get(url).text
    assert ATTACK not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not INLINE.search(page)


def test_the_conversation_of_the_attack_exists(runtime, spoken):
    with runtime.reading() as session:
        assert session.scalars(select(Conversation)).one().phone.number == builders.PHONE


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("a < b", "a &lt; b", id="no link"),
        pytest.param(
            "see https://x.example/pay/a.b-c. Bye",
            'see <a href="https://x.example/pay/a.b-c" target="_blank" rel="noopener">'
            "https://x.example/pay/a.b-c</a>. Bye",
            id="full stop is not part of it",
        ),
        pytest.param(
            "链接http://x.example/p。谢谢",
            '链接<a href="http://x.example/p" target="_blank" rel="noopener">'
            "http://x.example/p</a>。谢谢",
            id="Chinese around it",
        ),
        pytest.param(
            'http://x/"onclick="a',
            '<a href="http://x/&#34;onclick=&#34;a" target="_blank" rel="noopener">'
            "http://x/&#34;onclick=&#34;a</a>",
            id="quotes stay inside",
        ),
        pytest.param("javascript:alert(1)", "javascript:alert(1)", id="no other scheme"),
    ],
)
def test_links_are_clickable_and_all_else_is_escaped(text, html):
    assert linked(text) == html


def test_a_borrowers_own_link_is_not_clickable_for_an_agent(agent, runtime):
    manager.receive(runtime, builders.inbound("look: https://evil.example/x", "SM1"))
    assert 'href="https://evil.example' not in agent.get("/console/conversations/1").text


@pytest.mark.parametrize(
    ("code", "english", "own"),
    [
        ("es_MX", "Spanish (Mexico)", "español"),
        ("zh_Hant_HK", "Chinese (Traditional, Hong Kong SAR China)", "中文 (繁體)"),
        ("xx_nonsense", "xx_nonsense", "xx_nonsense"),
        (None, "", ""),
    ],
)
def test_languages_have_names(code, english, own):
    assert language_name(code) == english
    assert language_name(code, own=True).replace("字", "") == own
    assert html_lang("zh_Hant") == "zh-Hant"


def test_an_unknown_zone_is_greenwich(clock):
    assert local(clock.now, "Mars/Olympus").hour == clock.now.hour
    assert local(clock.now, "America/New_York").hour == clock.now.hour - 5
