"""What imports what, what happens at import, and what stands in no file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from settings import PROJECT

RANKS: dict[str, int] = {
    "settings": 0,
    "faults": 0,
    "models": 1,
    "migrations": 2,
    "channels": 2,
    **dict.fromkeys(
        (
            *("bot.dialog", "bot.flows", "bot.nlu", "bot.entities", "bot.keywords", "bot.policy"),
            *("bot.replies", "bot.turn", "bot.effects", "bot.guard", "bot"),
            *("bot.hearing", "bot.silence", "bot.snapshot"),
        ),
        2,
    ),
    "bot.runtime": 3,
    "bot.book": 4,
    "bot.queries": 3,
    "bot.acts": 4,
    "bot.outbox": 4,
    "payments.gateways": 2,
    "bot.checkout": 5,
    "bot.payments": 5,
    "bot.manager": 5,
    "bot.followups": 5,
    "bot.differences": 5,
    "bot.replay": 5,
    "demo": 6,
    "jobs": 6,
    **dict.fromkeys(
        (
            *("webhooks", "console", "payments", "guide", "training", "simulator", "cli"),
            "supervisor",
        ),
        7,
    ),
    "app": 8,
}
"""How high a module stands; it may import what stands lower, and its own neighbours."""
PURE = (
    *("bot.dialog", "bot.flows", "bot.nlu", "bot.entities", "bot.keywords", "bot.policy"),
    *("bot.replies", "bot.turn", "bot.effects", "bot.guard", "bot.hearing", "bot.silence"),
    "bot.snapshot",
)
IMPURE = {"sqlalchemy", "flask", "twilio", "requests", "huey", "models", "channels", "webhooks"}
IMPURE |= {"console", "jobs", "werkzeug", "alembic", "redis", "urllib", "socket"}
RASA_SIDE = ("bot.nlu.normalise", "bot.nlu.encoder", "bot.nlu.model", "bot.nlu.unigram")


def tracked() -> list[Path]:
    """Files of the repository, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [PROJECT / name for name in listed.split("\0") if name and (PROJECT / name).is_file()]


def name_of(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


APART = ("tests", "benchmarks", "nlu_data", "gunicorn_config", "scripts", "migrations.versions")
MODULES = {
    name_of(path): path
    for path in tracked()
    if path.suffix == ".py" and not name_of(path).startswith(APART)
}


def imported(path: Path, *, everywhere: bool = True) -> set[str]:
    """Modules that a file imports; ``if TYPE_CHECKING`` does not count."""
    found: set[str] = set()
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        or (not everywhere and isinstance(node, ast.FunctionDef))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def rank(name: str) -> int | None:
    """Of the module or the package that holds it; None for what is not ours."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        if (found := RANKS.get(".".join(parts[:size]))) is not None:
            return found
    return None


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_every_module_has_its_place() -> None:
    assert len(MODULES) > 60
    assert not [name for name in MODULES if rank(name) is None]
    assert not [
        n
        for n in MODULES
        if n.startswith("bot.") and rank(n) == RANKS["bot"] and not within(n, PURE)
    ], "a new module of bot: say where it stands"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_down(name: str) -> None:
    own = rank(name)
    assert own is not None
    up = {other for other in imported(MODULES[name]) if (rank(other) or 0) > own}
    assert not up


@pytest.mark.parametrize("name", sorted(n for n in MODULES if within(n, PURE)))
def test_what_decides_is_pure(name: str) -> None:
    roots = {other.partition(".")[0] for other in imported(MODULES[name])}
    assert not roots & IMPURE


@pytest.mark.parametrize("name", sorted(MODULES))
def test_nothing_that_serves_imports_rasa(name: str) -> None:
    roots = {other.partition(".")[0] for other in imported(MODULES[name])}
    assert not roots & {"rasa", "tensorflow", "rasa_sdk", "nlu_data"}


@pytest.mark.parametrize("name", RASA_SIDE)
def test_what_rasas_environment_reads_too_needs_little(name: str) -> None:
    known = {*sys.stdlib_module_names, "numpy", "onnxruntime", "tokenizers", "opencc", "bot"}
    roots = {other.partition(".")[0] for other in imported(MODULES[name])}
    assert roots <= known
    for package in ("bot", "bot.nlu"):
        assert not imported(MODULES[package])


def test_the_pure_modules_load_without_the_rest() -> None:
    code = f"import sys, {', '.join(PURE)}; print(*sorted(m for m in sys.modules if '.' not in m))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    heavy = {"sqlalchemy", "flask", "twilio", "requests", "huey", "models", "channels", "alembic"}
    assert not set(ran.stdout.split()) & heavy


WATCHED = """
import importlib, os, sys
project, modules = sys.argv[1], sys.argv[2:]
sys.path.insert(0, project)
sys.dont_write_bytecode = True
seen = []

def hook(event, args):
    if event in ("socket.connect", "subprocess.Popen", "os.mkdir"):
        seen.append(f"{event} {args[:2]}")
    elif event == "open" and isinstance(args[0], (str, bytes)):
        path = os.fsdecode(args[0])
        ours = path.startswith(project) and "/.venv" not in path
        code = path.endswith((".py", ".pyc", ".so"))
        writes = isinstance(args[1], str) and set("wax+") & set(args[1])
        if (ours and not code) or (writes and path != os.devnull):
            seen.append(f"open {path} {args[1]}")

sys.addaudithook(hook)
for module in modules:
    before = len(seen)
    try:
        importlib.import_module(module)
    except ModuleNotFoundError:  # some of training runs in Rasa's environment alone
        assert module.startswith("training."), module
    if len(seen) > before:
        print(module, *seen[before:], sep="\\n  ")
"""


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    names = sorted(n for n in MODULES if not n.endswith("__main__") and n != "migrations.env")
    ran = subprocess.run(
        [sys.executable, "-c", WATCHED, str(PROJECT), *names],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout == ""
    assert list(tmp_path.iterdir()) == []


BUILDERS = {"create_engine", "connect", "build", "create_app", "open_queue", "Catalogues"}
BUILDERS |= {"SqliteHuey", "RedisHuey", "PostgresHuey", "Runtime", "sessionmaker", "from_env"}


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n != "migrations.env"))
def test_nothing_live_is_built_at_module_level(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    top = [n for n in tree.body if isinstance(n, ast.Assign | ast.AnnAssign | ast.Expr)]
    calls = [call for node in top for call in ast.walk(node) if isinstance(call, ast.Call)]
    built = {ast.unparse(call.func).rpartition(".")[2] for call in calls}
    assert not built & BUILDERS


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    paths = [f"/{first}/" for first in ("work", "root", "home", "Users")]
    for path in tracked():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for place in paths:
            assert place not in text, f"{path.relative_to(PROJECT)} holds {place}"


def test_the_clock_is_passed_in() -> None:
    """Logic asks no clock of its own: only the runtime's default knows the time."""
    for name, path in MODULES.items():
        if name.startswith(("bot.", "models", "channels", "webhooks", "jobs", "demo")):
            calls = {
                ast.unparse(node.func)
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Call)
            }
            clocks = calls & {"datetime.now", "datetime.utcnow", "date.today", "time.time"}
            assert not clocks or name == "bot.runtime", f"{name} calls {clocks}"


def test_money_is_never_a_float() -> None:
    for name, path in MODULES.items():
        if name.startswith(("bot.flows", "bot.acts", "bot.book", "models.lending", "payments")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), name
                assert not (isinstance(node, ast.Name) and node.id == "float"), name
