"""The health page: 200 while messages can be answered, 503 when not."""

import json
import os
from dataclasses import dataclass, replace

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app import create_app
from bot import manager
from models import Base, connect
from settings import PROJECT, SettingsError
from tests import builders
from tests.fakes import make_runtime, temporary_database

JSON = {"Accept": "application/json"}


@dataclass
class Place:
    """A runtime, and a directory in which everything is in order."""

    runtime: object
    root: object

    def get(self, **headers):
        app = create_app(runtime=self.runtime)
        app.config["REPAYLINE_ROOT"] = self.root
        return app.test_client().get("/health/", headers=headers)

    @property
    def heartbeat(self):
        return self.root / "var" / "worker.heartbeat"

    def beat(self, seconds_ago):
        self.heartbeat.touch()
        at = self.runtime.clock().timestamp() - seconds_ago
        os.utime(self.heartbeat, (at, at))


@pytest.fixture
def place(tmp_path):
    runtime = make_runtime(temporary_database(tmp_path))
    Base.metadata.create_all(runtime.engine)
    model = tmp_path / "var" / "models" / "abc123"
    model.mkdir(parents=True)
    (model / "card.json").write_text(json.dumps({"format": 1, "trained_at": "2026-03-01T09:30"}))
    (model.parent / "CURRENT").write_text("abc123\n")
    runtime.reader.name = "abc123"
    made = Place(runtime, tmp_path)
    made.beat(20)
    yield made
    runtime.engine.dispose()


def nothing(place):
    pass


def no_database(place):
    place.runtime.engine = connect("postgresql+psycopg://nobody:secret@127.0.0.1:1/none")


def no_model(place):
    def load():
        raise SettingsError("no trained model in var/models: run `make model`.")

    place.runtime = replace(place.runtime, load_reader=load)


def model_gone(place):
    (place.root / "var" / "models" / "CURRENT").unlink()


def another_model_promoted(place):
    place.runtime.reader.name = "older"


def another_model_of_another_format(place):
    (place.root / "var" / "models" / "abc123" / "card.json").write_text('{"format": 99}')


def migrations_behind(place):
    (place.root / "migrations").symlink_to(PROJECT / "migrations")


def migrations_done(place):
    migrations_behind(place)
    scripts = ScriptDirectory(str(PROJECT / "migrations"))
    with place.runtime.engine.begin() as connection:
        MigrationContext.configure(connection).stamp(scripts, "heads")


def worker_never_seen(place):
    place.heartbeat.unlink()


def worker_gone(place):
    place.beat(600)


def failed_turn(place):
    with place.runtime.unit_of_work() as uow:
        uow.session.add_all([builders.sender(), builders.borrower()])
        uow.commit()
    place.runtime.reader.failing.add("hello")
    manager.receive(place.runtime, builders.inbound("hello", "SM1"))


CASES = [
    pytest.param(nothing, 200, "ok", {}, id="all is well"),
    pytest.param(migrations_done, 200, "ok", {"migrations": "at "}, id="migrations done"),
    pytest.param(
        worker_never_seen, 200, "warning", {"worker": "never been seen"}, id="worker never seen"
    ),
    pytest.param(
        worker_gone, 200, "warning", {"worker": "not seen for 10 minutes"}, id="worker gone"
    ),
    pytest.param(
        failed_turn, 200, "warning", {"messages": "1 unprocessed, 0 queued"}, id="failed turn"
    ),
    pytest.param(no_database, 503, "failed", {"database": "cannot be read"}, id="no database"),
    pytest.param(no_model, 503, "failed", {"model": "no trained model"}, id="no model"),
    pytest.param(
        model_gone,
        200,
        "warning",
        {"model": "abc123 answers until the next start: no trained"},
        id="the model is gone",
    ),
    pytest.param(
        another_model_promoted,
        200,
        "warning",
        {"model": "older answers; abc123 is being loaded"},
        id="another model promoted",
    ),
    pytest.param(
        another_model_of_another_format,
        200,
        "warning",
        {"model": "unknown format 99"},
        id="a model of another format",
    ),
    pytest.param(
        migrations_behind, 503, "failed", {"migrations": "flask migrate"}, id="migrations behind"
    ),
]


@pytest.mark.parametrize(("spoil", "status", "state", "details"), CASES)
def test_health(place, spoil, status, state, details):
    spoil(place)
    answer = place.get(**JSON)
    assert (answer.status_code, answer.json["status"]) == (status, state)
    checks = answer.json["checks"]
    for name, words in details.items():
        assert words in checks[name]["detail"]
    wrong = {name for name, check in checks.items() if check["state"] != "ok"}
    assert wrong == (set(details) if state != "ok" else set())


def test_the_model_is_named(place):
    assert place.get(**JSON).json["checks"]["model"]["detail"] == (
        "abc123, trained 2026-03-01 09:30"
    )


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "text/html"])
def test_a_browser_gets_a_page(place, accept):
    answer = place.get(Accept=accept)
    assert answer.mimetype == "text/html"
    assert "All is well" in answer.text


def test_a_failure_tells_no_secret(place):
    no_database(place)
    answer = place.get(Accept="text/html")
    assert answer.status_code == 503
    assert "secret" not in answer.text
    assert "nobody" not in answer.text
