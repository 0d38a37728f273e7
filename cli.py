"""The ``flask`` command line: database, demo, chat, reconcile, worker."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from datetime import timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

import demo as demo_data
import jobs
from bot import manager
from bot.runtime import Runtime
from migrations import upgrade
from models import Sender
from settings import SettingsError


def _runtime() -> Runtime:
    runtime: Runtime = current_app.extensions["repayline"]
    return runtime


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the database up to this version."""
    upgrade(_runtime().engine)
    click.echo("The database is up to date.")


@click.group("sender")
def sender() -> None:
    """The lender's own numbers."""


@sender.command("add")
@click.argument("address")
@click.option("--country", required=True, help="Where the number is, such as US.")
@click.option("--messaging-service", help="The Messaging Service's sid, if it is in one.")
@click.option("--account", help="Take what is sent to any other number of this account, too.")
@with_appcontext
def add_sender(
    address: str, country: str, messaging_service: str | None, account: str | None
) -> None:
    """Let borrowers write to a number of the lender's."""
    if not re.fullmatch(r"\+[1-9]\d{6,14}", address):
        raise click.ClickException(f"{address} is no number such as +15551234567.")
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise click.ClickException(f"{country} is no country code such as US.")
    runtime = _runtime()
    with runtime.unit_of_work() as uow:
        known = select(Sender).where(Sender.channel == "twilio", Sender.address == address)
        found = uow.session.scalar(known) or Sender(channel="twilio", address=address)
        found.country, found.messaging_service = country, messaging_service
        found.account = account
        uow.session.add(found)
        uow.commit()
    click.echo(f"{address} is served.")


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print for a script.")
@click.option("--load", is_flag=True, help="Load the demo borrowers into an empty database first.")
@with_appcontext
def demo(as_json: bool, load: bool) -> None:
    """Show the lender's number and the demo borrowers."""
    runtime = _runtime()
    if load and demo_data.load(runtime):
        click.echo("Demo borrowers loaded.", err=True)
    described = demo_data.describe(runtime)
    if as_json:
        click.echo(json.dumps(described, indent=2, ensure_ascii=False))
        return
    click.echo(f"Text to {described['lender_number']} as one of these:")
    for borrower in described["borrowers"]:
        owed = ", ".join(f"{x['balance']} {x['currency']}" for x in borrower["loans"])
        click.echo(
            f"  {borrower['phone']}  {borrower['name']} ({borrower['locale']}), owes {owed}; "
            f"{borrower['verification']}: {borrower['verification_answer']}"
        )


@click.command("chat")
@click.option("--as", "phone", required=True, help="The borrower's number, such as +15550100001.")
@with_appcontext
def chat(phone: str) -> None:
    """Text as a borrower, in the terminal or from a pipe, through the signed webhook."""
    from simulator.network import PhoneNetwork

    runtime = _runtime()
    lender = demo_data.describe(runtime)["lender_number"]
    if lender is None:
        raise click.ClickException("There is no sender yet: run `flask demo --load` first.")
    try:
        runtime.reader.understand("hello")
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    jobs.connect(runtime)
    client = current_app.test_client()

    def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        response = client.post(path, data=body, headers=headers)
        return response.status_code, response.data

    settings = runtime.settings
    network = PhoneNetwork(
        settings.twilio_account_sid, settings.twilio_auth_token, settings.public_url, post
    )
    for line in _typed():
        texted = network.text(phone, lender, line)
        if texted.status != 200:
            raise click.ClickException(f"The webhook answered {texted.status}.")
        for reply in texted.replies:
            click.echo(_bubble(reply.body))


def _typed() -> Iterable[str]:
    """Lines that a person types, or that a pipe brings and the terminal should show."""
    if sys.stdin.isatty():
        while True:
            try:
                line = click.prompt(">", prompt_suffix=" ")
            except click.Abort:
                return
            yield line
    else:
        for line in sys.stdin:
            if line.strip():
                click.echo(f"> {line.strip()}")
                yield line.rstrip("\n")


def _bubble(text: str) -> str:
    first, *others = text.split("\n")
    return "\n".join([f"< {first}", *(f"  {line}" for line in others)])


@click.command("reconcile")
@click.option("--since", default="6h", show_default=True, help="How far back: 90m, 6h or 2d.")
@with_appcontext
def reconcile(since: str) -> None:
    """Receive what the provider's log has and we have not, and settle what is in doubt."""
    from channels.base import SendError

    found = re.fullmatch(r"(\d{1,5})([mhd])", since.strip())
    if found is None:
        raise click.ClickException(f"--since {since} makes no sense: write 90m, 6h or 2d.")
    unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
    runtime = _runtime()
    jobs.connect(runtime)
    for code in runtime.channels:
        start = runtime.clock() - timedelta(**{unit: int(found[1])})
        try:
            result = manager.reconcile(runtime, code, start)
        except SendError as error:
            raise click.ClickException(
                f"The log of {code} cannot be read ({error}): check TWILIO_API_URL and the account."
            ) from error
        click.echo(
            f"{code}: {result.received} received late, {result.sent_again} queued again, "
            f"{result.confirmed} confirmed."
        )


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run background jobs until stopped."""
    try:
        jobs.work(_runtime())
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


COMMANDS = (migrate, sender, demo, chat, reconcile, worker)
