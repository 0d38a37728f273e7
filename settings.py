"""What the environment says, typed and checked once, at start.

``Settings.from_env`` refuses a missing or senseless value with one sentence that names the
variable and says what to set. What the lender *allows* is not here but in ``policy.toml``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent
DEMO_ACCOUNT_SID = "AC00000000000000000000000000000000"
DEMO_AUTH_TOKEN = "demo-token-for-the-simulator-only"  # noqa: S105 - refused on a public address


class SettingsError(ValueError):
    """A setting is missing or makes no sense. The text is for the person who starts the program."""


def _setting(env: str, default: Any, help_text: str, *, secret: bool = False) -> Any:
    """A field that is read from the variable ``env``; the README's table is made from it."""
    metadata = {"env": env, "help": help_text, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The deployment's settings. ``repr`` shows no secret."""

    port: int = _setting("PORT", 8000, "port of the web server")
    host: str = _setting("HOST", "127.0.0.1", "address that the web server binds to")
    database_url: str = _setting(
        "DATABASE_URL",
        "sqlite:///var/repayline.db",
        "`sqlite:///file` or `postgresql://user:password@host/name`",
        secret=True,
    )
    public_url: str = _setting(
        "PUBLIC_URL",
        "",
        "address under which the provider and borrowers reach this server; signatures are checked "
        "against it (default `http://localhost:PORT`)",
    )
    twilio_account_sid: str = _setting("TWILIO_ACCOUNT_SID", "", "Twilio account, `AC…`")
    twilio_auth_token: str = _setting(
        "TWILIO_AUTH_TOKEN", "", "Twilio's primary auth token: signs webhooks", secret=True
    )
    twilio_auth_token_secondary: str = _setting(
        "TWILIO_AUTH_TOKEN_SECONDARY", "", "second token, accepted while rotating", secret=True
    )
    twilio_api_url: str = _setting(
        "TWILIO_API_URL",
        "",
        "base address of the provider's REST API (default `https://api.twilio.com`, with the "
        "simulator on and no account set: the simulator)",
    )
    payment_gateway: str = _setting(
        "PAYMENT_GATEWAY",
        "sandbox",
        "what takes payments: `sandbox`, which moves no money and is closed to real borrowers, or "
        "`stripe`",
    )
    stripe_secret_key: str = _setting(
        "STRIPE_SECRET_KEY", "", "Stripe's secret key, `sk_…` or `rk_…`", secret=True
    )
    stripe_webhook_secret: str = _setting(
        "STRIPE_WEBHOOK_SECRET",
        "",
        "signing secret, `whsec_…`, of the endpoint `PUBLIC_URL/webhooks/stripe`",
        secret=True,
    )
    stripe_api_base: str = _setting(
        "STRIPE_API_BASE", "https://api.stripe.com", "base address of Stripe's API"
    )
    secret_key: str = _setting(
        "SECRET_KEY",
        "",
        "signs sessions and payment links (with the simulator on: made once, in `var/secret_key`)",
        secret=True,
    )
    simulator: bool = _setting(
        "SIMULATOR", True, "`on` or `off`: the phone simulator and demo borrowers; `off` to go live"
    )
    simulator_port: int = _setting(
        "SIMULATOR_PORT", 0, "port of the simulated phone network (default PORT + 1)"
    )
    web_workers: int = _setting("WEB_WORKERS", 2, "web server processes")
    web_threads: int = _setting(
        "WEB_THREADS",
        1,
        "threads in each of them; more only get in each other's way at the interpreter's lock",
    )
    jobs_url: str = _setting(
        "JOBS_URL",
        "",
        "where background jobs queue: `sqlite:///file`, `redis://…` or `postgresql://…` "
        "(default `sqlite:///var/jobs.db`)",
        secret=True,
    )
    model_dir: str = _setting("MODEL_DIR", "var/models", "directory of trained models")
    policy_file: str = _setting("POLICY_FILE", "policy.toml", "what the lender allows")
    log_level: str = _setting("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment and, below it, the file ``.env``.

        Args:
            environ: read instead of the process's environment and ``.env`` (for tests).

        Raises:
            SettingsError: one sentence about the first value that is missing or senseless.

        """
        if environ is None:
            from dotenv import dotenv_values

            file_values = dotenv_values(PROJECT / ".env")
            environ = {k: v for k, v in file_values.items() if v is not None} | dict(os.environ)
        given = {
            f.name: environ[f.metadata["env"]] for f in fields(cls) if f.metadata["env"] in environ
        }
        values: dict[str, Any] = {}
        for f in fields(cls):
            if f.name in given:
                values[f.name] = _typed(f.metadata["env"], given[f.name].strip(), f.default)
        return _completed(cls(**values), blank={n for n, v in given.items() if not v.strip()})

    @property
    def local_url(self) -> str:
        """Where this machine's own processes reach the web server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def simulator_url(self) -> str:
        """Where this machine's own processes reach the simulated phone network."""
        return f"http://127.0.0.1:{self.simulator_port}"


def _typed(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        switches = {"on": True, "true": True, "1": True, "yes": True}
        switches |= {"off": False, "false": False, "0": False, "no": False}
        if text.lower() not in switches:
            raise SettingsError(f"{name} is {text!r}: set it to on or off.")
        return switches[text.lower()]
    if isinstance(default, int):
        if not text.isascii() or not text.isdigit():
            raise SettingsError(f"{name} is {text!r}: set it to a whole number.")
        return int(text)
    return text


def _completed(given: Settings, *, blank: set[str]) -> Settings:
    """Check what was given and fill in what follows from it."""
    from dataclasses import replace

    for name in ("port", "simulator_port"):
        if not (0 if name == "simulator_port" else 1) <= getattr(given, name) <= 65535:
            raise SettingsError(f"{name.upper()} is out of range: set it to a port, 1 to 65535.")
    if not 1 <= given.web_workers <= 64 or not 1 <= given.web_threads <= 64:
        raise SettingsError("WEB_WORKERS and WEB_THREADS must each be between 1 and 64.")
    if given.log_level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise SettingsError("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
    if given.simulator_port == given.port:
        raise SettingsError("SIMULATOR_PORT is the same as PORT: set it to another.")
    port = given.simulator_port or (given.port + 1 if given.port < 65535 else given.port - 1)
    public_url = (given.public_url or f"http://localhost:{given.port}").rstrip("/")
    _check_address("PUBLIC_URL", public_url)
    done = replace(
        given,
        simulator_port=port,
        public_url=public_url,
        database_url=database_address("DATABASE_URL", given.database_url),
        jobs_url=_jobs_address(given.jobs_url),
        log_level=given.log_level.upper(),
    )
    done = _with_gateway(_with_provider(done, blank))
    if not done.secret_key:
        if not done.simulator:
            raise SettingsError(
                "SECRET_KEY is missing: set it to a long random text, the same on every machine "
                "(python -c 'import secrets; print(secrets.token_hex(32))')."
            )
        done = replace(done, secret_key=_kept_secret(PROJECT / "var" / "secret_key"))
    elif len(done.secret_key) < 8:
        raise SettingsError("SECRET_KEY is too short to protect anything: use 32 random bytes.")
    return done


def _with_provider(done: Settings, blank: set[str]) -> Settings:
    """Twilio's account and token; the demo's only while nothing but the simulator is on."""
    from dataclasses import replace

    sid, token = done.twilio_account_sid, done.twilio_auth_token
    if sid and not sid.startswith("AC"):
        raise SettingsError("TWILIO_ACCOUNT_SID must start with AC; it stands in Twilio's console.")
    simulator_alone = done.simulator and not sid and "twilio_auth_token" not in blank
    if not token and not simulator_alone:
        raise SettingsError(
            "TWILIO_AUTH_TOKEN is missing, so no webhook could be trusted: set it to the token "
            "in Twilio's console, or leave out all TWILIO_ settings to run the simulator alone."
        )
    if not sid and not done.simulator:
        raise SettingsError(
            "TWILIO_ACCOUNT_SID is missing: set it, or set SIMULATOR=on to run without a provider."
        )
    token = token or DEMO_AUTH_TOKEN
    host = urlsplit(done.public_url).hostname or ""
    if token == DEMO_AUTH_TOKEN and host not in {"localhost", "127.0.0.1", "::1"}:
        raise SettingsError(
            "PUBLIC_URL is open to others while TWILIO_AUTH_TOKEN is the demo's, which anybody can "
            "read: set TWILIO_AUTH_TOKEN."
        )
    api_url = done.twilio_api_url.rstrip("/")
    if api_url:
        _check_address("TWILIO_API_URL", api_url)
    elif sid and sid != DEMO_ACCOUNT_SID and not done.simulator:
        api_url = "https://api.twilio.com"
    else:
        api_url = done.simulator_url
    return replace(
        done,
        twilio_account_sid=sid or DEMO_ACCOUNT_SID,
        twilio_auth_token=token,
        twilio_api_url=api_url,
    )


def _with_gateway(done: Settings) -> Settings:
    """What takes payments, and what it needs for that."""
    from dataclasses import replace

    key, secret, base = done.stripe_secret_key, done.stripe_webhook_secret, done.stripe_api_base
    if done.payment_gateway not in {"sandbox", "stripe"}:
        raise SettingsError("PAYMENT_GATEWAY must be sandbox or stripe.")
    if done.payment_gateway == "sandbox":
        if key or secret:
            name = "STRIPE_SECRET_KEY" if key else "STRIPE_WEBHOOK_SECRET"
            raise SettingsError(
                f"{name} is set while PAYMENT_GATEWAY is sandbox, so that no money would be taken: "
                "set PAYMENT_GATEWAY=stripe, or leave out all STRIPE_ settings."
            )
        return done
    if not key.startswith(("sk_", "rk_")):
        raise SettingsError(
            "STRIPE_SECRET_KEY must be a secret key, sk_… or rk_…; it stands in Stripe's dashboard."
        )
    if not secret.startswith("whsec_"):
        raise SettingsError(
            "STRIPE_WEBHOOK_SECRET must be the endpoint's signing secret, whsec_…: without it no "
            "report of a payment could be trusted."
        )
    base = base.rstrip("/") or "https://api.stripe.com"
    _check_address("STRIPE_API_BASE", base)
    is_live, here = "_live_" in key, {"localhost", "127.0.0.1", "::1"}
    if not base.startswith("https://") and (is_live or urlsplit(base).hostname not in here):
        raise SettingsError("STRIPE_API_BASE must begin with https:// as it is sent the key.")
    if is_live and not done.public_url.startswith("https://"):
        raise SettingsError(
            "PUBLIC_URL must begin with https:// while STRIPE_SECRET_KEY is a live key: borrowers "
            "come back to it after they have paid."
        )
    if is_live and done.simulator:
        raise SettingsError(
            "STRIPE_SECRET_KEY is a live key while SIMULATOR is on: set SIMULATOR=off, or use a "
            "test key."
        )
    return replace(done, stripe_api_base=base)


def _check_address(name: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise SettingsError(f"{name} must be an address such as https://sms.lender.example.")


def database_address(name: str, address: str) -> str:
    """The address as SQLAlchemy reads it: psycopg for PostgreSQL, an absolute path for SQLite.

    Raises:
        SettingsError: it is neither PostgreSQL nor SQLite.

    """
    scheme, separator, rest = address.partition("://")
    if separator and scheme in {"postgres", "postgresql", "postgresql+psycopg"} and rest:
        return f"postgresql+psycopg://{rest}"
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        path = Path(rest[1:])
        return f"sqlite:///{path if path.is_absolute() else PROJECT / path}"
    raise SettingsError(
        f"{name} must start with sqlite:/// or postgresql://, for example sqlite:///var/my.db."
    )


def _jobs_address(address: str) -> str:
    if not address:
        address = "sqlite:///var/jobs.db"
    if address.startswith(("redis://", "rediss://")):
        return address
    try:
        return database_address("JOBS_URL", address)
    except SettingsError as error:
        raise SettingsError(
            "JOBS_URL must start with sqlite:///, redis:// or postgresql://."
        ) from error


def _kept_secret(path: Path) -> str:
    """A random secret, made the first time, that this machine's processes share."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)  # fails where another process was first: then its secret counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def as_table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for f in fields(Settings):
        default = "on" if f.default is True else f.default
        shown = f"`{default}`" if default else ""
        rows.append(f"| `{f.metadata['env']}` | {shown} | {f.metadata['help']} |")
    return "\n".join(rows)
