"""bloomery validate, on a small repository."""

import json
import subprocess
from pathlib import Path

import pytest

OLD, NEW = "return sorted(prices)[0]", "return sorted(list(prices))[0]"
SOURCE = f"def cheapest(prices: list[int]) -> int:\n    {OLD}\n"
TEST = "from prices import cheapest\n\n\ndef test_cheapest():\n    assert cheapest([2, 1]) == 1\n"


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost"]
    return subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def shop(tmp_path, monkeypatch):
    root = tmp_path / "shop"
    root.mkdir()
    (root / "prices.py").write_text(SOURCE)
    (root / "test_prices.py").write_text(TEST)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    monkeypatch.chdir(root)
    return root


def test_a_changed_file_is_judged_against_the_last_commit(bloomery, shop):
    (shop / "prices.py").write_text(SOURCE.replace(OLD, NEW))
    said = bloomery("validate", "prices.py", "--level", "basic", "--json")
    found = json.loads(said.out)
    states = {one["check"]: one["state"] for one in found["evidence"]}
    assert said.code == 0
    assert found["accepted"]
    assert states["equivalence.behaviour"] == "passed"
    assert git(shop, "status", "--porcelain") == " M prices.py\n"


def test_a_file_as_it_was_committed_is_judged_as_it_is(bloomery, shop):
    said = bloomery("validate", "prices.py", "--level", "basic")
    assert said.code == 0
    assert said.out.startswith("prices.py, as committed, level basic")
    assert said.out.endswith("accepted\n")


def test_a_patch_that_does_not_parse_is_refused_with_what_would_mend_it(bloomery, shop):
    (shop / "prices.py").write_text(SOURCE.replace(OLD, "return ("))
    (shop / "wrong.patch").write_text(git(shop, "diff"))
    git(shop, "checkout", "--", "prices.py")
    said = bloomery("validate", "wrong.patch", "--level", "basic")
    assert said.code == 1
    assert "mend prices.py:2: '(' was never closed" in said.out
    assert said.out.endswith("refused\n")


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("nothing.py", "there is no such file"),
        (".", "is a folder"),
        ("/etc/hostname", "not in a git repository"),
        ("picture.png", "is binary"),
        ("odd.patch", "no diff that git can read"),
        ("../outside.py", "not in a git repository"),
    ],
)
def test_what_is_no_change_of_the_repository_is_one_line_and_exit_code_2(bloomery, shop, subject, says):
    (shop / "picture.png").write_bytes(b"\x89PNG\xff\x00")
    (shop / "odd.patch").write_text("nothing of the kind\n")
    (shop.parent / "outside.py").write_text("x = 1\n")
    said = bloomery("validate", subject)
    assert said.code == 2
    assert says in said.err
    assert said.err.count("\n") == 1


def test_a_file_outside_of_the_named_repository_is_refused(bloomery, shop):
    (shop.parent / "outside.py").write_text("x = 1\n")
    said = bloomery("validate", "../outside.py", "--repository", ".")
    assert said.code == 2
    assert "lies outside of" in said.err
