"""The completeness validator: numbers without claims, claims without runs, typed pages, configs nobody uses.

Placeholders and tests that cannot fail are found with the equations, where code and tests are read.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.figures import figures
from bloomery.papers.verifying.claims import ClaimReport
from bloomery.papers.verifying.joining import Tree, content, shown
from bloomery.papers.verifying.pages import results_page
from bloomery.papers.verifying.paper_file import PAPER_FILE
from bloomery.papers.verifying.papers import PAPERS, Folder
from bloomery.papers.verifying.results import RENDERED_FILE, RESULTS_FILE

CONFIGS = frozenset({".yaml", ".yml", ".toml", ".json"})
TEXTS = frozenset({".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".ipynb", ".cfg"})
MOST_BYTES = 2_000_000


def complete(root: Path, folder: Folder, claims: Sequence[ClaimReport], tree: Tree) -> Iterator[Diagnostic]:
    """What is left open in a paper's folder."""
    file = shown(root, folder.file.path)
    for one in claims:
        if not one.claim.command and not one.claim.not_reproduced:
            message = f"no command measures the claim '{one.name}'; name one, or say not_reproduced: why"
            line = folder.file.claim_line(one.name)
            yield Diagnostic(file, line, "error", "claim-unlinked", message)
    yield from _unclaimed(root, folder)
    yield from _page(root, folder, claims)
    for path in unreferenced(root, folder.path, tree.sources):
        message = f"nothing refers to {path.name}; use it or delete it"
        yield Diagnostic(shown(root, path), 1, "error", "config-unused", message)


def _unclaimed(root: Path, folder: Folder) -> Iterator[Diagnostic]:
    """Numbers among the context's results that no claim states, not even as not reproduced."""
    stated = [one.value for one in folder.file.paper.claims if one.value is not None]
    stated += [point.value for one in folder.file.paper.claims for point in one.curve]
    for at, result in enumerate(folder.context.benchmarks.results):
        for value in figures(result.value):
            if not any(math.isclose(value, one, rel_tol=1e-9) for one in stated):  # both are typed
                what = " ".join(one for one in (result.dataset, result.metric) if one)
                message = (
                    f"{what}: {value:g} has no claim in {PAPER_FILE}; add one, perhaps as not_reproduced"
                )
                where, line = shown(root, Path(folder.read.path)), _line(folder, at)
                yield Diagnostic(where, line, "error", "result-without-claim", message)


def _line(folder: Folder, at: int) -> int:
    """Of a row of results, where the text of the context is found by it; else of the whole."""
    result = folder.context.benchmarks.results[at]
    lines = Path(folder.read.path).read_text(encoding="utf-8").splitlines()
    rows = [n for n, line in enumerate(lines, 1) if result.value in line and result.dataset in line]
    return rows[0] if rows else 1


def _page(root: Path, folder: Folder, claims: Sequence[ClaimReport]) -> Iterator[Diagnostic]:
    path = folder.path / RENDERED_FILE
    if folder.results and not path.is_file():
        message = f"{RESULTS_FILE} has no page; `bloomery paper bench` writes it"
        yield Diagnostic(shown(root, path), 1, "error", "page-missing", message)
    elif path.is_file() and path.read_text(encoding="utf-8") != results_page(folder.id, claims):
        message = f"it is not what {RESULTS_FILE} and {PAPER_FILE} say; `bloomery paper bench` writes it"
        yield Diagnostic(shown(root, path), 1, "error", "page-typed", message)


def unreferenced(root: Path, folder: Path, sources: Sequence[Path]) -> list[Path]:
    """Configs below a paper's folder whose name stands in no other file that could use them."""
    own = _files(folder)
    configs = [path for path in own if path.suffix in CONFIGS and path.name not in (PAPER_FILE, RESULTS_FILE)]
    return _unnamed(root, configs, {path for path in own if path.suffix in TEXTS} | set(sources))


def unshared(root: Path, sources: Sequence[Path]) -> Iterator[Diagnostic]:
    """Configs below the repository's `configs` that no code, page, paper or other config names."""
    configs = [path for path in _files(root / "configs") if path.suffix in CONFIGS]
    pages = [path for name in ("configs", "docs", PAPERS, ".github") for path in _files(root / name)]
    pages += root.glob("*.md")
    for path in _unnamed(root, configs, {path for path in pages if path.suffix in TEXTS} | set(sources)):
        message = f"nothing refers to {path.name}; use it or delete it"
        yield Diagnostic(shown(root, path), 1, "error", "config-unused", message)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _unnamed(root: Path, configs: Sequence[Path], readers: set[Path]) -> list[Path]:
    if not configs:
        return []
    readers |= {path for path in (root / "pyproject.toml", root / "Makefile") if path.is_file()}
    texts = {path: text for path in readers if len(text := content(path)) <= MOST_BYTES}
    return [path for path in configs if not any(_names(path, text, other) for other, text in texts.items())]


def _names(path: Path, text: bytes, other: Path) -> bool:
    """Whether a text names a config; a Python file may write the name without its ending."""
    if other == path or other.name in (RESULTS_FILE, RENDERED_FILE):
        return False
    return path.name.encode() in text or f"{path.parent.name}/{path.stem}".encode() in text
