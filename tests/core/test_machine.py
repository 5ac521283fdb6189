import os
import subprocess
import sys
from pathlib import Path

import pytest

from bloomery.core import machine

XEON = """processor\t: 0
model name\t: Intel(R) Xeon(R) Platinum 8488C
flags\t\t: fpu sse4_2 avx2 avx512f amx_bf16 made_up

processor\t: 1
model name\t: another
"""
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd asimddp sve\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.fixture
def cpuinfo(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine, "_GPUS", tmp_path / "gpus")
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    for name in machine.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cpuinfo"


def test_a_processor_is_told_by_architecture_model_and_numerical_instructions(cpuinfo):
    cpuinfo.write_text(XEON)
    assert machine.processor() == "x86_64 Intel(R) Xeon(R) Platinum 8488C amx_bf16 avx2 avx512f sse4_2"


def test_an_arm_processor_is_told_by_its_numbers(cpuinfo):
    cpuinfo.write_text(GRAVITON)
    assert machine.processor() == "x86_64 0x41 0xd40 asimd asimddp sve"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, ["NVIDIA H200"]), ("0", ["NVIDIA H200", "1 visible"]), ("", []), ("-1", [])],
)
def test_a_visible_gpu_is_a_part_of_the_processor(cpuinfo, monkeypatch, visible, expected):
    folder = cpuinfo.with_name("gpus") / "0000:00:05.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 1\n")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    cpuinfo.write_text(XEON)
    plain = "x86_64 Intel(R) Xeon(R) Platinum 8488C amx_bf16 avx2 avx512f sse4_2"
    assert machine.processor() == " ".join([plain, *expected])


@pytest.mark.parametrize("name", ["ATEN_CPU_CAPABILITY", "MKL_NUM_THREADS", "MKL_CBWR"])
def test_a_variable_that_changes_the_arithmetic_is_a_part_of_the_processor(cpuinfo, monkeypatch, name):
    cpuinfo.write_text(XEON)
    before = machine.processor()
    monkeypatch.setenv(name, "2")
    assert machine.processor() == f"{before} {name}=2"
    monkeypatch.setenv(name, "")
    assert machine.processor() == before


def test_the_command_is_kept_without_the_password_of_a_url(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/bin/bloomery", "--set", "remote=s3://me:hunter2@host/place"])
    assert machine.environment()["command"] == "bloomery --set 'remote=s3://me:[redacted]@host/place'"


@pytest.mark.parametrize(("value", "expected"), [("3", 3), ("5,2", 5)])
def test_threads_are_those_that_the_environment_asks_for(monkeypatch, value, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert machine.threads() == expected


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_threads_are_the_cores_we_may_run_on_where_nothing_is_asked(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert machine.threads() == len(os.sched_getaffinity(0))


def test_the_environment_names_packages_and_python():
    found = machine.environment()
    assert found["packages"]["joblib"].count(".") == 2
    assert found["python"].startswith("CPython 3.")


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    return subprocess.check_output(["git", "-C", folder, *identity, *arguments], text=True).strip()


def test_the_commit_is_named_and_whether_sources_changed_since(tmp_path):
    _git(tmp_path, "init", "-q")
    (tmp_path / "source.py").write_text("a = 1\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "m")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert machine.git_commit(tmp_path) == {"commit": commit, "changed": False}
    (tmp_path / "source.py").write_text("a = 2\n")
    assert machine.git_commit(tmp_path) == {"commit": commit, "changed": True}


def test_there_is_no_commit_outside_of_git_or_without_it(tmp_path, monkeypatch):
    assert machine.git_commit(tmp_path / "site-packages") is None
    assert machine.git_commit(tmp_path / "nowhere") is None
    monkeypatch.setenv("PATH", "")
    assert machine.git_commit(Path(__file__).parent) is None
