"""A node of IPFS that speaks Kubo's RPC, and what can ail it."""

import hashlib
import json
import threading
import time
from base64 import b32encode
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


def raw_cid(data: bytes) -> str:
    """The CID of one raw block, from the specification: version 1, raw, sha2-256, 32 bytes; base32."""
    digest = bytes([1, 0x55, 0x12, 32]) + hashlib.sha256(data).digest()
    return "b" + b32encode(digest).decode().lower().rstrip("=")


class Node(BaseHTTPRequestHandler):
    """Answers as Kubo does to add, cat, pin/add and pin/ls; `server.mood` is what ails it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        body = self.body()
        call = address.path.removeprefix("/api/v0/")
        self.server.calls.append((call, query, self.headers.get("Authorization")))
        if self.server.moods:
            mood = self.server.moods.pop(0)
            if mood is not None:
                return mood(self)
        if self.server.wants and self.headers.get("Authorization") != f"Bearer {self.server.wants}":
            return self.say(403, b"403 - Forbidden\n")
        return getattr(self, call.replace("/", "_"))(query, body)

    def do_GET(self) -> None:
        self.say(405, b"405 - Method Not Allowed\n")

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def add(self, query: dict[str, str], body: bytes) -> None:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = BytesParser().parsebytes(head + body).get_payload()
        data = part.get_payload(decode=True)
        wanted = {"cid-version": "1", "raw-leaves": "true", "pin": "true", "chunker": "size-262144"}
        if not wanted.items() <= query.items() or len(data) > 262144:
            return self.say(200, b'{"Name":"patch","Hash":"QmSomethingElse","Size":"1"}\n')
        self.server.blocks[raw_cid(data)] = data
        row = {"Name": "patch", "Hash": raw_cid(data), "Size": str(len(data))}
        return self.say(200, b'{"Name":"patch","Bytes":12}\n' + json.dumps(row).encode() + b"\n")

    def cat(self, query: dict[str, str], _body: bytes) -> None:
        data = self.server.blocks.get(query["arg"])
        if data is None:
            said = {"Message": "block was not found locally (offline)", "Code": 0, "Type": "error"}
            return self.say(500, json.dumps(said).encode())
        return self.say(200, data[: int(query.get("length", len(data)))])

    def pin_add(self, query: dict[str, str], _body: bytes) -> None:
        self.server.pins.add(query["arg"])
        return self.say(200, json.dumps({"Pins": [query["arg"]]}).encode())

    def say(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def drop(node: Node) -> None:
    """The connection ends in the middle of an answer."""
    node.send_response(200)
    node.send_header("Content-Length", "1000")
    node.end_headers()
    node.wfile.write(b'{"Name":')
    node.close_connection = True


def trickle(node: Node) -> None:
    """A drop now and then, for ever: no single wait is long."""
    node.send_response(200)
    node.send_header("Content-Length", "1000")
    node.end_headers()
    until = time.monotonic() + 5
    try:
        while time.monotonic() < until:
            node.wfile.write(b" ")
            time.sleep(0.02)
    except OSError:
        pass
    node.close_connection = True


def hang(node: Node) -> None:
    node.server.woken.wait(5)
    node.close_connection = True


def fail(node: Node) -> None:
    node.say(500, json.dumps({"Message": f"no space left, {TOKEN}", "Code": 0, "Type": "error"}).encode())


def lie(node: Node) -> None:
    node.say(200, json.dumps({"Name": "patch", "Hash": raw_cid(b"lie"), "Pins": [raw_cid(b"lie")]}).encode())


def babble(node: Node) -> None:
    node.say(200, b"<html>a proxy says hello</html>")


@pytest.fixture
def node():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Node)
    server.blocks, server.pins, server.calls, server.moods, server.wants = {}, set(), [], [], ""
    server.woken, server.daemon_threads = threading.Event(), True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.woken.set()
    server.shutdown()
    thread.join()
    server.server_close()
