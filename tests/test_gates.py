"""Each gate finds the defect planted here, and lets its honest twin pass."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from scripts import gates

ROOT = Path(__file__).resolve().parent.parent


def found_in(text: str, path: str = "src/bloomery/core/ore.py") -> list[str]:
    """Names of the gates that object to this source."""
    source = gates.Source.parse(Path(path), textwrap.dedent(text))
    return [finding.gate for gate in gates.GATES for finding in gate(source)]


def unread_in(*texts: str) -> list[str]:
    sources = [gates.Source.parse(Path("src/bloomery/core/ore.py"), textwrap.dedent(text)) for text in texts]
    return [finding.text.split()[0] for finding in gates.unread_fields(sources)]


@pytest.mark.parametrize(("lines", "expected"), [(60, []), (61, ["long-function"])])
def test_a_function_may_have_sixty_lines_and_no_more(lines: int, expected: list[str]) -> None:
    assert found_in("def smelt():\n" + "    x = 1\n" * (lines - 1)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "class PatchManager: ...",
        "class HTTPHandler: ...",
        "class HelperThing: ...",
        "class EnhancedMerge: ...",
        "class MergeV2: ...",
        "def advanced_merge(): ...",
        "def merge_v2(): ...",
    ],
)
def test_ceremony_and_boasting_names_are_found(text: str) -> None:
    assert found_in(text) == ["ceremony-name"]


@pytest.mark.parametrize(
    "text", ["class Managerial: ...", "class CIDv1: ...", "def cid_v1(): ...", "def unimproved(): ..."]
)
def test_names_that_only_resemble_them_pass(text: str) -> None:
    assert found_in(text) == []


@pytest.mark.parametrize("module", ["utils", "helpers", "common", "manager", "merge_v2", "improved_merge"])
def test_a_module_without_an_idea_is_found(module: str) -> None:
    assert found_in("x = 1", f"src/bloomery/{module}.py") == ["ceremony-name"]


@pytest.mark.parametrize(
    "body",
    [
        "smelt()",
        "assert True",
        "assert smelt() is not None",
        "smelt(); print(1)",
        "assert 'a message'",
        "self.run()",
    ],
)
def test_a_test_that_cannot_fail_is_silent(body: str) -> None:
    assert found_in(f"def test_x(self=None):\n    {body}", "tests/test_x.py") == ["silent-test"]


@pytest.mark.parametrize(
    "body",
    [
        "assert smelt() == 1",
        "with pytest.raises(OSError): smelt()",
        "torch.testing.assert_close(a, b)",
        "check_equal(a, b)",
        "same(a, b)",
        "if a: raise_if_different(b)",
    ],
)
def test_a_test_with_a_check_passes(body: str) -> None:
    local = "def same(a, b):\n    assert a == b\ndef raise_if_different(b):\n    same(b, 1)\n"
    assert found_in(f"{local}def test_x():\n    {body}", "tests/test_x.py") == []


def test_a_print_is_found_outside_the_command_line_only() -> None:
    assert found_in("print(1)") == ["print"]
    assert found_in("print(1)", "src/bloomery/cli/main.py") == []


@pytest.mark.parametrize("clause", ["except:", "except Exception:", "except (OSError, BaseException):"])
def test_a_broad_except_needs_an_edge(clause: str) -> None:
    assert found_in(f"try: pass\n{clause} pass") == ["broad-except"]
    assert found_in(f"try: pass\n{clause} pass  # edge: a worker process") == []
    assert found_in(f"try: pass\n{clause} pass  # edge:") == ["broad-except"]


def test_a_broad_except_that_raises_again_loses_nothing() -> None:
    assert found_in("try: pass\nexcept BaseException:\n    clean()\n    raise") == []
    assert found_in("try: pass\nexcept Exception as e:\n    note()\n    raise Failure() from e") == []
    assert found_in("try: pass\nexcept Exception as e:\n    raise Failure() from None") == ["broad-except"]
    assert found_in("try: pass\nexcept BaseException:\n    raise SystemExit(1)") == ["broad-except"]


def test_a_specific_except_needs_nothing() -> None:
    assert found_in("try: pass\nexcept (OSError, ValueError): pass") == []


@pytest.mark.parametrize(
    "skip",
    [
        "pytest.skip()",
        "pytest.skip('')",
        "pytest.skip(reason='')",
        "@pytest.mark.skip\ndef f(): ...",
        "@pytest.mark.skip()\ndef f(): ...",
        "@pytest.mark.skipif(True)\ndef f(): ...",
        "@pytest.mark.xfail\ndef f(): ...",
    ],
)
def test_a_skip_without_a_reason_is_found(skip: str) -> None:
    assert found_in(skip, "tests/test_x.py") == ["skip"]


@pytest.mark.parametrize(
    "skip",
    ["pytest.skip('no GPU')", "pytest.skip(why)", "@pytest.mark.skipif(True, reason='no GPU')\ndef f(): ..."],
)
def test_a_skip_with_a_reason_passes(skip: str) -> None:
    assert found_in(skip, "tests/test_x.py") == []


CONFIG = """
    @dataclass(frozen=True)
    class FurnaceConfig:
        heat: float = 1.0
        KINDS: ClassVar[tuple] = ()
        def __post_init__(self):
            if self.heat < 0: raise ValueError
"""


def test_a_config_field_that_is_only_cross_checked_is_unread() -> None:
    assert unread_in(CONFIG) == ["FurnaceConfig.heat"]


def test_a_config_field_that_someone_reads_passes() -> None:
    assert unread_in(CONFIG, "def burn(config): return config.heat") == []


def test_writing_a_config_field_does_not_read_it() -> None:
    assert unread_in(CONFIG, "def burn(config): config.heat = 2") == ["FurnaceConfig.heat"]


def test_a_field_made_by_option_is_judged_whatever_its_class_is_called() -> None:
    text = "class Furnace:\n    heat: float = option(1.0, help='')\n    cold: float = 0.0"
    assert unread_in(text) == ["Furnace.heat"]


def test_a_field_that_a_library_reads_says_so() -> None:
    assert unread_in("class XConfig:\n    tie: bool = True  # read by: transformers") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("root = '/work" + "/main'", ["machine-path"]),  # path: planted
        ("see /home" + "/ana/notes", ["machine-path"]),
        ("see /root" + "/.cache", ["machine-path"]),  # path: planted
        ("--extra-index https://pypi" + ".org/simple", ["index-host"]),
        ("https://download.pytorch" + ".org/whl/cpu", ["index-host"]),
        ("'/root" + "'  # path: the sandbox must hide it", []),
        ("docs/work/main and https://example.org/root/x", []),
    ],
)
def test_addresses_of_one_machine_are_found(line: str, expected: list[str]) -> None:
    assert [finding.gate for finding in gates.machine_paths(Path("notes.md"), line)] == expected


def test_untracked_files_are_judged_and_ignored_ones_are_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("ignored.py")
    (tmp_path / "ignored.py").write_text("class PatchManager: ...")
    (tmp_path / "seen.py").write_text("class PatchManager: ...")
    (tmp_path / "weights.bin").write_bytes(b"\xff\xfe")
    assert [str(finding.path) for finding in gates.findings(tmp_path)] == ["seen.py"]


SILENT = "def test_silent():\n    1 + 1\n"
LEAVES = """
import socket
def test_leaves():
    assert socket.create_connection(("192.0.2.1", 80), 1)
"""
STAYS = """
import socket
def test_stays():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), 1) as client:
            assert client.getpeername() == server.getsockname()
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says, in its own process under this project's conftest, of the files above."""
    folder = tmp_path_factory.mktemp("tests")
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    for name, text in {"silent": SILENT, "leaves": LEAVES, "stays": STAYS}.items():
        (folder / f"test_{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--rootdir", str(folder)]
    command += ["--continue-on-collection-errors", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def test_a_silent_test_fails_collection(output: str) -> None:
    assert "[silent-test] test_silent checks nothing" in output
    assert "1 failed, 1 passed, 1 error" in output


def test_a_test_may_not_leave_this_machine(output: str) -> None:
    assert "test_leaves FAILED" in output
    assert "NetworkRefused: tests are offline; this one tried to reach 192.0.2.1" in output


def test_a_test_may_talk_to_itself(output: str) -> None:
    assert "test_stays PASSED" in output
