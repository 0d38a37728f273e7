"""The web application and the ``flask`` command; ``python app.py`` runs everything at once."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta

from flask import Flask, redirect
from werkzeug.wrappers import Response

import cli
import guide
import jobs
import webhooks
from bot import manager
from bot.policy.calendar import opens_at
from bot.runtime import Runtime, build
from console import bp as console_bp
from console import health, simulator
from payments import page
from settings import Settings, SettingsError
from training.commands import nlu


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> Flask:
    """Build the web application.

    Args:
        settings: read from the environment where not given.
        runtime: its parts, for tests; put together from the settings where not given.

    """
    try:
        settings = settings or (runtime.settings if runtime else Settings.from_env())
        runtime = runtime or build(settings)
    except SettingsError as error:
        sys.exit(f"Cannot start: {error}")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for talkative in ("huey", "alembic", "stripe"):  # at INFO each job is said three times
        logging.getLogger(talkative).setLevel(logging.WARNING)
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=1024 * 1024,
    )
    app.extensions["repayline"] = runtime
    app.register_blueprint(webhooks.make_blueprint(manager), url_prefix="/webhooks")
    app.register_blueprint(page.bp, url_prefix="/pay")
    app.register_blueprint(guide.bp, url_prefix="/guide")
    app.register_blueprint(health.bp, url_prefix="/health")
    app.register_blueprint(console_bp, url_prefix="/console")
    if settings.simulator:
        app.register_blueprint(simulator.bp, url_prefix="/simulator")
    app.add_url_rule("/", "home", lambda: _home(settings))
    for command in (*cli.COMMANDS, nlu):
        app.cli.add_command(command)
    return app


def create_server() -> Flask:
    """The application as the web server runs it: jobs connected, what is slow loaded beforehand."""
    app = create_app()
    runtime: Runtime = app.extensions["repayline"]
    jobs.connect(runtime)
    opens_at(runtime.policy, runtime.clock())  # the first look at a calendar takes a while
    try:
        runtime.reader.understand("hello")
    except SettingsError as error:
        sys.exit(f"Cannot start: {error}")
    return app


def _home(settings: Settings) -> Response:
    return redirect("/simulator/" if settings.simulator else "/console/")


if __name__ == "__main__":
    import supervisor

    sys.exit(supervisor.main())
