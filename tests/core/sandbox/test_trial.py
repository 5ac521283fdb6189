"""Protections are claimed only where they held: take a wall away, and the trial says so."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bloomery.core.errors import CapabilityMissing
from bloomery.core.sandbox import cgroup, protections, run, walls
from bloomery.core.sandbox.limits import PROTECTIONS, Protections
from bloomery.core.sandbox.process import execute


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What is found out with a wall taken away is not kept."""
    caches = (protections, walls.walls_of, cgroup.home_folder)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def test_each_protection_is_in_force_or_missing_with_a_reason() -> None:
    standing = protections()
    assert standing.in_force | set(standing.missing) == set(PROTECTIONS)
    assert not standing.in_force & set(standing.missing)
    assert all(standing.missing.values())
    assert {"time", "output"} <= standing.in_force
    assert protections() is standing, "one trial in a process is enough"


def test_where_every_wall_is_taken_away_every_attack_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(walls.STEPS, "rlimits", ())
    monkeypatch.setattr(cgroup, "home_folder", lambda: None)
    standing = protections("rlimits")
    through = {"network", "filesystem", "metadata", "reading", "environment", "signals", "descendants"}
    assert through <= set(standing.missing)
    if os.getuid() == 0:
        assert set(standing.missing) == through | {"processes"}


@pytest.mark.parametrize(
    ("how", "without", "lost"),
    [
        ("rlimits", "seccomp", {"network"}),
        ("rlimits", "landlock", {"filesystem", "reading", "signals"}),  # and `environment`, where not root
        ("unshare", "mounts", {"metadata"}),
        ("bwrap", "seccomp", set()),
    ],
)
def test_without_one_step_what_it_gave_is_missing(
    how: walls.How, without: str, lost: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = walls.walls_of(how)
    if whole is None or without not in whole.steps:
        pytest.skip(f"{how} with {without} does not work on this machine")
    before = set(protections(how).missing)
    steps = tuple(step for step in walls.STEPS[how] if step != without)
    monkeypatch.setitem(walls.STEPS, how, steps)
    walls.walls_of.cache_clear()
    protections.cache_clear()
    assert lost <= set(protections(how).missing) - before


def test_without_bubblewrap_the_next_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert walls.choose().how == "rlimits"
    with pytest.raises(CapabilityMissing, match="cannot be run with bwrap"):
        walls.choose("bwrap")


def test_what_a_caller_requires_and_the_machine_lacks_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(walls.STEPS, "rlimits", ())
    with pytest.raises(CapabilityMissing, match=r"lacks on this machine: network \(no network namespace"):
        run(["/bin/sh", "-c", "touch ran"], folder=tmp_path, how="rlimits", require=["time", "network"])
    assert not (tmp_path / "ran").exists()


def test_a_step_that_fails_keeps_the_program_from_running(tmp_path: Path) -> None:
    if walls.walls_of("rlimits") is None or os.getuid() != 0:
        pytest.skip("needs a host where mounts could be changed, and must not be")
    unfit = walls.Walls(how="rlimits", steps=("mounts",))
    before = Path("/proc/mounts").read_text()
    ended = execute(unfit, ["/bin/sh", "-c", "touch ran"], folder=tmp_path, limits=walls.Limits(), stdin="")
    assert (ended.returncode, "no mount namespace of our own" in ended.stderr) == (125, True)
    assert not (tmp_path / "ran").exists()
    assert Path("/proc/mounts").read_text() == before


def test_protections_read_as_a_sentence() -> None:
    told = str(Protections(how="rlimits", in_force=frozenset({"time"}), missing={"network": "why"}))
    assert told == "by rlimits; in force: time; not in force: network (why)"


@pytest.mark.parametrize("how", ["bwrap", "unshare"])
def test_behind_namespaces_everything_holds(how: walls.How) -> None:
    """Else a wall that broke would only show as skipped attacks."""
    if walls.walls_of(how) is None or set(walls.walls_of(how).steps) != set(walls.STEPS[how]):
        pytest.skip(f"{how} does not work whole on this machine")
    lacking = set(protections(how).missing)
    assert lacking <= {"processes"}
    if cgroup.home_folder() or os.getuid() != 0:
        assert not lacking


def test_the_groups_of_the_dead_are_removed_and_no_others() -> None:
    home = cgroup.home_folder()
    if home is None:
        pytest.skip("no control group can be made on this machine")
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    left, used = home / f"bloomery-{gone.pid}-left", home / f"bloomery-{os.getpid()}-used"
    for folder in (left, used):
        folder.mkdir()
    try:
        with cgroup.group(processes=4, memory_bytes=2**26):
            assert (left.exists(), used.exists()) == (False, True)
    finally:
        used.rmdir()


def test_a_python_that_lies_below_tmp_is_still_there_behind_bwrap(tmp_path):
    built = walls._bwrap(tmp_path)
    private = built.index("/tmp")
    assert built[private - 1] == "--tmpfs"
    assert private < built.index("--ro-bind-try")
