"""The glyphs of a PDF's pages: where each stands on its baseline, how large, in which font."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import Any

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.reading.needing import needed

UNKNOWN = "�"
MAX_PAGES = 1000
_PDFIUM = threading.Lock()  # the library stands no two threads
_SPARSE = 20  # glyphs a page; a scan with a stamp on it has no more
_INSTEAD = "give the LaTeX sources, the HTML page or an arXiv id instead"
_EXTENSION = {  # what TeX's font of large symbols prints for a letter
    **dict.fromkeys("PX", "∑"),
    **dict.fromkeys("QY", "∏"),
    **dict.fromkeys("RZ", "∫"),
    **dict.fromkeys("pqrst", "√"),
    **dict.fromkeys("NO", "⊗"),
    **dict.fromkeys("LM", "⊕"),
    **dict.fromkeys("be", "^"),
    **dict.fromkeys("f", "~"),
}


@dataclass(frozen=True)
class Glyph:
    """Units: points, y upwards. `y` is the baseline, `low` and `high` what is inked."""

    text: str
    x0: float
    x1: float
    y: float
    low: float
    high: float
    size: float
    font: str

    @property
    def is_tall(self) -> bool:
        """A sum, an integral, a large bracket: its baseline says nothing."""
        return self.high - self.low > 1.2 * self.size or "CMEX" in self.font


@dataclass(frozen=True)
class Page:
    number: int
    width: float
    glyphs: tuple[Glyph, ...]
    text: str


@dataclass(frozen=True)
class Printed:
    pages: tuple[Page, ...]
    title: str  # as the file's own data says, often nothing
    authors: str


def read_pages(path: Path) -> Printed:
    """Raises: MissingFile; FormatRefused for what is encrypted, damaged, a scan, or no PDF."""
    pdfium = needed("pypdfium2", "reading PDF")
    if not path.is_file():
        raise MissingFile(f"no file at {path}")
    if b"%PDF-" not in path.read_bytes()[:1024]:
        raise FormatRefused(f"{path} is no PDF: {_INSTEAD}")
    try:
        with _PDFIUM, closing(pdfium.PdfDocument(path)) as document:
            pages = tuple(_pages(document, path))
            said = document.get_metadata_dict()
    except pdfium.PdfiumError as error:
        raise FormatRefused(_refusal(path, str(error))) from error
    if sum(len(page.glyphs) for page in pages) < _SPARSE * max(1, len(pages)):
        raise FormatRefused(
            f"{path} has no text layer, it is a scan: run it through OCR (`ocrmypdf in.pdf out.pdf`) or "
            f"{_INSTEAD}"
        )
    return Printed(pages, said.get("Title", ""), said.get("Author", ""))


def _refusal(path: Path, error: str) -> str:
    if "password" in error.lower() or "security" in error.lower():
        return f"{path} is encrypted: take the password off (`qpdf --decrypt in.pdf out.pdf`) or {_INSTEAD}"
    return f"{path} is a damaged PDF ({error}): fetch it again or {_INSTEAD}"


def _pages(document: Any, path: Path) -> Iterator[Page]:
    if len(document) > MAX_PAGES:
        raise FormatRefused(f"{path} has {len(document)} pages, at most {MAX_PAGES}: cut out the paper")
    for number, page in enumerate(document, 1):
        with closing(page), closing(page.get_textpage()) as text:
            yield Page(number, page.get_width(), tuple(_glyphs(text)), text.get_text_range())


def _glyphs(text: Any) -> Iterator[Glyph]:
    """Upright ones; blanks, which the gaps tell as well, and stamps along the margin are left out."""
    raw = needed("pypdfium2.raw", "reading PDF")
    x, y, matrix = ctypes.c_double(), ctypes.c_double(), raw.FS_MATRIX()
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    for index in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, index)
        if raw.FPDFText_IsGenerated(text, index) == 1 or code in (9, 10, 13, 32, 160):
            continue
        raw.FPDFText_GetCharOrigin(text, index, x, y)
        raw.FPDFText_GetMatrix(text, index, matrix)
        if abs(matrix.b) > 0.1 * abs(matrix.a):
            continue
        raw.FPDFText_GetFontInfo(text, index, name, len(name), flags)
        font = name.value.decode("latin-1")
        _, low, _, high = text.get_charbox(index)
        left, _, right, _ = text.get_charbox(index, loose=True)
        size = raw.FPDFText_GetFontSize(text, index) * hypot(matrix.c, matrix.d)
        yield Glyph(_character(code, font), left, right, y.value, low, high, size, font)


def _character(code: int, font: str) -> str:
    if code in (2, 0xAD, 0xFFFE):  # a hyphen at the end of a line
        return "-"
    if "CMEX" in font:
        return _EXTENSION.get(chr(code), UNKNOWN)
    is_private = code == 0 or 0xE000 <= code <= 0xF8FF or not chr(code).isprintable()
    return UNKNOWN if is_private else chr(code)
