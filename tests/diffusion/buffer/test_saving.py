"""A buffer that was saved and loaded is the same buffer, and a damaged file is told and costs nothing."""

import json

import numpy as np
import pytest

from bloomery.core.errors import DamagedArtifact, FormatRefused, MissingFile
from bloomery.core.store import Store
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.saving import ENTRIES, MANIFEST, load, read, save, write
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer

FIELDS = {"plan": Field((3, 2)), "ids": Field((4,), "int16"), "done": Field((), "bool")}


def content(rng):
    return {
        "plan": rng.normal(size=(3, 2)).astype(np.float32),
        "ids": rng.integers(0, 9, 4).astype(np.int16),
        "done": bool(rng.integers(2)),
    }


def lived_in(eviction="worst", seed=7):
    buffer = TrajectoryBuffer(FIELDS, BufferConfig(capacity=40, eviction=eviction), seed=seed)
    rng = np.random.default_rng(0)
    for number in range(90):
        buffer.add(content(rng), float(rng.integers(9)), task=f"task {number % 3}", round=number // 30)
        if number % 7 == 6:
            buffer.sample(5)
    return buffer


def told(buffer, draws=30):
    """All that it holds, and what it does next: draws, additions, draws again."""
    rng, entries = np.random.default_rng(1), buffer.entries()
    before = [buffer.sample(draws), buffer.sample(1), buffer.sample(draws, task="task 1")]
    outcomes = [buffer.add(content(rng), 5.0, task="task 1") for _ in range(20)]
    parts = [vars(one) for one in (entries, *before, buffer.sample(draws))]
    return (
        [{name: bits(value) for name, value in part.items()} for part in parts],
        outcomes,
        buffer.statistics(),
    )


def bits(value):
    if isinstance(value, dict):
        return {name: bits(array) for name, array in value.items()}
    return value if isinstance(value, tuple) else value.tobytes()


@pytest.mark.parametrize("eviction", ["worst", "oldest", "random"])
def test_a_loaded_buffer_goes_on_to_the_bit_as_the_saved_one(tmp_path, eviction):
    store, buffer = Store(tmp_path / "store"), lived_in(eviction)
    loaded = load(store, save(buffer, store))
    assert told(loaded) == told(buffer)


def test_equal_buffers_have_one_name_and_a_draw_makes_another(tmp_path):
    store, buffer = Store(tmp_path / "store"), lived_in()
    first = save(buffer, store)
    assert save(lived_in(), store) == first
    assert save(load(store, first), store) == first
    buffer.sample(1)
    second = save(buffer, store)
    assert second != first
    assert told(load(store, first)) == told(lived_in())  # the earlier version is still there


def test_an_empty_buffer_is_kept_too(tmp_path):
    store = Store(tmp_path / "store")
    loaded = load(store, save(TrajectoryBuffer(FIELDS, BufferConfig(capacity=3), seed=2), store))
    assert (len(loaded), loaded.tasks) == (0, {})
    assert loaded.add(content(np.random.default_rng(0)), 1.0) == "kept"


def test_no_file_of_it_is_a_pickle(tmp_path):
    write(lived_in(), tmp_path / "buffer")
    assert sorted(path.name for path in (tmp_path / "buffer").iterdir()) == [ENTRIES, MANIFEST]
    json.loads((tmp_path / "buffer" / MANIFEST).read_text())


@pytest.mark.parametrize("name", [ENTRIES, MANIFEST])
@pytest.mark.parametrize("damage", ["cut short", "altered", "gone"])
def test_damage_is_told_and_other_versions_stay(tmp_path, name, damage):
    store, buffer = Store(tmp_path / "store"), lived_in()
    first = save(buffer, store)
    buffer.sample(3)
    second = save(buffer, store)
    hurt(store.path(second) / name, damage)
    with pytest.raises(DamagedArtifact, match="restore a backup"):
        load(store, second)
    assert told(load(store, first)) == told(lived_in())


@pytest.mark.parametrize("name", [ENTRIES, MANIFEST])
@pytest.mark.parametrize("damage", ["cut short", "altered", "gone"])
def test_damage_in_a_plain_folder_is_told(tmp_path, name, damage):
    write(lived_in(), tmp_path / "buffer")
    hurt(tmp_path / "buffer" / name, damage)
    with pytest.raises(DamagedArtifact, match="load an earlier version"):
        read(tmp_path / "buffer")


def hurt(path, damage):
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(data[:-5])
    else:
        middle = data.index(b'"drawn": ') + 9 if path.name == MANIFEST else len(data) - 9
        data[middle] ^= 1
        path.write_bytes(data)


def test_another_format_is_refused(tmp_path):
    write(lived_in(), tmp_path / "buffer")
    path = tmp_path / "buffer" / MANIFEST
    document = json.loads(path.read_text())
    document["buffer"]["format"] = 2
    path.write_text(json.dumps(document))
    with pytest.raises(FormatRefused, match="reads a trajectory buffer of format 1"):
        read(tmp_path / "buffer")


def test_a_name_that_the_store_does_not_know_is_told(tmp_path):
    store = Store(tmp_path / "store")
    cid = save(lived_in(), store)
    store.remove(cid)
    with pytest.raises(MissingFile, match="has no"):
        load(store, cid)
