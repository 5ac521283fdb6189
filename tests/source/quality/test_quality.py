"""Metrics are what their definitions say: by hand, by ruff's rules, by brute force."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import CapabilityMissing, UnknownName
from bloomery.source.languages.parsing import Source, parse
from bloomery.source.languages.registry import LANGUAGES
from bloomery.source.quality import style
from bloomery.source.quality.duplication import LEAST_TOKENS, repeated
from bloomery.source.quality.metric import code_lines
from bloomery.source.quality.naming import declared
from bloomery.source.quality.report import METRICS, assess, assess_files


def _source(text: str, language: str = "python", path: str = "a") -> Source:
    return parse(text, LANGUAGES[language], path=path)


def _metric(name: str, *sources: Source):
    return assess(sources, [name]).metric(name)


def _by_ruff(tmp_path: Path, text: str, rules: str, *settings: str) -> set[int]:
    """Lines that ruff's rules object to."""
    (tmp_path / "a.py").write_text(text)
    options = ["--isolated", "--no-cache", "--output-format=json", f"--select={rules}"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *options, *(f"--config={one}" for one in settings), "a.py"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    return {one["location"]["row"] for one in json.loads(done.stdout)}


HANDLERS = """
try:
    f()
except ValueError:
    g()
except (KeyError, Exception):
    g()
except:
    g()
try:
    f()
except ValueError:
    pass
except KeyError:
    ...
except Exception:
    raise
except OSError as error:
    raise Other("x")
except TypeError as error:
    raise error
except LookupError as error:
    raise Other("x") from error
except AttributeError:
    raise Other("x") from None
except ArithmeticError:
    raise Other("x")
except MemoryError:
    def inner():
        raise Other("x")
    h(inner)
try:
    f()
except BaseException as error:
    g()
    raise Other from error
except* Exception:
    pass
""".replace("except* Exception:\n    pass\n", "")


def test_handlers_are_judged_as_ruff_judges_them(tmp_path: Path) -> None:
    metric = _metric("error handling", _source(HANDLERS))
    theirs = _by_ruff(tmp_path, HANDLERS, "E722,BLE001,S110", "lint.flake8-bandit.check-typed-exception=true")
    causeless = {line - 1 for line in _by_ruff(tmp_path, HANDLERS, "B904")}  # told by the line of the raise
    silent_by_dots = {14}  # which S110 takes for something done
    ours = {finding.line for finding in metric.findings}
    assert theirs == {6, 8, 12}
    assert ours == theirs | causeless | silent_by_dots
    assert metric.counts == {"handlers": 13, "broad": 2, "silent": 2, "causeless": 2}
    assert metric.value == pytest.approx(1 - 6 / 13)


@pytest.mark.parametrize(
    ("language", "text", "counts"),
    [
        ("javascript", "try { f(); } catch (e) { }\ntry { f(); } catch (e) { g(e); }", (2, 0, 1)),
        ("typescript", "try { f(); } catch { /* said why */ }", (1, 0, 1)),
        (
            "java",
            "class A { void f() { try { g(); } catch (IOException e) { } catch (Exception e) { h(); }"
            " catch (A | Throwable e) { throw new B(e); } } }",
            (3, 1, 1),
        ),
    ],
)
def test_handlers_of_other_languages_are_judged_by_tree(language: str, text: str, counts: tuple) -> None:
    found = _metric("error handling", _source(text, language)).counts
    assert (found["handlers"], found["broad"], found["silent"]) == counts


def test_a_language_without_handlers_is_not_measured() -> None:
    metric = _metric("error handling", _source("package a\n", "go"))
    assert (metric.value, metric.why_none) == (None, "the language has no handlers")
    assert _metric("error handling", _source("x = 1\n")).why_none == "no handler"


NAMES = """import ast
class good_not:
    badAttribute = 1
    Fine = int

    def camelCase(self, badArgument, *Args, **Kwargs):
        localName = 1
        (fine, Bad_One) = 1, 2
        for Index in []:
            pass
        with open() as File:
            pass
        return lambda X: [Y for Y in X if (Z := Y)]

    def __init__(self): ...
    def fine_one(self, a, b=1, c: int = 2, d: int = 3, *, e): ...


class Good(ast.NodeVisitor):
    def visit_Name(self): ...
class _Good2: ...
def Bad(): ...
def good(_, __x): ...
CONSTANT = 1
Alias = int
mixedCase = 1
fine: int = 2
"""


def test_names_of_python_are_judged_as_ruff_judges_them(tmp_path: Path) -> None:
    """But for lines of bindings that ruff leaves out: comprehensions, `for`, `with`, walrus and `lambda`."""
    theirs = _by_ruff(tmp_path, NAMES, "N801,N802,N803,N806,N815,N816")
    found = {finding.line for finding in _metric("naming", _source(NAMES)).findings}
    assert theirs <= found
    assert found - theirs <= {9, 11, 13}


def test_distinct_names_are_counted_once_by_role() -> None:
    metric = _metric("naming", _source("def f(a):\n    a = 1\n    B = 2\n    B = 3\n\n\ndef g(a): ...\n"))
    assert [(one.role, one.name) for one in declared(_source("x = 1\nx = 2\n"))] == [("constant", "x")]
    assert metric.counts == {"names": 5, "odd": 1}  # f, g, parameter a, variables a and B
    assert metric.value == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("language", "text", "odd"),
    [
        (
            "javascript",
            "class bad { ok_not() {} constructor() {} }\nconst fineOne = 1, MAX_SIZE = 2, bad_one = 3;\n"
            "const View = (propsOk, [a_b, {c: d_e}], f_g = 1) => 1;",
            {"bad", "ok_not", "bad_one", "a_b", "d_e", "f_g"},
        ),
        ("typescript", "function f(a_b: number, c?: string) { for (const x_y of z) {} }", {"a_b", "x_y"}),
        (
            "java",
            "class A { A() {} static final int MAX = 1, min = 2; int Bad; void Ugly(int Arg, int ok) "
            "{ for (int I : x) {} } }",
            {"min", "Bad", "Ugly", "Arg", "I"},
        ),
        (
            "go",
            "package a\nfunc do_it(a_b int, c int) {\n\tx_y, _ := 1, 2\n\tfor i_j := range z {\n\t}\n}\n"
            "const MAX_SIZE = 1\nvar ok, Ok int\n",
            {"do_it", "a_b", "x_y", "i_j", "MAX_SIZE"},
        ),
    ],
)
def test_names_of_other_languages_have_their_shapes(language: str, text: str, odd: set) -> None:
    findings = _metric("naming", _source(text, language)).findings
    assert {finding.what.partition(":")[0].split()[1] for finding in findings} == odd


@given(st.lists(st.text("ab", max_size=14), min_size=1, max_size=3), st.integers(1, 4))
def test_repeated_runs_are_those_of_brute_force(files: list[str], least: int) -> None:
    starts = [(f, i) for f, text in enumerate(files) for i in range(len(text) - least + 1)]
    covered = {
        (f, i + k)
        for f, i in starts
        for g, j in starts
        if (f != g or abs(i - j) >= least) and files[f][i : i + least] == files[g][j : j + least]
        for k in range(least)
    }
    runs = repeated(files, least)
    assert {(run.file, at) for run, stop, _ in runs for at in range(run.at, stop)} == covered
    for run, _, other in runs:
        first = files[run.file][run.at : run.at + least]
        assert files[other.file][other.at : other.at + least] == first
        assert (run.file != other.file) or abs(run.at - other.at) >= least
    assert all(b.file > a.file or b.at > stop for (a, stop, _), (b, _, _) in pairwise(runs))


BLOCK = "".join(f"    total_{i} = first[{i}] * second[{i}] + {i}\n" for i in range(8))  # 11 tokens a line


def test_a_planted_copy_is_found_with_its_lines_and_an_edited_one_is_not() -> None:
    copy = f"def g(second, first):\n    # copied\n{BLOCK}    return 2\n"
    text = f"def f(first, second):\n{BLOCK}    return 1\n\n\n{copy}"
    metric = _metric("duplication", _source(text))
    # both blocks, and of the lines around them what is the same: `):` and `return`
    assert metric.counts == {"lines": 20, "duplicated_lines": 20, "runs": 2}
    assert [finding.line for finding in metric.findings] == [1, 13]
    assert "also in a:13" in metric.findings[0].what
    renamed = text.replace("second[3]", "third[3]", 1).replace("first[5]", "third[5]", 1)
    assert _metric("duplication", _source(renamed)).value == 0


def test_a_copy_in_another_file_counts_and_comments_do_not() -> None:
    here, there = _source(f"def f():\n{BLOCK}"), _source(f"def f():\n    # x\n{BLOCK}", path="b")
    assert _metric("duplication", here).value == 0
    metric = _metric("duplication", here, there)
    assert metric.value == 1
    assert {finding.path for finding in metric.findings} == {"a", "b"}


def test_a_long_list_of_one_number_is_no_copy_of_itself_while_it_fits_no_two_runs() -> None:
    most = (2 * LEAST_TOKENS - 1 - 4) // 2  # x, =, [, ] and a number with its comma each
    assert _metric("duplication", _source(f"x = [{'1, ' * most}]\n")).value == 0
    assert _metric("duplication", _source(f"x = [{'1, ' * (most + 4)}]\n")).value == 1


def test_style_of_python_is_what_was_planted() -> None:
    text = "import os\nx = 1 \ny = 'é' # " + "c" * 100 + "\nif x == None: pass\nz = undefined"
    metric = _metric("style", _source(text))
    rules = sorted((finding.line, finding.what.partition(":")[0]) for finding in metric.findings)
    assert rules == [
        (1, "F401"),
        (2, "W291"),
        (3, "E501"),
        (4, "E701"),
        (4, "E711"),
        (5, "F821"),
        (5, "W292"),
    ]
    assert metric.value == pytest.approx(100 * 7 / 5)
    assert metric.counts["unformatted_lines"] == 4  # all but the first; the end of the last is a line, too


def test_style_of_other_languages_is_what_was_planted() -> None:
    text = "package a\n\nvar x = 1 \nvar y = `" + "c" * 100 + "`\r\nvar z = 2"
    metric = _metric("style", _source(text, "go"))
    assert [(finding.line, finding.what.split()[0]) for finding in metric.findings] == [
        (3, "blanks"),
        (4, "110"),
        (5, "no"),
    ]
    assert metric.value == pytest.approx(100 * 3 / 4)


def test_style_is_not_guessed_without_ruff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "find_spec", lambda name: None)
    with pytest.raises(CapabilityMissing, match=r"install bloomery\[optimize\]"):
        list(style.objections(_source("x = 1\n")))


def test_lines_with_code_are_those_without_blank_and_comment_lines() -> None:
    text = '# c\n\ndef f():\n    """Two\n    lines."""\n    # c\n    return (1,\n\n            2)  # c\n'
    assert code_lines(_source(text)) == {3, 4, 5, 7, 9}


def test_complexity_is_the_mean_and_names_what_is_above() -> None:
    branches = "".join(f"    if a == {i}:\n        return {i}\n" for i in range(10))
    metric = _metric("complexity", _source(f"def f(a):\n{branches}\n\ndef g(a, b):\n    return a and b\n"))
    assert metric.value == 6
    assert metric.counts == {"functions": 2, "greatest": 11, "greatest_extended": 11, "above": 1}
    assert [(finding.line, finding.what) for finding in metric.findings] == [(1, "f has 11 paths")]


def test_a_report_goes_through_json_and_says_what_each_number_means(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "b.go").write_text("package b\n\nfunc F() int { return 1 }\n")
    report = assess_files([tmp_path / "a.py", tmp_path / "b.go"])
    values = report.values()
    assert json.loads(json.dumps(values)) == json.loads(json.dumps(values, default=str))
    assert [one["name"] for one in values["metrics"]] == list(METRICS)
    for one in report.metrics:
        assert one.definition
        assert one.unit
        assert (one.value is None) == bool(one.why_none)
    with pytest.raises(UnknownName, match="did you mean 'naming'"):
        assess([], ["namin"])
    with pytest.raises(UnknownName, match="unknown metric 'x'"):
        report.metric("x")


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_has_every_metric_or_says_why_not(name: str) -> None:
    report = assess([_source("", name)])
    assert [bool(one.why_none) for one in report.metrics] == [True] * len(METRICS)
