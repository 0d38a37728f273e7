"""Everything for one machine in one process group: web, worker and simulator.

``python app.py`` runs this. It migrates, loads the demo, starts the processes, says where to go,
and stops them all together: on ctrl-C, on SIGTERM, or when one of them ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from types import FrameType

import demo
from bot.runtime import Runtime, build
from migrations import upgrade
from settings import PROJECT, Settings, SettingsError

READY_WITHIN = 60
STOPPED_WITHIN = 10


class StartError(RuntimeError):
    """The machine cannot be started. The text says why and what to do."""


def main() -> int:
    """Run until stopped; the exit status for the shell."""
    try:
        settings = Settings.from_env()
        runtime = build(settings)
        _prepare(settings, runtime)
        return _run(settings)
    except (SettingsError, StartError) as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 1


def _prepare(settings: Settings, runtime: Runtime) -> None:
    ports = {"PORT": settings.port}
    if settings.simulator:
        ports["SIMULATOR_PORT"] = settings.simulator_port
    for name, port in ports.items():
        _require_free(name, port)
    _say("database: migrating")
    upgrade(runtime.engine)
    if settings.simulator and demo.load(runtime):
        _say("database: demo borrowers loaded")
    runtime.engine.dispose()


def _require_free(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StartError(
                f"port {port} is in use: stop what runs there, or set {name} to another."
            ) from error


def commands(settings: Settings) -> Mapping[str, list[str]]:
    """What is started, by name; also what the load tests and the benchmarks start."""
    python = sys.executable
    web = [python, "-m", "gunicorn", "app:create_server()", "--preload"]
    web += ["--bind", f"{settings.host}:{settings.port}"]
    web += ["--workers", str(settings.web_workers), "--worker-class", "gthread"]
    web += ["--threads", str(settings.web_threads), "--config", "gunicorn_config.py"]
    made = {"web": web, "worker": [python, "-m", "flask", "worker"]}
    if settings.simulator:
        made["simulator"] = [python, "-m", "simulator"]
    return made


def _run(settings: Settings) -> int:
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands(settings).items():
            _say(f"{name}: starting")
            # Not a session of its own: ctrl-C must reach the children too.
            running[name] = subprocess.Popen(command, cwd=PROJECT)  # noqa: S603
            if name == "web":  # the others have news for it at once
                _await_ready(settings, running, stopping)
        if not stopping:
            _welcome(settings)
        while not stopping:
            for name, process in running.items():
                if process.poll() is not None:
                    raise StartError(f"{name} ended by itself; its last lines above say why.")
            time.sleep(0.2)
        return 0
    finally:
        _say("stopping")
        _stop(running)


def _await_ready(
    settings: Settings, running: Mapping[str, subprocess.Popen[bytes]], stopping: list[int]
) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not stopping:
        for name, process in running.items():
            if process.poll() is not None:
                raise StartError(f"{name} did not start; its last lines above say why.")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{settings.local_url}/health/", timeout=2).close()  # noqa: S310
            return
        if time.monotonic() > deadline:
            raise StartError("the web server did not answer within a minute.")
        time.sleep(0.1)


def _stop(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOPPED_WITHIN
    for process in running.values():
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _welcome(settings: Settings) -> None:
    here = f"http://localhost:{settings.port}"
    lines = [""]
    if settings.simulator:
        lines += [f"  Phone simulator  {here}/simulator/   (no login: pick a borrower and type)"]
        lines += [
            f"  Console          {here}/console/     "
            f"(login {demo.AGENT_EMAIL}, password {demo.AGENT_PASSWORD})"
        ]
    else:
        lines += [f"  Console          {here}/console/     (login as set up)"]
    lines += [f"  Health           {here}/health/      (no login)", ""]
    lines += ["  ctrl-C stops everything.", ""]
    print("\n".join(lines), flush=True)


def _say(line: str) -> None:
    print(f"-- {line}", flush=True)


if __name__ == "__main__":
    os.chdir(PROJECT)
    sys.exit(main())
