"""One module with a weakness of several kinds, and its sound twin."""

import subprocess
import sys

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import State
from bloomery.optimize.faults import Effort, Fault, Scenario, compare_under_faults, probe, replay

WEAK = """
import json
import socket
import time


def save(path, data):
    with open(path, "w") as file:
        json.dump(data, file)


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except OSError:
        return {}


def ask(host):
    with socket.create_connection((host, 80)) as sock:
        sock.sendall(b"PING")
        return sock.recv(4)


def waited(seconds):
    began = time.time()
    time.sleep(seconds)
    return round(time.time() - began)


def tried_twice(path):
    with open(path) as file:
        return file.read()
"""
SOUND = """
import contextlib
import json
import os
import socket
import tempfile
import time


def save(path, data):
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path) or ".")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(data, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def load(path):
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def ask(host):
    answer = b""
    with socket.create_connection((host, 80), timeout=5) as sock:
        sock.sendall(b"PING")
        while len(answer) < 4:
            part = sock.recv(4 - len(answer))
            if not part:
                raise ConnectionError("the answer ended early")
            answer += part
    return answer


def waited(seconds):
    began = time.monotonic()
    time.sleep(seconds)
    return round(time.monotonic() - began)


def tried_twice(path):
    for last in (False, True):
        try:
            with open(path) as file:
                return file.read()
        except OSError:
            if last:
                raise
"""
WAITS = """
import time


def until(path):
    while True:
        try:
            return open(path).close()
        except OSError:
            time.sleep(60)
"""
SAVE = Scenario("save", 'save("a.json", {"x": 1})', files={"a.json": '{"x": 0}'})
LOAD = Scenario("load", 'load("a.json")', files={"a.json": '{"x": 0}'})
ASK = Scenario("ask", 'ask("a.example")')
WAIT = Scenario("wait", "waited(3)")
TWICE = Scenario("twice", 'tried_twice("a.json")', files={"a.json": '{"x": 0}'})
ALL = (SAVE, LOAD, ASK, WAIT, TWICE)
LITTLE = Effort(pairs=2)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "weak.py").write_text(WEAK)
    (tmp_path / "sound.py").write_text(SOUND)
    return tmp_path


def test_each_planted_weakness_is_found_where_it_is_and_shows_itself_again(root):
    found = list(probe(root, "weak.py", scenarios=ALL, effort=LITTLE))
    assert sorted((one.kind, one.function) for one in found) == [
        ("clock", "waited"),
        ("never ends", "ask"),
        ("swallowed", "load"),
        ("torn file", "save"),
        ("wrong value", "ask"),
    ]
    assert all(len(one.schedule) == 1 for one in found)
    torn = next(one for one in found if one.kind == "torn file")
    shown = subprocess.run(
        [sys.executable, "-c", torn.program], cwd=root, capture_output=True, text=True, check=True
    )
    assert shown.stdout.startswith("torn file: a.json holds neither")


def test_nothing_is_said_against_the_sound_twin(root):
    seen = probe(root, "sound.py", scenarios=ALL, effort=LITTLE)
    assert list(seen) == []
    assert seen.scenarios == 5
    assert seen.schedules >= 30


def test_a_candidate_that_breaks_where_the_original_does_not_is_worse(root):
    args = {"scenarios": [LOAD], "effort": LITTLE}
    worse = compare_under_faults(root, "sound.py", {"sound.py": WEAK}, **args)
    assert (worse.evidence.state, [one.kind for one in worse.worse]) == (State.FAILED, ["swallowed"])


@pytest.mark.slow
def test_a_candidate_that_breaks_no_more_is_better(root):
    args = {"scenarios": [LOAD], "effort": LITTLE}
    better = compare_under_faults(root, "weak.py", {"weak.py": SOUND}, **args)
    assert (better.evidence.state, [one.kind for one in better.better]) == (State.PASSED, ["swallowed"])


def test_where_no_scenario_can_be_used_nothing_is_claimed(root):
    fails = Scenario("missing", 'load("a.json")["x"]')
    seen = compare_under_faults(root, "weak.py", {"weak.py": SOUND}, scenarios=[fails])
    assert seen.evidence.state is State.NOT_RUN
    assert "KeyError" in seen.evidence.reason


def test_time_passes_without_waiting_and_a_wait_without_end_is_ended(root):
    (root / "waits.py").write_text(WAITS)
    scenario = Scenario("until", 'until("a")', files={"a": ""})
    forever = (Fault("open", "EIO", 0, lasting=True),)
    assert replay(root, "waits.py", scenario, forever) == ["never ends: it waited for more than 3600 s"]


def test_a_path_that_is_no_module_is_the_users_to_mend(root):
    with pytest.raises(UserError, match=r"nowhere\.py: a Python file"):
        probe(root, "nowhere.py")
