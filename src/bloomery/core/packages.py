"""Which version of a package there is, by the name under which it is imported."""

import functools
import importlib.metadata
from collections.abc import Mapping

ABSENT = "absent"


@functools.cache
def package_version(name: str) -> str:
    """The version of the distribution that brings the import name; `absent` where nothing does."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        owners = _owners().get(name, ())
    versions = sorted(f"{owner} {importlib.metadata.version(owner)}" for owner in set(owners))
    return ", ".join(versions) or ABSENT


@functools.cache
def _owners() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()  # reads every distribution: a third of a second
