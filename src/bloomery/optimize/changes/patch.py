"""A patch as content: named by the CID of its diff and base, with what was said of it beside.

Two documents in the store, both canonical JSON: the content, whose CID is the patch's, so that two equal
changes of the same tree are one patch whoever made them; and what was said about it by who proposed it first
(goal, description, parents), which names the patch it is about.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from bloomery.core.cid import check_cid, cid_of_bytes
from bloomery.core.errors import FormatRefused
from bloomery.core.tokens import mask, tokens_in
from bloomery.optimize.changes.access import check_path

FORMAT = "bloomery patch 1"
FETCH = "fetch"  # the fact that names a commit which is not here: what a patch from elsewhere was made on
MOST_BYTES = 16 * 2**20
_OBJECT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MODE = re.compile(
    r"^(?:(?:old|new|new file|deleted file) mode|index [0-9a-f]+\.\.[0-9a-f]+) (\d+)$", re.MULTILINE
)
_FILE_MODES = {"100644", "100755"}


@dataclass(frozen=True)
class Base:
    """The git tree that a patch changes, and the blob of each file that it touches (none: not there)."""

    tree: str
    blobs: Mapping[str, str | None]


@dataclass(frozen=True)
class Content:
    """What a patch is: a diff as git writes it, and its base."""

    diff: str
    base: Base

    def encoded(self) -> bytes:
        return canonical({"format": FORMAT, "diff": self.diff, "base": asdict(self.base)})

    @property
    def cid(self) -> str:
        return cid_of_bytes(self.encoded())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises: FormatRefused for what is no patch, or not in its one canonical form."""
        plain = _plain(data, {"format", "diff", "base"})
        base = plain["base"]
        if plain["format"] != FORMAT or not isinstance(plain["diff"], str) or set(base) != {"tree", "blobs"}:
            raise FormatRefused(f"this is no patch of a kind that is known here ({FORMAT})")
        content = cls(plain["diff"], Base(base["tree"], dict(base["blobs"])))
        check_content(content)
        if content.encoded() != data:
            raise FormatRefused("this patch is not in canonical form: its CID would not be the only one")
        return content


@dataclass(frozen=True, kw_only=True)
class About:
    """What is said of a patch. `commit` is one whose tree it was made on, where there is one; `network`: the
    proposer used the network to make it, as a language model elsewhere does."""

    proposer: str
    goal: str = ""
    operator: str = ""
    description: str = ""
    network: bool = False
    commit: str | None = None
    parents: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def encoded(self, cid: str) -> bytes:
        """With every token masked."""
        return canonical(masked({"patch": cid} | asdict(self)))

    @classmethod
    def decode(cls, data: bytes, cid: str) -> Self:
        """Raises: FormatRefused for what is said of another patch."""
        plain = _plain(data, {"patch", *cls.__dataclass_fields__})
        if plain.pop("patch") != cid:
            raise FormatRefused(f"what was said is about another patch than {cid}")
        return cls(**{**plain, "parents": tuple(check_cid(parent) for parent in plain["parents"])})


@dataclass(frozen=True)
class Patch:
    """A patch with its name and what was said of it."""

    cid: str
    content: Content
    about: About

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.content.base.blobs))


def check_content(content: Content) -> None:
    """Raises: FormatRefused for links, submodules, binary files, an empty diff, or names that are no ids."""
    blobs, diff = content.base.blobs, content.diff
    for path in blobs:
        check_path(path)
    ids = [content.base.tree, *(blob for blob in blobs.values() if blob is not None)]
    if not all(isinstance(name, str) and _OBJECT.fullmatch(name) for name in ids):
        raise FormatRefused("the patch's base is not named by git's object ids")
    if not blobs or not diff.startswith("diff --git "):
        raise FormatRefused("the patch is empty: it changes no file")
    if "\0" in diff or re.search(r"^(GIT binary patch|Binary files .* differ)$", diff, re.MULTILINE):
        raise FormatRefused("the patch changes a binary file; only text is patched")
    for mode in _MODE.findall(diff):
        if mode not in _FILE_MODES:
            kind = {"120000": "a symbolic link", "160000": "a submodule"}.get(mode, f"mode {mode}")
            raise FormatRefused(f"the patch changes {kind}; only plain files are patched")


def secrets_added(diff: str) -> list[tuple[int, str]]:
    """Line of the diff and kind of every token that a patch would add."""
    lines = [line[1:] if line.startswith("+") and not _header(line) else "" for line in diff.split("\n")]
    return tokens_in("\n".join(lines))


def _header(line: str) -> bool:
    return line.startswith(("+++ b/", '+++ "b/', "+++ /dev/null"))


def canonical(plain: Any) -> bytes:
    """The one way in which a value is written down."""
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def masked(value: Any) -> Any:
    """The value with the tokens in all its texts masked."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {mask(str(key)): masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def _plain(data: bytes, names: set[str]) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise FormatRefused(f"this is larger than a patch may be ({MOST_BYTES >> 20} MiB)")
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatRefused(f"this is no patch: {type(error).__name__} while reading it as JSON") from None
    if not isinstance(plain, dict) or set(plain) != names or not isinstance(plain.get("base", {}), dict):
        raise FormatRefused(f"this is no patch: it should hold {', '.join(sorted(names))}")
    return plain
