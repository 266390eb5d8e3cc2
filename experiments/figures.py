"""Figures: one style, written as PNG and SVG, without a display."""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from experiments.results import write_bytes

# Distinguishable without colour vision (Okabe and Ito, 2008).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
JAXACT, TORCH, FLOAT64 = PALETTE[:3]
LIMIT = "#555555"

STYLE: dict[Any, Any] = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "font.size": 9.5,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    # Without it the SVG would differ from run to run.
    "svg.hashsalt": "jaxact",
}


def figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches; draw it inside `style()`."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawn)
    return drawn


def style() -> AbstractContextManager[None]:
    """The context in which a figure is drawn and saved."""
    return mpl.rc_context(STYLE)


def save(drawn: Figure, stem: Path) -> list[Path]:
    """Writes `stem`.png and `stem`.svg, whole or not at all."""
    written: list[Path] = []
    for suffix, metadata in (("png", {}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=suffix, dpi=160, metadata=metadata)
        written.append(write_bytes(stem.with_name(f"{stem.name}.{suffix}"), buffer.getvalue()))
    return written
