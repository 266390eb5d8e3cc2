"""Files are there whole or not at all."""

from pathlib import Path

import pytest

from parity.report.files import write_whole


def test_a_file_and_its_folders_are_made(tmp_path):
    write_whole(tmp_path / "a" / "b.txt", "text")
    assert (tmp_path / "a" / "b.txt").read_text() == "text"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_whole(path, "old")

    def fails(self, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="the disk is full"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_never_seen_half_written(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    write_whole(path, "old")
    seen = []
    replace = Path.replace

    def watched(self, target):
        seen.append((path.read_text(), self.read_text()))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_whole(path, "new")
    assert seen == [("old", "new")]
