"""Whether all is well: for people, and for whatever watches the server."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify, render_template, request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.nlu.classifier import read_card
from bot.nlu.model import ModelError
from bot.nlu.served import served_model
from bot.runtime import Runtime
from console.pages import protect, runtime
from models import Message, MessageStatus
from settings import PROJECT, SettingsError

HEARTBEAT_WITHIN = timedelta(minutes=3)
WAITING = (MessageStatus.UNPROCESSED, MessageStatus.QUEUED)

bp = Blueprint("health", __name__)
protect(bp)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: str
    """ok, warning, or failed: without it no message can be answered."""
    detail: str


@bp.get("/", strict_slashes=False)
def health() -> tuple[Response | str, int]:
    """All checks; 503 where something essential has failed."""
    root = Path(current_app.config.get("REPAYLINE_ROOT", PROJECT))
    checks = checkup(runtime(), root)
    version = str(current_app.config.get("VERSION", "development"))
    states = {check.state for check in checks}
    state = next((s for s in ("failed", "warning") if s in states), "ok")
    status = 503 if state == "failed" else 200
    offered = request.accept_mimetypes
    if offered.best_match(["application/json", "text/html"]) == "application/json":
        named = {check.name: asdict(check) for check in checks}
        return jsonify(status=state, version=version, checks=named), status
    page = render_template("console/health.html", checks=checks, state=state, version=version)
    return page, status


def checkup(rt: Runtime, root: Path) -> list[Check]:
    """Look at everything that an answer needs.

    Args:
        rt: the runtime.
        root: the directory that holds ``migrations`` and ``var``.

    """
    model = _model(rt, root / rt.settings.model_dir)
    worker = _worker(root / "var" / "worker.heartbeat", rt.clock())
    try:
        with rt.reading() as session:
            counted = dict(
                session.execute(
                    select(Message.status, func.count())
                    .where(Message.status.in_(WAITING))
                    .group_by(Message.status)
                ).all()
            )
    except SQLAlchemyError as error:
        # No words of the error: they may hold the address with its password.
        down = Check("database", "failed", f"cannot be read: {type(error).__name__}")
        return [down, model, worker]
    database = Check("database", "ok", rt.engine.dialect.name)
    return [database, _migrations(rt, root), model, worker, _messages(counted)]


def _migrations(rt: Runtime, root: Path) -> Check:
    if not (root / "migrations" / "env.py").exists():
        return Check("migrations", "ok", "none are kept here")
    heads = set(ScriptDirectory(str(root / "migrations")).get_heads())
    with rt.engine.execution_options(read_only=True).connect() as connection:
        current = set(MigrationContext.configure(connection).get_current_heads())
    if heads == current:
        return Check("migrations", "ok", f"at {', '.join(sorted(heads)) or 'the beginning'}")
    where = ", ".join(sorted(current)) or "the beginning"
    return Check("migrations", "failed", f"at {where}: run `flask migrate`")


def _model(rt: Runtime, models: Path) -> Check:
    """Which model answers here, and whether it is the one that was promoted."""
    try:
        answers = rt.reader.name
    except SettingsError as error:
        return Check("model", "failed", str(error))
    try:
        served = served_model(models)
        if served.name != answers:
            detail = f"{answers} answers; {served.name} is being loaded, or the log says why not"
            return Check("model", "warning", detail)
        when = str(read_card(served).get("trained_at", ""))[:16].replace("T", " ")
    except ModelError as error:
        return Check("model", "warning", f"{answers} answers until the next start: {error}")
    return Check("model", "ok", f"{answers}, trained {when}" if when else answers)


def _worker(heartbeat: Path, now: datetime) -> Check:
    try:
        beat = datetime.fromtimestamp(heartbeat.stat().st_mtime, UTC)
    except OSError:
        return Check("worker", "warning", "has never been seen: run `flask worker`")
    age = now - beat
    if age > HEARTBEAT_WITHIN:
        minutes = int(age.total_seconds() // 60)
        return Check("worker", "warning", f"not seen for {minutes} minutes: run `flask worker`")
    return Check("worker", "ok", f"seen {max(int(age.total_seconds()), 0)} seconds ago")


def _messages(counted: dict[str, int]) -> Check:
    unprocessed = counted.get(MessageStatus.UNPROCESSED, 0)
    queued = counted.get(MessageStatus.QUEUED, 0)
    state = "warning" if unprocessed else "ok"
    return Check("messages", state, f"{unprocessed} unprocessed, {queued} queued")
