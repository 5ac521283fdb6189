"""A network without one: every connection leads to a scripted peer, and faults strike on the way.

Who answers: for a request of HTTP a response with JSON, or what the scenario gives for its path; all else is
sent back as it came, or as the scenario says. TLS is not spoken: both ends go on in the clear.
"""

import _socket
import json
import select
import socket
import ssl
from typing import Any

from clock import CLOCK
from files import SHORT, WATCHED, spoilt
from injecting import INJECTOR, error

REAL_SOCKET = socket.socket
USUAL = json.dumps({"status": "ok", "value": 7, "name": "first", "items": [1, 2, 3]})
ADDRESS = "192.0.2.1"
ANSWERS: dict[str, str] = {}


class Peer:
    """The far end of one connection."""

    def __init__(self, end: Any) -> None:
        self.end, self.heard = end, b""

    def hear(self, data: bytes) -> None:
        self.heard += data
        if self.heard.split(b" ")[0] in (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"PATCH"):
            self._http()
        else:
            asked, self.heard = self.heard.decode("latin-1"), b""
            self._say(ANSWERS.get(asked, asked).encode("latin-1"))

    def _http(self) -> None:
        head, found, body = self.heard.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not found or (length and len(body) < int(length[0].split(b":")[1])):
            return
        self.heard = b""
        path = head.split(b" ")[1].decode("latin-1")
        given = ANSWERS.get(path, ANSWERS.get("*", USUAL))
        asked = f"{head.split(b' ')[0].decode()} {path}"
        answer, status, short = self._spoilt(given.encode(), asked)
        said = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
        self._say(f"{said}Connection: close\r\n\r\n".encode() + answer[: len(answer) - short], last=True)

    def _spoilt(self, answer: bytes, asked: str) -> tuple[bytes, str, int]:
        fault = INJECTOR.cross("answer", asked)
        if fault is None:
            return answer, "200 OK", 0
        if fault["kind"] == "error 503":
            return b'{"error": "overloaded"}', "503 Service Unavailable", 0
        if fault["kind"] == "truncated":
            return answer, "200 OK", (len(answer) + 1) // 2
        return spoilt(answer, fault["kind"]), "200 OK", 0

    def _say(self, data: bytes, *, last: bool = False) -> None:
        try:
            self.end.sendall(data)
            if last:
                self.end.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the near end is closed


class Socket(REAL_SOCKET):
    """One end of a pair that looks as if it led into the network."""

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self.claimed = socket.AF_INET if family == -1 else socket.AddressFamily(family)
        self.far: Any = None
        self.peer: Peer | None = None
        self.address: Any = (ADDRESS, 0)
        self.place = INJECTOR.place()
        self.reset = False
        if fileno is None:
            near, far = _socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            self.far = REAL_SOCKET(fileno=far.detach())
            fileno = near.detach()
        super().__init__(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno)

    @property
    def family(self) -> Any:
        return self.claimed

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            WATCHED.collected.append(["socket", *self.place])
            self.close()

    def setsockopt(self, *args: Any) -> None:
        """Options of TCP mean nothing on a pair."""

    def getpeername(self) -> Any:
        return self.address

    def connect(self, address: Any) -> None:
        fault = INJECTOR.cross("connect", str(address))
        if fault and fault["kind"] == "stall":
            self._stalled("a connection")
        if fault:
            raise error(fault["kind"])
        self.address = address
        self.peer = Peer(self.far)

    def connect_ex(self, address: Any) -> int:
        try:
            self.connect(address)
        except OSError as failed:
            return failed.errno or 1
        return 0

    def _stalled(self, what: str) -> None:
        timeout = self.gettimeout()
        if timeout is None:
            raise INJECTOR.hang(f"it waits for {what} that does not come, without a timeout")
        CLOCK.wait(timeout or 0.0)
        raise TimeoutError("timed out")

    def sendall(self, data: Any, flags: int = 0) -> None:
        if fault := INJECTOR.cross("send"):
            self.reset = True
            raise error("ECONNRESET" if fault["kind"] == "stall" else fault["kind"])
        self._sent(bytes(data), flags)

    def send(self, data: Any, flags: int = 0) -> int:
        fault = INJECTOR.cross("send", "part")
        if fault and fault["kind"] != SHORT:
            self.reset = True
            raise error(fault["kind"])
        part = bytes(data)[: (len(data) + 1) // 2] if fault else bytes(data)
        self._sent(part, flags)
        return len(part)

    def _sent(self, data: bytes, flags: int) -> None:
        if self.peer:
            self.peer.hear(data)
        else:
            super().sendall(data, flags)

    def recv(self, size: int, flags: int = 0) -> bytes:
        return super().recv(self._met(size), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return super().recv_into(buffer, self._met(nbytes or len(buffer)), flags)

    def _met(self, size: int) -> int:
        """How much is received at most."""
        if self.peer is None:
            return size
        fault = INJECTOR.cross("receive")
        if self.reset:
            raise error("ECONNRESET")
        if fault is None:
            if not select.select([self], [], [], 0)[0]:
                self._stalled("an answer")  # the peer says all that it has to say at once
            return size
        if fault["kind"] == "stall":
            self._stalled("an answer")
        if fault["kind"] == SHORT:
            return min(size, 3)
        self.reset = True
        raise error(fault["kind"])


def found(host: Any, port: Any, *rest: Any, **named: Any) -> list:
    """`getaddrinfo`: every name has one address."""
    if fault := INJECTOR.cross("resolve", str(host)):
        raise error(fault["kind"])
    number = int(port) if port is not None and str(port).isdigit() else 80
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ADDRESS, number))]


def install() -> None:
    patched: Any = socket
    patched.socket = patched.SocketType = Socket
    patched.getaddrinfo = found
    patched.gethostbyname = lambda host: found(host, 0)[0][4][0]
    context: Any = ssl.SSLContext
    context.wrap_socket = lambda self, sock, *args, **named: sock
