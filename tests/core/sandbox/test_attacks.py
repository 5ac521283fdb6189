"""What untrusted programs try, in every way of raising walls that this machine has.

A case is skipped only where the trial found that the protection it needs is not in force here, with that
reason; each attack is bounded, so that it harms nothing even where it succeeds.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from bloomery.core.sandbox import Limits, SandboxResult, protections, run
from bloomery.core.sandbox.limits import How
from bloomery.core.sandbox.walls import walls_of

QUICK = Limits(time_s=8, cpu_s=8, memory_bytes=256 * 2**20, processes=8, file_bytes=2**20, output_bytes=2**16)
Attack = Callable[..., SandboxResult]


@pytest.fixture(params=get_args(How))
def how(request: pytest.FixtureRequest) -> How:
    way: How = request.param
    if walls_of(way) is None:
        pytest.skip(f"{way} does not work on this machine")
    return way


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    inside.mkdir()
    return inside


@pytest.fixture
def attack(how: How, folder: Path) -> Attack:
    def _attack(code: str, *needs: str, limits: Limits = QUICK, **more: Any) -> SandboxResult:
        standing = protections(how)
        for need in needs:
            if need in standing.missing:
                pytest.skip(f"{need} is not in force with {how}: {standing.missing[need]}")
        return run([sys.executable, "-I", "-S", "-c", code], folder=folder, limits=limits, how=how, **more)

    return _attack


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "victim").write_text("as it was")
    return place


def alive(mark: str) -> list[int]:
    """Processes that have `mark` in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def dead_within(mark: str, timeout_s: float = 2.0) -> bool:
    until = time.monotonic() + timeout_s
    while alive(mark):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_an_honest_program_reads_writes_and_answers(attack: Attack, folder: Path, how: How) -> None:
    (folder / "given").write_text("7")
    result = attack(
        "import sys\n"
        "given = int(open('given').read()) * int(sys.stdin.read())\n"
        "open('made', 'w').write(str(given)); print(given); print('aside', file=sys.stderr); sys.exit(3)",
        stdin="6",
    )
    assert (result.returncode, result.stdout, result.stderr, result.killed_by) == (3, "42\n", "aside\n", None)
    assert (folder / "made").read_text() == "42"
    assert (result.protections, result.protections.how) == (protections(how), how)
    assert 0 < result.duration_s < QUICK.time_s


def test_a_program_that_does_not_exist_is_a_result(how: How, folder: Path) -> None:
    result = run(["/no/such/program"], folder=folder, how=how)
    assert result.returncode == 125
    assert "No such file" in result.stderr


def test_an_endless_loop_ends_in_time(attack: Attack) -> None:
    result = attack("while True: pass", limits=Limits(time_s=0.5))
    assert result.killed_by == "time"
    assert result.returncode == 128 + 9
    assert 0.5 <= result.duration_s < 4, "a loaded machine may take its time to kill"


def test_an_endless_loop_ends_by_its_cpu_time(attack: Attack) -> None:
    result = attack("while True: pass", limits=Limits(time_s=30, cpu_s=1))
    assert result.killed_by == "cpu"


def test_a_sleeper_that_ignores_every_signal_ends_in_time(attack: Attack) -> None:
    code = (
        "import signal, time\n"
        "for one in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(one, signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    result = attack(code, limits=Limits(time_s=1))
    assert (result.killed_by, result.stdout) == ("time", "ready\n")


def test_a_memory_hog_gets_no_more_than_its_limit(attack: Attack) -> None:
    result = attack("x = bytearray(300 * 2**20); print('had it')", "memory")
    assert "had it" not in result.stdout
    assert "MemoryError" in result.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_ten_gigabytes_of_output_are_cut_at_the_limit(attack: Attack, stream: str) -> None:
    code = f"import sys\nfor _ in range(10240): sys.{stream}.write('x' * 2**20)"
    result = attack(code)
    assert result.killed_by == "output"
    assert len(result.stdout) + len(result.stderr) == QUICK.output_bytes


def test_output_up_to_the_limit_is_kept_whole(attack: Attack) -> None:
    result = attack("print('x' * (2**16 - 1))")
    assert (result.killed_by, len(result.stdout)) == (None, 2**16)


def test_a_file_grows_no_further_than_its_limit(attack: Attack, folder: Path) -> None:
    result = attack("f = open('big', 'wb', 0)\nfor _ in range(4): f.write(bytes(2**20))", "file_size")
    assert "File too large" in result.stderr
    assert (folder / "big").stat().st_size == QUICK.file_bytes


def test_a_fork_bomb_stays_within_its_limit(attack: Attack, folder: Path) -> None:
    # bounded all the same: at most 64 processes, 5 seconds, if the limit did not hold
    code = (
        "import os, time\n"
        "for _ in range(6):\n"
        "    try: os.fork()\n"
        "    except OSError: open(f'refused-{os.getpid()}', 'w').close()\n"
        "open(f'alive-{os.getpid()}', 'w').close()\n"
        "time.sleep(0.5)"
    )
    attack(code, "processes")
    assert len(list(folder.glob("alive-*"))) <= QUICK.processes + 4, "4 are the sandbox's own"
    assert len(list(folder.glob("refused-*"))) > 0


def test_threads_count_as_processes(attack: Attack) -> None:
    code = (
        "import threading, time\n"
        "for n in range(24):\n"
        "    threading.Thread(target=time.sleep, args=(1,), daemon=True).start(); print(n, flush=True)\n"
    )
    result = attack(code, "processes")
    assert "can't start new thread" in result.stderr
    assert len(result.stdout.splitlines()) <= QUICK.processes + 4


WAYS_TO_WRITE = {
    "append": "open(victim, 'a').write('changed')",
    "truncate": "os.truncate(victim, 0)",
    "create": "open(victim + '.created', 'w').write('x')",
    "rename": "os.rename(victim, victim + '.moved')",
    "replace": "open('own', 'w').write('changed'); os.replace('own', victim)",
    "unlink": "os.unlink(victim)",
    "folder": "os.mkdir(victim + '.folder')",
    "link": "os.symlink('/', victim + '.link')",
    "hard link": "os.link(victim, 'linked'); open('linked', 'a').write('changed')",
    "link in the folder": "os.symlink(victim, 'to'); open('to', 'a').write('changed')",
    "climb": "open('../outside/victim', 'a').write('changed')",
    "by /proc": "open('/proc/self/root' + victim, 'a').write('changed')",
}


EACH = "for name, way in ways.items():\n    try: exec(way)\n    except OSError: continue\n    print(name)"


def test_nothing_outside_is_written(attack: Attack, outside: Path) -> None:
    victim = str(outside / "victim")
    result = attack(f"import os\nvictim = {victim!r}\nways = {WAYS_TO_WRITE!r}\n{EACH}", "filesystem")
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"victim": "as it was"}
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_no_mode_or_time_outside_is_changed(attack: Attack, outside: Path) -> None:
    before = (outside / "victim").stat()
    code = (
        f"import os\nvictim = {str(outside / 'victim')!r}\n"
        "for act in (lambda: os.chmod(victim, 0o777), lambda: os.utime(victim, (1, 1))):\n"
        "    try: act()\n"
        "    except OSError: print('refused')"
    )
    result = attack(code, "metadata")
    after = (outside / "victim").stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)
    assert result.stdout == "refused\nrefused\n"


def test_the_system_is_not_written_and_mounts_cannot_be_changed(attack: Attack) -> None:
    code = (
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "tries = [libc.umount2(b'/', 2), libc.unshare(0x10000000), libc.unshare(0x20000),\n"
        "         libc.mount(b'none', b'/', None, 32 | 4096, None)]\n"
        "print(tries)\n"
        "for path in ('/usr/x', '/etc/x', '/x', '/dev/x', '/proc/sys/kernel/core_pattern'):\n"
        "    try: open(path, 'a').close(); print('wrote', path)\n"
        "    except OSError: pass\n"
    )
    result = attack(code, "filesystem")
    assert result.stdout == "[-1, -1, -1, -1]\n", result.stderr


@pytest.mark.parametrize("place", ["outside", "home", "link"])
def test_nothing_of_ours_is_read(attack: Attack, outside: Path, place: str, folder: Path) -> None:
    (folder / "link").symlink_to(outside / "victim")
    path = {"outside": str(outside / "victim"), "home": str(Path.home()), "link": "link"}[place]
    code = (
        f"import os\npath = {path!r}\nprint(os.listdir(path) if os.path.isdir(path) else open(path).read())"
    )
    result = attack(code, "reading")
    if (
        place == "home" and result.returncode == 0
    ):  # Python itself may lie below it, and then its path is there
        assert ".ssh" not in result.stdout
    else:
        assert (result.returncode, result.stdout) == (1, "")


@pytest.fixture
def listeners(folder: Path) -> Iterator[dict[str, socket.socket]]:
    made = {
        "tcp": socket.create_server(("127.0.0.1", 0)),
        "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix": socket.socket(socket.AF_UNIX),
        "abstract": socket.socket(socket.AF_UNIX),
        "datagrams": socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    }
    made["udp"].bind(("127.0.0.1", 0))
    made["unix"].bind(os.path.relpath(folder / "socket"))  # even where its file can be seen
    made["datagrams"].bind(os.path.relpath(folder / "datagrams"))
    made["abstract"].bind(f"\0bloomery-{os.getpid()}")
    made["unix"].listen()
    made["abstract"].listen()
    for one in made.values():
        one.setblocking(False)
    yield made
    for one in made.values():
        one.close()


def test_no_socket_reaches_out(attack: Attack, listeners: dict[str, socket.socket]) -> None:
    tcp, udp = (listeners[name].getsockname()[1] for name in ("tcp", "udp"))
    ways = {
        "tcp": f"socket.create_connection(('127.0.0.1', {tcp}), 2)",
        "udp": f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))",
        "unix": "socket.socket(socket.AF_UNIX).connect('socket')",
        "abstract": f"socket.socket(socket.AF_UNIX).connect('\\0bloomery-{os.getpid()}')",
        "pair": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', 'datagrams')",
    }
    result = attack(f"import socket\nways = {ways!r}\n{EACH}", "network")
    for name in ("tcp", "unix", "abstract"):
        with pytest.raises(BlockingIOError):
            listeners[name].accept()
    for name in ("udp", "datagrams"):
        with pytest.raises(BlockingIOError):
            listeners[name].recv(1)
    # a datagram into a network of its own is no error; who does not get it is checked above
    assert result.stdout in ("", "udp\n")
    assert (result.stderr, result.returncode) == ("", 0)


def test_no_socket_is_even_made_where_a_filter_stands(attack: Attack) -> None:
    ways = {
        "packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
        "vsock": "socket.socket(40, socket.SOCK_STREAM)",
        "io_uring": "sys.exit() if ctypes.CDLL(None).syscall(425, 1, bytes(120)) >= 0 else os.stat('/no')",
    }
    result = attack(f"import ctypes, os, socket, sys\nways = {ways!r}\n{EACH}\nprint('end')", "network")
    if "seccomp" not in result.protections.means:
        pytest.skip("no seccomp filter for this processor or kernel")
    assert (result.stdout, result.stderr) == ("end\n", "")


def test_a_pair_of_streams_can_be_had(attack: Attack) -> None:
    """An event loop wakes itself by one."""
    code = "import socket\na, b = socket.socketpair(); a.send(b'woken'); print(b.recv(5).decode())"
    assert attack(code).stdout == "woken\n"


def test_nothing_is_kept_by_the_system_for_later(attack: Attack) -> None:
    ways = {
        "memory": "sys.exit() if libc.shmget(0, 4096, 0o1600) >= 0 else os.stat('/no')",
        "semaphores": "sys.exit() if libc.semget(0, 1, 0o1600) >= 0 else os.stat('/no')",
        "messages": "sys.exit() if libc.msgget(0, 0o1600) >= 0 else os.stat('/no')",
        "queue": "sys.exit() if libc.mq_open(b'/bloomery', 0o102, 0o600, None) >= 0 else os.stat('/no')",
    }
    code = f"import ctypes, os, sys\nlibc = ctypes.CDLL(None)\nways = {ways!r}\n{EACH}\nprint('end')"
    result = attack(code)
    if "seccomp" not in result.protections.means:
        pytest.skip("no seccomp filter for this processor or kernel")
    assert (result.stdout, result.stderr) == ("end\n", "")


STARTS = """
import sys
from pathlib import Path
from bloomery.core.sandbox import Limits, run
code = "import time; open('started', 'w').close(); time.sleep(60)"
argv = [sys.executable, "-ISc", code, sys.argv[1]]
run(argv, folder=Path(sys.argv[2]), how=sys.argv[3], limits=Limits(time_s=2))
"""


def test_a_program_does_not_outlive_us_by_more_than_its_time(how: How, folder: Path, tmp_path: Path) -> None:
    mark = f"orphan-{tmp_path.name}-{os.getpid()}"
    ours = subprocess.Popen([sys.executable, "-c", STARTS, mark, folder, how])
    until = time.monotonic() + 20
    while not (folder / "started").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert alive(mark)
    ours.kill()
    ours.wait()
    assert dead_within(mark, timeout_s=6.0), "2 seconds are its own, 1 is grace, the rest for load"


def test_secrets_of_the_environment_do_not_reach_the_child(
    attack: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hunter2")
    code = (
        "import os, glob\n"
        "seen = repr(dict(os.environ))\n"
        "for path in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: seen += open(path).read()\n"
        "    except OSError: pass\n"
        "print(sorted(os.environ)); print('hunter2' in seen, 'PYTEST' in seen, 'SHELL=' in seen)"
    )
    result = attack(code, "environment")
    assert "HF_TOKEN" not in result.stdout
    assert result.stdout.endswith("False False False\n")


def test_open_files_of_ours_are_not_inherited(attack: Attack, outside: Path) -> None:
    with (outside / "victim").open() as file:
        os.set_inheritable(file.fileno(), True)
        result = attack(
            "import os\n"
            "for n in range(3, 256):\n"
            "    try: os.fstat(n); print(n, os.readlink(f'/proc/self/fd/{n}'))\n"
            "    except OSError: pass"
        )
    assert "victim" not in result.stdout


def test_no_signal_reaches_us(attack: Attack) -> None:
    code = f"import os\ntry: os.kill({os.getpid()}, 0); print('reached')\nexcept OSError: print('refused')"
    assert "reached" not in attack(code, "signals").stdout


DAEMON = (
    "import os, sys, time\n"
    "mark = {mark!r}\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        null = os.open('/dev/null', os.O_RDWR)\n"
    "        for n in (0, 1, 2): os.dup2(null, n)\n"
    "        os.execv(sys.executable, [sys.executable, '-ISc', 'import time; time.sleep(30)', mark])\n"
    "    os._exit(0)\n"
    "os.wait()\n"
    "time.sleep(0.15)\n"
)


@pytest.mark.parametrize(
    "end", ["print('left')", "os._exit(0)", "os.abort()", "time.sleep(30)", "os.kill(os.getppid(), 9)"]
)
def test_a_daemon_left_behind_is_dead_afterwards(attack: Attack, end: str, tmp_path: Path) -> None:
    mark = f"daemon-{tmp_path.name}-{os.getpid()}"
    attack(DAEMON.format(mark=mark) + end, "descendants", limits=Limits(time_s=1))
    assert dead_within(mark)


def test_the_daemon_of_these_tests_does_live_where_nothing_stops_it(tmp_path: Path) -> None:
    mark = f"daemon-{tmp_path.name}-{os.getpid()}"
    subprocess.run([sys.executable, "-I", "-S", "-c", DAEMON.format(mark=mark)], check=True)
    left = alive(mark)
    for pid in left:
        os.kill(pid, 9)
    assert len(left) == 1


def test_a_program_that_holds_our_pipe_open_does_not_hold_us(attack: Attack) -> None:
    code = "import os, time\nif os.fork() == 0: time.sleep(30)\nelse: print('done', flush=True); os._exit(0)"
    result = attack(code, limits=Limits(time_s=6))
    assert (result.stdout, result.killed_by, result.returncode) == ("done\n", None, 0)
    assert result.duration_s < 5


def test_a_killed_program_tells_its_signal_as_a_shell_does(attack: Attack) -> None:
    result = attack("import os; os.kill(os.getpid(), 15); import time; time.sleep(5)")
    assert (result.returncode, result.killed_by) == (128 + 15, None)


def test_bytes_that_are_no_text_are_shown_all_the_same(attack: Attack) -> None:
    assert attack("import sys; sys.stdout.buffer.write(b'a\\xffb')").stdout == "a\ufffdb"


def test_no_rights_are_left_and_none_come_back(attack: Attack) -> None:
    result = attack(
        "status = dict(line.split(':') for line in open('/proc/self/status'))\n"
        "print(*(int(status[name], 16) for name in ('CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs')))"
    )
    assert result.stdout == "0 0 0 1\n"


@pytest.fixture(autouse=True)
def nothing_is_left_on_the_machine() -> Iterator[None]:
    yield
    assert "bloomery-" not in Path("/proc/mounts").read_text()
    groups = Path("/sys/fs/cgroup").glob(f"**/bloomery-{os.getpid()}-*")
    assert not list(groups)


def test_bubblewrap_is_tried_first_where_it_is_installed() -> None:
    if not shutil.which("bwrap"):
        pytest.skip("bubblewrap is not installed")
    assert protections().how == "bwrap" or walls_of("bwrap") is None
