"""No real call, no key: language models are functions here, or a server of this process."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic_ai import models

from bloomery.agents.keys import NAMES
from bloomery.agents.prompting import Prompt, prompt
from bloomery.agents.routing import Router
from tests.agents.fakes import Server, entry, settings

models.ALLOW_MODEL_REQUESTS = False


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in NAMES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("BLOOMERY_MODELS", raising=False)


@pytest.fixture
def question() -> Prompt:
    return prompt("critic").fill(goal="speed", source="def f(): return 1", changed="def f(): return 1")


@pytest.fixture
def server() -> Iterator[Server]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            scripted.seen.append({"path": self.path, **json.loads(self.rfile.read(length))})
            scripted.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, headers, body, delay_s = scripted.script.pop(0)
            time.sleep(delay_s)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                return  # it did not wait for us

        def log_message(self, *arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    scripted = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def served(server: Server) -> Iterator[Callable[..., Router]]:
    """Routers that really ask the server; nothing but the loopback interface can be reached from here."""

    def make(key: str = "", how: dict[str, Any] | None = None, **changes: Any) -> Router:
        named = {"key_name": "TINY_KEY"} if key else {}
        tiny = entry(**{"base_url": server.url, **named, **changes})
        options = dict(how or {})
        extra = {name: options.pop(name) for name in ("ledger", "store", "sleep") if name in options}
        return Router(settings({"tiny": tiny}, **options), environment={"TINY_KEY": key}, **extra)

    with models.override_allow_model_requests(True):
        yield make
