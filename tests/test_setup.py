"""Setting up: which index, which torch, which pins, decided without installing anything."""

import subprocess
from pathlib import Path

import pytest

from scripts import lock, setup

UV_NAMES = [*setup.PIP_TO_UV.values(), "UV_INDEX_URL", "UV_INDEX", "UV_INDEX_STRATEGY"]


def answer(code: int = 0, out: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, out, "")


@pytest.fixture
def pip_says(monkeypatch: pytest.MonkeyPatch):
    for name in UV_NAMES:
        monkeypatch.delenv(name, raising=False)

    def say(listing: str) -> None:
        monkeypatch.setattr(setup, "quiet", lambda command, env=None: answer(out=listing))

    return say


def test_an_index_configured_for_pip_counts_for_uv(pip_says) -> None:
    pip_says("global.index-url='https://mirror.example/simple'\nglobal.find-links='/wheels /more'\n")
    env = setup.uv_environment()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert env["UV_FIND_LINKS"] == "/wheels /more"


def test_a_variable_wins_over_a_file_as_it_does_in_pip(pip_says) -> None:
    pip_says(":env:.index-url='https://b.example'\nglobal.index-url='https://a.example'\n")
    assert setup.uv_environment()["UV_DEFAULT_INDEX"] == "https://b.example"


def test_settings_for_uv_are_left_alone(pip_says, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_says("global.extra-index-url='https://a.example'\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.example")
    env = setup.uv_environment()
    assert (env["UV_DEFAULT_INDEX"], env.get("UV_EXTRA_INDEX_URL")) == ("https://mine.example", None)


@pytest.mark.parametrize(
    ("build", "in_reach", "wanted"),
    [
        ("cpu", ["+cpu", "--torch-backend=cpu"], "==+cpu"),
        ("cpu", ["--torch-backend=cpu"], "--torch-backend=cpu"),
        ("cpu", [], "plain"),
        ("cuda", ["+cpu", "--torch-backend=cpu"], "!=+cpu"),
    ],
)
def test_torch_comes_from_the_first_place_that_has_the_build(
    build: str, in_reach: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(command: list[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return answer(0 if any(mark in " ".join(command) for mark in in_reach) else 1)

    ran: list[str] = []
    monkeypatch.setattr(setup, "quiet", probe)
    monkeypatch.setattr(setup.subprocess, "run", lambda command, **options: ran.extend(command))
    setup.install_torch("uv", {}, build, Path("python"))
    version = setup.locked_version("torch")
    endings = {"==+cpu": f"torch=={version}+cpu", "!=+cpu": f"torch!={version}+cpu"}
    assert ran[-1] == endings.get(wanted, "torch")
    assert ("--torch-backend=cpu" in ran) == (wanted == "--torch-backend=cpu")
    assert "--dry-run" not in ran


def test_without_a_compiler_only_what_needs_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    without = setup.extras_for("dev")
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/bin/{name}")
    assert set(setup.extras_for("dev")) - set(without) == {"tasks"}
    assert setup.extras_for("base") == []


def test_a_locked_entry_carries_its_hashes() -> None:
    entry = setup.locked("uv").splitlines()
    assert entry[0] == f"uv=={setup.locked_version('uv')} \\"
    assert entry[1:], "no hashes"
    assert all(line.strip().startswith("--hash=sha256:") for line in entry[1:])


def test_every_package_in_the_lock_is_pinned_with_a_hash() -> None:
    entries = [line for line in lock.LOCK.read_text().splitlines() if not line.startswith("    --hash=")]
    assert len(entries) > 100
    assert [line for line in entries if "==" not in line or not line.endswith("\\")] == []


def test_the_lock_verifies_both_builds_of_torch_and_names_no_index() -> None:
    entry = setup.locked("torch")
    assert [sha256 for sha256 in lock.TORCH_CPU_SHA256 if entry.count(sha256) != 1] == []
    assert entry.count("--hash") > len(lock.TORCH_CPU_SHA256)
    assert "://" not in lock.LOCK.read_text()


def test_cpu_hashes_are_written_once_however_often() -> None:
    plain = f"torch=={lock.TORCH_VERSION} \\\n    --hash=sha256:{'0' * 64}\n"
    once = lock.add_cpu_hashes(plain)
    assert lock.add_cpu_hashes(once) == once
    assert once.count("--hash") == 1 + len(lock.TORCH_CPU_SHA256)


def test_a_new_torch_asks_for_its_hashes() -> None:
    with pytest.raises(SystemExit, match=r"found torch==9\.0"):
        lock.add_cpu_hashes("torch==9.0 \\\n    --hash=sha256:0\n")
