"""Results are there whole or not at all, and progress reads well in a pipe."""

import io
import json
import os

import numpy as np
import pytest
from rich.console import Console

from experiments import figures
from experiments.progress import Progress
from experiments.results import measured_on, write_bytes, write_json, write_text


def test_a_file_is_written_with_its_folder(tmp_path):
    path = write_text(tmp_path / "new" / "a.txt", "ü")
    assert path.read_text(encoding="utf-8") == "ü"
    assert path.stat().st_mode & 0o777 == 0o644


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_bytes(tmp_path / "a.bin", b"old")

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_numbers_that_json_has_not_got_become_null(tmp_path):
    content = {"a": [float("nan"), 1.5], "b": {"c": float("inf")}, "d": (0, None)}
    path = write_json(tmp_path / "a.json", content)
    assert json.loads(path.read_text()) == {"a": [None, 1.5], "b": {"c": None}, "d": [0, None]}


def test_an_object_that_json_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": object()})
    assert list(tmp_path.iterdir()) == []


def test_results_say_what_they_were_measured_on():
    where = measured_on()
    assert {"python", "platform", "cpu", "packages"} <= set(where)
    assert {"jax", "torch", "numpy"} <= set(where["packages"])


def test_a_figure_is_written_as_png_and_svg_the_same_each_time(tmp_path):
    def draw(folder):
        with figures.style():
            drawn = figures.figure(3, 2)
            drawn.subplots().plot(np.arange(4))
            return figures.save(drawn, tmp_path / folder / "plot")

    first, second = draw("a"), draw("b")
    assert [path.name for path in first] == ["plot.png", "plot.svg"]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def _shown(terminal):
    stream = io.StringIO()
    progress = Progress(Console(file=stream, force_terminal=terminal, width=100))
    with progress.stages("study", 2) as advance:
        advance("one")
        advance("two")
    return stream.getvalue()


def test_progress_in_a_pipe_is_plain_lines():
    lines = _shown(terminal=False).splitlines()
    assert lines[:2] == ["study: [1/2] one", "study: [2/2] two"]
    assert lines[2].startswith("study: 2 of 2 done in ")
    assert len(lines) == 3


def test_progress_on_a_terminal_is_a_bar():
    shown = _shown(terminal=True)
    assert "\x1b[" in shown
    assert "2/2" in shown


def test_arrays_are_written_as_lists(tmp_path):
    path = write_json(tmp_path / "a.json", {"a": [np.array([1.0, np.inf])]})
    assert json.loads(path.read_text()) == {"a": [[1.0, None]]}
