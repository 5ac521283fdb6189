"""Which files of tests are read for calls of what is changed."""

from pathlib import Path

from bloomery.optimize.validating.site import Site
from bloomery.optimize.validating.testing import targets_of
from bloomery.source.modules import reached, source_roots

MOST_TESTS = 40


def files_of_tests(site: Site) -> list[Path]:
    """Files with tests that import what is changed; they are read for calls."""
    root = site.trees.before
    names = [one.partition("::")[0] for one in targets_of(root, site.tests)]
    files = [path for name in dict.fromkeys(names) for path in _files(root / name)]
    changed = {(root / path).resolve() for path in site.change.paths}
    known: dict[Path, frozenset[Path]] = {}
    roots = source_roots(root)
    return [one for one in files if changed & reached([one], roots, known)][:MOST_TESTS]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("test_*.py"))
    return [path] if path.suffix == ".py" and path.is_file() else []
