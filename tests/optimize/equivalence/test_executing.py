"""A version is run with all that its import needs."""

from pathlib import Path

from bloomery.optimize.equivalence.executing import files_of


def test_what_a_package_imports_is_needed_by_every_module_of_it(tmp_path: Path) -> None:
    texts = {
        "src/pkg/__init__.py": "from pkg.beside import b\n",
        "src/pkg/beside.py": "from pkg.deep import d\n\nb = d\n",
        "src/pkg/deep/__init__.py": "from pkg.deep.inner import d\n",
        "src/pkg/deep/inner.py": "d = 1\n",
        "src/pkg/module.py": "def f() -> int:\n    return 1\n",
        "src/pkg/other.py": "",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    files, name, _ = files_of(tmp_path, "src/pkg/module.py")
    assert set(files) == texts.keys() - {"src/pkg/other.py"}
    assert name == "pkg.module"


def test_text_files_beside_a_module_that_it_names_go_with_it(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a b\n")
    (tmp_path / "other.txt").write_text("nobody names me\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "m.py").write_text(
        "from pathlib import Path\n"
        "WORDS = Path(__file__).with_name('words.txt').read_text().split()\n"
        "PICTURE = 'picture.png'\n"
    )
    files, _, _ = files_of(tmp_path, "m.py")
    assert files.keys() == {"m.py", "words.txt"}
