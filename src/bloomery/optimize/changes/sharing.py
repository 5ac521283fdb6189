"""Sharing patches between workspaces: by CID over IPFS or a folder, or as a file.

What comes from elsewhere is verified by its name and then a proposal like any other: neither evidence nor
approval travels with it. Who made it and what for are the sender's words, and decide nothing here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from os import environ
from pathlib import Path

from bloomery.core import remote
from bloomery.core.cid import check_cid
from bloomery.core.disk import write_atomically
from bloomery.core.errors import BloomeryError, DamagedArtifact, FormatRefused, MissingFile, UserError
from bloomery.core.log import get_log, without_passwords
from bloomery.core.store import Store
from bloomery.core.tokens import mask, tokens_in
from bloomery.optimize.changes import making
from bloomery.optimize.changes.access import RECEIVED, check_network
from bloomery.optimize.changes.kubo import Kubo, Unreachable
from bloomery.optimize.changes.ledger import Ledger
from bloomery.optimize.changes.patch import FETCH, MOST_BYTES, About, Content, Patch, canonical
from bloomery.optimize.changes.proposing import keep

FILE = "bloomery patch file 1"
FOLDER = "BLOOMERY_MEETING"  # environment variable: the folder, or the URL of one, where patches are shared
NODE = "BLOOMERY_IPFS"  # environment variable: the RPC of a node of IPFS, e.g. http://127.0.0.1:5001
SAME_MEANING = ("speed", "memory")
"""Goals that ask for more than none does: equivalence, and a gain. What others allow to differ, the receiver
has to allow."""
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_log = get_log("changes")


@dataclass(frozen=True)
class Meeting:
    """Where workspaces meet: a node of IPFS, a folder (a URL of fsspec) for when it fails; one will do."""

    folder: str = field(default="", repr=False)
    kubo: Kubo | None = None


def meeting_at(folder: str = "", node: str = "", environment: Mapping[str, str] = environ) -> Meeting:
    """What is given, else what BLOOMERY_MEETING and BLOOMERY_IPFS name. Raises: UserError for neither."""
    folder, node = folder or environment.get(FOLDER, ""), node or environment.get(NODE, "")
    if not folder and not node:
        raise UserError(f"where? name a folder (or {FOLDER}), or a node of IPFS (or {NODE})")
    return Meeting(folder, Kubo(node) if node else None)


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
    places = _to_node(ledger, meeting, (patch.cid, about), notes) if meeting.kubo else []
    if not places:
        places = [remote.push(ledger.workspace.store, cid, meeting.folder) for cid in (patch.cid, about)][:1]
    places, notes = ([without_passwords(mask(text)) for text in texts] for texts in (places, notes))
    ledger.records.note(agent or "bloomery", "shared", patch.cid, {"places": places, "notes": notes})
    ledger.seal()
    return Shared(patch.cid, about, tuple(places), tuple(notes))


def fetch(
    ledger: Ledger,
    cid: str,
    meeting: Meeting,
    *,
    about: str | None = None,
    agent: str | None = None,
    told: Callable[[str], None] = lambda why: None,
) -> Patch:
    """A patch that another workspace shares, by its whole CID and that of what was said of it, verified.

    `told` hears what did not work before it was found.
    Raises: MissingFile where nobody has it, with what each place said; FormatRefused for what is no patch.
    """
    if agent is not None and meeting.kubo is not None:
        check_network(ledger.rules, agent)
    data = _bring(ledger, check_cid(cid), meeting, told)
    said = None if about is None else About.decode(_bring(ledger, check_cid(about), meeting, told), cid)
    return receive(ledger, data, said or About(proposer="unknown", description="fetched by its CID alone"))


def receive(ledger: Ledger, data: bytes, about: About) -> Patch:
    """Keep a patch that came from elsewhere. Raises: FormatRefused, UserError for what no patch may do."""
    content = Content.decode(data)
    if set(making.touched(ledger.repository, content.diff.encode())) != set(content.base.blobs):
        raise FormatRefused("the patch's diff changes other files than it says")
    making.check_adds_no_secret(content)
    return keep(ledger, content, _claimed(ledger, content, about), event="received")


def _claimed(ledger: Ledger, content: Content, about: About) -> About:
    """What a sender says of a patch, as words: our rules for `RECEIVED` hold for it, all our tests judge it,
    and a goal counts only where it asks for more than none does. A tree that is not its base is none of its.
    """
    texts = (about.proposer, about.goal, about.operator, about.description, about.commit or "")
    is_text = all(isinstance(one, str) for one in texts) and texts[0].strip()
    if not is_text or not isinstance(about.facts, dict):
        raise FormatRefused("what is said of the patch has another form than ours: fetch it by its CID alone")
    commit = about.commit if about.commit and COMMIT.fullmatch(about.commit) else None
    tree = _tree(ledger, commit) if commit else ""
    facts = {"sender": {"proposer": about.proposer, "goal": about.goal}}
    return About(
        proposer=RECEIVED,
        goal=about.goal if about.goal in SAME_MEANING else "",
        operator=about.operator,
        description=about.description,
        commit=commit if tree == content.base.tree else None,
        parents=about.parents,
        facts=facts | {FETCH: commit} if commit and not tree else facts,
    )


def _tree(ledger: Ledger, commit: str) -> str:
    """Empty where the commit is not here."""
    with suppress(UserError):
        return ledger.repository.object(f"{commit}^{{tree}}", "")
    return ""


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


def _to_node(ledger: Ledger, meeting: Meeting, cids: tuple[str, ...], notes: list[str]) -> list[str]:
    """Add and pin; nothing if the node fails at any of it. Raises: Unreachable where there is no folder."""
    assert meeting.kubo is not None
    try:
        for cid in cids:
            meeting.kubo.pin(meeting.kubo.add(ledger.workspace.store.read(cid)))
    except Unreachable as error:
        if not meeting.folder:
            raise
        notes.append(f"{error}: the folder is used instead")
        _log.warning("IPFS cannot be used", why=str(error))
        return []
    return [f"ipfs://{cids[0]}"]


def _bring(ledger: Ledger, cid: str, meeting: Meeting, told: Callable[[str], None]) -> bytes:
    """The bytes, from the own store, the node, or the folder."""
    said = []
    for way in _ways(ledger.workspace.store, cid, meeting):
        try:
            data = way()
        except BloomeryError as error:
            said.append(str(error))
            _log.info("a patch was not found", why=str(error))
            continue
        for why in said:
            told(why)
        return data
    raise MissingFile(f"nobody has {cid}: {'; '.join(said)}")


def _ways(store: Store, cid: str, meeting: Meeting) -> Iterator[Callable[[], bytes]]:
    if store.has(cid):
        yield lambda: store.read(cid)
    if (node := meeting.kubo) is not None:
        yield lambda: node.cat(cid, MOST_BYTES)
    if meeting.folder:
        yield lambda: _pulled(store, cid, meeting.folder)


def _pulled(store: Store, cid: str, folder: str) -> bytes:
    remote.pull(store, cid, folder)
    return store.read(cid)


def _check_shows_no_token(content: Content) -> None:
    for line, kind in tokens_in(content.diff):
        raise UserError(f"the patch shows a {kind} (line {line} of its diff): it stays here")
