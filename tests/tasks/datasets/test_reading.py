import gzip
import io
import json
import zipfile
from hashlib import sha256

import pytest

from bloomery.core.errors import ConfigError, DamagedArtifact, FormatRefused, UnknownName
from bloomery.tasks.datasets import reading
from bloomery.tasks.datasets.catalog import SOURCES, File, Part, Remote, Source
from bloomery.tasks.datasets.download import DownloadFailed
from bloomery.tasks.datasets.reading import TestSplitRefused, dataset, default_cache

EVERY_SPLIT = [(name, split) for name, source in SOURCES.items() for split in source.splits]
FOR_TRAINING = [(name, split) for name, split in EVERY_SPLIT if SOURCES[name].splits[split].train]
FOR_EVALUATION = sorted(set(EVERY_SPLIT) - set(FOR_TRAINING))
RECORDS = [{"task_id": i, "text": f"row {i} – ü"} for i in range(5)]
LINES = "\n".join(map(json.dumps, RECORDS)).encode()


@pytest.fixture
def no_network(monkeypatch):
    def refuse(urls, path, checksum, *, hint="", progress=None):
        raise DownloadFailed(f"cannot download: {urls[0]}. {hint}")

    monkeypatch.setattr(reading, "download", refuse)


def plant(monkeypatch, folder, packed, *, member="", kind="records", **part):
    """A data set of one file, in a mirror at `folder`."""
    monkeypatch.setenv("BLOOMERY_DATA", str(folder))
    (folder / "ore").mkdir(exist_ok=True)
    (folder / "ore" / "file").write_bytes(packed)
    checksum = sha256(packed).hexdigest()
    remote = Remote(urls=("http://127.0.0.1:1/file",), sha256=checksum, member=member)
    mirror = "" if member else "ore/file"
    file = File(mirror=mirror, mirror_sha256=checksum, remote=remote)
    split = Part(files=(file,), **{"size": len(RECORDS)} | part)
    source = Source(kind=kind, version="1", licence="none", page="", splits={"test": split})
    monkeypatch.setattr(reading, "SOURCES", {"ore": source})


@pytest.mark.parametrize(("name", "split"), FOR_EVALUATION)
def test_a_test_split_is_never_given_out_for_training(name, split, monkeypatch, no_network):
    """Refused before a byte is read, so it holds without the data too."""
    monkeypatch.delenv("BLOOMERY_DATA", raising=False)
    with pytest.raises(TestSplitRefused, match=f"'{split}' of '{name}' is for evaluation only"):
        dataset(name, split, purpose="train")


def test_only_training_splits_are_for_training():
    assert {split for _, split in FOR_TRAINING} == {"train"}
    assert {"test", "validation"} <= {split for _, split in FOR_EVALUATION}
    assert ("svamp", "test") in FOR_EVALUATION
    assert SOURCES["mbpp"].splits["test"].ids == (11, 510)


def test_every_file_has_checksums_and_addresses():
    for name, split in EVERY_SPLIT:
        for file in SOURCES[name].splits[split].files:
            assert len(bytes.fromhex(file.remote.sha256)) == 32
            assert all(url.startswith("https://") for url in file.remote.urls)
            assert bool(file.mirror) == bool(file.mirror_sha256)


@pytest.mark.parametrize(("name", "split"), EVERY_SPLIT)
def test_a_split_of_the_mirror_is_whole(name, split, mirror, no_network):
    if (name, split) == ("piqa", "train"):
        pytest.skip("the mirror has no PIQA train: its source is the authors' zip")
    found = dataset(name, split, purpose="train" if (name, split) in FOR_TRAINING else "evaluate")
    assert len(found) == SOURCES[name].splits[split].size
    assert found.benchmark.startswith(f"{name} {split} (")


def test_mbpp_splits_are_those_of_its_paper(mirror):
    ids = {
        split: {row["task_id"] for row in dataset("mbpp", split, purpose="evaluate").records}
        for split in ("prompt", "test", "validation", "train")
    }
    assert ids == {
        "prompt": set(range(1, 11)),
        "test": set(range(11, 511)),
        "validation": set(range(511, 601)),
        "train": set(range(601, 975)),
    }


def test_shakespeare_is_cut_without_loss(mirror):
    parts = [
        dataset("tinyshakespeare", split, purpose="evaluate").text
        for split in ("train", "validation", "test")
    ]
    assert sum(map(len, parts)) == 1115394
    assert parts[0].startswith("First Citizen:")
    assert parts[2].endswith("Whiles thou art waking.\n")


def test_digits_come_with_their_labels(mirror):
    images, labels = dataset("mnist", "test", purpose="evaluate").images
    assert images.shape == (10000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert labels.dtype == "int64"


def test_physical_questions_come_with_their_labels(mirror):
    records = dataset("piqa", "validation", purpose="evaluate").records
    assert [row["label"] for row in records[:3]] == [0, 1, 1]


@pytest.mark.parametrize(
    "packed",
    [LINES, gzip.compress(LINES, mtime=0), json.dumps(RECORDS, indent=1).encode()],
    ids=["lines", "compressed", "array"],
)
def test_records_are_read_from_lines_arrays_and_compressed(packed, monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, packed)
    assert dataset("ore", "test", purpose="evaluate").records == RECORDS


def test_a_member_is_read_from_a_zip(monkeypatch, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/rows.jsonl", LINES)
        archive.writestr("folder/more-rows.jsonl", b"{}")
    plant(monkeypatch, tmp_path, packed.getvalue(), member="rows.jsonl")
    assert dataset("ore", "test", purpose="evaluate").records == RECORDS
    plant(monkeypatch, tmp_path, packed.getvalue(), member="columns.jsonl")
    with pytest.raises(DamagedArtifact, match=r"holds 0 files named columns\.jsonl"):
        dataset("ore", "test", purpose="evaluate")


def test_an_altered_file_in_the_mirror_is_refused(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, LINES)
    (tmp_path / "ore" / "file").write_bytes(LINES + b"\n{}")
    with pytest.raises(DamagedArtifact, match=r"file has sha256 .*, expected .*; delete it and get it again"):
        dataset("ore", "test", purpose="evaluate")


def test_a_split_of_another_size_is_refused(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, LINES, size=6)
    with pytest.raises(DamagedArtifact, match="has 5 rows, expected 6"):
        dataset("ore", "test", purpose="evaluate")


def test_without_mirror_or_network_one_line_says_what_to_do(monkeypatch, tmp_path, no_network):
    monkeypatch.delenv("BLOOMERY_DATA", raising=False)
    with pytest.raises(DownloadFailed, match=r"set BLOOMERY_DATA to a folder that holds gsm8k/test\.jsonl"):
        dataset("gsm8k", "test", purpose="evaluate", cache=tmp_path)
    with pytest.raises(DownloadFailed, match=r"a folder that holds piqa/physicaliqa-train-dev\.zip"):
        dataset("piqa", "train", purpose="train", cache=tmp_path)


def test_what_is_downloaded_goes_to_the_cache_and_is_checked_again(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, LINES)
    monkeypatch.delenv("BLOOMERY_DATA")

    def fetch(urls, path, checksum, *, hint="", progress=None):
        path.parent.mkdir()
        path.write_bytes(LINES)

    monkeypatch.setattr(reading, "download", fetch)
    cache = tmp_path / "cache"
    cache.mkdir()
    assert dataset("ore", "test", purpose="evaluate", cache=cache).records == RECORDS
    (cache / "ore" / "file").write_bytes(b"{}")
    with pytest.raises(DamagedArtifact, match="expected"):
        dataset("ore", "test", purpose="evaluate", cache=cache)


def test_the_cache_is_where_the_desktop_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "bloomery" / "datasets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "bloomery" / "datasets"


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'gsm8k'"):
        dataset("gsm8", "test", purpose="evaluate")
    with pytest.raises(UnknownName, match="split of 'gsm8k' 'tests'; did you mean 'test'"):
        dataset("gsm8k", "tests", purpose="evaluate")
    with pytest.raises(ConfigError, match="purpose"):
        dataset("gsm8k", "test", purpose="fun")


def test_a_split_gives_only_what_it_holds(monkeypatch, tmp_path):
    plant(monkeypatch, tmp_path, LINES)
    split = dataset("ore", "test", purpose="evaluate")
    with pytest.raises(FormatRefused, match="'ore' is not a text"):
        _ = split.text
    with pytest.raises(FormatRefused, match="'ore' holds no images"):
        _ = split.images
    plant(monkeypatch, tmp_path, b"iron", kind="text", size=4)
    with pytest.raises(FormatRefused, match="'ore' holds no records"):
        _ = dataset("ore", "test", purpose="evaluate").records
