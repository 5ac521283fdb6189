import functools
import importlib
import json
import math
import shutil
import subprocess
import sys

import pytest

from bloomery.core import closure
from bloomery.core.closure import Deferred, code_version, import_closure
from bloomery.core.errors import Failure
from bloomery.core.packages import ABSENT
from bloomery.core.parsed import read

PACKAGE = {
    "__init__.py": "",
    "step.py": """
        import math
        from . import direct
        from kiln.sub import beside, NAME
        import kiln.deep.down
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from kiln import hints
        def run(context):
            import numpy, no_such_package
            from kiln.lazy import later
    """,
    "direct.py": "from .indirect import value",
    "indirect.py": "value = 1",
    "lazy.py": "def later(): pass",
    "hints.py": "X = int",
    "elsewhere.py": "from kiln import step",
    "sub/__init__.py": "from . import behind_the_name\nNAME = 1",
    "sub/beside.py": "b = 2",
    "sub/behind_the_name.py": "c = 3",
    "sub/other.py": "d = 4",
    "deep/__init__.py": "from . import aside",
    "deep/aside.py": "",
    "deep/down.py": "",
}
STEP = "kiln.step"  # a literal in the call would make it a part of this file's own closure
INSIDE = ["step", "direct", "indirect", "lazy", "sub", "sub.beside", "sub.behind_the_name", "deep.down"]
OUTSIDE = ["elsewhere", "hints", "sub.other", "deep.aside"]


@pytest.fixture
def kiln(tmp_path, monkeypatch):
    """A package on disk; calling the fixture's value gives its step's function, freshly loaded."""
    for name, text in PACKAGE.items():
        path = tmp_path / "kiln" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_dedent(text))
    (tmp_path / "no_such_package.py").unlink(missing_ok=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield lambda: _load(tmp_path)
    _forget()


def _dedent(text):
    lines = text.strip("\n").splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return "\n".join(line[indent:] for line in lines) + "\n"


def _forget():
    for name in [name for name in sys.modules if name.partition(".")[0] == "kiln"]:
        del sys.modules[name]
    closure.reread_sources()
    importlib.invalidate_caches()


def _load(root):
    _forget()
    function = importlib.import_module(STEP).run
    function.folder = root / "kiln"
    return function


def _path(function, module):
    plain = function.folder / (module.replace(".", "/") + ".py")
    return plain if plain.exists() else plain.with_suffix("") / "__init__.py"


@pytest.mark.parametrize("module", INSIDE)
def test_changing_a_source_inside_the_closure_changes_the_version(kiln, module):
    function = kiln()
    before = code_version(function)
    path = _path(function, module)
    path.write_text(path.read_text() + "\nchanged = 1\n")
    assert code_version(kiln()) != before


@pytest.mark.parametrize("module", OUTSIDE)
def test_changing_a_source_outside_the_closure_does_not(kiln, module):
    function = kiln()
    before = code_version(function)
    path = _path(function, module)
    path.write_text(path.read_text() + "\nchanged = 1\n")
    assert code_version(kiln()) == before


def test_the_closure_names_its_sources_and_packages(kiln):
    found = import_closure(kiln())
    assert set(found.sources) == {"kiln", "kiln.deep"} | {f"kiln.{name}" for name in INSIDE}
    assert found.packages == {"numpy": importlib.metadata.version("numpy"), "no_such_package": ABSENT}


def test_a_package_that_becomes_available_changes_the_version(kiln, monkeypatch):
    before = code_version(kiln())
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    assert code_version(kiln()) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value = 1", "value    =   1  # a remark"),
        ("value = 1", '"""What this module is for."""\n\n\nvalue = 1'),
    ],
)
def test_comments_layout_and_docstrings_do_not_count(kiln, old, new):
    function = kiln()
    before = code_version(function)
    path = _path(function, "indirect")
    path.write_text(path.read_text().replace(old, new))
    assert code_version(kiln()) == before


@pytest.mark.parametrize(("name", "counts"), [("card.md.j2", True), ("other.md.j2", False)])
def test_a_data_file_counts_where_a_source_names_it(kiln, name, counts):
    function = kiln()
    _path(function, "indirect").write_text("value = open('card.md.j2')\n")
    for file in ("card.md.j2", "other.md.j2"):
        (function.folder / file).write_text("before")
    closure.reread_sources()
    before = code_version(function)
    (function.folder / name).write_text("after")
    closure.reread_sources()
    assert (code_version(function) != before) is counts


def test_docstrings_count_where_they_are_read(kiln):
    function = kiln()
    path = _path(function, "indirect")
    path.write_text('"""one"""\nvalue = __doc__\n')
    before = code_version(kiln())
    path.write_text('"""two"""\nvalue = __doc__\n')
    assert code_version(kiln()) != before


def test_moving_the_package_does_not_change_the_version(kiln, tmp_path, monkeypatch):
    function = kiln()
    before = code_version(function)
    shutil.copytree(function.folder, tmp_path / "moved" / "kiln")
    shutil.rmtree(function.folder)
    monkeypatch.syspath_prepend(str(tmp_path / "moved"))
    assert code_version(_load(tmp_path / "moved")) == before


def test_moving_code_between_modules_changes_the_version(kiln):
    function = kiln()
    before = code_version(function)
    _path(function, "indirect").rename(_path(function, "indirect").with_name("renamed.py"))
    _path(function, "direct").write_text("from .renamed import value\n")
    assert code_version(kiln()) != before


def test_what_a_process_loaded_is_its_version_though_the_file_was_edited_since(kiln):
    function = kiln()
    before = code_version(function)
    path = _path(function, "indirect")
    path.write_text("value = 2\n")
    assert code_version(function) == before


def test_what_is_bound_into_a_partial_or_a_closure_counts(kiln):
    function = kiln()

    def wrapper(context):
        function(context)

    assert "kiln.indirect" in import_closure(wrapper).sources
    assert "kiln.indirect" in import_closure(functools.partial(_takes_a_function, function)).sources
    assert "kiln.indirect" not in import_closure(_takes_a_function).sources


def _takes_a_function(function, context):
    function(context)


def test_a_function_that_comes_with_python_has_a_version():
    assert import_closure(math.sqrt).sources == {}


def test_a_function_without_a_file_is_refused():
    function = eval("lambda context: None", {"__name__": "nowhere"})
    with pytest.raises(Failure, match="in no file"):
        code_version(function)


def test_a_script_has_the_version_that_it_has_as_a_module(tmp_path, kiln):
    script = "import json, kiln.step\nfrom bloomery.core import closure\ndef go(context): pass\n"
    script += "if __name__ == '__main__': print(json.dumps(closure.code_version(go)))\n"
    (tmp_path / "started.py").write_text(script)
    run = subprocess.run(
        [sys.executable, "started.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    started = importlib.import_module("started")
    assert json.loads(run.stdout) == code_version(started.go)
    assert "kiln.indirect" in import_closure(started.go).sources


def test_bloomerys_own_sources_are_followed():
    sources = import_closure(closure.code_version).sources
    assert {"bloomery.core.closure", "bloomery.core.errors"} <= set(sources)
    assert "bloomery.core.evidence" not in sources


# functions by name


def test_a_deferred_function_is_imported_when_it_is_called(kiln):
    function = kiln()
    _path(function, "step").write_text("def run(*given):\n    return given, __name__\n")
    _forget()
    deferred = Deferred(STEP, "run")
    assert STEP not in sys.modules
    assert deferred(1, 2) == ((1, 2), STEP)


def test_a_deferred_function_has_the_version_of_the_function_without_importing_it(kiln):
    loaded = code_version(kiln())
    _forget()
    assert code_version(Deferred(STEP, "run")) == loaded
    assert STEP not in sys.modules


def test_what_lies_behind_a_deferred_function_counts(kiln):
    function = kiln()
    before = code_version(Deferred(STEP, "run"))
    path = _path(function, "indirect")
    path.write_text(path.read_text() + "\nchanged = 1\n")
    _forget()
    assert code_version(Deferred(STEP, "run")) != before


def test_a_deferred_function_that_is_bound_into_another_counts(kiln):
    kiln()
    partial = functools.partial(_takes_a_function, Deferred(STEP, "run"))
    assert "kiln.indirect" in import_closure(partial).sources


def test_a_deferred_function_of_a_module_that_is_not_there_is_refused():
    with pytest.raises(Failure, match="no module no_such_place to take run from"):
        code_version(Deferred("no_such_place", "run"))


def test_what_makes_versions_reads_no_docstrings_itself():
    """Every step imports it: then a docstring anywhere would make steps run again."""
    sources = import_closure(import_closure).sources
    assert {"bloomery.core.closure", "bloomery.core.parsed"} <= set(sources)
    assert not any(read(path).reads_docstrings for path in sources.values())
