"""Tests made for small modules: they hold on the module, and none of them is there for nothing."""

from pathlib import Path

import pytest

from bloomery.core.errors import MissingFile, UserError
from bloomery.source.python import NotPython
from bloomery.source.testing import Generated, Request, generate, trying
from bloomery.source.testing.trying import Unimportable

PRICES = (Path(__file__).parents[3] / "benchmarks/tested/developed/parcels.py").read_text()


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project({"src/prices.py": PRICES, "tests/__init__.py": ""})


@pytest.fixture(scope="module")
def made(project: Path) -> Generated:
    return generate(project, "src/prices.py", seed=3, effort="quick")


@pytest.mark.slow
def test_the_wrong_versions_of_a_small_module_are_noticed(made: Generated):
    assert made.mutants >= 15
    assert made.killed >= made.mutants - 1
    assert made.covered == made.lines
    assert made.killed_before == made.covered_before == 0


@pytest.mark.slow
def test_every_test_notices_something(made: Generated):
    assert made.tests
    assert all(one.kills or one.adds for one in made.tests)
    assert {one.callee for one in made.tests} >= {"price", "drain", "Till.sell"}


@pytest.mark.slow
def test_the_file_holds_just_these_tests_and_reads_as_a_person_would_write_it(made: Generated):
    compile(made.text, "made", "exec")
    assert made.path == "tests/test_prices.py"
    assert [line for line in made.text.splitlines() if line.startswith("def ")] == [
        f"def {one.name}():" for one in made.tests
    ]
    assert "with pytest.raises(ValueError):" in made.text
    assert "assert parcels == []" in made.text
    assert max(map(len, made.text.splitlines())) <= 110
    assert "/" not in made.text


@pytest.mark.slow
def test_nothing_is_written_into_the_project(project: Path, made: Generated):
    assert not (project / made.path).exists()
    assert sorted(path.name for path in project.rglob("*") if path.is_file()) == [
        "__init__.py", "prices.py", "pyproject.toml",
    ]  # fmt: skip


@pytest.mark.slow
def test_equal_seeds_make_equal_tests_and_what_is_there_is_not_made_again(project: Path, made: Generated):
    again = generate(project, "src/prices.py", seed=3, effort="quick")
    assert again == made
    (project / made.path).write_text(made.text)
    more = generate(project, "src/prices.py", seed=3, effort="quick", tests=[made.path])
    (project / made.path).unlink()
    assert (more.killed_before, more.covered_before) == (made.killed, made.covered)
    assert more.path == "tests/test_prices_generated.py"
    assert len(more.tests) < len(made.tests) / 2


@pytest.mark.slow
def test_what_a_model_writes_is_kept_only_for_what_it_proves(write_project):
    root = write_project({"odd.py": "def odd(text):\n    return 1 if text == 'xyzzy-%s' % 'q' * 1 else 2\n"})
    told: list[Request] = []

    def write(request: Request) -> str:
        told.append(request)
        return (
            "```python\nfrom odd import odd\nimport os\n"
            "def test_the_word():\n    assert odd('xyzzy-q') == 1\n"
            "def test_wrong():\n    assert odd('a') == 7\n"
            "def test_says_nothing():\n    assert odd('b')\n"
            "def test_needs(tmp_path):\n    assert odd(tmp_path) == 2\n```"
        )

    made = generate(root, "odd.py", seed=0, effort="quick", write_by=write)
    assert [one.name for one in made.tests if "word" in one.name or "wrong" in one.name] == ["test_the_word"]
    assert "test_says_nothing" not in made.text
    assert "import os" not in made.text
    assert told[0].module == "odd"
    assert any("1 -> 2" in one for one in told[0].survivors)
    assert made.dropped["test_wrong"].startswith("failed")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("def f(:\n", NotPython, "not Python"),
        ("raise RuntimeError('no')\n\ndef f(): pass\n", Unimportable, "RuntimeError: no"),
        ("import os\nos._exit(3)\n\ndef f(): pass\n", Unimportable, "cannot be imported"),
        ("X = 1\n", UserError, "nothing to test"),
    ],
)
def test_what_cannot_be_tested_is_said_in_one_line(tmp_path: Path, text: str, error: type, said: str):
    (tmp_path / "odd.py").write_text(text)
    with pytest.raises(error, match=said):
        generate(tmp_path, "odd.py", seed=0, effort="quick")


def test_a_module_whose_import_has_no_end_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trying, "IMPORT_S", 0.5)
    (tmp_path / "odd.py").write_text("while True:\n    pass\n\ndef f(): pass\n")
    with pytest.raises(Unimportable, match=r"no end within 0\.5 s"):
        generate(tmp_path, "odd.py", seed=0, effort="quick")


def test_paths_that_name_no_module_are_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(MissingFile):
        generate(tmp_path, "none.py", seed=0)
    with pytest.raises(UserError, match="inside"):
        generate(tmp_path, "../a.py", seed=0)
    with pytest.raises(UserError, match="this is none"):
        generate(tmp_path, "a.txt", seed=0)


@pytest.mark.slow
def test_what_has_no_end_has_no_test_and_importing_may_write(write_project):
    text = """
        from pathlib import Path
        from random import random

        Path("left.txt").write_text("x")

        def endless(n: int) -> int:
            while True:
                n += 1

        def chance(n: int) -> float:
            return n + random()

        def same(n: int) -> int:
            return n + 1
    """
    root = write_project({"odd.py": text})
    made = generate(root, "odd.py", seed=0, effort="quick")
    assert {one.callee for one in made.tests} == {"same"}
    assert any(note.startswith("endless: none of") for note in made.notes)
    assert any("left.txt" in note for note in made.notes)
    assert not (root / "left.txt").exists()


@pytest.mark.slow
def test_a_call_that_ends_its_process_does_not_hide_the_others(write_project):
    text = """
        import os

        def ends(n: int) -> int:
            if n > 4:
                os._exit(3)
            return n + 1

        def squared(n: int) -> int:
            return n * n
    """
    made = generate(write_project({"odd.py": text}), "odd.py", seed=0, effort="quick")
    assert {one.callee for one in made.tests} == {"ends", "squared"}
