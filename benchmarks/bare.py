"""The limit to approach: a view that checks the signature and commits one row, no more."""

from __future__ import annotations

from types import SimpleNamespace

from flask import Flask, Response, request
from sqlalchemy import Column, Integer, MetaData, Table, Text

from channels.twilio import SIGNATURE_HEADER, TwilioChannel
from models import connect
from settings import Settings

ROWS = Table(
    "bare_rows",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("body", Text, nullable=False),
)


def create_server() -> Flask:
    """The application, for the same web server and the same database as the real one."""
    settings = Settings.from_env()
    engine = connect(settings.database_url)
    ROWS.metadata.create_all(engine)
    channel = TwilioChannel(
        settings.twilio_account_sid, settings.twilio_auth_token, public_url=settings.public_url
    )
    app = Flask(__name__)
    app.extensions["repayline"] = SimpleNamespace(engine=engine)  # gunicorn_config.py looks for it
    insert = ROWS.insert()

    @app.post("/webhooks/twilio/inbound")
    def inbound() -> Response:
        signature = request.headers.get(SIGNATURE_HEADER)
        fields = dict(channel.verify(request.environ["RAW_URI"], request.get_data(), signature))
        with engine.begin() as connection:
            connection.execute(
                insert, {"external_id": fields["MessageSid"], "body": fields["Body"]}
            )
        return Response("<Response><Message>ok</Message></Response>", mimetype="text/xml")

    return app
