"""The CIDs below were computed by js-ipfs' importer (ipfs-unixfs-importer 17.1.1) with the settings of
`ipfs add --cid-version=1`: chunks of 262144 bytes, 174 links a node, raw leaves, sharding above 256 KiB of
links. Those of the empty file, the empty folder and "hello world" are published in many places."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.cid import check_cid, cid_of_bytes, cid_of_path, file_node, folder_node
from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.core.murmur3 import murmur3

FILES = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    1: "bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu",
    262143: "bafkreiagptg6ztonoojy4wflk3wwusl5xt4vcy6uult4wa7oemsjtxhjsu",
    262144: "bafkreibruh455iawsviqslif5c7uurdcfdemh22mtnytyzvnzn75kpejxy",
    262145: "bafybeiexg2oqkfnj56l7fcmawswqbijt5shq4b5rg6a546uwpkqqzwjioi",
    600000: "bafybeicp64het67shnhxiyl3sg5mylxqop6pnqsqpfecb6pmni2ghoxzom",
    174 * 262144: "bafybeihpe5snhzneq7xs53nivmsopto5lrogo3wjynauqylqeym5a3irbm",
    174 * 262144 + 1: "bafybeib4y7ghw2rq7bracc4xwtxrbzo7cfvagdpte2tmrkgwl6dyard3cm",
}
EMPTY_FOLDER = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
HELLO_WORLD = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
FOLDERS = {
    "bafybeic6svhkwl3y2wvkj33weshyjjs5cbvgijh7yo3kjasyglrdwe2l74": {"hello.txt": b"hello world"},
    "bafybeiad277eubz4fbscs66barc7vsldjd5w4gjnwgxyut34jlucimiqme": {
        "a/b/c.txt": b"deep",
        "a/b/d.bin": (bytes(range(251)) * 1200)[:300000],
        "a/z": b"",
        "top": b"top\n",
    },
    "bafybeihbtchduhccmgzbv5fnjd4wkvl2mva3akgilyaqyi4n6nkvhlpflq": {
        "é.txt": b"e acute",
        "Z": b"upper",
        "a": b"lower",
        "日本語/ß": b"sz",
        ".hidden": b"h",
        "a-b": b"dash",
        "a.b": b"dot",
        "\U0001f525": b"fire",
        "\uff5e": b"wide tilde",
    },
    "bafybeiglnx5y5ljkqopafhitu73wkc6wlxrkmygj6xstxutd5udl5aobmm": {"empty/": b"", "f": b"x"},
}
WIDE = {
    1000: "bafybeiaplir32iflj4gfdrrbzoqnsbfac454yhfefyz2ptomudicocsfxe",
    5957: "bafybeibqvqqd4yvkpt5olhxoayzzevdxkw5ucbk2hlnjrttpo6psbjwx4u",
    5958: "bafybeidzmazxweqx7qun4ezjil2iqmn7u23225yfxhekm5zysnwmmtbohe",
    20000: "bafybeicb53susaiuao4wtt4ge4nqtgeirxht3y4zc2qpaa45d63fwz2vua",
}
LONG_NAMES = "bafybeig6xkbtmwmzhdapriaiaezc2qfci4wipi232j65f5ptmzfnb4h7jq"
WIDE_INSIDE = "bafybeih7nafszbliy2vdiajvdfl7jiqvysqcumiqu7ydbeit32mkgj5pie"


def build(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return root


@pytest.mark.parametrize("size", FILES)
def test_a_file_has_the_name_that_ipfs_gives_it(size: int, tmp_path: Path) -> None:
    data = _pattern(size)
    (tmp_path / "file").write_bytes(data)
    assert cid_of_path(tmp_path / "file") == FILES[size]
    assert cid_of_bytes(data) == FILES[size]


def test_published_names_agree(tmp_path: Path) -> None:
    assert cid_of_bytes(b"hello world") == HELLO_WORLD
    assert cid_of_path(tmp_path) == EMPTY_FOLDER


@pytest.mark.parametrize("cid", FOLDERS)
def test_a_folder_has_the_name_that_ipfs_gives_it(cid: str, tmp_path: Path) -> None:
    assert cid_of_path(build(tmp_path, FOLDERS[cid])) == cid


@pytest.mark.parametrize("entries", WIDE)
def test_a_folder_too_wide_for_one_block_becomes_the_trie_that_ipfs_makes(entries: int) -> None:
    leaf = file_node([b"x"])
    assert str(folder_node((f"{i:08}", leaf) for i in range(entries))) == WIDE[entries]


def test_the_trie_places_names_of_all_lengths_as_ipfs_does() -> None:
    entries = [("n" * (i % 40) + str(i), file_node([str(i).encode()])) for i in range(6000)]
    assert str(folder_node(entries)) == LONG_NAMES


def test_a_wide_folder_inside_another_counts_with_all_that_it_holds() -> None:
    leaves = [file_node(pattern[:1]) for pattern in ([], [_pattern(262144)])]
    leaves.append(file_node([_pattern(524288)[:262144], _pattern(524288)[262144:]]))
    inside = folder_node((f"{i}-abcdefghijklmnopq", leaves[i % 3]) for i in range(6000))
    assert str(folder_node([("sub", inside), ("top", file_node([b"x"]))])) == WIDE_INSIDE
    assert inside.file_bytes == 2000 * (262144 + 524288)


def _pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize(
    ("data", "digest"),
    [  # Appleby's smhasher, h1 of MurmurHash3_x64_128
        (b"", "0000000000000000"),
        (b"hello", "cbd8a7b341bd9b02"),
        (b"The quick brown fox jumps over the lazy dog", "e34bbc7bbc071b6c"),
    ],
)
def test_murmur3_gives_the_published_digests(data: bytes, digest: str) -> None:
    assert murmur3(data).hex() == digest


def test_modes_and_times_do_not_count(tmp_path: Path) -> None:
    before = cid_of_path(build(tmp_path, {"a": b"1", "b/c": b"2"}))
    (tmp_path / "a").chmod(0o700)
    os.utime(tmp_path / "a", (0, 0))
    assert cid_of_path(tmp_path) == before


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_different_bytes_have_different_names(left: bytes, right: bytes) -> None:
    assert (cid_of_bytes(left) == cid_of_bytes(right)) == (left == right)


def test_links_devices_and_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(FormatRefused, match="link"):
        cid_of_path(tmp_path)
    (tmp_path / "link").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatRefused, match="pipe"):
        cid_of_path(tmp_path)
    with pytest.raises(MissingFile, match="nothing"):
        cid_of_path(tmp_path / "nothing")


def test_every_name_that_is_given_is_accepted() -> None:
    assert [check_cid(cid) for cid in (*FILES.values(), *FOLDERS, EMPTY_FOLDER)]


@pytest.mark.parametrize(
    "text",
    ["", "b", "bafy", "../../etc/passwd", HELLO_WORLD.upper(), HELLO_WORLD[:-1], HELLO_WORLD[:-1] + "f",
     HELLO_WORLD + "/..", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", "bafkreié", "b" * 59],
)  # fmt: skip
def test_nothing_else_passes_for_a_name(text: str) -> None:
    with pytest.raises(UserError, match="not a CID"):
        check_cid(text)
