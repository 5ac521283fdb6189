"""The workflows of this repository, and those that others get: judged as actionlint and a reviewer would."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from bloomery.cli.main import run
from bloomery.core.errors import UserError
from bloomery.optimize.github.installing import NAMES, Wishes, install, workflows

ROOT = Path(__file__).parents[3]
OURS = Wishes(install='python -m pip install ".[optimize,github]"', target="src/bloomery")
SHIPPED = {name: text for path, text in workflows(Wishes()).items() for name in (Path(path).name,)}
HERE = {path.name: path.read_text() for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
ALL = [*(pytest.param(text, id=f"shipped-{name}") for name, text in SHIPPED.items()),
       *(pytest.param(text, id=f"here-{name}") for name, text in HERE.items())]  # fmt: skip
CONTEXTS = {"github", "steps", "needs", "secrets", "matrix", "inputs", "env", "runner"}
FUNCTIONS = {"cancelled", "startsWith", "contains", "fromJSON"}
UNTRUSTED = ("bloomery optimize", "bloomery github check", ".ci/run", "make docs", "make test-all")
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Unique(yaml.SafeLoader):
    """A key that stands twice is a mistake."""


def construct(loader: Unique, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key) for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"a key stands twice: {keys}"
    return {
        key: loader.construct_object(value, deep=True)
        for key, (_, value) in zip(keys, node.value, strict=True)
    }


Unique.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct)


def parse(text: str) -> dict:
    plain = yaml.load(text, Unique)
    plain["on"] = plain.pop(True, plain.get("on"))  # YAML 1.1 takes `on` for a truth
    return plain


def steps(plain: dict) -> list[dict]:
    return [step for job in plain["jobs"].values() for step in job["steps"]]


def runs(job: dict) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


@pytest.mark.parametrize("text", ALL)
def test_a_workflow_has_the_form_that_github_reads(text):
    plain = parse(text)
    assert set(plain) <= {"name", "on", "permissions", "concurrency", "env", "jobs"}
    for job in plain["jobs"].values():
        known = {"if", "needs", "runs-on", "timeout-minutes", "permissions", "outputs", "strategy", "steps"}
        known.add("concurrency")
        assert set(job) <= known
        assert {"runs-on", "timeout-minutes", "steps"} <= set(job)
        needed = job.get("needs", [])
        assert set([needed] if isinstance(needed, str) else needed) <= set(plain["jobs"])
        for step in job["steps"]:
            assert set(step) <= {"name", "id", "if", "uses", "with", "run", "env"}
            assert ("uses" in step) != ("run" in step)


@pytest.mark.parametrize("text", ALL)
def test_nothing_that_strangers_write_reaches_a_shell(text):
    for step in steps(parse(text)):
        assert not EXPRESSION.search(step.get("run", "")), step["run"]
    assert not {"pull_request_target", "workflow_run"} & set(parse(text)["on"])


@pytest.mark.parametrize("text", ALL)
def test_rights_are_the_least_and_none_where_untrusted_code_runs(text):
    plain = parse(text)
    for job in plain["jobs"].values():
        rights = job.get("permissions", plain.get("permissions"))
        assert isinstance(rights, dict)  # not write-all, and not whatever is usual
        if any(command in runs(job) for command in UNTRUSTED):
            assert "write" not in rights.values()
            assert "secrets." not in str(job)
        if "bloomery" in runs(job):
            assert all(
                step["with"]["persist-credentials"] is False
                for step in job["steps"]
                if step.get("uses", "").startswith("actions/checkout@")
            )
    for step in steps(plain):
        if "secrets." in str(step) or "github.token" in str(step):
            assert set(step["env"]) >= {"GITHUB_TOKEN"}
            assert re.search(r"bloomery github (limit|check|publish|merge)", step["run"])


@pytest.mark.parametrize("text", ALL)
def test_actions_are_github_s_own_and_pinned(text):
    for step in steps(parse(text)):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w/-]+@(v\d+|[0-9a-f]{40})", step["uses"])


@pytest.mark.parametrize("text", ALL)
def test_expressions_name_what_there_is(text):
    plain = parse(text)
    for job in plain["jobs"].values():
        ids = {step["id"] for step in job["steps"] if "id" in step}
        conditions = [str(job.get("if", "")), *(str(step.get("if", "")) for step in job["steps"])]
        for expression in [*EXPRESSION.findall(str(job)), *conditions]:
            bare = re.sub(r"'[^']*'", "", expression)
            for name in re.findall(r"(?<![\w.])([A-Za-z]\w*)(?=[.(])", bare):
                assert name in CONTEXTS | FUNCTIONS, name
            assert set(re.findall(r"steps\.(\w+)", bare)) <= ids
            for needed, output in re.findall(r"needs\.(\w+)\.outputs\.(\w+)", bare):
                assert output in plain["jobs"][needed]["outputs"]
                assert needed in str(job["needs"])


@pytest.mark.parametrize("text", ALL)
def test_each_script_is_one_that_bash_reads(text):
    for step in steps(parse(text)):
        if "run" in step:
            done = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, "")


@cache
def help_of(words: tuple[str, ...]) -> str:
    import contextlib
    import io

    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        assert run([*words, "--help"]) == 0, words
    return page.getvalue()


@pytest.mark.parametrize("text", ALL)
def test_each_command_is_a_verb_with_these_options(text):
    for step in steps(parse(text)):
        script = step.get("run", "")
        for line in script.splitlines():
            words = shlex.split(line.strip()) if line.strip().startswith("bloomery ") else []
            verb = tuple(word for word in words[1:3] if re.fullmatch(r"[a-z]+", word))
            if verb:
                page = help_of(verb)
                for option in re.findall(r"(?<!\S)(--[a-z-]+)", script):
                    assert option in page, (verb, option)


def test_this_repository_has_the_workflows_that_others_get():
    wanted = {Path(path).name: text for path, text in workflows(OURS).items()}
    assert {name: HERE[name] for name in NAMES} == wanted


def test_the_rate_limit_is_looked_at_before_anything_is_proposed():
    names = [step.get("name") for step in parse(SHIPPED["bloomery-optimize.yml"])["jobs"]["propose"]["steps"]]
    assert names.index("rate limit") < names.index("what to do") < names.index("optimize")


def test_they_start_by_the_clock_by_hand_by_label_and_by_approval():
    optimizing, approving = (parse(SHIPPED[name]) for name in NAMES)
    assert set(optimizing["on"]) == {"schedule", "workflow_dispatch", "issues"}
    assert "needs-optimization" in optimizing["jobs"]["propose"]["if"]
    assert set(approving["on"]) == {"pull_request_review", "issue_comment", "workflow_dispatch"}


def test_installing_twice_writes_once_and_spares_what_was_changed(tmp_path: Path):
    assert len(install(tmp_path, Wishes())) == 2
    assert install(tmp_path, Wishes()) == []
    changed = tmp_path / ".github" / "workflows" / NAMES[0]
    changed.write_text("mine\n")
    with pytest.raises(UserError, match="is there and different"):
        install(tmp_path, Wishes(python="3.12"))
    assert changed.read_text() == "mine\n"
    assert "3.11" in (tmp_path / ".github" / "workflows" / NAMES[1]).read_text()
    assert len(install(tmp_path, Wishes(python="3.12"), force=True)) == 2


@pytest.mark.parametrize(
    "wish",
    [
        {"target": "src; rm -rf ."},
        {"target": "../up"},
        {"target": "-x"},
        {"goal": "beauty"},
        {"schedule": "daily"},
        {"schedule": '1 2 3 4 5"'},
        {"python": "3"},
        {"install": "a\nb"},
        {"install": "echo ${{ github.actor }}"},
        {"install": "x: y"},
        {"install": '"a" b'},
        {"install": "pip install x # y"},
    ],
)
def test_what_would_break_a_workflow_is_refused(wish):
    with pytest.raises(UserError):
        workflows(Wishes(**wish))
