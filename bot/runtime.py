"""The parts that the use cases work with, put together once from the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from bot.nlu.model import ModelError
from bot.nlu.understanding import Understanding
from bot.policy import Policy, PolicyError
from bot.replies import Catalogues
from channels.base import Channel
from channels.twilio import TwilioChannel
from models import UnitOfWork, connect, session_factory
from payments.gateways import ONLINE, PaymentGateway, build_gateway
from settings import PROJECT, Settings, SettingsError


class Reads(Protocol):
    """What makes an ``Understanding`` of a text."""

    @property
    def name(self) -> str:
        """The name of the model that answers."""
        ...

    def watch(self) -> None:
        """Take up from now on whatever model is promoted; a serving process calls it once."""
        ...

    def understand(self, text: str, locale: str | None = None) -> Understanding:
        """Read one message. Needs no database and no network."""
        ...


def _forget_job(name: str, row_id: int) -> None:
    """Without a job engine the sweep finds the row."""


@dataclass
class Runtime:
    """Settings, database, channels, rules, words and the clock, handed down to every use case."""

    settings: Settings
    engine: Engine
    channels: Mapping[str, Channel]
    policy: Policy
    catalogues: Catalogues
    load_reader: Callable[[], Reads]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    enqueue: Callable[[str, int], object] = field(default=_forget_job)
    """Queue a job by name for a row's id; set by ``jobs``."""

    @cached_property
    def reader(self) -> Reads:
        """The trained model, loaded when it is first needed.

        Raises:
            SettingsError: there is none, or none that this version can read.
        """
        return self.load_reader()

    @cached_property
    def _writing(self) -> sessionmaker[Session]:
        return session_factory(self.engine)

    @cached_property
    def _reading(self) -> sessionmaker[Session]:
        return session_factory(self.engine, read_only=True)

    def unit_of_work(self) -> UnitOfWork:
        """A transaction that may write."""
        return UnitOfWork(self._writing)

    def reading(self) -> Session:
        """A session for screens and look-ups, to be used in a ``with`` block."""
        return self._reading()

    @cached_property
    def _links(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.settings.secret_key, salt="payment-link")

    @cached_property
    def gateway(self) -> PaymentGateway:
        """What takes payments."""
        return build_gateway(self.settings)

    @cached_property
    def _references(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.settings.secret_key, salt="payment-reference")

    def payment_reference(self, link_id: int) -> str:
        """How a gateway is told of a payment link. It opens no page, and nobody else can make it.

        Signed, because one account at a gateway may serve other systems, whose numbers are theirs.
        """
        made = self._references.dumps(link_id)
        return made if isinstance(made, str) else made.decode()

    def link_of_reference(self, reference: str) -> int | None:
        """The payment link that a gateway speaks of; None where it is none of ours."""
        return _signed_number(self._references, reference)

    def payment_url(self, link_id: int) -> str:
        """The address that is texted for a payment link. It carries no personal data."""
        return f"{self.settings.public_url}/pay/{self._links.dumps(link_id)}"

    def payment_link_id(self, token: str) -> int | None:
        """The link that a token names; None where we never signed it."""
        return _signed_number(self._links, token)


def _signed_number(signer: URLSafeSerializer, text: str) -> int | None:
    try:
        value = signer.loads(text)
    except BadSignature:
        return None
    return value if isinstance(value, int) else None


def build(settings: Settings) -> Runtime:
    """The runtime of a real process.

    Raises:
        SettingsError: the policy cannot be read, or does not fit the settings, in one sentence.

    """
    model_dir = PROJECT / settings.model_dir

    def load_reader() -> Reads:
        from bot.nlu.served import ServedReader

        try:
            return ServedReader(model_dir)
        except ModelError as error:
            raise SettingsError(f"{error}.") from error

    twilio = TwilioChannel(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        secondary_token=settings.twilio_auth_token_secondary,
        api_url=settings.twilio_api_url,
        public_url=settings.public_url,
    )
    policy = read_policy(PROJECT / settings.policy_file)
    if settings.payment_gateway != "sandbox" and not set(ONLINE) & set(policy.payment.ways):
        raise SettingsError(
            f"PAYMENT_GATEWAY is {settings.payment_gateway} while payment.ways in "
            f"{Path(settings.policy_file).name} names none of {', '.join(ONLINE)}: add one."
        )
    return Runtime(
        settings=settings,
        engine=connect(settings.database_url),
        channels={twilio.code: twilio},
        policy=policy,
        catalogues=Catalogues(tone=policy.lender.tone),
        load_reader=load_reader,
    )


def read_policy(path: Path) -> Policy:
    """The lender's rules from a file.

    Raises:
        SettingsError: the file is missing or makes no sense.

    """
    try:
        return Policy.from_toml(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"POLICY_FILE {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"POLICY_FILE {path} is not written in UTF-8.") from error
    except PolicyError as error:
        raise SettingsError(f"{path.name}: {error}") from error
