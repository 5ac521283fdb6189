"""arXiv as a server on this machine: no test asks the real one."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bloomery.core.errors import Failure, FormatRefused, UserError
from bloomery.papers.reading.arxiv import Arxiv, Politeness
from bloomery.papers.reading.arxiv_id import ArxivId, arxiv_id

FIXTURES = Path(__file__).parent / "fixtures"
TEX = b"\\documentclass{article}\\begin{document}\\begin{equation}a=b\\end{equation}\\end{document}"
TEX_GZ = gzip.compress(TEX)


class Server:
    """Answers from `answers`, path to a list of (status, body); the last one stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers["User-Agent"]))
                left = outer.answers.get(self.path, [(404, b"not here")])
                status, data = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                if status == 503:
                    self.send_header("Retry-After", "7")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


class Clock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.time, self.slept = 0.0, []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def client(server: Server, cache: Path, **options) -> tuple[Arxiv, Clock]:
    clock = Clock()
    made = Arxiv(cache=cache, address=server.address, sleep=clock.sleep, now=clock.now, **options)
    return made, clock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2501.00663", ArxivId("2501.00663")),
        ("2501.00663v2", ArxivId("2501.00663", 2)),
        ("arXiv:0704.0001", ArxivId("0704.0001")),
        ("hep-th/9901001", ArxivId("hep-th/9901001")),
        ("math.GT/0309136v1", ArxivId("math.GT/0309136", 1)),
        ("https://arxiv.org/abs/2501.00663v1", ArxivId("2501.00663", 1)),
        ("https://arxiv.org/pdf/2501.00663.pdf", ArxivId("2501.00663")),
        ("paper.pdf", None),
        ("2501.006", None),
        ("../2501.00663", None),
    ],
)
def test_ids_of_both_styles_are_told_from_other_texts(text, expected):
    assert arxiv_id(text) == expected


def test_an_id_says_in_which_year_it_was_given():
    assert [ArxivId(one).year for one in ("2501.00663", "0704.0001", "hep-th/9901001")] == [2025, 2007, 1999]


def test_sources_come_first_and_are_asked_for_once(server, tmp_path):
    server.answers["/e-print/2403.00001v1"] = [(200, TEX_GZ)]
    arxiv, _ = client(server, tmp_path)
    first, second = arxiv.read("2403.00001v1"), arxiv.read("arXiv:2403.00001v1")
    assert first == second
    assert (first.kind, first.arxiv, first.year) == ("latex", "2403.00001v1", 2024)
    assert [(equation.number, equation.latex) for equation in first.equations] == [("1", "a=b")]
    assert server.paths == ["/e-print/2403.00001v1"]


def test_html_and_then_pdf_stand_in_for_sources(server, tmp_path):
    server.answers["/html/2403.00002"] = [(200, (FIXTURES / "fading.html").read_bytes())]
    server.answers["/pdf/2403.00003"] = [(200, (FIXTURES / "printed" / "columns.pdf").read_bytes())]
    arxiv, _ = client(server, tmp_path)
    assert (arxiv.read("2403.00002").kind, len(arxiv.read("2403.00002").equations)) == ("html", 9)
    assert (arxiv.read("2403.00003").kind, len(arxiv.read("2403.00003").equations)) == ("pdf", 14)


def test_sources_that_are_a_pdf_are_read_as_one(server, tmp_path):
    server.answers["/e-print/2403.00003"] = [(200, (FIXTURES / "printed" / "columns.pdf").read_bytes())]
    arxiv, _ = client(server, tmp_path)
    assert arxiv.read("2403.00003").kind == "pdf"


def test_a_form_that_cannot_be_read_is_said_and_the_next_is_taken(server, tmp_path):
    server.answers["/e-print/2403.00002"] = [(200, b"no archive")]
    server.answers["/html/2403.00002"] = [(200, (FIXTURES / "fading.html").read_bytes())]
    arxiv, _ = client(server, tmp_path)
    document = arxiv.read("2403.00002")
    assert document.kind == "html"
    assert [found.code for found in document.diagnostics] == ["form-refused"]
    server.answers["/e-print/2403.00004"] = [(200, b"no archive")]
    with pytest.raises(FormatRefused, match="cannot be read"):
        arxiv.read("2403.00004")


def test_an_unknown_id_is_the_users_to_mend(server, tmp_path):
    arxiv, _ = client(server, tmp_path)
    with pytest.raises(UserError, match=r"knows no paper 2403\.99999"):
        arxiv.read("2403.99999")
    with pytest.raises(UserError, match="is no arXiv id"):
        arxiv.read("Titans")


def test_a_client_that_arxiv_blocks_is_told_so_and_not_that_there_is_no_paper(server, tmp_path):
    for form in ("e-print", "html", "pdf"):
        server.answers[f"/{form}/2403.00005"] = [(403, b"denied")]
    with pytest.raises(Failure, match=r"refuses .*/pdf/2403\.00005 \(status 403\)"):
        client(server, tmp_path)[0].read("2403.00005")
    assert len(server.asked) == 3


def test_sources_that_are_withheld_leave_the_other_forms(server, tmp_path):
    server.answers["/e-print/2403.00002"] = [(403, b"denied")]
    server.answers["/html/2403.00002"] = [(200, (FIXTURES / "fading.html").read_bytes())]
    assert client(server, tmp_path)[0].read("2403.00002").kind == "html"


def test_requests_keep_their_distance_and_say_whom_to_write_to(server, tmp_path):
    arxiv, clock = client(server, tmp_path, politeness=Politeness(contact="ada@example.org"))
    with pytest.raises(UserError):
        arxiv.read("2403.99999")
    assert clock.slept == [0.0, 3.0, 3.0]
    assert {agent for _, agent in server.asked} == {"bloomery/0.1.0 (mailto:ada@example.org)"}


def test_a_busy_server_is_asked_again_later(server, tmp_path):
    server.answers["/e-print/2403.00001"] = [(503, b""), (503, b""), (200, TEX_GZ)]
    arxiv, clock = client(server, tmp_path)
    assert arxiv.read("2403.00001").kind == "latex"
    assert [pause for pause in clock.slept if pause > 3] == [
        7.0,
        10.0,
    ]  # what it asked for, then the doubled pause


def test_a_server_that_stays_busy_is_a_failure_that_says_so(server, tmp_path):
    server.answers["/e-print/2403.00001"] = [(503, b"")]
    arxiv, _ = client(server, tmp_path)
    with pytest.raises(Failure, match=r"4 attempts \(status 503\)"):
        arxiv.read("2403.00001")
    assert len(server.asked) == 4


def test_without_a_network_the_failure_says_what_to_do(tmp_path):
    gone = Server()
    gone.close()
    arxiv, _ = client(gone, tmp_path)
    with pytest.raises(Failure, match=r"ConnectError.*give its path"):
        arxiv.read("2403.00001")


def test_offline_reads_what_is_kept_and_asks_nobody(server, tmp_path):
    server.answers["/e-print/2403.00001"] = [(200, TEX_GZ)]
    client(server, tmp_path)[0].read("2403.00001")
    offline, _ = client(server, tmp_path, offline=True)
    assert offline.read("2403.00001").kind == "latex"
    with pytest.raises(Failure, match="no network is to be used"):
        offline.read("2403.00002")
    assert server.paths == ["/e-print/2403.00001"]


def test_a_kept_file_that_was_altered_is_fetched_again(server, tmp_path):
    server.answers["/e-print/2403.00001"] = [(200, TEX_GZ)]
    arxiv, _ = client(server, tmp_path)
    arxiv.read("2403.00001")
    (tmp_path / "2403.00001" / "sources").write_bytes(TEX_GZ[:-1])
    assert len(arxiv.read("2403.00001").equations) == 1
    assert len(server.asked) == 2
