"""arXiv's ids: 2501.00663v2, hep-th/9901001, and the addresses that hold one."""

import re
from dataclasses import dataclass

from bloomery.core.errors import UserError

_ID = re.compile(
    r"(?P<bare>\d{4}\.\d{4,5}|[a-z]+(?:-[a-z]+)*(?:\.[A-Z]{2})?/\d{7})(?:v(?P<version>\d{1,3}))?"
)
_PREFIX = re.compile(
    r"^(?:arxiv:\s*|(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html|e-print|src|format)/)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ArxivId:
    bare: str
    version: int | None = None

    def __str__(self) -> str:
        return self.bare + (f"v{self.version}" if self.version else "")

    @property
    def folder(self) -> str:
        """A name for a folder; the newest version, whichever it is, has one of its own."""
        return str(self).replace("/", "_")

    @property
    def year(self) -> int:
        """In which the id was given out: they begin with two digits of the year and two of the month."""
        two = int(re.search(r"\d{2}", self.bare)[0])  # type: ignore[index]  # the pattern has digits
        return (1900 if two > 90 else 2000) + two


def arxiv_id(text: str) -> ArxivId | None:
    """The id that a text is, bare, with `arXiv:` or in an address; None where it is something else."""
    core = re.sub(r"(?:\.pdf|/)$", "", _PREFIX.sub("", text.strip()))
    match = _ID.fullmatch(core)
    if match is None:
        return None
    return ArxivId(match["bare"], int(match["version"]) if match["version"] else None)


def require_id(text: str) -> ArxivId:
    """Raises: UserError."""
    found = arxiv_id(text)
    if found is None:
        raise UserError(
            f"'{text}' is no arXiv id; expected one such as 2501.00663, 2501.00663v2, hep-th/9901001"
        )
    return found
