"""Bad input: one line that says what to do, the right exit code, and nothing is lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from bloomery.core.workspace import Workspace
from tests.cli.forged import RECIPE, Command
from tests.forge.small_disk import small_disk

HOLDER = """
import sys
from bloomery.core.workspace import Workspace
with Workspace.open(sys.argv[1]).lock("run of another recipe"):
    print("held", flush=True)
    sys.stdin.read()
"""


def expect_one_line(said, code: int, *words: str) -> None:
    """Exit code, one error line that holds the words, no traceback, nothing on stdout."""
    lines = [
        line for line in said.err.splitlines() if not line.partition("|")[2].endswith((" left", " unknown"))
    ]
    assert said.code == code, said.err
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
    assert said.out == ""


def expect_nothing_lost(root: Path, before: Path) -> None:
    """All that was in the store is there, and sound."""
    workspace = Workspace.open(root)
    assert set(Workspace.open(before).store) <= set(workspace.store)
    assert workspace.verify() == []


# the recipe


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "stages.cognate.base.stpes=3",
            ["unknown key 'stages.cognate.base.stpes'", "did you mean 'steps'?", "--set"],
        ),
        ("sede=3", ["unknown key 'sede'", "did you mean 'seed'?"]),
        ("stages.cogniate={}", ["unknown stage 'cogniate'", "did you mean 'cognate'?"]),
        ("stages.cognate.base.steps=many", ["stages.cognate.base.steps", "'many'", "--set"]),
        ("stages.cognate.base.steps=0", ["stages.cognate.base.steps", "0"]),
        ("stages.cognate.preset=cognate-huge", ["stages.cognate.preset", "cognate-huge", "cognate-tiny"]),
        ("stages.cognate.base.train.micro_batc=3", ["micro_batc", "did you mean 'micro_batch'?"]),
        ("mixture.parrity={weight: 1}", ["parrity", "parity"]),
        ("seed", ["seed"]),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_made(bloomery: Command, tmp_path, override, words):
    said = bloomery("forge", "run", RECIPE, "-w", tmp_path / "ws", "--set", override)
    expect_one_line(said, 2, *words)
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "stages.cognate.model.hiden_size=16",
            ["unknown key 'model.hiden_size'", "did you mean 'hidden_size'?"],
        ),
        ("stages.cognate.model.memory=big", ["memory must be one of", "'big'"]),
        ("stages.cognate.model.hidden_size=wide", ["model", "wide"]),
        ("mixture.parity.difficulties=[0]", ["task 'parity' has difficulties", "not 0"]),
    ],
)
def test_a_setting_that_the_work_shows_to_be_wrong_is_named_and_loses_nothing(
    bloomery: Command, workspace, forged_workspace, override, words
):
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--set", override)
    expect_one_line(said, 2, *words)
    expect_nothing_lost(workspace, forged_workspace)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("no/such.yaml", ["no recipe at 'no/such.yaml'"]),
        ("forge/quikstart", ["did you mean 'forge/quickstart'?"]),
    ],
)
def test_a_missing_recipe_is_named(bloomery: Command, tmp_path, recipe, words):
    expect_one_line(bloomery("forge", "run", recipe, "-w", tmp_path / "ws"), 2, *words)
    assert not (tmp_path / "ws").exists()


def test_a_recipe_that_is_no_yaml_is_named_with_its_line(bloomery: Command, tmp_path):
    (tmp_path / "r.yaml").write_text("seed: 1\nstages: {cognate: [\n")
    expect_one_line(bloomery("forge", "run", tmp_path / "r.yaml", "-w", tmp_path / "ws"), 2, "r.yaml")


def test_a_workspace_that_is_a_file_is_refused(bloomery: Command, tmp_path):
    (tmp_path / "file").write_text("mine")
    expect_one_line(bloomery("forge", "run", RECIPE, "-w", tmp_path / "file"), 2, "is a file")
    assert (tmp_path / "file").read_text() == "mine"


# models from outside


@pytest.fixture
def model(forged_workspace: Path, tmp_path: Path) -> Path:
    """A shipped folder that may be spoilt."""
    (source,) = forged_workspace.glob("runs/*/model")
    return Path(shutil.copytree(source, tmp_path / "model"))


def measured(bloomery: Command, folder: Path):
    return bloomery("eval", folder, "-t", "parity", "-d", 10, "--count", 2)


def test_a_pickle_is_refused_unread(bloomery: Command, model, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (model / "model.safetensors").unlink()
    torch.save({"weight": Trap()}, model / "pytorch_model.bin")
    expect_one_line(measured(bloomery, model), 2, "pickle", "pytorch_model.bin", "safe_serialization=True")
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_under_the_name_of_safetensors_is_refused_unread(bloomery: Command, model):
    torch.save({}, model / "model.safetensors")
    expect_one_line(measured(bloomery, model), 1, "model.safetensors", "truncated or altered")


def test_truncated_weights_are_named(bloomery: Command, model):
    weights = model / "model.safetensors"
    data = weights.read_bytes()
    weights.chmod(0o644)
    weights.write_bytes(data[: len(data) // 2])
    expect_one_line(measured(bloomery, model), 1, str(weights), "truncated or altered", "get it again")


def test_a_tokenizer_of_another_vocabulary_is_refused(bloomery: Command, model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens([f"<more-{number}>" for number in range(500)])
    tokenizer.save_pretrained(model)
    expect_one_line(measured(bloomery, model), 2, "they are not a pair", "the model's own folder")


def test_a_folder_that_is_no_model_is_named(bloomery: Command, tmp_path):
    expect_one_line(measured(bloomery, tmp_path), 2, str(tmp_path), "not a model folder")


# the store


def spoil(path: Path) -> None:
    """Another byte in the middle, the same size and time."""
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture
def spoilt(workspace: Path) -> str:
    """The CID of a tokenizer in whose bytes one bit was turned."""
    cid = Workspace.open(workspace).catalog.artifacts("tokenizer")[0].cid
    spoil(workspace / "store" / "objects" / cid / "tokenizer.json")
    return cid


def test_an_altered_artifact_is_reported_with_its_name_and_not_handed_out(bloomery: Command, workspace):
    cid = Workspace.open(workspace).catalog.artifacts("shipped model")[0].cid
    spoil(workspace / "store" / "objects" / cid / "model.safetensors")
    out = workspace.parent / "out"
    expect_one_line(bloomery("models", "export", "ship", out, "-w", workspace), 1, cid, "altered")
    assert not out.exists()
    said = bloomery("workspace", "verify", "-w", workspace, "--json")
    assert (said.code, len(json.loads(said.out)["damaged"])) == (1, 1)
    assert "shipped (step ship of run" in json.loads(said.out)["damaged"][0]


def test_an_altered_artifact_is_made_again_by_the_run_that_needs_it(bloomery: Command, workspace, spoilt):
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--json")
    notes = {step["name"]: step["reason"] for step in json.loads(said.out)["steps"]}
    assert said.code == 0
    assert "computed again" in notes["cognate.tokenizer"]
    assert "tokenizer (step cognate.tokenizer" in notes["cognate.tokenizer"]
    assert Workspace.open(workspace).verify() == []


def test_a_catalog_that_is_no_database_is_named(bloomery: Command, workspace):
    (workspace / "catalog.sqlite").write_bytes(b"not a database at all" * 1000)
    said = bloomery("models", "list", "-w", workspace)
    expect_one_line(said, 1, "catalog.sqlite is damaged", "restore a backup")


# while it runs


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    bloomery: Command, workspace, forged_workspace
):
    overrides = [
        "stages.cognate.base.muon_grokfast.lr=1.0e+30",
        "stages.cognate.base.train.checkpoint_every=1",
        "stages.cognate.base.schedule={kind: constant}",
    ]
    said = bloomery(
        "forge", "run", RECIPE, "-w", workspace, *(part for one in overrides for part in ("--set", one))
    )
    expect_one_line(said, 1, "diverged at step", "the last good checkpoint is", "lower the learning rate")
    checkpoint = Path(said.err.split("the last good checkpoint is ")[1].split(";")[0])
    weights = load_file(next(checkpoint.glob("*.safetensors")))
    assert all(torch.isfinite(tensor).all() for tensor in weights.values() if tensor.is_floating_point())
    expect_nothing_lost(workspace, forged_workspace)


def test_a_full_disk_stops_with_nothing_half_written(
    bloomery: Command, workspace, forged_workspace, monkeypatch
):
    synced = os.fsync

    def full(descriptor: int) -> None:
        if "/store/partial/" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    said = bloomery("forge", "run", RECIPE, "-w", workspace, "--set", "stages.cognate.base.steps=2")
    expect_one_line(said, 1, "no space left", "workspace clean", "start again")
    expect_nothing_lost(workspace, forged_workspace)
    monkeypatch.setattr(os, "fsync", synced)
    remembered = json.loads(bloomery("forge", "run", RECIPE, "-w", workspace, "--json").out)
    assert {step["status"] for step in remembered["steps"]} == {"memoized"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "12m") as folder:
        yield folder


def fill(path: Path) -> None:
    """To the last block."""
    with path.open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(bytes(4096)):
            pass


def test_a_disk_that_is_really_full_loses_nothing(bloomery: Command, forged_workspace, disk):
    root = Path(shutil.copytree(forged_workspace, disk / "workspace"))
    fill(disk / "ballast")
    for command in (
        ["models", "export", "ship", disk / "out"],
        ["forge", "run", RECIPE, "--set", "seed=9"],
        ["models", "list"],  # SQLite needs a little room even to read
    ):
        expect_one_line(bloomery(*command, "-w", root), 1, "no space left", "free some")
    assert not (disk / "out").exists()
    (disk / "ballast").unlink()
    expect_nothing_lost(root, forged_workspace)
    assert bloomery("models", "export", "ship", disk / "out", "-w", root).code == 0


def test_two_runs_in_one_workspace_at_once_are_kept_apart(bloomery: Command, workspace, forged_workspace):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(workspace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stdout.readline() == "held\n"
        said = bloomery("forge", "run", RECIPE, "-w", workspace)
        expect_one_line(said, 2, f"process {first.pid} (run of another recipe)", "wait", "another workspace")
    finally:
        first.communicate()
    expect_nothing_lost(workspace, forged_workspace)
    assert bloomery("forge", "run", RECIPE, "-w", workspace).code == 0
