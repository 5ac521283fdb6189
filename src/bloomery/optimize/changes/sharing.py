"""Sharing patches between workspaces: by CID over IPFS or a folder, or as a file.

What comes from elsewhere is verified by its name and then a proposal like any other: neither evidence nor
approval travels with it.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bloomery.core import remote
from bloomery.core.cid import check_cid
from bloomery.core.disk import write_atomically
from bloomery.core.errors import BloomeryError, DamagedArtifact, FormatRefused, MissingFile, UserError
from bloomery.core.log import get_log, without_passwords
from bloomery.core.tokens import mask, tokens_in
from bloomery.optimize.changes import making
from bloomery.optimize.changes.access import check_network
from bloomery.optimize.changes.kubo import Kubo, Unreachable
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.patch import MOST_BYTES, About, Content, Patch, canonical
from bloomery.optimize.changes.proposing import keep

FILE = "bloomery patch file 1"
_log = get_log("changes")


@dataclass(frozen=True)
class Meeting:
    """Where workspaces meet: a node of IPFS, and a folder (a URL of fsspec) for when there is none."""

    folder: str = field(repr=False)
    kubo: Kubo | None = None


@dataclass(frozen=True)
class Shared:
    """A patch that others can fetch now: its CID and that of what was said of it, where they lie, and what
    did not work."""

    cid: str
    about: str
    places: tuple[str, ...]
    notes: tuple[str, ...]


def broadcast(ledger: Ledger, prefix: str, meeting: Meeting, *, agent: str | None = None) -> Shared:
    """Make a patch available to other workspaces: pinned on the node; in the folder if that fails.

    Raises: UserError if its diff shows a token, or the agent may not use the network; Failure if all fails.
    """
    if agent is not None and meeting.kubo is not None:
        check_network(ledger.rules, agent)
    patch = ledger.load(prefix)
    _check_shows_no_token(patch.content)
    about = ledger.records.patch(patch.cid).about
    notes: list[str] = []
    places = _to_node(ledger, meeting.kubo, (patch.cid, about), notes) if meeting.kubo else []
    if not places:
        places = [remote.push(ledger.workspace.store, cid, meeting.folder) for cid in (patch.cid, about)][:1]
    places, notes = ([without_passwords(mask(text)) for text in texts] for texts in (places, notes))
    ledger.records.note(agent or "bloomery", "shared", patch.cid, {"places": places, "notes": notes})
    ledger.seal()
    return Shared(patch.cid, about, tuple(places), tuple(notes))


def fetch(
    ledger: Ledger, cid: str, meeting: Meeting, *, about: str | None = None, agent: str | None = None
) -> Patch:
    """A patch that another workspace shares, by its whole CID and that of what was said of it, verified.

    Raises: MissingFile where nobody has it, with what each place said; FormatRefused for what is no patch.
    """
    if agent is not None and meeting.kubo is not None:
        check_network(ledger.rules, agent)
    data = _bring(ledger, check_cid(cid), meeting)
    said = None if about is None else About.decode(_bring(ledger, check_cid(about), meeting), cid)
    return receive(ledger, data, said or About(proposer="unknown", description="fetched by its CID alone"))


def receive(ledger: Ledger, data: bytes, about: About) -> Patch:
    """Keep a patch that came from elsewhere. Raises: FormatRefused, UserError for what no patch may do."""
    content = Content.decode(data)
    if set(making.touched(ledger.repository, content.diff.encode())) != set(content.base.blobs):
        raise FormatRefused("the patch's diff changes other files than it says")
    making.check_adds_no_secret(content)
    return keep(ledger, content, about, event="received")


def export(ledger: Ledger, prefix: str, path: Path) -> Path:
    """Write a patch to a file: as a plain diff where the name ends in .diff or .patch, else to be imported.

    Raises: UserError if its diff shows a token.
    """
    patch = ledger.load(prefix)
    _check_shows_no_token(patch.content)
    if path.suffix in (".diff", ".patch"):
        write_atomically(path, patch.content.diff.encode())
        return path
    plain = {
        "format": FILE,
        "cid": patch.cid,
        "content": json.loads(patch.content.encoded()),
        "about": asdict(patch.about),
    }
    write_atomically(path, json.dumps(plain, indent=1, sort_keys=True).encode())
    return path


def import_file(ledger: Ledger, path: Path) -> Patch:
    """The patch of a file that `export` wrote.

    Raises: MissingFile; FormatRefused for another kind of file; DamagedArtifact for an altered one.
    """
    if not path.is_file():
        raise MissingFile(f"{path} does not exist")
    if path.stat().st_size > 2 * MOST_BYTES:
        raise FormatRefused(f"{path} is larger than a patch may be")
    try:
        plain = json.loads(path.read_bytes())
        cid, data, said = plain["cid"], canonical(plain["content"]), plain["about"]
        about = About(**{**said, "parents": tuple(check_cid(parent) for parent in said["parents"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise FormatRefused(f"{path} is no file of a patch: export one, or propose its diff") from None
    content = Content.decode(data)
    if plain.get("format") != FILE or content.cid != cid:
        raise DamagedArtifact(f"{path} was altered: it holds {content.cid}, and says {cid}; export it again")
    return receive(ledger, data, about)


def _to_node(ledger: Ledger, kubo: Kubo, cids: tuple[str, ...], notes: list[str]) -> list[str]:
    """Add and pin; nothing if the node fails at any of it."""
    try:
        for cid in cids:
            kubo.pin(kubo.add(ledger.workspace.store.read(cid)))
    except Unreachable as error:
        notes.append(f"{error}: the folder is used instead")
        _log.warning("IPFS cannot be used", why=str(error))
        return []
    return [f"ipfs://{cids[0]}"]


def _bring(ledger: Ledger, cid: str, meeting: Meeting) -> bytes:
    """The bytes, from the own store, the node, or the folder."""
    store, said = ledger.workspace.store, []
    ways: list[Callable[[], bytes]] = [lambda: remote.pull(store, cid, meeting.folder).read_bytes()]
    if meeting.kubo is not None:
        node = meeting.kubo
        ways.insert(0, lambda: node.cat(cid, MOST_BYTES))
    if store.has(cid):
        ways.insert(0, lambda: store.read(cid))
    for way in ways:
        try:
            return way()
        except BloomeryError as error:
            said.append(str(error))
            _log.info("a patch was not found", why=str(error))
    raise MissingFile(f"nobody has {cid}: {'; '.join(said)}")


def _check_shows_no_token(content: Content) -> None:
    for line, kind in tokens_in(content.diff):
        raise UserError(f"the patch shows a {kind} (line {line} of its diff): it stays here")
