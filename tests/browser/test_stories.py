"""Five borrowers' stories in a real browser, against everything that `make run` starts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from settings import PROJECT
from tests.conftest import MODEL_DIR

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WAIT = 15_000  # milliseconds; two cores also run the other tests

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not (MODEL_DIR / "CURRENT").exists(), reason="no trained model"),
    pytest.mark.xdist_group("browser"),
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a machine with an empty database, started as `make run` starts it."""
    folder = tmp_path_factory.mktemp("served")
    port = _free_port()
    environ = {name: value for name, value in os.environ.items() if "TWILIO" not in name}
    environ |= {
        "PORT": str(port),
        "SIMULATOR_PORT": str(_free_port()),
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATABASE_URL": f"sqlite:///{folder / 'served.db'}",
        "JOBS_URL": f"sqlite:///{folder / 'jobs.db'}",
        "SECRET_KEY": "a-secret-for-tests",
    }
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=PROJECT, env=environ, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 90
        while "ctrl-C stops everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.read_text()
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
        pytest.fail("ctrl-C left the web server running")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()


class Phone:
    """A borrower's phone on the simulator page."""

    def __init__(self, page: Any, base: str, number: str) -> None:
        self.page = page
        page.set_default_timeout(WAIT)
        page.goto(f"{base}/simulator/phones/{number}")

    def says(self, text: str) -> str:
        """Text the lender; the reply."""
        heard = self.page.locator(".bubble.outbound:not(.typing)").count()
        from playwright.sync_api import expect

        self.page.fill("#text", text)
        self.page.click("button[aria-label=Send]")
        reply = self.page.locator(".bubble.outbound:not(.typing) .words").nth(heard)
        reply.wait_for()
        expect(reply.locator("..")).to_have_css("opacity", "1")
        words: str = reply.inner_text()
        return words

    def shows_who_they_are(self, question: str, year: str) -> None:
        """Ask how much is owed, and answer who asks, unless an earlier story did."""
        if not re.search(r"[$¥]", self.says(question)):
            assert re.search(r"[$¥]", self.says(year))

    def gets_no_answer_to(self, text: str) -> None:
        heard = self.page.locator(".bubble.outbound:not(.typing)").count()
        read = self.page.locator(".reading .intent").count()
        self.page.fill("#text", text)
        self.page.click("button[aria-label=Send]")
        self.page.locator(".reading .intent").nth(read).wait_for()
        assert self.page.locator(".bubble.outbound:not(.typing)").count() == heard


@pytest.fixture
def phone(served: str, browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield lambda number: Phone(page, served, number)
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{request.node.name}.png"))
    context.close()
    assert problems == []


def test_a_balance_in_chinese(phone: Any) -> None:
    screen = phone("+8613900000003")
    assert "4" in screen.says("我现在一共欠多少钱")
    assert "¥4,321.60" in screen.says("1993")


def test_an_extension_agreed_in_spanish(phone: Any) -> None:
    screen = phone("+15550100002")
    screen.says("me pueden dar una semana más por favor")
    assert "$99.00" in screen.says("1985")
    assert "$99.00" in screen.says("1")
    assert screen.page.locator(".reading").first.inner_text().count("GrantExtension") == 1


def test_a_payment_by_link_in_english(phone: Any) -> None:
    screen = phone("+15550100001")
    screen.says("i want to pay now")
    assert "$134.50" in screen.says("1990")
    assert "secure link" in screen.says("1")
    link = screen.page.locator(".bubble.outbound .words a").last.get_attribute("href")
    page = screen.page.context.new_page()
    page.goto(link)
    assert "$134.50" in page.inner_text("main")
    page.click("button")
    page.locator(".said").wait_for()
    assert "$134.50" in page.inner_text(".said")
    page.close()
    receipt = screen.page.locator(".bubble.outbound .words", has_text="$600.00")
    receipt.wait_for()
    assert re.search(r"received \$134\.50", receipt.inner_text())


def test_stop_means_stop(phone: Any) -> None:
    screen = phone("+886900000004")
    assert screen.says("STOP") != ""
    screen.gets_no_answer_to("我還要繳多少錢")
    assert "opted out" in screen.page.inner_text("[data-part=facts]")


def test_a_dispute_of_one_of_two_loans(phone: Any) -> None:
    screen = phone("+15550100005")
    screen.says("that amount is wrong, i was overcharged")
    which = screen.says("1978")
    assert "1) personal loan, $1,086.75" in which
    assert "Which amount do you think is right" in screen.says("1")
    assert re.search(r"case D-\d{5}", screen.says("the interest was added twice in october"))


def test_a_plan_agreed_in_traditional_chinese(phone: Any) -> None:
    screen = phone("+85290000006")
    screen.says("可以分期嗎")
    assert "分2期，每期HK$2,280.00" in screen.says("1995")
    assert "HK$2,280.00" in screen.says("1")
    assert "分期計畫" in screen.says("確認")
    assert screen.page.locator(".reading").first.inner_text().count("AgreePlan") == 1


def test_a_dispute_in_spanish(phone: Any) -> None:
    screen = phone("+15550100002")
    screen.shows_who_they_are("cuánto debo", "1985")
    assert "correcto" in screen.says("esa cantidad está mal, me están cobrando de más")
    assert re.search(r"caso D-\d{5}", screen.says("deberían ser 80, el seguro ya lo cancelé"))


def test_a_hardship_in_english(phone: Any) -> None:
    screen = phone("+15550100005")
    screen.shows_who_they_are("how much do i owe", "1978")
    said = screen.says("i lost my job and cant pay anything right now")
    assert "sorry to hear about the work" in said
    assert "Look after yourself" in screen.says("nothing for now thanks")


def test_a_payment_in_simplified_chinese(phone: Any) -> None:
    screen = phone("+8613900000003")
    screen.shows_who_they_are("我一共欠多少钱", "1993")
    assert "1) ¥881.60" in screen.says("我现在还款")
    assert "安全链接" in screen.says("1")
    link = screen.page.locator(".bubble.outbound .words a").last.get_attribute("href")
    page = screen.page.context.new_page()
    page.goto(link)
    assert "¥881.60" in page.inner_text("main")
    page.click("button")
    page.locator(".said").wait_for()
    page.close()
    screen.page.locator(".bubble.outbound .words", has_text="已收到").wait_for()
