"""Settings: typed once, below the environment ``.env``, refused in one sentence, never shown."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest

from settings import (
    DEMO_ACCOUNT_SID,
    DEMO_AUTH_TOKEN,
    PROJECT,
    Settings,
    SettingsError,
    _kept_secret,
    database_address,
)

LIVE = {
    "SIMULATOR": "off",
    "TWILIO_ACCOUNT_SID": "AC123",
    "TWILIO_AUTH_TOKEN": "twilio-token",
    "SECRET_KEY": "a-long-secret-key",
    "PUBLIC_URL": "https://sms.lender.example",
}
DEMO = {"SECRET_KEY": "a-long-secret-key"}
STRIPE = {
    "PAYMENT_GATEWAY": "stripe",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in LIVE.items() if key != name}


@dataclass(frozen=True)
class Refused:
    name: str
    variable: str
    environ: dict[str, str]

    def __str__(self) -> str:
        return self.name


def given(variable: str, value: str, name: str = "") -> Refused:
    return Refused(f"{variable}={name or value}", variable, {**DEMO, variable: value})


REFUSED = [
    given("PORT", "eighty"),
    given("PORT", "", "nothing"),
    given("PORT", "0"),
    given("PORT", "65536"),
    given("PORT", "-1"),
    given("PORT", "8000.0"),
    given("PORT", "８０００", "full width"),
    given("SIMULATOR_PORT", "70000"),
    given("WEB_WORKERS", "0"),
    given("WEB_WORKERS", "65"),
    given("WEB_THREADS", "0"),
    given("WEB_THREADS", "many"),
    given("SIMULATOR", "perhaps"),
    given("SIMULATOR", "", "nothing"),
    given("LOG_LEVEL", "LOUD"),
    given("LOG_LEVEL", "", "nothing"),
    given("DATABASE_URL", "mysql://localhost/db"),
    given("DATABASE_URL", "", "nothing"),
    given("DATABASE_URL", "sqlite://"),
    given("DATABASE_URL", "sqlite:///"),
    given("DATABASE_URL", "postgresql://", "postgresql without a name"),
    given("DATABASE_URL", "var/repayline.db"),
    given("JOBS_URL", "amqp://localhost"),
    given("JOBS_URL", "var/jobs.db"),
    given("PUBLIC_URL", "sms.lender.example"),
    given("PUBLIC_URL", "ftp://sms.lender.example"),
    given("PUBLIC_URL", "https://"),
    given("PUBLIC_URL", "https://x.example:99999"),
    given("PUBLIC_URL", "https://x.example?a=1"),
    given("PUBLIC_URL", "https://x.example#a"),
    given("PUBLIC_URL", "https://[::1"),
    given("TWILIO_API_URL", "api.twilio.com"),
    given("TWILIO_ACCOUNT_SID", "SK123"),
    given("SECRET_KEY", "short"),
    given("PAYMENT_GATEWAY", "paypal"),
    Refused("stripe without a key", "STRIPE_SECRET_KEY", {**DEMO, "PAYMENT_GATEWAY": "stripe"}),
    given("STRIPE_SECRET_KEY", "sk_test_1", "a key that nobody uses"),
    given("STRIPE_WEBHOOK_SECRET", "whsec_1", "a webhook's secret that nobody uses"),
    *(
        Refused(f"stripe with {name}", variable, {**DEMO, **STRIPE, **changed})
        for name, variable, changed in (
            ("a publishable key", "STRIPE_SECRET_KEY", {"STRIPE_SECRET_KEY": "pk_test_1"}),
            ("no webhook secret", "STRIPE_WEBHOOK_SECRET", {"STRIPE_WEBHOOK_SECRET": ""}),
            ("the endpoint's id", "STRIPE_WEBHOOK_SECRET", {"STRIPE_WEBHOOK_SECRET": "we_1"}),
            ("an address without a scheme", "STRIPE_API_BASE", {"STRIPE_API_BASE": "stripe.com"}),
            ("the key in clear", "STRIPE_API_BASE", {"STRIPE_API_BASE": "http://far.example"}),
            (
                "a live key and the simulator",
                "STRIPE_SECRET_KEY",
                {
                    "STRIPE_SECRET_KEY": "sk_live_1",
                    "PUBLIC_URL": "https://sms.lender.example",
                    "TWILIO_AUTH_TOKEN": "token",
                    "TWILIO_ACCOUNT_SID": "AC1",
                },
            ),
        )
    ),
    Refused(
        "a live key and borrowers who come back in clear",
        "PUBLIC_URL",
        {**LIVE, **STRIPE, "STRIPE_SECRET_KEY": "rk_live_1", "PUBLIC_URL": "http://sms.example"},
    ),
    Refused(
        "a live key sent in clear",
        "STRIPE_API_BASE",
        {**LIVE, **STRIPE, "STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_API_BASE": "http://localhost"},
    ),
    Refused(
        "an account without a token", "TWILIO_AUTH_TOKEN", {**DEMO, "TWILIO_ACCOUNT_SID": "AC1"}
    ),
    Refused("a blank token", "TWILIO_AUTH_TOKEN", {**DEMO, "TWILIO_AUTH_TOKEN": "  "}),
    Refused(
        "the demo's token for the world",
        "TWILIO_AUTH_TOKEN",
        {**DEMO, "PUBLIC_URL": "https://sms.lender.example"},
    ),
    Refused(
        "the demo's token, given, for the world",
        "TWILIO_AUTH_TOKEN",
        {**LIVE, "TWILIO_AUTH_TOKEN": DEMO_AUTH_TOKEN},
    ),
    Refused("live without a token", "TWILIO_AUTH_TOKEN", without("TWILIO_AUTH_TOKEN")),
    Refused("live without an account", "TWILIO_ACCOUNT_SID", without("TWILIO_ACCOUNT_SID")),
    Refused("live without a secret", "SECRET_KEY", without("SECRET_KEY")),
    Refused("live with a blank secret", "SECRET_KEY", {**LIVE, "SECRET_KEY": ""}),
]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_setting_is_refused_in_one_sentence_that_names_it(case: Refused) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(case.environ)
    said = str(refused.value)
    assert case.variable in said
    assert re.fullmatch(r"[^\n]+[.)]", said), said
    assert len(said) < 250


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_refusal_tells_no_secret(case: Refused) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({**case.environ, "TWILIO_AUTH_TOKEN_SECONDARY": "hidden-one"})
    for secret in ("a-long-secret-key", "twilio-token", "hidden-one"):
        assert secret not in str(refused.value)


def test_two_servers_on_one_port_are_refused() -> None:
    with pytest.raises(SettingsError, match="SIMULATOR_PORT"):
        Settings.from_env({**DEMO, "PORT": "8000", "SIMULATOR_PORT": "8000"})


@dataclass(frozen=True)
class Read:
    name: str
    environ: dict[str, str]
    expected: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


READ = [
    Read(
        "nothing at all",
        DEMO,
        {
            "port": 8000,
            "host": "127.0.0.1",
            "public_url": "http://localhost:8000",
            "database_url": f"sqlite:///{PROJECT}/var/repayline.db",
            "jobs_url": f"sqlite:///{PROJECT}/var/jobs.db",
            "simulator": True,
            "simulator_port": 8001,
            "twilio_account_sid": DEMO_ACCOUNT_SID,
            "twilio_auth_token": DEMO_AUTH_TOKEN,
            "twilio_api_url": "http://127.0.0.1:8001",
            "log_level": "INFO",
        },
    ),
    Read(
        "another port moves what follows from it",
        {**DEMO, "PORT": "9000"},
        {"public_url": "http://localhost:9000", "twilio_api_url": "http://127.0.0.1:9001"},
    ),
    Read("the last port", {**DEMO, "PORT": "65535"}, {"simulator_port": 65534}),
    Read(
        "going live",
        LIVE,
        {
            "simulator": False,
            "twilio_api_url": "https://api.twilio.com",
            "twilio_account_sid": "AC123",
        },
    ),
    Read(
        "an account while the simulator is on stays in the simulator",
        {**DEMO, "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"},
        {"twilio_api_url": "http://127.0.0.1:8001"},
    ),
    Read(
        "another address of the provider",
        {**LIVE, "TWILIO_API_URL": "http://127.0.0.1:9/"},
        {"twilio_api_url": "http://127.0.0.1:9"},
    ),
    Read(
        "a slash at the end",
        {**LIVE, "PUBLIC_URL": "https://x.example/sms/"},
        {"public_url": "https://x.example/sms"},
    ),
    Read("blanks around", {**DEMO, "PORT": " 9000 ", "LOG_LEVEL": "debug"}, {"log_level": "DEBUG"}),
    Read("a switch in capitals", {**LIVE, "SIMULATOR": "OFF"}, {"simulator": False}),
    Read("Redis for jobs", {**DEMO, "JOBS_URL": "redis://h/1"}, {"jobs_url": "redis://h/1"}),
    Read(
        "PostgreSQL as Heroku writes it",
        {**DEMO, "DATABASE_URL": "postgres://u:p@h/n"},
        {"database_url": "postgresql+psycopg://u:p@h/n"},
    ),
    Read(
        "an absolute SQLite file",
        {**DEMO, "DATABASE_URL": "sqlite:////tmp/x.db"},
        {"database_url": "sqlite:////tmp/x.db"},
    ),
    Read("the demo's token at home", {**DEMO, "PUBLIC_URL": "http://127.0.0.1:8000"}),
]


@pytest.mark.parametrize("case", READ, ids=str)
def test_settings_from(case: Read) -> None:
    settings = Settings.from_env(case.environ)
    assert {name: getattr(settings, name) for name in case.expected} == case.expected


def test_no_secret_is_shown() -> None:
    settings = Settings.from_env(
        {
            **LIVE,
            "TWILIO_AUTH_TOKEN_SECONDARY": "second-token",
            "DATABASE_URL": "postgresql://u:password@h/n",
            "JOBS_URL": "redis://:password@h/1",
        }
    )
    shown = repr(settings) + str(settings)
    for secret in ("a-long-secret-key", "twilio-token", "second-token", "password"):
        assert secret not in shown
    assert "https://sms.lender.example" in shown


def test_every_setting_has_its_help_for_the_readme() -> None:
    for setting in fields(Settings):
        assert setting.metadata["env"] == setting.name.upper()
        assert setting.metadata["help"]


def test_an_address_is_made_absolute_in_the_project() -> None:
    assert database_address("X", "sqlite:///my.db") == f"sqlite:///{PROJECT / 'my.db'}"


def test_the_file_env_counts_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import settings

    (tmp_path / ".env").write_text("PORT=7001\nLOG_LEVEL=ERROR\nSECRET_KEY=from-the-file\nEMPTY\n")
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    for name in [f.metadata["env"] for f in fields(Settings)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    read = Settings.from_env()
    assert (read.port, read.log_level, read.secret_key) == (7001, "WARNING", "from-the-file")


def test_a_kept_secret_is_stable_private_and_long(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    first = _kept_secret(path)
    assert _kept_secret(path) == first
    assert len(first) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret_key"]
    assert _kept_secret(tmp_path / "other") != first


def test_processes_that_start_together_keep_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    code = (
        "import sys; from pathlib import Path; from settings import _kept_secret\n"
        "sys.stdin.read(1); print(_kept_secret(Path(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    secrets = {process.communicate(timeout=30)[0].strip() for process in processes}
    assert secrets == {path.read_text()}


def test_an_unset_environment_runs_the_demo(tmp_path: Path) -> None:
    code = "from settings import Settings; print(Settings.from_env({'SECRET_KEY': 'x' * 9}).port)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ran.stdout == "8000\n"
