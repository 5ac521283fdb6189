"""Folders that appear whole or not at all, and full disks by whatever name a library gives them."""

import errno

import pytest

from bloomery.core.disk import full_disk_named, new_folder
from bloomery.core.errors import DiskFull, Failure


def test_a_filled_folder_appears_when_the_block_ends_well(tmp_path):
    with new_folder(tmp_path / "deep" / "model") as folder:
        (folder / "weights").write_text("all")
        assert not (tmp_path / "deep" / "model").exists()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]
    assert (tmp_path / "deep" / "model" / "weights").read_text() == "all"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_block_that_fails_leaves_nothing(tmp_path, error):
    def fail(folder):
        (folder / "weights").write_text("half")
        raise error

    with pytest.raises(error), new_folder(tmp_path / "model") as folder:
        fail(folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        Exception("No space left on device (os error 28)"),  # what tokenizers raises, to the letter
        ValueError("Error while serializing: I/O error: Disk quota exceeded (os error 122)"),
    ],
)
def test_a_full_disk_is_named_whatever_type_says_it(tmp_path, error):
    with pytest.raises(DiskFull, match="no space left while writing"), new_folder(tmp_path / "model"):
        raise error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), ValueError("(os error 5)"), Failure("(os error 28)")]
)
def test_other_errors_pass_as_they_are(tmp_path, error):
    with pytest.raises(type(error)) as raised, full_disk_named(tmp_path):
        raise error
    assert raised.value is error
