"""Each check by itself: what passes, what fails, and what is said."""

import json
import os
from dataclasses import replace
from itertools import pairwise

import pytest

from bloomery.core.evidence import State, judge, not_run
from bloomery.optimize import faults as under_faults
from bloomery.optimize.faults import NO_WORSE, UnderFaults
from bloomery.optimize.validating.checks import generating
from bloomery.optimize.validating.checks.covering import covered
from bloomery.optimize.validating.checks.faulting import faults
from bloomery.optimize.validating.checks.flow import findings, flow
from bloomery.optimize.validating.checks.generating import generated
from bloomery.optimize.validating.checks.linting import security, style
from bloomery.optimize.validating.checks.text import judges, syntax
from bloomery.optimize.validating.checks.types import importers
from bloomery.optimize.validating.deciding import is_judge
from bloomery.optimize.validating.levels import CHECKS, CLAIMS, LEVELS, is_measured, required

UNSAFE = ("    return sorted(prices)[0]\n", "    return eval(str(min(prices)))\n")


def test_each_level_requires_what_the_one_before_does_and_more() -> None:
    for goal in CLAIMS:
        sets = [required(level, goal) for level in LEVELS]
        assert all(a < b for a, b in pairwise(sets))
        named = {check.name for check in CHECKS}
        assert all(one <= named for one in sets)


def test_what_a_level_requires_is_measured_at_it() -> None:
    for goal in CLAIMS:
        for level in LEVELS:
            measured = {check.name for check in CHECKS if is_measured(check, level, goal)}
            assert required(level, goal) <= measured


def test_equivalence_is_asked_for_only_where_behaviour_stays() -> None:
    asked = {goal for goal in CLAIMS if "equivalence.behaviour" in required("basic", goal)}
    assert asked == {"speed", "memory"}
    assert all("tests.all" in required("basic", goal) for goal in CLAIMS.keys() - asked)


def test_the_goal_security_never_accepts_a_new_finding_for_one_that_is_gone() -> None:
    assert all("security" in required(level, "security") for level in LEVELS)
    others = [
        required(level, goal) for goal in CLAIMS if goal != "security" for level in ("basic", "standard")
    ]
    assert not any("security" in names for names in others)


@pytest.mark.parametrize(
    ("path", "judge"),
    [
        ("src/shop/prices.py", False),
        ("tests/data/prices.json", True),
        ("src/shop/test_prices.py", True),
        ("src/shop/prices_test.py", True),
        ("conftest.py", True),
        ("setup.cfg", True),
        ("checks/prices.py", True),
        ("src/shop/latest.py", False),
    ],
)
def test_what_judges_a_change_is_told_by_its_name(path, judge) -> None:
    assert is_judge(path, tests=["checks"]) == judge


def test_a_change_for_coverage_changes_tests_alone(shop) -> None:
    new = {"tests/test_more.py": "def test_more():\n    assert 1\n"}
    for texts, goal, wrong in (
        (new, "coverage", 0),
        (new, "speed", 1),
        (shop.edited(*UNSAFE), "coverage", 1),
    ):
        with shop.site(texts, goal=goal) as site:
            assert judges(site)[0].evidence.measured == wrong


@pytest.mark.parametrize(
    ("path", "text", "state"),
    [
        ("web/a.js", "function f() { return 1 }\n", State.PASSED),
        ("web/a.js", "function f( { return 1 }\n", State.FAILED),
        ("data/a.json", '{"a": 1}\n', State.PASSED),
        ("data/a.json", "{'a': 1}\n", State.FAILED),
        ("a.toml", "a = \n", State.FAILED),
        ("notes.txt", "anything (\n", State.NOT_RUN),
    ],
)
def test_other_languages_and_data_are_parsed_too(shop, path, text, state) -> None:
    with shop.site({path: text}) as site:
        (answer,) = syntax(site)
    assert answer.evidence.state is state
    assert answer.evidence.required == (state is not State.NOT_RUN)


def test_linters_object_to_what_is_added_and_not_to_what_was_there(shop) -> None:
    shop.commit({"src/shop/prices.py": "import os\n" + (shop.root / "src/shop/prices.py").read_text()})
    with shop.site(shop.edited(*UNSAFE)) as site:
        (by_ruff,), (by_bandit, claim) = style(site), security(replace(site, goal="security"))
    assert by_ruff.evidence.measured == 0
    assert by_bandit.evidence.required
    assert by_bandit.evidence.measured == 1
    assert "B307" in by_bandit.mend
    assert claim.evidence.measured == 0
    with shop.site(shop.edited("import os\n", "import os,re\n")) as site:
        (by_ruff,) = style(site)
    assert by_ruff.evidence.measured > 0
    assert "`re` imported but unused" in by_ruff.evidence.how


@pytest.mark.slow  # four runs of bandit
def test_a_finding_of_bandit_that_is_gone_is_what_the_goal_security_asks_for(shop) -> None:
    shop.commit(shop.edited(*UNSAFE))
    with shop.site(shop.edited(*reversed(UNSAFE)), goal="security") as site:
        added, claim = security(site)
    assert (added.evidence.measured, claim.evidence.measured) == (0, 1)
    assert "B307" in claim.evidence.how


@pytest.mark.slow  # six runs of pytest
def test_lines_that_no_test_ran_before_are_what_the_goal_coverage_asks_for(shop) -> None:
    (shop.root / "tests/test_cheapest.py").unlink()
    shop.commit()
    test = "from shop.prices import cheapest\n\n\ndef test_more():\n    assert cheapest([2, 1]) == 1\n"
    with shop.site({"tests/test_more.py": test}, goal="coverage") as site:
        (more,) = covered(site)
    assert more.evidence.measured == 1
    assert "new: src/shop/prices.py:9" in more.evidence.how
    assert "checks notice" in more.evidence.how


CHECKED = """\
def double(x):
    return 2 * x


def positive(x):
    if x < 0:
        raise ValueError(x)
    return x
"""


@pytest.mark.slow  # six runs of pytest each
@pytest.mark.parametrize(
    ("body", "counted"),
    [
        ("double(3)", False),
        ("double([1])[1]", False),  # breaks off in wrong versions, and checks nothing all the same
        ("assert double(3) == 6", True),
        ("with pytest.raises(ValueError):\n        positive(-1)", True),
        ("try:\n        positive(-1)\n    except ValueError:\n        pass", False),
    ],
)
def test_a_test_that_runs_lines_and_checks_nothing_of_them_is_refused(shop, body, counted) -> None:
    old = (
        "import pytest\n\nfrom shop.more import positive\n\n\ndef test_old():\n    assert positive(1) == 1\n"
    )
    shop.commit({"src/shop/more.py": CHECKED, "tests/test_more.py": old})
    new = f"import pytest\n\nfrom shop.more import double, positive\n\n\ndef test_new():\n    {body}\n"
    with shop.site({"tests/test_new.py": new}, goal="coverage", tests=("tests/test_more.py",)) as site:
        (answer,) = covered(site)
    assert answer.evidence.state is (State.PASSED if counted else State.FAILED)
    assert answer.evidence.measured == int(counted)
    assert counted or "check nothing of it: assert what a wrong version" in answer.mend


@pytest.mark.slow  # five runs of pytest
def test_the_tests_that_failed_are_what_the_goal_fix_asks_for(shop) -> None:
    shop.commit(shop.edited("found + one", "found - one"))
    right = shop.validate(shop.edited("found - one", "found + one"))
    assert right.accepted
    assert right.of("fixed").how == "of 1 that failed; left: none"
    wrong = shop.validate(shop.edited("found - one", "found * one"))
    assert wrong.sound
    assert not wrong.accepted
    assert "test_total still fails: assert 0 == 3" in wrong.suggestions["fixed"]
    breaking = shop.edited("found - one", "found + one") | shop.edited("found - one", "found + one")
    breaking = {path: text.replace("sorted(prices)[0]", "max(prices)") for path, text in breaking.items()}
    assert not shop.validate(breaking).sound


@pytest.mark.slow  # four runs of pytest
def test_generated_tests_are_made_from_the_original_and_run_on_the_change(shop, monkeypatch) -> None:
    text = "from shop.prices import total\n\n\ndef test_made():\n    assert total([5, 5]) == 10\n"
    monkeypatch.setattr(generating, "_written", lambda site: {"tests/test_made.py": text})
    for new, failing in (("one + found", 0), ("found + 1", 1)):
        with shop.site(shop.edited("found + one", new)) as site:
            (answer,) = generated(site)
        assert answer.evidence.measured == failing


def test_without_a_generator_of_tests_that_is_said(shop, monkeypatch) -> None:
    monkeypatch.setattr(generating, "DOOR", "bloomery.source.no_such_room:generate")
    with shop.site(shop.edited("found + one", "one + found")) as site:
        (answer,) = generated(site)
    assert answer.evidence.state is State.NOT_RUN
    assert answer.evidence.required
    assert "no_such_room" in answer.evidence.reason


FAKE = """\
#!/bin/sh
case "$2" in
create) cp -r "${5#--source-root=}" "$3" ;;
analyze)
  if grep -rq eval "$3"; then found='{"ruleId": "py/eval", "locations": [{"physicalLocation":
    {"artifactLocation": {"uri": "src/shop/prices.py"}}}]}'; else found=''; fi
  echo "{\\"runs\\": [{\\"results\\": [$found]}]}" > "${6#--output=}" ;;
esac
"""


def test_codeqls_findings_are_compared_where_it_is_installed(shop, tmp_path, monkeypatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/codeql").write_text(FAKE)
    (tmp_path / "bin/codeql").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    with shop.site(shop.edited(*UNSAFE)) as site:
        (answer,) = flow(site)
    assert answer.evidence.measured == 1
    assert "src/shop/prices.py: py/eval" in answer.mend
    assert not answer.evidence.required


def test_codeql_is_given_nothing_of_the_environment_that_it_does_not_need(tmp_path, monkeypatch) -> None:
    tool = tmp_path / "codeql"
    tool.write_text(
        f'#!/bin/sh\nenv >> {tmp_path}/env\n[ "$2" = create ] || echo \'{{"runs": []}}\' > "${{6#*=}}"\n'
    )
    tool.chmod(0o755)
    given = {"HOME": str(tmp_path), "LANG": "C.UTF-8", "TMPDIR": str(tmp_path), "CODEQL_THREADS": "1"}
    kept_back = {
        "GITHUB_TOKEN": "planted-1",
        "AWS_SECRET_ACCESS_KEY": "planted-2",
        "MY_CODEQL_KEY": "planted-3",
    }
    for name, value in (given | kept_back).items():
        monkeypatch.setenv(name, value)
    findings(str(tool), tmp_path, ["a.py"])
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert "planted" not in str(seen)
    by_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert seen.keys() - by_the_shell == {*given, "PATH"}
    assert given.items() <= seen.items()


def test_who_imports_what_is_changed_is_looked_at_for_types(shop) -> None:
    shop.write({
        "src/shop/uses.py": "from shop.prices import total\n",
        "src/shop/names.py": "# prices\n",
        "src/shop/other.py": json.dumps(1),
    })  # fmt: skip
    assert importers(shop.root, ["src/shop/prices.py"]) == ["src/shop/uses.py"]


@pytest.mark.parametrize(
    ("worse", "better", "states"), [((), ("a",), "pp"), (("b",), ("a",), "fp"), ((), (), "pf")]
)
def test_the_goal_robustness_asks_for_what_breaks_no_more_and_for_nothing_new(
    shop, monkeypatch, worse, better, states
) -> None:
    evidence = judge(NO_WORSE, len(worse), how="", duration_s=0.0)
    found = UnderFaults(evidence, worse=worse, better=better, schedules=4)  # type: ignore[arg-type]
    monkeypatch.setattr(under_faults, "compare_under_faults", lambda *_, **__: found)
    with shop.site(shop.edited("found + one", "one + found"), goal="robustness") as site:
        no_worse, sturdier = faults(site)
    assert "".join(str(one.evidence.state)[0] for one in (no_worse, sturdier)) == states
    assert bool(no_worse.mend) == bool(worse)


def test_faults_that_could_not_be_tried_are_not_run(shop, monkeypatch) -> None:
    found = UnderFaults(not_run(NO_WORSE, "no scenario"))
    monkeypatch.setattr(under_faults, "compare_under_faults", lambda *_, **__: found)
    with shop.site(shop.edited("found + one", "one + found"), goal="robustness", level="basic") as site:
        answers = faults(site)
    assert [one.evidence.reason for one in answers] == ["no scenario", "no scenario"]
    assert all(one.evidence.required for one in answers)
