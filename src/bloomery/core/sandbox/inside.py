"""What runs inside, before the untrusted program: gives up rights one by one, then becomes the program.

Sent to a fresh interpreter as text (`python -I -S -c`), so it imports the standard library alone, and the
untrusted side never sees our package. Every step that is asked for must work, or nothing is run (exit 125);
without a program it tries the steps and prints which ones work here.

The parent appends the call of `main`; its config has folder, steps, mounts_outside (the host's mount
namespace), read, limits, reap, time_s. The arguments are the program. Imports are few: they are most of a
start.
"""

import ctypes
import errno
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable

REFUSED = 125
ALL_FILE_RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF}  # by Landlock ABI; 0xFFFF from 5 on
READ_RIGHTS = 0b1101  # execute, read file, read folder
RIGHTS_ON_A_FILE = 0b1100_0000_0000_0111  # execute, write, read, truncate, device ioctl
MAKE_DEVICES = 1 << 6 | 1 << 11

SYSCALLS = {  # name: (x86_64, aarch64)
    "socket": (41, 198),
    "shmget": (29, 194),  # what the system keeps outlives the program, and counts to no limit
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
    "process_vm_writev": (311, 271),
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
}
CLONE = (56, 220)
SOCKETPAIR = (53, 199)
CLONE3 = 435
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32 = 0x40000000
STREAM = 1

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, *arguments: object, what: str) -> int:
    return checked(libc.syscall(ctypes.c_long(number), *arguments), what)


def prctl(option: int, *arguments: object) -> int:
    filled = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in (*arguments, 0, 0, 0, 0)[:4]]
    return checked(libc.prctl(option, *filled), f"prctl {option}")


def read_only_mounts(config: dict) -> None:
    """Every mount read-only but the folder, which is bound upon itself; never in the host's namespace."""
    if os.readlink("/proc/self/ns/mnt") == config["mounts_outside"]:  # noqa: PTH115
        raise OSError(errno.EPERM, "no mount namespace of our own")
    folder = config["folder"].encode()
    checked(libc.mount(folder, folder, None, ctypes.c_ulong(0x1000), None), "bind")
    attributes = struct.pack("4Q", 1 | 2, 0, 0, 0)  # read-only, no setuid
    syscall(442, -100, b"/", 0x8000, attributes, ctypes.c_size_t(32), what="mount_setattr")
    attributes = struct.pack("4Q", 0, 1, 0, 0)
    syscall(442, -100, folder, 0, attributes, ctypes.c_size_t(32), what="mount_setattr")


def drop_capabilities(_config: dict) -> None:
    """For good: root would get those of the bounding set back by starting a program; others get none."""
    for capability in range(64 if os.getuid() == 0 else 0):
        if libc.prctl(23, ctypes.c_ulong(capability), 0, 0, 0) == 1:  # still in the bounding set
            prctl(24, capability)
    checked(libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24)), "capset")


def landlock(config: dict) -> None:
    """Only the folder is written, only the listed paths are read; no signal leaves (from ABI 6 on)."""
    abi = syscall(444, None, ctypes.c_size_t(0), 1, what="landlock")
    rights = ALL_FILE_RIGHTS.get(abi, 0xFFFF)
    words = [rights, 0, 0b11] if abi >= 6 else [rights, 0] if abi >= 4 else [rights]
    handled = struct.pack(f"{len(words)}Q", *words)
    ruleset = syscall(444, handled, ctypes.c_size_t(len(handled)), 0, what="landlock_create_ruleset")
    for path in config["read"]:
        allow(ruleset, path, READ_RIGHTS & rights)
    for path in ("/dev/null", "/dev/zero"):
        allow(ruleset, path, rights)
    allow(ruleset, config["folder"], rights & ~MAKE_DEVICES)
    syscall(446, ruleset, 0, what="landlock_restrict_self")
    os.close(ruleset)


def allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):  # noqa: PTH112 (pathlib costs a third of the start)
        rights &= RIGHTS_ON_A_FILE
    syscall(445, ruleset, 1, struct.pack("=Qi", rights, opened), 0, what=f"landlock_add_rule {path}")
    os.close(opened)


def seccomp(_config: dict) -> None:
    """No socket of any kind (an io_uring neither) but pairs of streams: one end of a pair of datagram sockets
    can send to any other. No memory or queues that outlive the program, no tracing, mounts or namespaces."""
    column, architecture = MACHINES[os.uname().machine]
    load, equal, above, bits, mask, end = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
    allow_, kill, refuse, absent = 0x7FFF0000, 0x80000000, 0x50001, 0x50026
    code = [(load, 0, 0, 4), (equal, 1, 0, architecture), (end, 0, 0, kill), (load, 0, 0, 0)]
    code += [(above, 0, 1, X32), (end, 0, 0, refuse)] if column == 0 else []
    for numbers in SYSCALLS.values():
        code += [(equal, 0, 1, numbers[column]), (end, 0, 0, refuse)]
    code += [(equal, 0, 5, SOCKETPAIR[column]), (load, 0, 0, 24), (mask, 0, 0, 0xF), (equal, 1, 0, STREAM)]
    code += [(end, 0, 0, refuse), (end, 0, 0, allow_)]
    code += [(equal, 0, 1, CLONE3), (end, 0, 0, absent)]  # its flags lie behind a pointer; clone's do not
    code += [(equal, 0, 3, CLONE[column]), (load, 0, 0, 16), (bits, 0, 1, 0x10000000), (end, 0, 0, refuse)]
    code += [(end, 0, 0, allow_)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
    prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)))


STEPS: dict[str, Callable[[dict], None]] = {
    "mounts": read_only_mounts,
    "capabilities": drop_capabilities,
    "landlock": landlock,
    "seccomp": seccomp,
}
AFTER_GIVING_UP = ("landlock", "seccomp")  # need PR_SET_NO_NEW_PRIVS (38), which the others may not have yet


def set_limits(config: dict) -> None:
    for name, value in config["limits"].items():
        which = getattr(resource, f"RLIMIT_{name}")
        allowed = resource.getrlimit(which)[1]
        hard = value + 1 if name == "CPU" else value  # first SIGXCPU, a second later SIGKILL
        hard = hard if allowed == resource.RLIM_INFINITY else min(hard, allowed)
        resource.setrlimit(which, (min(value, hard), hard))


def reap(time_s: float) -> None:
    """Splits in two: one goes on into the walls; the other stays outside, adopts what is left, kills it.

    In a process namespace the other is its first process, for which signals would not mean what they do.
    A second after the time is up it kills by itself: whoever started us may be dead.
    """
    prctl(36, 1)  # child subreaper
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return
    for ending in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(ending, lambda *_: end(128 + signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, time_s + 1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    end(code if code >= 0 else 128 - code)


def end(code: int) -> None:
    """Kills children until there are none; those of a killed one become ours."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for child in children():
            os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            break
        time.sleep(0.001)
    os._exit(code)


def children() -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != b"Z":
            found.append(int(name))
    return found


def report(config: dict) -> None:
    """Tries the steps and prints which ones work."""
    worked = []
    for name in config["steps"]:
        if name in AFTER_GIVING_UP:
            prctl(38, 1)
        try:
            STEPS[name](config)
        except (OSError, KeyError, AttributeError):
            continue
        worked.append(name)
    sys.stdout.write(" ".join(worked))


def main(config: dict) -> None:
    program = sys.argv[1:]
    if not program:
        report(config)
        return
    if config["reap"]:
        reap(config["time_s"])
    try:
        os.chdir(config["folder"])
        for name in config["steps"]:
            if name in AFTER_GIVING_UP:
                prctl(38, 1)
            STEPS[name](config)
        prctl(38, 1)
        os.chdir(config["folder"])  # the bound folder, not the one below it
        set_limits(config)
        os.execvp(program[0], program)
    except OSError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        sys.stderr.flush()
        os._exit(REFUSED)
