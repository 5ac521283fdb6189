import json
from pathlib import Path

import pytest

from bloomery.core.errors import FormatRefused, MissingFile, UserError
from bloomery.optimize.github import events
from bloomery.optimize.github.approving import Ask
from bloomery.optimize.github.events import Event, Task

HEAD = "c" * 40
ADA = {"login": "ada", "type": "User"}


def review(state: str = "approved") -> Event:
    plain = {"state": state, "user": ADA, "commit_id": HEAD}
    return Event(
        name="pull_request_review",
        body={"action": "submitted", "review": plain, "pull_request": {"number": 5}},
    )


def comment(text: str, *, on_pull: bool = True, action: str = "created") -> Event:
    issue = {"number": 5} | ({"pull_request": {}} if on_pull else {})
    return Event(
        name="issue_comment", body={"action": action, "issue": issue, "comment": {"body": text, "user": ADA}}
    )


def by_hand(**inputs: str) -> Event:
    return Event(name="workflow_dispatch", body={"inputs": inputs, "sender": ADA})


def labelled(body: str, label: str = "needs-optimization", title: str = "slow sums") -> Event:
    issue = {"number": 9, "title": title, "body": body}
    return Event(name="issues", body={"issue": issue, "label": {"name": label}})


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        (review(), {"kind": "review", "commit": HEAD}),
        (comment("/approve"), {"kind": "comment", "commit": None}),
        (comment(f"/approve {HEAD[:12]}\r\n\r\nlooks good"), {"kind": "comment", "commit": HEAD[:12]}),
        (by_hand(pull="5"), {"kind": "hand", "commit": None}),
        (by_hand(pull="5", commit=HEAD), {"kind": "hand", "commit": HEAD}),
    ],
)
def test_who_approves_which_commit_is_read_from_the_event(event, asked):
    assert events.approval(event) == Ask(pull=5, by="ada", **asked)


@pytest.mark.parametrize(
    "event",
    [
        review("commented"),
        review("changes_requested"),
        comment("please do not /approve"),
        comment("/approved by nobody"),
        comment("/approve; rm -rf /"),
        comment("/approve", on_pull=False),
        comment("/approve", action="edited"),
        by_hand(pull="5; echo"),
        by_hand(),
        Event(name="push", body={}),
    ],
)
def test_whatever_else_approves_nothing(event):
    with pytest.raises(UserError, match="nothing is approved"):
        events.approval(event)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "engine.py").touch()
    (tmp_path / "tests").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "body",
    [
        "It takes minutes.\ntarget: src/engine.py\nGoal: memory\ntests: tests/",
        "### Target\r\n\r\nsrc/engine.py\r\n\r\n### Goal\r\n\r\nmemory\r\n\r\n### Tests\r\n\r\ntests/\r\n",
        "- **target**: `src/engine.py`\n- **goal**: `memory`\n- **tests**: `tests/`\n",
    ],
)
def test_an_issue_with_the_label_says_what_to_optimize(root, body):
    found = events.task(labelled(body), root, target="src", goal="speed")
    assert (found.target, found.goal, found.tests, found.issue) == ("src/engine.py", "memory", "tests/", 9)
    assert found.description.startswith("slow sums")


def test_what_no_event_says_is_as_usual(root):
    for event in (labelled("just slow"), by_hand(), Event(name="schedule", body={})):
        found = events.task(event, root, target="src", goal="speed")
        assert (found.target, found.goal, found.tests) == ("src", "speed", "")
    assert events.task(by_hand(description="less memory"), root, target="src", goal="speed") == Task(
        target="src", goal="speed", description="less memory"
    )


@pytest.mark.parametrize(
    "said",
    ["target: ../../etc/passwd", "target: /etc/passwd", "target: --help", "target: .git/config", "goal: no",
     "target: src/absent.py", "tests: ../x", "target: $(id)", "target: link"],
)  # fmt: skip
def test_a_stranger_s_issue_reaches_nothing_outside(root, said):
    (root / "link").symlink_to("/etc")
    with pytest.raises(UserError):
        events.task(labelled(said), root, target="src", goal="speed")


def test_another_label_starts_nothing(root):
    with pytest.raises(UserError, match="needs-optimization"):
        events.task(labelled("", label="bug"), root, target="src", goal="speed")


def test_no_value_passes_for_another_output(tmp_path: Path):
    path = tmp_path / "out"
    evil = "x\nEOF\nenough=true\nend-\ngoal<<end-1\nfix\n"
    events.outputs({"description": evil, "goal": "speed"}, {"GITHUB_OUTPUT": str(path)})
    assert read_outputs(path) == {"description": evil, "goal": "speed"}


def read_outputs(path: Path) -> dict[str, str]:
    """As GitHub's runner reads them: `name<<end`, lines, `end`."""
    found, lines = {}, iter(path.read_text().split("\n"))
    for line in lines:
        if line:
            name, end = line.split("<<", 1)
            found[name] = "\n".join(iter(lambda end=end: next(lines), end))
    return found


def test_a_summary_shows_no_token(tmp_path: Path):
    token = "ghp_" + "a1B2c3D4e5" * 4
    events.summary(f"the token {token}", {"GITHUB_STEP_SUMMARY": str(tmp_path / "page")})
    assert token not in (tmp_path / "page").read_text()


def test_outside_of_a_workflow_it_is_said(tmp_path: Path):
    with pytest.raises(MissingFile, match="by hand"):
        Event.of({})
    path = tmp_path / "event.json"
    path.write_text("{")
    told = {"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(path)}
    with pytest.raises(FormatRefused):
        Event.of(told)
    path.write_text(json.dumps({"a": 1}))
    assert Event.of(told) == Event(name="push", body={"a": 1})
