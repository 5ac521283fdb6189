"""The file reader reads one folder's text files and nothing else."""

import os

import pytest

from bloomery.tasks.tools.file_reader import MOST_BYTES, file_reader
from bloomery.tasks.tools.tool import ToolFailed, World

TEXT = "one\ntwo\nthree\n"


@pytest.fixture(params=["folder", "world"])
def use(request, tmp_path):
    """The same files, in a real folder and in an attempt's world."""
    folder = tmp_path / "given"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text(TEXT)
    (folder / "sub" / "b").write_text("b")
    (tmp_path / "outside").write_text("secret")
    if request.param == "folder":
        return file_reader(folder).start(World())
    return file_reader().start(World(files={"a.txt": TEXT, "sub/b": "b"}))


def test_a_file_is_read_whole_or_by_line(use):
    assert use(path="a.txt") == TEXT
    assert [use(path="a.txt", line=line) for line in (1, 2, 3)] == ["one", "two", "three"]
    assert use(path="sub/b") == "b"


def test_a_line_that_is_not_there_is_said(use):
    with pytest.raises(ToolFailed, match="has 3 lines, not 4"):
        use(path="a.txt", line=4)


@pytest.mark.parametrize(
    "path", ["../outside", "sub/../../outside", "/etc/hostname", "nothing", "", "sub", "a.txt/x", "\0"]
)
def test_no_path_leads_outside(use, path):
    with pytest.raises(ToolFailed, match=r"no file|no text file"):
        use(path=path)


def test_links_pipes_and_what_is_no_text_are_refused(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "way").symlink_to(tmp_path)
    os.link(tmp_path / "outside", folder / "hard")
    os.mkfifo(folder / "pipe")
    (folder / "bytes").write_bytes(b"\xff\xfe")
    (folder / "big").write_text("x" * (MOST_BYTES + 1))
    use = file_reader(folder).start(World())
    for path in ("link", "way/outside", "hard", "pipe", "bytes", "big"):
        with pytest.raises(ToolFailed, match="no text file"):
            use(path=path)
