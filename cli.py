"""The ``flask`` command line: database, demo, chat, reconcile, replay, policy, texts, worker."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

import demo as demo_data
import jobs
from bot import book, differences, manager
from bot import replay as replaying
from bot.guard import lint
from bot.policy.explain import described
from bot.policy.offers import Terms
from bot.runtime import Runtime, read_policy
from migrations import upgrade
from models import Borrower, Phone, Sender
from settings import PROJECT, SettingsError

CSV_HELP = "Write the differences to a file, one a line."


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


def _ago(since: str) -> timedelta:
    """How far back "90m", "6h" or "2d" reaches."""
    found = re.fullmatch(r"(\d{1,5})([mhd])", since.strip())
    if found is None:
        raise click.ClickException(f"--since {since} makes no sense: write 90m, 6h or 2d.")
    unit = {"m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})


@click.command("reconcile")
@click.option("--since", default="6h", show_default=True, help="How far back: 90m, 6h or 2d.")
@with_appcontext
def reconcile(since: str) -> None:
    """Receive what the provider's log has and we have not, and settle what is in doubt."""
    from channels.base import SendError

    back = _ago(since)
    runtime = _runtime()
    jobs.connect(runtime)
    for code in runtime.channels:
        start = runtime.clock() - back
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


@click.command("replay")
@click.option("--since", default="7d", show_default=True, help="How far back: 90m, 6h or 7d.")
@click.option("--model", help="Read the messages with this trained model, by name or directory.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest messages, so many.")
@click.option("--conversation", type=int, help="One conversation alone, by its id.")
@click.option("--whole", is_flag=True, help="Carry what changes on through each conversation.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help=CSV_HELP)
@click.option("--show-text", is_flag=True, help="Show what the borrowers wrote, too.")
@click.option("--fail-on-difference", is_flag=True, help="End with status 1 if there is any.")
@with_appcontext
def replay(
    since: str,
    model: str | None,
    limit: int | None,
    conversation: int | None,
    whole: bool,
    csv_file: Path | None,
    show_text: bool,
    fail_on_difference: bool,
) -> None:
    """Take stored messages' turns anew with today's code and rules, or another model.

    Lists what would be understood, answered or done differently. Nothing is written or sent.
    """
    runtime = _runtime()
    start = runtime.clock() - _ago(since)
    try:
        reader = _model(model) if model else runtime.reader
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    report = replaying.replay(
        runtime, start, reader, conversation_id=conversation, limit=limit, whole=whole
    )
    for found in report.differences:
        click.echo("\n".join(differences.difference_lines(found, show_text=show_text)))
    if csv_file is not None:
        try:
            differences.write_csv(report, csv_file, show_text=show_text)
        except OSError as error:
            raise click.ClickException(f"{csv_file}: {error.strerror}") from error
    click.echo("\n".join(differences.summary_lines(report)))
    if fail_on_difference and report.differences:
        sys.exit(1)


def _model(name: str) -> replaying.Understands:
    """A trained model's reader."""
    from training import registry
    from training.history import RegistryError

    root = Path(current_app.config.get("REPAYLINE_ROOT", PROJECT))
    try:
        reader: replaying.Understands = registry.load(
            registry.find(root / _runtime().settings.model_dir, name)
        )
    except RegistryError as error:
        raise click.ClickException(str(error)) from error
    return reader


@click.group("policy")
def policy() -> None:
    """What the lender allows."""


@policy.command("check")
@click.option("--file", "path", type=click.Path(path_type=Path), help="Another than POLICY_FILE.")
@click.option("--borrower", "who", help="Say what this one may be offered: reference or number.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="On a day, as 2026-03-04.")
@with_appcontext
def check_policy(path: Path | None, who: str | None, day: datetime | None) -> None:
    """Say whether a policy makes sense and, of a borrower, what it allows and why not more."""
    runtime = _runtime()
    path = path or PROJECT / runtime.settings.policy_file
    try:
        rules = read_policy(path)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{path.name} is valid.")
    if who is None:
        return
    text = path.read_text("utf-8")
    with runtime.unit_of_work() as uow:  # nothing is committed
        found = uow.session.scalar(
            select(Borrower).where(
                (Borrower.reference == who) | Borrower.phones.any(Phone.number == who)
            )
        )
        if found is None:
            raise click.ClickException(f"There is no borrower {who}.")
        today = day.date() if day else book.today_of(found, runtime.clock())
        click.echo(f"{found.reference} ({found.country}) on {today}:")
        for loan in book.loans_of(uow.session, found, today):
            for line in described(Terms(rules, loan, today, found.country), text):
                click.echo(line)


@click.group("texts")
def texts() -> None:
    """What borrowers read."""


@texts.command("lint")
@with_appcontext
def lint_texts() -> None:
    """Look at every text of the catalogues and the policy as the guard would; 1 for a fault."""
    found = lint.findings(_runtime().policy)
    for finding in found:
        click.echo(str(finding))
    if found:
        sys.exit(1)
    click.echo("Every text is fit to be sent.")


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Run background jobs until stopped."""
    try:
        jobs.work(_runtime())
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


COMMANDS = (migrate, sender, demo, chat, reconcile, replay, policy, texts, worker)
