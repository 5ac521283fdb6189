"""Files onto a disk, without what a person changed there."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.disk import write_atomically
from bloomery.core.errors import FormatRefused, UserError
from bloomery.papers.scaffolding.scaffolded import Action, FileDone

MANIFEST = ".scaffold.json"
VERSION = 1


@dataclass(frozen=True)
class Written:
    """What became of each file, and the paths that were written before and are no longer wanted."""

    files: tuple[FileDone, ...]
    unplanned: tuple[str, ...]


def write(output: Path, texts: Mapping[str, str], *, dry_run: bool, force: bool) -> Written:
    """A file that is not as it was written last is somebody's, and is kept unless `force`.

    Raises: UserError for an output that is a file, FormatRefused for a manifest that cannot be read.
    """
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file; name a folder by --output")
    before = read_manifest(output)
    known = dict(before)
    done = []
    for path, text in texts.items():
        data = text.encode("utf-8")
        one = _judged(output, path, data, before.get(path), force)
        done.append(one)
        if one.action == "kept":
            continue
        known[path] = digest(data)
        if not dry_run and one.action != "unchanged":
            write_atomically(output / path, data)
    unplanned = tuple(sorted(path for path in before if path not in texts and (output / path).exists()))
    known = {path: held for path, held in known.items() if path in texts or path in unplanned}
    if not dry_run and known != before:
        write_atomically(output / MANIFEST, _manifest(known))
    return Written(tuple(done), unplanned)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _judged(output: Path, path: str, data: bytes, before: str | None, force: bool) -> FileDone:
    target = output / path
    kept: Action = "overwritten" if force else "kept"
    if not target.resolve().is_relative_to(output.resolve()) or target.is_symlink():
        return FileDone(path=path, action="kept", reason="it is a link, and links are not written through")
    if target.is_dir():
        return FileDone(path=path, action="kept", reason="a folder is in its place")
    if not target.exists():
        if before is None or force:
            return FileDone(path=path, action="written")
        return FileDone(path=path, action="kept", reason="it was removed; --force writes it again")
    now = target.read_bytes()
    if now == data:
        return FileDone(path=path, action="unchanged")
    if before == digest(now):
        return FileDone(path=path, action="updated")
    why = "it was changed" if before else "it was there before"
    return FileDone(path=path, action=kept, reason="" if force else f"{why}; --force overwrites it")


def read_manifest(output: Path) -> dict[str, str]:
    """The digest of each file as it was written last.

    Raises: FormatRefused.
    """
    path = output / MANIFEST
    if not path.is_file():
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        files = held["files"] if held["version"] == VERSION else None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise FormatRefused(f"{path}: expected what a scaffold wrote there: {error}; {_REMEDY}") from error
    if not isinstance(files, dict) or not all(isinstance(one, str) for one in files.values()):
        raise FormatRefused(f"{path}: expected digests by path, version {VERSION}; {_REMEDY}")
    return files


_REMEDY = "restore it, or remove it and all files that differ count as changed"


def _manifest(files: Mapping[str, str]) -> bytes:
    held = {"files": dict(sorted(files.items())), "version": VERSION}
    return (json.dumps(held, indent=1, sort_keys=True) + "\n").encode()
