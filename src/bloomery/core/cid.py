"""Names for bytes: the CIDv1 that `ipfs add --cid-version=1` gives a file or a folder.

A file is cut into chunks of 256 KiB, each a raw block; chunks are joined by dag-pb nodes of at most 174
links. A folder is a dag-pb node that links its entries by name. Hidden entries count (`ipfs add --hidden`);
modes, times and owners do not.
"""

import hashlib
import os
import stat
from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.murmur3 import murmur3

CHUNK_BYTES = 256 * 1024
LINKS_PER_NODE = 174
FOLDER_BYTES = 256 * 1024  # a folder node larger than this is split by IPFS into a hash trie
_RAW, _DAG_PB = 0x55, 0x70
_SHA2_256 = b"\x12\x20"  # multihash prefix: function, digest length
_DIRECTORY, _FILE, _TRIE = 1, 2, 5  # UnixFS node types
_MURMUR3 = 0x22


@dataclass(frozen=True)
class Node:
    """A block in the graph: its binary CID, the bytes of its whole subgraph, the file bytes below it."""

    cid: bytes
    graph_bytes: int
    file_bytes: int

    def __str__(self) -> str:
        return "b" + b32encode(self.cid).decode().lower().rstrip("=")


def cid_of_bytes(data: bytes) -> str:
    """The CID of a file that holds `data`."""
    return str(file_node(chunks(BytesIO(data))))


def cid_of_path(path: Path) -> str:
    """The CID of a file or of a folder with all that is in it.

    Raises: MissingFile; FormatRefused for a link, a socket or another entry that is neither file nor folder.
    """
    return str(node_of_path(path))


def node_of_path(path: Path) -> Node:
    if kind_of(path) == "file":
        with path.open("rb") as file:
            return file_node(chunks(file))
    return folder_node((entry.name, node_of_path(entry)) for entry in path.iterdir())


def kind_of(path: Path) -> str:
    """'file' or 'folder'; nothing else can be an artifact."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        raise MissingFile(f"{path} does not exist") from None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    raise FormatRefused(f"{path} is neither a plain file nor a folder; an artifact holds no links or devices")


def check_cid(cid: str) -> str:
    """`cid` itself, if it is one that this module can give.

    Raises: UserError. (A CID becomes a file name: nothing else may pass.)
    """
    try:
        binary = b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    except (Base32Error, ValueError):
        binary = b""
    prefixes = [bytes([1, codec]) + _SHA2_256 for codec in (_RAW, _DAG_PB)]
    if len(binary) != 36 or binary[:4] not in prefixes or str(Node(binary, 0, 0)) != cid:
        raise UserError(f"'{cid}' is not a CID of this store: expected 59 characters that begin with 'baf'")
    return cid


def chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def file_node(chunked: Iterable[bytes]) -> Node:
    """The node of a file given as its chunks, each of CHUNK_BYTES but the last."""
    nodes = [_block(_RAW, chunk, len(chunk), len(chunk)) for chunk in chunked]
    if not nodes:
        return _block(_RAW, b"", 0, 0)
    while len(nodes) > 1:
        nodes = [_join(nodes[i : i + LINKS_PER_NODE]) for i in range(0, len(nodes), LINKS_PER_NODE)]
    return nodes[0]


def folder_node(entries: Iterable[tuple[str, Node]]) -> Node:
    """The node of a folder with these named entries, in any order."""
    named = sorted((os.fsencode(name), node) for name, node in entries)
    if sum(len(name) + len(node.cid) for name, node in named) > FOLDER_BYTES:
        return _trie([(name, murmur3(name), node) for name, node in named], 0)
    return _folder(named, _number(1, _DIRECTORY))


def _trie(entries: list[tuple[bytes, bytes, Node]], depth: int) -> Node:
    """A large folder: entries (name, hash, node) go to one of 256 slots by byte `depth` of their hash, and
    those that share a slot to a folder like this one in that slot."""
    slots: dict[int, list[tuple[bytes, bytes, Node]]] = {}
    for entry in entries:
        slots.setdefault(entry[1][depth], []).append(entry)
    links = []
    for slot, (first, *others) in sorted(slots.items()):
        label = b"%02X" % slot
        links.append((label, _trie([first, *others], depth + 1)) if others else (label + first[0], first[2]))
    used = sum(1 << slot for slot in slots)
    bits = used.to_bytes((used.bit_length() + 7) // 8, "big")
    return _folder(links, _number(1, _TRIE) + _field(2, bits) + _number(5, _MURMUR3) + _number(6, 256))


def _folder(named: list[tuple[bytes, Node]], data: bytes) -> Node:
    block = b"".join(_link(name, node) for name, node in named) + _field(1, data)
    graph_bytes = sum(node.graph_bytes for _, node in named) + len(block)
    return _block(_DAG_PB, block, graph_bytes, sum(node.file_bytes for _, node in named))


def _join(nodes: list[Node]) -> Node:
    size = sum(node.file_bytes for node in nodes)
    data = _number(1, _FILE) + _number(3, size) + b"".join(_number(4, node.file_bytes) for node in nodes)
    block = b"".join(_link(b"", node) for node in nodes) + _field(1, data)
    return _block(_DAG_PB, block, sum(node.graph_bytes for node in nodes) + len(block), size)


def _block(codec: int, block: bytes, graph_bytes: int, file_bytes: int) -> Node:
    digest = hashlib.sha256(block).digest()
    return Node(bytes([1, codec]) + _SHA2_256 + digest, graph_bytes, file_bytes)


def _link(name: bytes, node: Node) -> bytes:
    return _field(2, _field(1, node.cid) + _field(2, name) + _number(3, node.graph_bytes))


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field of protocol buffers."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
