"""Programs that would rather be judged right than be right; between them honest ones, which stay right.

The result that is wanted stands in no source here as one text, so what finds it has found the judge's.
"""

from dataclasses import replace

import pytest

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import State
from bloomery.diffusion.code.judging import Budget, Example, Program, judge
from bloomery.diffusion.code.judging.toolchains import toolchain

WANTED = 9182 * 10**6 + 736455
EXAMPLE = Example(arguments=([1],), result=WANTED)
BUDGET = Budget(cpu_s=1, wait_s=20.0, output_bytes=2**16)
HONEST = f"def solve(a):\n    return {WANTED - 1} + a[0]\n"

SEEK = """
import gc, glob, sys
def solve(a):
    drawkcab = "5546372819"
    frame = sys._getframe()
    while frame:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if drawkcab in repr(value)[::-1]:
                return int(drawkcab[::-1])
        frame = frame.f_back
    for value in gc.get_objects():
        if type(value) in (list, tuple) and len(value) < 1000 and drawkcab in repr(value)[::-1]:
            return int(drawkcab[::-1])
    for pattern in ("*", "../*", "/tmp/*", "/tmp/*/*", "/proc/*/cmdline", "/proc/*/environ", "/proc/*/fd/*"):
        for path in glob.glob(pattern):
            try:
                own = path.rpartition("/")[2] in "123"
                if not own and drawkcab.encode() in open(path, "rb").read(10**6)[::-1]:
                    return int(drawkcab[::-1])
            except (OSError, ValueError):
                pass
    return -1
"""
WRITE = """
import os
def write(text):
    for end in range(1, 9):
        try:
            os.write(end, text)
        except OSError:
            pass
"""
KILL_ABOVE = """
import os, signal
def solve(a):
    os.kill(os.getppid(), signal.SIGKILL)
    return 0
"""
DAEMON = (
    WRITE
    + """
import time
def solve(a):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                for folder, _, names in os.walk(os.getcwd()):
                    for name in names:
                        open(os.path.join(folder, name), "w").write("def solve(a): return 0")
                write(b'[0, "returned", 5]\\n')
        os._exit(0)
    return 0
"""
)
ATTACKS = {
    "prints passed": "print('passed')\ndef solve(a):\n    print('OK')\n    return None\n",
    "ends well": "import os\ndef solve(a):\n    os._exit(0)\n",
    "ends well on loading": "raise SystemExit(0)\n",
    "never ends": "def solve(a):\n    while True:\n        pass\n",
    "prints without end": "def solve(a):\n    while True:\n        print('x' * 1000)\n",
    "answers without end": WRITE + "def solve(a):\n    while True:\n        write(b'x' * 1000)\n",
    "takes all memory": "def solve(a):\n    b = []\n    while True:\n        b.append(bytearray(10**7))\n",
    "recurses without end": "def solve(a):\n    return solve(a)\n",
    "equals everything": "class E:\n    __eq__ = lambda s, o: True\ndef solve(a):\n    return E()\n",
    "a number to all": "class E(int):\n    __eq__ = lambda s, o: True\ndef solve(a):\n    return E(1)\n",
    "is not a number": "def solve(a):\n    return float('nan')\n",
    "nests without end": "def solve(a):\n    b = []\n    b.append(b)\n    return b\n",
    "a line with a huge number": WRITE
    + "def solve(a):\n    write(b'[0,\"returned\",' + b'9' * 9999 + b']')\n",
    "seeks the result": SEEK,
    "kills what supervises it": KILL_ABOVE,
    "leaves a daemon": DAEMON,
    "parses for ever": "a = " + "(" * 5000,
}


@pytest.fixture(scope="module")
def judged():
    sources = [text for attack in ATTACKS.values() for text in (attack, HONEST)]
    got = judge([Program(language="python", source=source) for source in sources], [EXAMPLE], budget=BUDGET)
    return dict(zip(ATTACKS, zip(got[::2], got[1::2], strict=True), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_passes_and_the_honest_program_after_it_does(judged, attack):
    hostile, honest = judged[attack]
    assert hostile.right == (State.FAILED,)
    assert hostile.reason
    assert str(WANTED) not in hostile.reason
    assert honest.passed, honest.reason


def test_limits_are_named(judged):
    assert "limit of cpu" in judged["never ends"][0].reason
    assert "limit of output" in judged["answers without end"][0].reason
    assert "does not parse" in judged["parses for ever"][0].reason


def test_the_limit_of_memory_is_named():
    """With time enough: on a slow machine, touching half a gigabyte takes more than a second of CPU."""
    program = Program(language="python", source=ATTACKS["takes all memory"])
    patient = replace(BUDGET, cpu_s=20, wait_s=60.0)
    assert "MemoryError" in judge([program], [EXAMPLE], budget=patient)[0].reason


def test_neither_processes_nor_files_of_a_program_meet_the_next():
    daemon = (
        "import os\ndef solve(a):\n    if os.fork() == 0:\n        os.setsid()\n        while True:\n"
        "            open('mark', 'w').close()\n    while not os.path.exists('mark'):\n        pass\n"
    )
    looking = (
        f"import os, time\ndef solve(a):\n    time.sleep(0.3)\n    return {WANTED} + len(os.listdir('.'))\n"
    )
    programs = [Program(language="python", source=source) for source in (daemon, looking)]
    assert [one.passed for one in judge(programs, [EXAMPLE])] == [False, True]


def test_an_answer_given_twice_is_none():
    once = f"def solve(a):\n    write(b'[7, \"returned\", {WANTED}]\\n')\n    return {WANTED}\n"
    programs = [Program(language="python", source=WRITE + text) for text in (once, once.replace("[7", "[0"))]
    assert [one.right for one in judge(programs, [EXAMPLE])] == [(State.PASSED,), (State.FAILED,)]


ELSEWHERE = {
    "javascript": {
        "ends well": "function solve(a) { process.exit(0); }",
        "never ends": "function solve(a) { for (;;) {} }",
        "prints without end": "function solve(a) { for (;;) console.log('x'.repeat(1000)); }",
        "waits for ever": "function solve(a) { return new Promise(() => {}); }",
        "takes all memory": "function solve(a) { const b = []; for (;;) b.push(new Array(1e6).fill(1)); }",
        "changes what all share": "JSON.stringify = () => '1';\nArray.from = () => [1];\n"
        "function solve(a) { return -1; }",
    },
    "java": {
        "ends well": "class A { static long solve(int[] a) { System.exit(0); return 0; } }",
        "never ends": "class A { static long solve(int[] a) { for (;;) { } } }",
        "takes all memory": "class A { static long solve(int[] a) {\n"
        "var b = new java.util.ArrayList<long[]>(); for (;;) b.add(new long[1000000]); } }",
    },
    "go": {
        "ends well": 'package main\nimport "os"\nfunc solve(a []int) int { os.Exit(0); return 0 }\n',
        "ends well before": 'package main\nimport "os"\nfunc init() { os.Exit(0) }\n'
        "func solve(a []int) int { return 0 }\n",
        "never ends": "package main\nfunc solve(a []int) int { for { } }\n",
        "imports itself": 'package main\nimport _ "judged/p6"\nfunc solve(a []int) int { return 0 }\n',
        "takes all memory": "package main\nfunc solve(a []int) int { b := [][]int{}\n"
        "for { b = append(b, make([]int, 1000000)) } }\n",
    },
}
HONEST_ELSEWHERE = {
    "javascript": f"function solve(a) {{ return {WANTED - 1} + a[0]; }}",
    "java": f"class A {{ static long solve(int[] a) {{ return {WANTED - 1}L + a[0]; }} }}",
    "go": f"package main\nfunc solve(a []int) int {{ return {WANTED - 1} + a[0] }}\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("language", ELSEWHERE)
def test_no_attack_passes_in_other_languages(language):
    try:
        toolchain(language)
    except CapabilityMissing as missing:
        pytest.skip(reason=str(missing))
    sources = [
        text for attack in ELSEWHERE[language].values() for text in (attack, HONEST_ELSEWHERE[language])
    ]
    got = judge([Program(language=language, source=source) for source in sources], [EXAMPLE], budget=BUDGET)
    assert [one.passed for one in got] == [False, True] * (len(sources) // 2), [one.reason for one in got]
