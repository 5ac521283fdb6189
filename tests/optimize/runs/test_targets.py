"""What a user may name, and the clear answers to the rest."""

import pytest

from bloomery.core.errors import MissingFile, UserError
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Repository
from bloomery.optimize.targets import checked, named


def looked_at(shop, *paths, **said):
    task = named([shop.root / path for path in paths], "speed", **said).task
    return checked(Repository.open(shop.root), task, shop.workspace.root)


def test_a_folder_is_its_tracked_python_files_without_tests(shop):
    shop.write("src/shop/notes.txt", "no code\n")
    shop.write("src/shop/test_inside.py", "")
    shop.commit()
    shop.write("src/shop/new.py", "")
    found = named([shop.root / "src"], "speed").task
    assert found.paths == ("src/shop/__init__.py", "src/shop/orders.py")


def test_tests_are_chosen_by_what_they_import(shop):
    shop.write("tests/test_other.py", "def test_nothing():\n    assert 1\n")
    shop.write("tests/test_far.py", "import shop.till\n\n\ndef test_far():\n    assert shop.till\n")
    shop.write("src/shop/till.py", "import shop.orders\n")
    shop.commit()
    near = looked_at(shop, "src/shop/orders.py")
    assert near.task.tests == ("tests/test_orders.py",)
    assert "1 of 3 test files" in near.notes[0]
    shop.git("rm", "--quiet", "tests/test_orders.py")
    shop.commit()
    far = looked_at(shop, "src/shop/orders.py")
    assert far.task.tests == ("tests/test_far.py",)
    assert looked_at(shop, "src/shop/orders.py", tests=[shop.root / "tests"]).task.tests == ("tests",)


@pytest.mark.parametrize(
    ("path", "data", "error", "said"),
    [
        ("src/shop/data.py", b"\0\1\2", UserError, "binary"),
        ("src/shop/torn.py", b"def f(:\n", UserError, r"torn.py:1: it does not parse"),
        ("src/shop/page.js", b"let a = 1\n", UserError, "no Python file"),
    ],
)
def test_what_is_no_python_source_is_told(shop, path, data, error, said):
    (shop.root / path).write_bytes(data)
    shop.commit()
    with pytest.raises(error, match=said):
        named([shop.root / path], "speed")


def test_a_folder_leaves_out_what_does_not_parse_and_says_so(shop):
    shop.write("src/shop/torn.py", "def f(:\n")
    shop.commit()
    found = named([shop.root / "src"], "speed")
    assert "src/shop/torn.py" not in found.task.paths
    assert "torn.py:1" in found.notes[0]


def test_what_lies_elsewhere_or_nowhere_is_told(shop, tmp_path):
    outside = tmp_path / "outside.py"
    outside.write_text("")
    with pytest.raises(UserError, match="not in a git repository"):
        named([outside], "speed")
    with pytest.raises(UserError, match="outside of the repository"):
        named([shop.root / "src", outside], "speed")
    with pytest.raises(MissingFile, match="does not exist"):
        named([shop.root / "src/gone.py"], "speed")
    shop.write("src/shop/new.py", "")
    with pytest.raises(UserError, match="not tracked by git"):
        named([shop.root / "src/shop/new.py"], "speed")


def test_a_workspace_in_the_repository_is_never_committed(shop):
    inner = Workspace.open(shop.root / ".bloomery")
    task = named([shop.root / "src"], "speed").task
    notes = checked(Repository.open(shop.root), task, inner.root).notes
    assert not any(".bloomery" in note for note in notes)
    shop.git("add", "--all")
    assert not shop.git("status", "--porcelain")


def test_changes_that_are_not_committed_are_refused_and_new_files_are_told(shop):
    shop.write("notes.txt", "new\n")
    assert any("notes.txt" in note for note in looked_at(shop, "src/shop/orders.py").notes)
    shop.write("tests/test_orders.py", "")
    with pytest.raises(UserError, match=r"not committed \(tests/test_orders.py\)"):
        looked_at(shop, "src/shop/orders.py")
