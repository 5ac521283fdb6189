"""The data sets: where each file comes from, its checksum, its licence, its splits and their sizes.

`mirror` paths are those of a folder named by BLOOMERY_DATA. Only splits with `train=True` may be trained on;
benchmarks whose authors gave no training split have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file on the network, or a member of a zip there; `sha256` is of what is downloaded."""

    urls: tuple[str, ...]
    sha256: str
    member: str = ""


@dataclass(frozen=True, kw_only=True)
class File:
    """The same content in a mirror and on the network; either may be compressed with gzip."""

    mirror: str = ""
    mirror_sha256: str = ""
    remote: Remote


@dataclass(frozen=True, kw_only=True)
class Part:
    """One split: its files, how many records, images or characters it has, and which part of the files it is.

    `ids` are the first and last task id of records; `share` the fractions of a text between which it lies.
    """

    files: tuple[File, ...]
    size: int
    train: bool = False
    ids: tuple[int, int] | None = None
    share: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set; `version` stands beside every score on it."""

    kind: Literal["records", "text", "images"]
    version: str
    licence: str
    page: str
    splits: Mapping[str, Part]
    note: str = ""


def _same(mirror: str, sha256: str, *urls: str) -> File:
    """A file that is the same bytes in a mirror and on the network."""
    return File(mirror=mirror, mirror_sha256=sha256, remote=Remote(urls=urls, sha256=sha256))


_OPENAI = "https://raw.githubusercontent.com/openai"
_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_ARC_ZIP = (
    ("https://s3-us-west-2.amazonaws.com/ai2-website/data/ARC-V1-Feb2018.zip",),
    "6d2d5ab50b2ceec6ba5f79c921be77cf2de712ea25a2b3f4fff3acc101cecfa0",
)
_PIQA_ZIP = (
    ("https://storage.googleapis.com/ai2-mosaic/public/physicaliqa/physicaliqa-train-dev.zip",),
    "54d32a04f59a7e354396f321723c8d7ec35cc6b08506563d8d1ffcc15ce98ddd",
)
_WIKITEXT_ZIP = (
    (
        "https://wikitext.smerity.com/wikitext-2-v1.zip",
        "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip",
    ),
    "92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
)


def _zipped(packed: tuple[tuple[str, ...], str], member: str, mirror: str = "", sha256: str = "") -> File:
    """A member of a zip on the network, unpacked in a mirror."""
    urls, zip_sha256 = packed
    remote = Remote(urls=urls, sha256=zip_sha256, member=member)
    return File(mirror=mirror, mirror_sha256=sha256, remote=remote)


def _mnist(name: str, sha256: str) -> File:
    return _same(f"mnist/{name}", sha256, *(base + name for base in _MNIST))


def _arc(name: str, sha256: str, size: int, *, train: bool = False) -> Part:
    return Part(files=(_zipped(_ARC_ZIP, name, f"arc/{name}", sha256),), size=size, train=train)


_GSM8K = f"{_OPENAI}/grade-school-math/master/grade_school_math/data"
_MBPP_FOLDER = "https://raw.githubusercontent.com/google-research/google-research/master/mbpp"
_MBPP = _same(
    "mbpp/mbpp.jsonl",
    "ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f",
    f"{_MBPP_FOLDER}/mbpp.jsonl",
)
_MBPP_SANITIZED = _same(
    "mbpp/sanitized-mbpp.json",
    "ca95deaa9a01ef0a6f439f88bcf0dd3db3563d22f22aad6cae04ebb9a8d8c8e9",
    f"{_MBPP_FOLDER}/sanitized-mbpp.json",
)
_SHAKESPEARE = _same(
    "tinyshakespeare/input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
)
_ARC_PAGE = "https://allenai.org/data/arc"

SOURCES: Mapping[str, Source] = {
    "arc-challenge": Source(
        kind="records",
        version="ARC V1 Feb2018",
        licence="CC BY-SA 4.0",
        page=_ARC_PAGE,
        splits={
            "train": _arc(
                "ARC-Challenge-Train.jsonl",
                "e02837c53ee86f6d73c259f91c77725c5062ef4531130b7f473a9d9b01118a77",
                1119,
                train=True,
            ),
            "validation": _arc(
                "ARC-Challenge-Dev.jsonl",
                "55224364abd2477f66a9a57c5cbef109fb71d83019aa5e37aec0e7ab757746ca",
                299,
            ),
            "test": _arc(
                "ARC-Challenge-Test.jsonl",
                "9fa8ffb3e3a1f88cb302d53dd95aae81e39209ad9bcf974376b319d8fd35717c",
                1172,
            ),
        },
    ),
    "arc-easy": Source(
        kind="records",
        version="ARC V1 Feb2018",
        licence="CC BY-SA 4.0",
        page=_ARC_PAGE,
        splits={
            "train": _arc(
                "ARC-Easy-Train.jsonl",
                "c62e5482d8c01f2d5a7f24239ac9db3b12f9e47267c4e3f088c6ffe41d5545ef",
                2251,
                train=True,
            ),
            "validation": _arc(
                "ARC-Easy-Dev.jsonl",
                "f4364b808a68df6bf500ce1070fb0105d40cacd2391c210deb00ff83ba75d1f4",
                570,
            ),
            "test": _arc(
                "ARC-Easy-Test.jsonl",
                "ce32a0774b4beb1977d2c6b16dda5dd2b24fdc9c7f506882c452678676bd09be",
                2376,
            ),
        },
    ),
    "gsm8k": Source(
        kind="records",
        version="2021",
        licence="MIT",
        page="https://github.com/openai/grade-school-math",
        splits={
            "train": Part(
                files=(
                    File(
                        mirror="gsm8k/train.jsonl.gz",
                        mirror_sha256="047ae96fb3025b18b8cfa89c4f9e9c7cd5120906864d58c3f93c91c495da6449",
                        remote=Remote(
                            urls=(f"{_GSM8K}/train.jsonl",),
                            sha256="17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465",
                        ),
                    ),
                ),
                size=7473,
                train=True,
            ),
            "test": Part(
                files=(
                    _same(
                        "gsm8k/test.jsonl",
                        "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
                        f"{_GSM8K}/test.jsonl",
                    ),
                ),
                size=1319,
            ),
        },
    ),
    "humaneval": Source(
        kind="records",
        version="2021",
        licence="MIT",
        page="https://github.com/openai/human-eval",
        splits={
            "test": Part(
                files=(
                    _same(
                        "humaneval/HumanEval.jsonl.gz",
                        "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
                        f"{_OPENAI}/human-eval/master/data/HumanEval.jsonl.gz",
                    ),
                ),
                size=164,
            )
        },
    ),
    "mbpp": Source(
        kind="records",
        version="2021",
        licence="CC BY 4.0",
        page="https://github.com/google-research/google-research/tree/master/mbpp",
        note="ids 1-10 are for few-shot prompts, 11-510 the test, 511-600 validation, 601-974 training",
        splits={
            "prompt": Part(files=(_MBPP,), size=10, ids=(1, 10)),
            "test": Part(files=(_MBPP,), size=500, ids=(11, 510)),
            "validation": Part(files=(_MBPP,), size=90, ids=(511, 600)),
            "train": Part(files=(_MBPP,), size=374, ids=(601, 974), train=True),
        },
    ),
    "mbpp-sanitized": Source(
        kind="records",
        version="sanitized 2021",
        licence="CC BY 4.0",
        page="https://github.com/google-research/google-research/tree/master/mbpp",
        splits={
            "prompt": Part(files=(_MBPP_SANITIZED,), size=7, ids=(1, 10)),
            "test": Part(files=(_MBPP_SANITIZED,), size=257, ids=(11, 510)),
            "validation": Part(files=(_MBPP_SANITIZED,), size=43, ids=(511, 600)),
            "train": Part(files=(_MBPP_SANITIZED,), size=120, ids=(601, 974), train=True),
        },
    ),
    "mnist": Source(
        kind="images",
        version="1998",
        licence="CC BY-SA 3.0",
        page="http://yann.lecun.com/exdb/mnist/",
        splits={
            "train": Part(
                files=(
                    _mnist(
                        "train-images-idx3-ubyte.gz",
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    ),
                    _mnist(
                        "train-labels-idx1-ubyte.gz",
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    ),
                ),
                size=60000,
                train=True,
            ),
            "test": Part(
                files=(
                    _mnist(
                        "t10k-images-idx3-ubyte.gz",
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    ),
                    _mnist(
                        "t10k-labels-idx1-ubyte.gz",
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    ),
                ),
                size=10000,
            ),
        },
    ),
    "piqa": Source(
        kind="records",
        version="1.1",
        licence="AFL 3.0",
        page="https://yonatanbisk.com/piqa/",
        note="the test split has no public labels, so validation is what scores are given on",
        splits={
            "train": Part(
                files=(_zipped(_PIQA_ZIP, "train.jsonl"), _zipped(_PIQA_ZIP, "train-labels.lst")),
                size=16113,
                train=True,
            ),
            "validation": Part(
                files=(
                    _zipped(
                        _PIQA_ZIP,
                        "dev.jsonl",
                        "piqa/valid.jsonl",
                        "93503cc97c679e459b065c3d13e848282e44b2a25213985bed3e5d458abef72d",
                    ),
                    _zipped(
                        _PIQA_ZIP,
                        "dev-labels.lst",
                        "piqa/valid-labels.lst",
                        "b4192dc3a2a0363d9d60ccf79800cbbe2f32ebb17726efdde6970e0b8131bceb",
                    ),
                ),
                size=1838,
            ),
        },
    ),
    "svamp": Source(
        kind="records",
        version="2021",
        licence="MIT",
        page="https://github.com/arkilpatel/SVAMP",
        note="a challenge set: all of it is for evaluation; its authors train on MAWPS and ASDiv-A",
        splits={
            "test": Part(
                files=(
                    _same(
                        "svamp/SVAMP.json",
                        "5be77703a6d891ae476d7c082787ad361392aa02453b132516cdd5f4e7934e3e",
                        "https://raw.githubusercontent.com/arkilpatel/SVAMP/main/SVAMP.json",
                    ),
                ),
                size=1000,
            )
        },
    ),
    "tinyshakespeare": Source(
        kind="text",
        version="2015, 90/5/5 by characters",
        licence="public domain",
        page="https://github.com/karpathy/char-rnn",
        splits={
            "train": Part(files=(_SHAKESPEARE,), size=1003854, share=(0.0, 0.9), train=True),
            "validation": Part(files=(_SHAKESPEARE,), size=55770, share=(0.9, 0.95)),
            "test": Part(files=(_SHAKESPEARE,), size=55770, share=(0.95, 1.0)),
        },
    ),
    "wikitext-2": Source(
        kind="text",
        version="wikitext-2-v1, word level",
        licence="CC BY-SA 3.0 and GFDL",
        page="https://arxiv.org/abs/1609.07843",
        note="a mirror's training file has the official lines in another order of articles",
        splits={
            "train": Part(
                files=(
                    _zipped(
                        _WIKITEXT_ZIP,
                        "wiki.train.tokens",
                        "wikitext-2/wiki.train.reordered.tokens.gz",
                        "0ab79876cf89ff5fea1f44c00e00acba49493ec16ea7b0729eddb61162c62644",
                    ),
                ),
                size=10780437,
                train=True,
            ),
            "validation": Part(
                files=(
                    _zipped(
                        _WIKITEXT_ZIP,
                        "wiki.valid.tokens",
                        "wikitext-2/wiki.valid.tokens.gz",
                        "3ac34ae2b6509075d52302c50a04a8a1970739ffe1a904f2cd374fefbea3cbf2",
                    ),
                ),
                size=1120192,
            ),
            "test": Part(
                files=(
                    _zipped(
                        _WIKITEXT_ZIP,
                        "wiki.test.tokens",
                        "wikitext-2/wiki.test.tokens.gz",
                        "a2b26b5d2619cc1f6cd34c8e116a451aed09af51479346aadfbf508ceb8b192e",
                    ),
                ),
                size=1255018,
            ),
        },
    ),
}
