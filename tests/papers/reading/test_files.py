"""Archives as arXiv gives them, and such as nobody should give us."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused
from bloomery.papers.reading import files
from bloomery.papers.reading.files import Folder, unpacked
from bloomery.papers.reading.latex import read_latex

FADING = Path(__file__).parent / "fixtures" / "fading"
TEX = b"\\documentclass{article}\\begin{document}\\begin{equation}a\\end{equation}\\end{document}"


def tar_of(entries: dict[str, bytes], mode: str = "w:gz", kind: bytes = tarfile.REGTYPE) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname = len(content), kind, "/etc/passwd"
            archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def zip_of(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def fading() -> dict[str, bytes]:
    return {p.relative_to(FADING).as_posix(): p.read_bytes() for p in FADING.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.tar.gz", tar_of),
        ("a.tar", lambda entries: tar_of(entries, "w")),
        ("a.zip", zip_of),
        ("2403.00001v1", tar_of),  # arXiv's own name for it
    ],
)
def test_an_archive_reads_like_its_folder(tmp_path, name, make):
    (tmp_path / name).write_bytes(make(fading()))
    from_archive, from_folder = read_latex(tmp_path / name), read_latex(FADING)
    assert from_archive.equations == from_folder.equations
    assert from_archive.tables == from_folder.tables


def test_one_gzipped_file_is_a_paper(tmp_path):
    (tmp_path / "9901001.gz").write_bytes(gzip.compress(TEX))
    document = read_latex(tmp_path / "9901001.gz")
    assert [(e.number, e.place.path) for e in document.equations] == [("1", "9901001.tex")]


@pytest.mark.parametrize("name", ["../escape.tex", "/etc/escape.tex", "a/../../escape.tex"])
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_an_entry_that_leads_outside_is_refused(name, make):
    with pytest.raises(FormatRefused, match="leads outside"):
        unpacked(make({"main.tex": TEX, name: b"x"}), "bad")


def test_a_link_in_an_archive_is_no_file():
    data = tar_of({"main.tex": b""}, kind=tarfile.SYMTYPE)
    assert unpacked(data, "links").names() == []


def test_a_link_in_a_folder_leads_nowhere_outside(tmp_path):
    (tmp_path / "secret.tex").write_text("secret")
    inside = tmp_path / "paper"
    inside.mkdir()
    (inside / "link.tex").symlink_to(tmp_path / "secret.tex")
    assert Folder(inside).text("link.tex") is None
    assert Folder(inside).text("../secret.tex") is None


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_what_unpacks_to_too_much_is_refused(monkeypatch, make):
    monkeypatch.setattr(files, "TOTAL_BYTES", 100_000)
    figures = {f"{n}.tex": bytes(60_000) for n in range(2)}
    with pytest.raises(FormatRefused, match="unpacks to more"):
        unpacked(make(figures), "bomb")


def test_one_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(files, "FILE_BYTES", 1000)
    with pytest.raises(FormatRefused, match="larger than"):
        unpacked(gzip.compress(bytes(2000)), "large.gz")


def test_too_many_entries_are_refused(monkeypatch):
    monkeypatch.setattr(files, "ENTRIES", 3)
    with pytest.raises(FormatRefused, match="more than 3 entries"):
        unpacked(tar_of({f"{n}.tex": b"" for n in range(5)}), "many")


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive at all", b"PK\x03\x04 cut", gzip.compress(TEX)[:-9], tar_of({"a": TEX})[:60]],
    ids=["nothing", "text", "cut zip", "cut gzip", "cut tar"],  # gzip holds the time
)
def test_what_is_no_sound_archive_is_refused(data):
    with pytest.raises(FormatRefused):
        unpacked(data, "broken").text("main.tex")


def test_old_papers_in_latin_1_are_read(tmp_path):
    (tmp_path / "old.tex").write_bytes("\\title{Über}\\begin{document}x\\end{document}".encode("latin-1"))
    assert read_latex(tmp_path / "old.tex").title == "Über"
