"""A small MNIST of our own: drawn digits, moved about in noise, as IDX files that a mirror would hold."""

import gzip
import struct
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bloomery.models.digit_bitmaps import digit_bitmaps
from bloomery.tasks.datasets.catalog import SOURCES, File, Part, Remote

TRAIN, TEST = 320, 100
SMALL = [
    "threads=1", "images.epochs=4", "images.schedule.warmup_steps=4", "images.train.micro_batch=16",
    "images.train.checkpoint_every=10", "images.train.report_every=5", "images.augment.rotate=3",
]  # fmt: skip


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 10)
    images = rng.integers(0, 40, size=(count, 28, 28))
    codes = digit_bitmaps().numpy().reshape(10, 12, 7)
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(7, 10), rng.integers(9, 12)
        image[top : top + 12, left : left + 7] += np.where(codes[label] > 0, 200, 0)
    return images.astype(np.uint8), labels.astype(np.uint8)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


def part(folder: Path, name: str, arrays: tuple[np.ndarray, ...], **options: object) -> Part:
    files = []
    for number, array in enumerate(arrays):
        data = idx(array)
        path = f"mnist/{name}-{number}.gz"
        (folder / "mnist").mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
        digest = sha256(data).hexdigest()
        files.append(File(mirror=path, mirror_sha256=digest, remote=Remote(urls=("x",), sha256=digest)))
    return Part(files=tuple(files), size=len(arrays[0]), **options)


def small_mnist(folder: Path, monkeypatch: pytest.MonkeyPatch, *, scrambled: bool = False) -> None:
    """Makes `mnist` the small one; `scrambled` labels tell nothing of their images."""
    images, labels = drawn(TRAIN, seed=1)
    if scrambled:
        labels = np.random.default_rng(9).permutation(labels)
    splits = {
        "train": part(folder, "train", (images, labels), train=True),
        "test": part(folder, "test", drawn(TEST, seed=2)),
    }
    monkeypatch.setenv("BLOOMERY_DATA", str(folder))
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], splits=splits))


def settings(*overrides: str) -> list[str]:
    """The same as options of the command line."""
    return [word for override in (*SMALL, *overrides) for word in ("--set", override)]
