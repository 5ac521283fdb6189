"""What a sandboxed program left is read without going where it points."""

import os
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.core.sandbox import Limits, read_result, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("hunter2")
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "result").write_bytes(b"42")
    return inside


def test_a_plain_file_is_read(folder: Path) -> None:
    assert read_result(folder, "deep/result") == b"42"
    assert read_result(folder, "deep/result", most_bytes=2) == b"42"


def test_a_link_out_made_by_the_program_is_not_followed(folder: Path) -> None:
    code = "ln -s ../secret link; ln -s .. up; ln -s deep/result own; rm -r deep; ln -s .. deep"
    assert run(["/bin/sh", "-c", code], folder=folder, limits=Limits(time_s=5)).returncode == 0
    assert (folder / "link").read_text() == "hunter2", "the attack is real: a plain read follows it"
    for name in ("link", "up/secret", "own", "deep/secret"):
        with pytest.raises(FormatRefused, match=f"'{name}' is not a plain file"):
            read_result(folder, name)


def test_what_is_no_plain_file_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    os.link(folder.parent / "secret", folder / "hard")
    (folder / "big").write_bytes(bytes(11))
    for name in ("pipe", "hard", "deep"):
        with pytest.raises(FormatRefused, match="not a plain file"):
            read_result(folder, name)
    with pytest.raises(FormatRefused, match="has 11 bytes, more than the 10"):
        read_result(folder, "big", most_bytes=10)
    with pytest.raises(FormatRefused, match="not a plain file"):
        read_result(folder, "big/below")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "deep/../../secret", "", "."])
def test_a_name_that_leads_out_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(FormatRefused, match="does not stay in"):
        read_result(folder, name)


def test_a_file_that_was_not_made_is_missing(folder: Path) -> None:
    with pytest.raises(MissingFile, match="left no 'other'"):
        read_result(folder, "other")


def test_reading_leaves_no_descriptor_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for name in ("deep/result", "deep", "other", "deep/other"):
        try:
            read_result(folder, name)
        except (FormatRefused, MissingFile):
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
