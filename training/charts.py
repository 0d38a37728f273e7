"""Pictures of an evaluation, as PNG: reliability and confusion.

matplotlib is imported where it is used: the server lists these commands and never draws.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation import BINS, Calibration, Evaluation

DPI = 150
INK, RED, BLUE, PALE, GREY = "#1f2933", "#b42318", "#1d4f91", "#a9c6e8", "#9aa5b1"


def draw_reliability(found: Calibration, title: str, path: Path) -> None:
    """How often the model was right where it was so sure, and below it of how many messages."""
    figure, (above, below) = _figure(6, 6.4, rows=2, heights=(4, 1))
    sure = [b.confidence for b in found.bins]
    right = [b.accuracy for b in found.bins]
    places = [(min(int(c * BINS), BINS - 1) + 0.5) / BINS for c in sure]
    width = 0.92 / BINS
    above.bar(places, right, width, color=PALE, label="share of right answers")
    above.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="as sure as right")
    above.plot(sure, right, "o", color=BLUE, markersize=5, label="mean confidence of the bin")
    above.legend(
        loc="upper left", frameon=False, fontsize=9, alignment="left", title_fontsize=9,
        title=f"expected calibration error {found.error:.3f}, {found.method}",
    )  # fmt: skip
    above.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share of right answers")
    above.set_title(title, fontsize=11)
    below.bar(places, [b.messages for b in found.bins], width, color=GREY)
    for place, b in zip(places, found.bins, strict=True):
        below.annotate(str(b.messages), (place, b.messages), ha="center", va="bottom", fontsize=8)
    below.set(xlim=(0, 1), xlabel="confidence", ylabel="messages")
    below.margins(y=0.3)
    for axes in (above, below):
        axes.set_xticks(np.arange(BINS + 1) / BINS)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DPI)


def draw_confusion(found: Evaluation, title: str, path: Path) -> None:
    """A row an intent that was meant, a column an intent that was answered; shaded by the row."""
    intents = list(found.by_intent)
    counts = np.array([[found.confusion.get(m, {}).get(a, 0) for a in intents] for m in intents])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 3.2 + 0.34 * len(intents)
    figure, (axes,) = _figure(side, side)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        hit, dark = row == column, shares[row, column] > 0.5
        axes.text(
            column, row, counts[row, column], ha="center", va="center", fontsize=8,
            color="white" if dark else INK if hit else RED,
        )  # fmt: skip
    axes.set_xticks(range(len(intents)), intents, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(intents)), intents)
    axes.set_xticks(np.arange(len(intents) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(intents) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e4e7eb", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="answered", ylabel="meant")
    axes.set_title(title, fontsize=11)
    figure.savefig(path, dpi=DPI)


def _figure(
    width: float, height: float, rows: int = 1, heights: tuple[int, ...] = (1,)
) -> tuple[Any, list[Any]]:
    """A figure in inches, with its axes from top to bottom; no window, no global state."""
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it talks of its font cache
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, 1, squeeze=False, height_ratios=heights)
    for each in axes[:, 0]:
        each.tick_params(labelsize=9, colors=INK)
    return figure, list(axes[:, 0])
