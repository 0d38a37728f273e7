"""The whole application around the runtime, with somebody to log in and a phone network."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from bot.runtime import Runtime
from console.simulator import Unreachable
from models import Agent
from tests import builders

EMAIL, PASSWORD = "robin@lender.example", "a good password"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class FakeNetwork:
    """Remembers what phones sent; shows the screens that a test gives it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, bool]] = []
        self.screens: dict[str, list[dict[str, str]]] = {}
        self.reachable = True

    def send(self, number: str, to: str, text: str, *, lose: bool) -> str:
        if not self.reachable:
            raise Unreachable
        self.sent.append((number, to, text, lose))
        return f"SM{len(self.sent)}"

    def texts(self, number: str) -> list[dict[str, str]]:
        if not self.reachable:
            raise Unreachable
        return self.screens.get(number, [])


class Browser:
    """Somebody with a browser, who can log in."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.get, self.post = client.get, client.post

    def token(self) -> str:
        page = self.get("/console/login").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        return found[1] if found else ""

    def log_in(self, email: str = EMAIL, password: str = PASSWORD):
        form = {"email": email, "password": password, "csrf_token": self.token()}
        return self.post("/console/login", data=form)


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def app(runtime: Runtime, network: FakeNetwork) -> Flask:
    made = create_app(runtime=runtime)
    made.extensions["repayline.phone_network"] = network
    with runtime.unit_of_work() as uow:
        uow.session.add(
            Agent(
                email=EMAIL,
                name="Robin Vale",
                password_hash=CHEAP.hash(PASSWORD),
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
        uow.session.add_all([builders.sender(), builders.borrower()])
        uow.commit()
    return made


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def agent(browser: Browser) -> Browser:
    assert browser.log_in().status_code == 302
    return browser
