"""A claim is measured by its own command on its own data, or said not to be, with the reason."""

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bloomery.core.errors import UnknownName
from bloomery.papers.context import Context, Equation
from bloomery.papers.markdown import write
from bloomery.papers.verifying import sources
from bloomery.papers.verifying.benching import bench
from bloomery.papers.verifying.claims import compare, exit_code
from bloomery.papers.verifying.pages import render_claims
from bloomery.papers.verifying.papers import read_folder
from bloomery.papers.verifying.results import read_results
from bloomery.papers.verifying.sources import stale
from bloomery.papers.verifying.validators.measured import measured

DIGITS = b"five digits: 31415"
CLAIM = {
    "loss": "value: 2.0, metric: loss, direction: lower, source: T1, command: fading.measuring:loss",
    "fixed": "value: 3.0, metric: loss, direction: lower, source: T1, command: fading.measuring:fixed",
    "digits": "value: 5, metric: n, direction: higher, source: T1, command: fading.measuring:digits, "
    "data: [digits]",
    "absent": "value: 5, metric: n, direction: higher, source: T1, command: fading.measuring:digits, "
    "data: [absent]",
    "changed": "value: 5, metric: n, direction: higher, source: T1, command: fading.measuring:digits, "
    "data: [changed]",
    "mock": "value: 5, metric: n, direction: higher, source: T1, command: fading.measuring:mock, "
    "data: [digits]",
    "curve": "curve: [{at: 0, value: 4}, {at: 10, value: 2}], metric: loss, direction: lower, source: F2, "
    "command: fading.measuring:curve",
    "line": "value: 7, metric: loss, direction: lower, source: T1, result: out/line.json, "
    "command: ['{python}', tools/line.py, '{seed}']",
    "module": "value: 2, metric: loss, direction: lower, source: T1, result: out/module.json, "
    "command: ['{python}', -m, fading.running]",
    "idle": "value: 7, metric: loss, direction: lower, source: T1, result: out/line.json, "
    "command: ['{python}', -c, pass]",
    "slow": "value: 7, metric: loss, direction: lower, source: T1, command: fading.measuring:slow, "
    "budget_min: 0.02",
    "broken": "value: 7, metric: loss, direction: lower, source: T1, command: fading.measuring:broken",
    "nan": "value: 7, metric: loss, direction: lower, source: T1, command: fading.measuring:nothing",
    "gone": "value: 7, metric: loss, direction: lower, source: T1, command: fading.nowhere:loss",
    "stated": "value: 7, metric: loss, direction: lower, source: T1, not_reproduced: it needs a cluster",
}
MEASURING = """
import time

from fading.scale import SCALE


def loss(seed):
    print(f"seed {seed} is running")
    return SCALE * (1.0 + 0.01 * seed)


def fixed():
    return 3.0


def digits(data):
    (path,) = data.values()
    return {"value": sum(c.isdigit() for c in path.read_text()), "data": ["digits"]}


def mock(seed):
    return {"value": 5.0, "data": ["random"]}


def curve(seed):
    return {"curve": [[0, 4.0 + seed], [10, 2.0]]}


def slow():
    time.sleep(60)


def broken():
    raise RuntimeError("no loss today")


def nothing():
    return float("nan")
"""
LINE = """
import json, os, pathlib, sys

out = pathlib.Path("out/line.json")
out.parent.mkdir(exist_ok=True)
out.write_text(json.dumps({"value": 7 + int(sys.argv[1])}))
"""
RUNNING = """
import pathlib

from fading.scale import SCALE

pathlib.Path("out/module.json").write_text(str(SCALE))
"""


def claims(*names: str) -> str:
    listed = "\n".join(f"  - {{id: {name}, {CLAIM[name]}}}" for name in names)
    one, other = hashlib.sha256(DIGITS).hexdigest(), "0" * 64
    return (
        "citation: {title: Fading, arxiv: '0000.00001'}\nseeds: [1, 2]\n"
        f"claims:\n{listed}\n"
        f"data_sets:\n  - {{name: digits, files: [{{path: digits.txt, sha256: '{one}'}}]}}\n"
        f"  - {{name: changed, files: [{{path: digits.txt, sha256: '{other}'}}]}}\n"
        f"  - {{name: absent, files: [{{path: letters.txt, sha256: '{other}'}}]}}\n"
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Under git, so that a result can carry its commit."""
    root = tmp_path_factory.mktemp("bench")
    context = Context("fade", "Fading", arxiv="0000.00001", equations=(Equation("1", latex="x"),))
    files = {
        "src/fading/__init__.py": "",
        "src/fading/scale.py": "SCALE = 2.0\n",
        "src/fading/measuring.py": MEASURING,
        "src/fading/running.py": RUNNING,
        "tools/line.py": LINE,
        "papers/fade/fade.context.md": write(context),
        "papers/fade/paper.yaml": claims(*CLAIM),
        "data/digits.txt": DIGITS.decode(),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *who, *words], cwd=root, check=True)
    return root


@pytest.fixture(scope="module")
def benched(repository):
    """All claims, run once; what the commands printed."""
    said: list[str] = []
    folder = repository / "papers" / "fade"
    reports = bench(folder, data_root=repository / "data", say=said.append)
    return {one.name: one for one in reports}, said


def test_a_function_is_called_once_for_each_seed_and_its_mean_compared(benched):
    one = benched[0]["loss"]
    assert one.result.samples == (2.02, 2.04)
    assert one.result.interval == (2.02, 2.04)
    assert one.measured == pytest.approx(2.03, abs=1e-15)
    assert (one.band, one.deviation) == ("close", 0.015)


def test_the_exit_code_of_a_bench_is_0_only_where_all_is_reproduced_or_stated(benched):
    named = {name: (exit_code([one]), one.reproduced) for name, one in benched[0].items()}
    assert {name: named[name] for name in ("loss", "line", "slow", "stated")} == {
        "loss": (0, True),
        "line": (1, False),
        "slow": (1, False),
        "stated": (0, False),
    }
    lines = [line.split() for line in render_claims(benched[0].values()).splitlines()]
    assert ["loss", "2", "2.03", "1.50", "%", "close"] in lines


def test_what_a_command_prints_is_passed_on_as_it_comes(benched):
    assert [line for line in benched[1] if "running" in line] == ["seed 1 is running", "seed 2 is running"]


def test_a_function_without_a_seed_is_called_once(benched):
    assert benched[0]["fixed"].result.samples == (3.0,)
    assert benched[0]["fixed"].result.seeds == ()


def test_a_result_carries_what_it_was_measured_with(benched, repository):
    result = benched[0]["loss"].result
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert result.commit == head.stdout.strip()
    assert (result.seeds, result.command, len(result.code)) == ((1, 2), "fading.measuring:loss", 64)
    assert result.environment["python"].startswith("CPython 3.")


def test_a_data_set_is_given_with_its_checksum(benched):
    assert benched[0]["digits"].measured == 5
    assert benched[0]["digits"].result.data == {"digits.txt": hashlib.sha256(DIGITS).hexdigest()}


NOT_RUN = [
    ("absent", "the data set absent is not complete: there is no letters.txt"),
    ("changed", "digits.txt of the data set changed has the sha256"),
    ("mock", "it was measured on other data (random) than the claim's (digits)"),
    ("idle", "its command wrote no out/line.json"),
    ("slow", "it was not done within 0.02 minutes"),
    ("broken", "its command ended with status 1: RuntimeError: no loss today"),
    ("nan", "it brought no number: nan is no finite number"),
    ("gone", "there is no module fading.nowhere"),
    ("stated", "it needs a cluster"),
]


@pytest.mark.parametrize(("name", "reason"), NOT_RUN)
def test_a_claim_that_cannot_be_measured_is_not_run_with_the_reason(benched, name, reason):
    one = benched[0][name]
    assert (one.band, one.measured) == ("not run", None)
    assert reason in one.reason


def test_a_command_line_is_run_for_each_seed_and_its_file_read(benched):
    one = benched[0]["line"]
    assert one.result.samples == (8.0, 9.0)
    assert one.band == "deviation"
    assert (benched[0]["module"].result.samples, benched[0]["module"].result.seeds) == ((2.0,), ())


def test_a_learning_curve_is_compared_point_by_point(benched):
    points = [(one.at, one.measured, one.interval, one.band) for one in benched[0]["curve"].points]
    assert points == [(0.0, 5.5, (5.0, 6.0), "deviation"), (10.0, 2.0, (2.0, 2.0), "match")]
    assert benched[0]["curve"].band == "deviation"
    assert benched[0]["curve"].result.curves == (((0.0, 5.0), (10.0, 2.0)), ((0.0, 6.0), (10.0, 2.0)))


def test_both_files_are_written_and_nothing_is_wrong_with_them(benched, repository):
    folder = repository / "papers" / "fade"
    assert set(read_results(folder)) == set(CLAIM) - {"stated"}
    page = (folder / "RESULTS.md").read_text()
    assert "| 2 | 2.03 | 2.02 to 2.04 | 1.50 % | close |" in page
    assert "| At | Paper | Measured | Range |  |" in page
    assert "| 0 | 4 | 5.5 | 5 to 6 | deviation |" in page
    assert list(measured(repository, read_folder(folder))) == []


@pytest.fixture
def copy(benched, repository, tmp_path) -> Path:
    return shutil.copytree(repository, tmp_path / "copy")


def claim_of(root: Path, name: str):
    folder = read_folder(root / "papers" / "fade")
    return folder.file.paper.claim(name), folder.results[name]


def test_a_result_is_stale_when_a_module_that_its_function_imports_changes(copy):
    assert stale(copy, *claim_of(copy, "loss")) == ""
    (copy / "src/fading/scale.py").write_text("SCALE = 2.5\n")
    assert "has changed" in stale(copy, *claim_of(copy, "loss"))
    assert stale(copy, *claim_of(copy, "line")) == ""
    assert "has changed" in stale(copy, *claim_of(copy, "module"))


def test_a_module_that_only_tells_what_happens_makes_no_result_stale(copy, monkeypatch):
    claim, result = claim_of(copy, "loss")
    monkeypatch.setattr(sources, "ONLY_TELL", frozenset({"fading.scale"}))
    told = replace(result, code=sources.code_of(copy, claim))
    (copy / "src/fading/scale.py").write_text("SCALE = 2.5\n")
    assert stale(copy, claim, told) == ""
    monkeypatch.undo()
    assert "has changed" in stale(copy, claim, told)


def test_a_result_is_stale_when_a_script_that_its_command_line_names_changes(copy):
    (copy / "tools/line.py").write_text(LINE + "# changed\n")
    assert "has changed" in stale(copy, *claim_of(copy, "line"))
    assert stale(copy, *claim_of(copy, "module")) == ""
    assert stale(copy, *claim_of(copy, "loss")) == ""


def test_a_comment_makes_no_result_stale_and_another_claim_does(copy):
    (copy / "src/fading/scale.py").write_text("SCALE = 2.0  # twice\n")
    assert stale(copy, *claim_of(copy, "loss")) == ""
    file = copy / "papers/fade/paper.yaml"
    file.write_text(file.read_text().replace("id: loss, value: 2.0", "id: loss, value: 2.1"))
    assert "another statement of the claim" in stale(copy, *claim_of(copy, "loss"))


def test_another_command_makes_a_result_stale_and_what_was_not_run_never_is(copy):
    paths = list(sys.path)
    claim, result = claim_of(copy, "loss")
    assert "the claim now names another command" in stale(copy, replace(claim, command="a:b"), result)
    assert stale(copy, *claim_of(copy, "mock")) == ""
    assert stale(copy, claim, None) == ""
    assert sys.path == paths


def test_a_stale_result_is_not_reproduced_and_not_accounted_for(copy):
    claim, result = claim_of(copy, "loss")
    assert compare("fade", claim, result).reproduced
    old = compare("fade", claim, result, stale="the code has changed")
    assert (old.state, old.reproduced, old.accounted) == ("stale", False, False)


def test_a_run_without_a_number_leaves_the_earlier_one(copy):
    (copy / "src/fading/measuring.py").write_text("def loss():\n    raise ValueError('gone')\n")
    (one,) = bench(copy / "papers/fade", "loss")
    assert (one.band, one.reason) == ("not run", "its command ended with status 1: ValueError: gone")
    assert read_results(copy / "papers/fade")["loss"].samples == (2.02, 2.04)


def test_without_a_folder_of_data_the_reason_says_so(copy, monkeypatch):
    monkeypatch.delenv("BLOOMERY_DATA", raising=False)
    (one,) = bench(copy / "papers/fade", "digits")
    assert one.reason == "the data set digits is needed, and BLOOMERY_DATA names no folder of data sets"


def test_a_claim_that_there_is_not_is_refused(copy):
    with pytest.raises(UnknownName, match="unknown claim 'los'; did you mean 'loss'"):
        bench(copy / "papers/fade", "los")


FAULTS = [
    ("environment", lambda one: one["environment"].pop("python")),
    ("environment", lambda one: one.update(commit="")),
    ("repeats", lambda one: one.update(seeds=[1], samples=[2.03], interval=None)),
    ("repeats", lambda one: one.update(samples=[2.03])),
    ("value", lambda one: one.update(value=2.0)),
    ("interval", lambda one: one.update(interval=[2.0, 2.04])),
    ("interval", lambda one: one.update(interval=None)),
    ("unit", lambda one: one.update(unit="nats")),
    ("data", lambda one: one.update(data={"digits.txt": "0" * 64})),
]


def told_of(copy, result, spoil):
    """The one finding of a spoiled result: its code, and the line that it points at."""
    path = copy / "papers/fade/RESULTS.json"
    values = json.loads(path.read_text())
    spoil(values["results"][result])
    path.write_text(json.dumps(values, indent=1))
    (found,) = measured(copy, read_folder(copy / "papers/fade"))
    return found.code, path.read_text().splitlines()[found.line - 1].strip()


@pytest.mark.parametrize(("code", "spoil"), FAULTS)
def test_the_benchmark_validator_finds_each_planted_fault(copy, code, spoil):
    assert told_of(copy, "loss", spoil) == (code, '"loss": {')


CURVE_FAULTS = [
    ("value", lambda one: one["curve"][0].__setitem__(1, 5.0)),
    ("value", lambda one: one["curve"].pop()),
    ("value", lambda one: one["curve"].append([20, 1.0])),
    ("value", lambda one: one["curves"][1][0].__setitem__(1, 6.5)),
    ("repeats", lambda one: one["curves"].pop()),
]


@pytest.mark.parametrize(("code", "spoil"), CURVE_FAULTS)
def test_a_curve_that_is_not_the_mean_of_its_repeats_is_found(copy, code, spoil):
    assert told_of(copy, "curve", spoil) == (code, '"curve": {')


def test_a_result_without_a_commit_says_what_to_do(copy):
    path = copy / "papers/fade/RESULTS.json"
    values = json.loads(path.read_text())
    values["results"]["loss"].update(commit="")
    path.write_text(json.dumps(values))
    (found,) = measured(copy, read_folder(copy / "papers/fade"))
    assert "does not say commit; put the repository under git, and measure it" in found.message


def test_a_result_on_other_bytes_names_the_file(copy):
    path = copy / "papers/fade/RESULTS.json"
    values = json.loads(path.read_text())
    values["results"]["digits"]["data"]["digits.txt"] = "0" * 64
    path.write_text(json.dumps(values, indent=1))
    (found,) = measured(copy, read_folder(copy / "papers/fade"))
    assert found.message.endswith("was not measured on the data sets of the claim: digits.txt")


def test_a_result_that_nobody_claims_is_found(copy):
    path = copy / "papers/fade/RESULTS.json"
    values = json.loads(path.read_text())
    values["results"]["other"] = values["results"]["loss"]
    path.write_text(json.dumps(values, indent=1))
    found = list(measured(copy, read_folder(copy / "papers/fade")))
    assert [one.code for one in found] == ["result-unclaimed"]
