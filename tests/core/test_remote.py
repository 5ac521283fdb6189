import errno
import io
import os
import tarfile
from pathlib import Path

import fsspec
import pytest

from bloomery.core.cid import cid_of_bytes
from bloomery.core.errors import CapabilityMissing, DamagedArtifact, DiskFull, Failure, MissingFile, UserError
from bloomery.core.remote import pull, push
from bloomery.core.store import Store


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/remote"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model" / "päth" / "empty").mkdir(parents=True)
    (tmp_path / "model" / "päth" / "weights.bin").write_bytes(os.urandom(400_000))
    (tmp_path / "model" / ("long " * 30)).write_text("x")
    return tmp_path / "model"


def names(url: str) -> list[str]:
    files, root = fsspec.url_to_fs(url)
    return sorted(Path(name).name for name in files.ls(root, detail=False))


def write(url: str, cid: str, data: bytes) -> None:
    with fsspec.open(f"{url}/{cid}.tar", "wb") as file:
        file.write(data)


def read(url: str, cid: str) -> bytes:
    with fsspec.open(f"{url}/{cid}.tar", "rb") as file:
        return file.read()


def test_what_is_pushed_can_be_pulled_elsewhere(url: str, store: Store, there: Store, model: Path) -> None:
    for cid in (store.put(model), store.put_bytes(b"one file"), store.put_bytes(b"")):
        assert push(store, cid, url).endswith(f"{cid}.tar")
        assert pull(there, cid, url) == there.path(cid)
    assert list(there) == list(store)


def test_a_second_push_sends_nothing(
    url: str, store: Store, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = store.put(model)
    address = push(store, cid, url)
    monkeypatch.setattr("bloomery.core.remote._send", lambda *arguments: pytest.fail("sent again"))
    assert push(store, cid, url) == address


def test_a_push_mends_what_was_cut_short_there(url: str, store: Store, there: Store, model: Path) -> None:
    cid = store.put(model)
    push(store, cid, url)
    write(url, cid, read(url, cid)[:-20_000])
    push(store, cid, url)
    assert pull(there, cid, url)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), ConnectionError("gone"), OSError(errno.ENOSPC, "full")]
)
def test_an_interrupted_push_leaves_nothing_to_be_seen(
    error: BaseException, url: str, store: Store, there: Store, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = store.put(model)

    def interrupted(tar: tarfile.TarFile, entry: tarfile.TarInfo, file: object = None) -> None:
        tar.fileobj.write(b"half")
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "addfile", interrupted)
        expected = {KeyboardInterrupt: KeyboardInterrupt, ConnectionError: Failure}.get(type(error), DiskFull)
        with pytest.raises(expected):
            push(store, cid, url)
    assert names(url) == []
    with pytest.raises(MissingFile, match=cid):
        pull(there, cid, url)
    push(store, cid, url)
    assert names(url) == [f"{cid}.tar"]


def test_a_push_that_was_killed_is_not_taken_for_an_artifact(url: str, store: Store, there: Store) -> None:
    cid = store.put_bytes(b"a")
    write(url, f".{cid}.0123", b"half of it")
    with pytest.raises(MissingFile, match=cid):
        pull(there, cid, url)
    push(store, cid, url)
    assert pull(there, cid, url).read_bytes() == b"a"


@pytest.mark.parametrize("kept", [0, 600, 200_000, 400_000])
def test_what_was_cut_short_on_the_remote_is_refused(
    kept: int, url: str, store: Store, there: Store, model: Path
) -> None:
    cid = store.put(model)
    push(store, cid, url)
    write(url, cid, read(url, cid)[:kept])
    with pytest.raises(DamagedArtifact, match=cid):
        pull(there, cid, url)
    assert list(there) == []
    assert list((there.root / "partial").iterdir()) == []


def test_what_was_altered_on_the_remote_is_refused(url: str, store: Store, there: Store) -> None:
    cid = store.put_bytes(b"the right bytes")
    push(store, cid, url)
    write(url, cid, read(url, cid).replace(b"right", b"wrong"))
    with pytest.raises(DamagedArtifact, match=cid):
        pull(there, cid, url)
    assert list(there) == []


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


ATTACKS = {
    "outside": [entry("../outside")],
    "absolute": [entry("/absolute-outside")],
    "link out": [entry("content", tarfile.SYMTYPE, "/etc"), entry("content/hosts")],
    "hard link": [entry("content", tarfile.LNKTYPE, "/etc/hosts")],
    "device": [entry("content", tarfile.CHRTYPE)],
    "twice": [entry("content"), entry("content")],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_archive_is_refused_and_writes_nothing(
    attack: str, url: str, there: Store, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for item in ATTACKS[attack]:
            archive.addfile(item)
    cid = cid_of_bytes(b"")  # what the last of the two files that come under one name would be
    write(url, cid, buffer.getvalue())
    with pytest.raises(DamagedArtifact, match=cid):
        pull(there, cid, url)
    assert list(there) == []
    assert not list(tmp_path.rglob("*outside"))


def test_a_remote_that_is_none_is_named(store: Store) -> None:
    cid = store.put_bytes(b"a")
    with pytest.raises(UserError, match="nosuch://somewhere"):
        push(store, cid, "nosuch://somewhere")
    with pytest.raises(UserError, match="not a CID"):
        pull(store, "../x", "memory://")


def test_a_driver_that_is_not_installed_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("bloomery.core.remote.url_to_fs", missing)
    with pytest.raises(CapabilityMissing, match="Install s3fs"):
        push(store, store.put_bytes(b"a"), "s3://bucket")
