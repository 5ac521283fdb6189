import errno
import os
import shutil
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.cid import cid_of_bytes, cid_of_path
from bloomery.core.errors import DamagedArtifact, DiskFull, FormatRefused, MissingFile, UserError
from bloomery.core.store import Store

ABSENT = cid_of_bytes(b"never put anywhere")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "empty").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(os.urandom(300_000))
    (folder / "config.json").write_text("{}")
    return folder


def overwrite(path: Path, data: bytes) -> None:
    """What a careless program does: the files of a store are read-only, root may write all the same."""
    path.chmod(0o644)
    path.write_bytes(data)


def files_of(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@given(st.binary(max_size=600_000))
def test_what_is_put_is_read_again(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    store = Store(tmp_path_factory.getbasetemp() / "shared store")
    cid = store.put_bytes(data)
    assert cid == cid_of_bytes(data)
    assert store.read(cid) == data
    assert store.path(cid).read_bytes() == data


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=20).filter(
            lambda name: name not in (".", "..")
        ),
        st.binary(max_size=100),
        max_size=5,
    )
)
def test_a_folder_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("case")
    (folder / "source").mkdir()
    for name, data in files.items():
        (folder / "source" / name).write_bytes(data)
    store = Store(folder / "store")
    cid = store.put(folder / "source")
    copy = store.copy_to(cid, folder / "copy")
    assert files_of(copy) == files
    assert cid == cid_of_path(folder / "source") == cid_of_path(store.path(cid))


def test_putting_twice_keeps_one(store: Store, model: Path) -> None:
    assert store.put(model) == store.put(model)
    assert list(store) == [cid_of_path(model)]
    assert store.size_bytes(cid_of_path(model)) == 300_002


def test_a_later_change_of_the_source_does_not_reach_the_store(store: Store, model: Path) -> None:
    cid = store.put(model)
    (model / "config.json").write_text("[]")
    store.verify(cid)
    assert (store.path(cid) / "config.json").read_text() == "{}"


def test_a_copy_can_be_written_to_and_the_store_cannot(store: Store, tmp_path: Path) -> None:
    cid = store.put_bytes(b"a")
    assert store.path(cid).stat().st_mode & 0o222 == 0
    copy = store.copy_to(cid, tmp_path / "new" / "copy")
    assert copy.stat().st_mode & 0o200
    with pytest.raises(UserError, match="already exists"):
        store.copy_to(cid, copy)


def test_removing_forgets(store: Store, model: Path) -> None:
    cid = store.put(model)
    store.remove(cid)
    store.remove(cid)
    assert not store.has(cid)
    assert list(store) == []
    with pytest.raises(MissingFile, match=cid):
        store.path(cid)


@pytest.mark.parametrize("method", ["path", "read", "verify", "size_bytes"])
def test_what_is_not_there_is_named(store: Store, method: str) -> None:
    with pytest.raises(MissingFile, match=ABSENT):
        getattr(store, method)(ABSENT)


@pytest.mark.parametrize("method", ["path", "read", "verify", "has", "remove", "size_bytes"])
def test_a_name_cannot_lead_out_of_the_store(store: Store, method: str) -> None:
    with pytest.raises(UserError, match="not a CID"):
        getattr(store, method)("../../secret")


def test_a_folder_cannot_be_read_as_a_file(store: Store, model: Path) -> None:
    with pytest.raises(UserError, match="folder"):
        store.read(store.put(model))


def test_links_in_what_is_put_are_refused(store: Store, model: Path) -> None:
    (model / "out").symlink_to("/etc/hostname")
    with pytest.raises(FormatRefused, match="out"):
        store.put(model)
    assert list(store) == []
    assert files_of(store.root) == {"lock": b""}


DAMAGE = {
    "cut short": lambda folder: overwrite(folder / "weights.bin", (folder / "weights.bin").read_bytes()[:-1]),
    "one bit": lambda folder: overwrite(
        folder / "weights.bin",
        bytes([(data := (folder / "weights.bin").read_bytes())[0] ^ 1]) + data[1:],
    ),
    "file gone": lambda folder: (folder / "config.json").unlink(),
    "file more": lambda folder: (folder / "extra").write_bytes(b""),
    "renamed": lambda folder: (folder / "config.json").rename(folder / "conf.json"),
    "empty folder gone": lambda folder: (folder / "empty").rmdir(),
    "link instead": lambda folder: (
        (folder / "config.json").unlink(),
        (folder / "config.json").symlink_to("/dev/null"),
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_in_this_process_and_in_the_next(damage: str, store: Store, model: Path) -> None:
    cid = store.put(model)
    path = store.path(cid)  # verified once
    DAMAGE[damage](path)
    for reader in (store, Store(store.root)):
        with pytest.raises(DamagedArtifact, match=cid):
            reader.path(cid)
        with pytest.raises(DamagedArtifact, match=cid):
            reader.verify(cid)


def test_read_and_copy_find_damage_by_themselves(store: Store, tmp_path: Path) -> None:
    cid = store.put_bytes(b"sound")
    overwrite(store.path(cid), b"rotten")
    with pytest.raises(DamagedArtifact, match=cid):
        store.read(cid)
    with pytest.raises(DamagedArtifact, match=cid):
        store.copy_to(cid, tmp_path / "copy")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


def test_damage_that_hides_from_the_fast_path_is_found_by_verify(store: Store) -> None:
    cid = store.put_bytes(b"sound")
    path = store.path(cid)
    before = path.stat()
    overwrite(path, b"wrong")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.path(cid).read_bytes() == b"wrong"  # what the module's first lines warn of
    with pytest.raises(DamagedArtifact, match=cid):
        store.verify(cid)
    with pytest.raises(DamagedArtifact, match=cid):
        store.path(cid)


def test_putting_again_mends_what_was_damaged(store: Store, model: Path) -> None:
    cid = store.put(model)
    overwrite(store.path(cid) / "config.json", b"broken")
    assert store.put(model) == cid
    assert files_of(store.path(cid)) == files_of(model)


def test_a_sound_copy_is_not_hashed_a_second_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    cid = store.put_bytes(b"a")
    store.path(cid)
    monkeypatch.setattr("bloomery.core.store.cid_of_path", lambda path: pytest.fail("hashed again"))
    assert store.path(cid).read_bytes() == b"a"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_full_disk_leaves_the_store_as_it_was(
    failing: str, code: int, store: Store, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_bytes(b"was here before")
    before = files_of(store.root)

    def full(*arguments: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, failing, full)
        with pytest.raises(DiskFull, match="no space left"):
            store.put(model)
        with pytest.raises(DiskFull, match="MiB free"):
            store.put_bytes(b"small")
    assert files_of(store.root) == before
    assert list((store.root / "partial").iterdir()) == []
    assert files_of(store.path(store.put(model))) == files_of(model)


def test_another_error_of_the_disk_is_not_called_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        store.put_bytes(b"a")
    assert list(store) == []


ON_A_FULL_DISK = """
import sys
from pathlib import Path
import pytest
from bloomery.core.errors import DiskFull
from bloomery.core.store import Store

disk = Path(sys.argv[1])
store = Store(disk / "store")
kept = store.put_bytes(b"k" * 400_000)
with pytest.raises(DiskFull, match="0 MiB free"):
    store.put_bytes(b"x" * 2_000_000)
store.copy_to(kept, disk / "a")
with pytest.raises(DiskFull, match="nothing was half-written"):
    store.copy_to(kept, disk / "b")
assert list(store) == [kept]
assert store.read(kept) == b"k" * 400_000
assert list((store.root / "partial").iterdir()) == []
assert sorted(path.name for path in disk.iterdir()) == ["a", "store"]
print("intact")
"""


def test_a_really_full_disk_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=1m tmpfs "$1"'
    possible = shutil.which("unshare") and subprocess.run([*own_mounts, mount, "sh", tmp_path], check=False)
    if not possible or possible.returncode:
        pytest.skip("a small disk cannot be mounted here: it takes user namespaces")
    script = [*own_mounts, mount + ' && "$2" -c "$3" "$1"', "sh", tmp_path, sys.executable, ON_A_FULL_DISK]
    result = subprocess.run(script, capture_output=True, text=True, check=False)
    assert result.stdout == "intact\n", result.stderr


def _put_until_killed(root: Path, source: Path) -> None:
    store = Store(root)
    while True:
        store.remove(store.put(source))


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_killed_at_any_moment_leaves_all_or_nothing(seed: int, store: Store, model: Path) -> None:
    writer = get_context("fork").Process(target=_put_until_killed, args=(store.root, model))
    writer.start()
    time.sleep(0.02 + 0.013 * seed)
    writer.kill()
    writer.join()
    for cid in store:
        store.verify(cid)
    store.sweep()
    assert list((store.root / "partial").iterdir()) == []
    assert store.put(model) == cid_of_path(model)


def test_sweeping_leaves_a_living_writer_alone(store: Store) -> None:
    with store.incoming() as folder:
        assert store.sweep() == 0
        assert folder.is_dir()
    (store.root / "partial" / "left by a dead writer").mkdir()
    assert store.sweep() == 1


def _put_many(root: Path, source: Path) -> None:
    store = Store(root)
    for number in range(20):
        store.put(source)
        store.put_bytes(b"%d" % number)


def test_many_processes_may_put_the_same_at_once(store: Store, model: Path) -> None:
    writers = [get_context("fork").Process(target=_put_many, args=(store.root, model)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert len(list(store)) == 21
    for cid in store:
        store.verify(cid)


def test_what_came_in_is_adopted_only_under_its_own_name(store: Store) -> None:
    with store.incoming() as folder:
        (folder / "file").write_bytes(b"something else")
        with pytest.raises(DamagedArtifact, match="something else"):
            store.adopt(folder / "file", ABSENT)
        with pytest.raises(DamagedArtifact, match=ABSENT):
            store.adopt(folder / "nothing came", ABSENT)
    assert list(store) == []


def test_importing_the_store_loads_no_database() -> None:
    code = "import sys, bloomery.core.store; print({'sqlalchemy', 'fsspec', 'torch'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
