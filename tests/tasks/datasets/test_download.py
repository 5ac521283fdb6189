"""Against a server on this machine that cuts connections, lies and is away."""

import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bloomery.core.errors import DamagedArtifact
from bloomery.tasks.datasets.download import DownloadFailed, download

CONTENT = bytes(range(256)) * 4096
CHECKSUM = sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT; `cut_after` bytes of a reply it hangs up, once for each entry."""

    def __init__(self):
        self.cut_after: list[int] = []
        self.ranges: list[str | None] = []
        self.knows_ranges = True
        self.content = CONTENT
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/data.bin"

    def answer(self, request):
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if request.path == "/data.bin.loop":
            request.send_response(302)
            request.send_header("Location", request.path)
            request.end_headers()
            return
        if request.path != "/data.bin":
            request.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.knows_ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cut_after.pop(0)] if self.cut_after else body)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_arrives_whole(server, tmp_path):
    seen = []
    path = download([server.url], tmp_path / "data.bin", CHECKSUM, progress=lambda *at: seen.append(at))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert files(tmp_path) == ["data.bin"]


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    for _ in range(2):
        download([server.url], tmp_path / "data.bin", CHECKSUM)
    assert server.ranges == [None]


def test_a_cut_connection_is_continued_where_it_was_cut(server, tmp_path):
    server.cut_after = [500_000]
    assert download([server.url], tmp_path / "data.bin", CHECKSUM).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=500000-"]


def test_what_came_is_kept_for_the_next_call(server, tmp_path):
    server.cut_after = [100_000, 200_000, 300_000]
    with pytest.raises(DownloadFailed, match="600,000 bytes are kept"):
        download([server.url], tmp_path / "data.bin", CHECKSUM)
    assert files(tmp_path) == ["data.bin.part"]
    assert download([server.url], tmp_path / "data.bin", CHECKSUM).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=600000-"


def test_a_server_that_cannot_continue_begins_again(server, tmp_path):
    server.cut_after, server.knows_ranges = [100_000], False
    assert download([server.url], tmp_path / "data.bin", CHECKSUM).read_bytes() == CONTENT
    assert len(server.ranges) == 2


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT + b"more")
    assert download([server.url], tmp_path / "data.bin", CHECKSUM).read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_kept(server, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    assert download([server.url], tmp_path / "data.bin", CHECKSUM).read_bytes() == CONTENT
    assert server.ranges == []


@pytest.mark.parametrize("begun", [b"", b"12"])
def test_a_server_that_has_nothing_in_any_range_has_failed(server, tmp_path, begun):
    server.content = b""
    (tmp_path / "data.bin.part").write_bytes(begun)
    with pytest.raises(DownloadFailed, match="answers 416"):
        download([server.url], tmp_path / "data.bin", CHECKSUM)


def test_a_server_that_sends_round_in_circles_is_one_that_does_not_answer(server, tmp_path):
    with pytest.raises(DownloadFailed, match="TooManyRedirects"):
        download([server.url + ".loop"], tmp_path / "data.bin", CHECKSUM)
    path = download([server.url + ".loop", server.url], tmp_path / "data.bin", CHECKSUM)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [b"", b"something else"])
def test_other_bytes_than_expected_are_refused_and_not_kept(server, tmp_path, begun):
    if begun:
        (tmp_path / "data.bin.part").write_bytes(begun)
    else:
        server.content = CONTENT[:-1] + b"?"
    with pytest.raises(DamagedArtifact, match=f"expected {CHECKSUM}; it was not kept"):
        download([server.url], tmp_path / "data.bin", CHECKSUM)
    assert files(tmp_path) == []


def test_a_file_that_is_gone_says_so_and_what_to_do(server, tmp_path):
    gone = server.url + ".old"
    with pytest.raises(DownloadFailed, match=r"data.bin.old answers 404. Ask a friend"):
        download([gone], tmp_path / "data.bin", CHECKSUM, hint="Ask a friend.")
    assert server.ranges == [None]


def test_the_next_address_is_tried(server, tmp_path):
    path = download([server.url + ".old", server.url], tmp_path / "data.bin", CHECKSUM)
    assert path.read_bytes() == CONTENT


def test_no_network_is_one_line(tmp_path):
    unused = Server()
    unused.http.server_close()
    with pytest.raises(DownloadFailed, match="ConnectError") as caught:
        download([unused.url], tmp_path / "data.bin", CHECKSUM, hint="Set BLOOMERY_DATA.")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Set BLOOMERY_DATA.")
    assert caught.value.exit_code == 1


def test_two_that_want_the_same_file_download_it_once(server, tmp_path):
    server.cut_after = [300_000]
    threads = [
        threading.Thread(target=download, args=([server.url], tmp_path / "data.bin", CHECKSUM))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert len(server.ranges) == 2
