"""What codeflash's verifier says of a candidate: its whole client, offline, served by a stub on the loopback.

Its client asks a service for candidates, runs the tests that are there on the original and on the candidate,
and compares what the calls returned. The service is ours here and answers with one candidate; no test is
generated, since that service writes those. A test is laid down COPIES times, since fewer than six runs are
"below the threshold of confidence" and then nothing is compared. What is read is the client's own line on
whether results matched; whether it would also call the candidate faster is not asked.
"""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

COPIES = 8
TIME_S = 120
PORT = 8000  # where the client looks for a local service
SAID = re.compile(r"Test results matched|Test results did not match|No optimizations found|Error|not met")
CONFIG = """[tool.codeflash]
module-root = "."
tests-root = "tests"
test-framework = "pytest"
formatter-cmds = ["disabled"]
disable-telemetry = true
ignore-paths = []
"""


class Service(BaseHTTPRequestHandler):
    """Answers the first question with the candidate, and all others with nothing."""

    candidate = ""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = {
            "source_code": f"```python:task.py\n{self.candidate}\n```",
            "explanation": "faster",
            "optimization_id": "00000000-0000-4000-8000-000000000000",
        }
        self._answer({"optimizations": [found] if self.path == "/ai/optimize" else []})

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, plain: Mapping[str, object]) -> None:
        data = json.dumps(plain).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def served() -> Iterator[type[Service]]:
    """The service while it is needed; what it offers is `candidate` of the class."""
    server = HTTPServer(("127.0.0.1", PORT), Service)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judged(client: Path, service: type[Service], files: Mapping[str, str], function: str) -> tuple[bool, str]:
    """Whether results matched, and the client's line on it. `files`: task.py, candidate.py, test_task.py."""
    service.candidate = files["candidate.py"]
    with tempfile.TemporaryDirectory(prefix="codeflash-") as name:
        folder = Path(name).resolve()
        _lay_out(folder / "project", files)
        (folder / "home").mkdir()
        said = _asked(client, folder, function)
    return said.startswith("Test results matched"), said


def _lay_out(project: Path, files: Mapping[str, str]) -> None:
    (project / "tests").mkdir(parents=True)
    (project / "pyproject.toml").write_text(CONFIG)
    (project / "task.py").write_text(files["task.py"])
    for number in range(COPIES):
        (project / "tests" / f"test_task_{number}.py").write_text(files["test_task.py"])
    git = ["git", "-C", str(project), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        subprocess.run([*git, *words], check=True)


def _asked(client: Path, folder: Path, function: str) -> str:
    """The client's word, at which it is stopped. It is a group of processes of its own."""
    local = {"CODEFLASH_AIS_SERVER": "local", "CODEFLASH_CFAPI_SERVER": "local"}
    given = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "COLUMNS": "200", "NO_COLOR": "1"}
    command = [str(client), "--file", "task.py", "--function", function, "--no-pr", "--no-gen-tests"]
    process = subprocess.Popen(
        [*command, "--effort", "low"], cwd=folder / "project", text=True, start_new_session=True,
        env={**given, **local, "CODEFLASH_API_KEY": "cf-" + "a" * 24},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    stop = threading.Timer(TIME_S, _end, [process])
    stop.start()
    try:
        assert process.stdout is not None
        found = next(
            (match[0] + line[match.end() :] for line in process.stdout if (match := SAID.search(line))), ""
        )
    finally:
        stop.cancel()
        _end(process)
        process.wait()
    return found.strip() or "it ended without a word on the results"


def _end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
