"""Compiling C at first use: kept where it is safe, stated where it is not."""

import os
import shutil
from pathlib import Path

import pytest

from bloomery.models.packed.compiled import COMPILERS, Unavailable, load

SOURCE = "int answer(void) { return 42; }"
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="no C compiler on PATH")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder that libraries are kept in, not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bloomery" / "kernels"


def replace(path, content):
    """Leaves the old file to this process, which has it mapped."""
    path.unlink()
    path.write_bytes(content)


def answer(source=SOURCE):
    library, note = load(source, "answer")
    return library.answer(), note


@needs_compiler
def test_what_was_compiled_once_needs_no_compiler_again(cache, monkeypatch):
    assert answer() == (42, "")
    monkeypatch.setenv("PATH", "")
    assert answer() == (42, "")
    assert len(list(cache.iterdir())) == 1


@needs_compiler
def test_other_source_is_another_library(cache):
    assert answer()[0] == 42
    assert answer(SOURCE.replace("42", "43"))[0] == 43


@needs_compiler
def test_a_folder_that_others_can_write_is_neither_read_nor_written(cache):
    assert answer() == (42, "")
    (kept,) = cache.iterdir()
    replace(kept, b"not a library")
    cache.chmod(0o777)
    found, note = answer()
    assert found == 42
    assert "compiled for this process only" in note
    assert "others can write" in note
    assert kept.read_bytes() == b"not a library"
    assert list(cache.iterdir()) == [kept]


@needs_compiler
def test_a_library_that_others_can_write_is_not_loaded(cache):
    answer()
    (kept,) = cache.iterdir()
    kept.chmod(0o722)
    assert "others can write" in answer()[1]


@needs_compiler
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_replace_is_not_used(cache, mode):
    shared = cache.parent.parent
    shared.mkdir()
    shared.chmod(mode)
    found, note = answer()
    assert found == 42
    assert "others can replace" in note


@needs_compiler
def test_a_folder_below_one_of_another_user_is_not_used(cache, monkeypatch):
    assert answer() == (42, "")
    found = Path.stat

    def of_another(path, **given):
        result = found(path, **given)
        return os.stat_result([*result[:4], os.geteuid() + 1, *result[5:10]]) if path == above else result

    above = cache.parent
    monkeypatch.setattr(Path, "stat", of_another)
    assert f"{above} belongs to another user" in answer()[1]


@needs_compiler
def test_the_folders_made_for_it_are_ours_alone_whatever_the_umask(cache):
    before = os.umask(0o002)
    try:
        assert answer() == (42, "")
    finally:
        os.umask(before)


@needs_compiler
def test_a_folder_of_another_user_is_not_used(cache, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "belongs to another user" in answer()[1]


@needs_compiler
def test_a_cache_that_cannot_be_made_is_said(cache):
    cache.parent.parent.write_text("a file where the folder would be")
    found, note = answer()
    assert found == 42
    assert "File exists" in note


@needs_compiler
def test_a_damaged_library_is_compiled_anew(cache):
    answer()
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    replace(kept, whole[:-100])
    assert answer() == (42, "")
    assert [path.read_bytes() for path in cache.iterdir()] == [whole]


def test_without_a_compiler_the_error_says_so(cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match=r"no C compiler \(cc, gcc, clang\) on PATH"):
        answer()
    assert not list(cache.iterdir())


@needs_compiler
def test_source_that_does_not_compile_says_what_the_compiler_said(cache):
    with pytest.raises(Unavailable, match=r"failed with exit code 1: .*error"):
        answer("int answer(void) { return nothing; }\n")
    assert not list(cache.iterdir())
