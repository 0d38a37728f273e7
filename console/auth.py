"""Who may see the console: log-in, log-out, and the check before every view."""

from __future__ import annotations

import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from console.pages import runtime
from models import Agent

OPEN_TO_ALL = frozenset({"console.login", "console.log_in", "console.static"})

_hasher = PasswordHasher()


def add_views(bp: Blueprint) -> None:
    """Add log-in and log-out, and let nobody else in."""

    @bp.before_request
    def check() -> Response | None:
        if request.method == "POST" and not _same_token():
            abort(400, "The form is too old. Go back, reload the page and send it again.")
        if request.endpoint in OPEN_TO_ALL:
            return None
        g.agent = _agent()
        if g.agent is not None:
            return None
        if request.method == "GET":
            session["next"] = request.script_root + request.full_path.rstrip("?")
        return redirect(url_for("console.login"))

    @bp.context_processor
    def form_token() -> dict[str, str]:
        return {"csrf_token": session.setdefault("csrf", secrets.token_urlsafe(24))}

    @bp.get("/login")
    def login() -> str | Response:
        if _agent() is not None:
            return redirect(url_for("console.conversations"))
        return render_template("console/login.html")

    @bp.post("/login")
    def log_in() -> tuple[str, int] | Response:
        email = request.form.get("email", "").strip()
        agent_id = _checked(email, request.form.get("password", ""))
        if agent_id is None:
            return render_template("console/login.html", email=email, refused=True), 401
        target = session.get("next") or url_for("console.conversations")
        session.clear()  # nothing of before the log-in is trusted after it
        session["agent_id"] = agent_id
        session.permanent = True
        return redirect(target)

    @bp.post("/logout")
    def logout() -> Response:
        session.clear()
        return redirect(url_for("console.login"))


def _same_token() -> bool:
    given, right = request.form.get("csrf_token", ""), session.get("csrf", "")
    return bool(right) and hmac.compare_digest(given.encode(), right.encode())


def _agent() -> Agent | None:
    agent_id = session.get("agent_id")
    if agent_id is None:
        return None
    with runtime().reading() as reading:
        return reading.get(Agent, agent_id)


def _checked(email: str, password: str) -> int | None:
    """The agent whose password it is."""
    with runtime().reading() as reading:
        agent = reading.scalar(select(Agent).where(func.lower(Agent.email) == email.lower()))
    try:
        # A hash is checked for nobody too: an answer in no time would say who has an account.
        _hasher.verify(agent.password_hash if agent else _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return None
    return agent.id if agent else None


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))
