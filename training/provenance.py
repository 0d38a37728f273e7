"""Where a model comes from: when it was trained, how long that took, and with which versions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SERVED_BY = ("numpy", "onnxruntime", "opencc-python-reimplemented")
"""What the application reads a model with."""
ASK = """
import json, platform, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class Stopwatch:
    """When a training began, and how long it has been going on."""

    def __init__(self) -> None:
        self._started_at, self._started = datetime.now(UTC), time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._started

    def read(self) -> dict[str, Any]:
        """Beginning and end for a model's card, in UTC."""
        return {
            "started_at": self._started_at.isoformat(timespec="seconds"),
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "training_seconds": round(self.seconds, 1),
        }


def versions(rasa_python: Path, rasa_requirements: Path) -> dict[str, dict[str, str]]:
    """Python and packages of both environments: that which serves, and Rasa's where it is there."""
    required = rasa_requirements.read_text("utf-8")
    packages = re.findall(r"^[A-Za-z0-9][\w.-]*", required, re.MULTILINE)
    found = {"application": _versions(Path(sys.executable), SERVED_BY)}
    if rasa_python.is_file():
        found["rasa"] = _versions(rasa_python, packages)
    return found


def _versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    command = [str(python), "-c", ASK, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return json.loads(done.stdout) if done.returncode == 0 else {}
