"""A plan is read back from its document and from JSON as it was."""

import re
from dataclasses import replace

import pytest
import yaml

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.papers.planning import (
    ENVIRONMENTS,
    INTENTS,
    from_json,
    parse,
    plan,
    read_plan,
    render,
    stale,
    to_json,
)


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_rendered_plan_is_read_back_as_it_was(papers, tmp_path, intent, environment):
    chosen = ["delta:4"] if intent == "component" else []
    made = plan(papers, intent, environment, components=chosen)
    path = tmp_path / "IMPLEMENTATION_PLAN.md"
    path.write_text(render(made), encoding="utf-8")
    assert read_plan(path) == made
    assert from_json(to_json(made)) == made


def test_ticked_boxes_and_edited_prose_change_nothing_in_what_is_read(papers):
    made = plan(papers)
    text = render(made, {"delta:4": "passing"}).replace("## Executive Summary", "## In Short", 1)
    assert parse(text) == made


def test_the_metadata_are_yaml_with_sorted_keys_and_the_template_s_fields(papers):
    text = render(plan(papers, files={"river": "contexts/river.md"}))
    stated = yaml.safe_load(text[text.rindex("```yaml\n") + 8 : text.rindex("```")])
    assert list(stated) == sorted(stated)
    assert list(stated["plan"]) == sorted(stated["plan"])
    assert stated["total_equations"] == 8
    assert stated["total_algorithms"] == 1
    assert stated["plan_version"] == "1.0"
    assert stated["generated_at"] == "2025-03-04"
    assert [(paper["id"], paper["context_file"]) for paper in stated["papers_included"]] == [
        ("spring", "SPRING.context.md"),
        ("river", "contexts/river.md"),
        ("delta", "DELTA.context.md"),
    ]
    told = re.search(r"- Estimated time: ([\d.]+) hours", text)
    assert told
    assert 0 <= float(told[1]) - stated["estimated_hours"] < 1  # told in whole hours above a day


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("total_equations: 8", "total_equations: 9", "total_equations is 9, and the plan has 8"),
        ('plan_version: "1.0"', 'plan_version: "0.9"', "version 1.0"),
        ("total_algorithms: 1\n", "", "total_algorithms"),
        ("total_algorithms: 1\n", "total_algorithms: 1\nsurprise: 1\n", "surprise"),
        ("total_algorithms: 1\n", "total_algorithms: 1\ntotal_algorithms: 1\n", "given twice"),
        ('"kind": "equation test"', '"kind": "equation tests"', "kind"),
        ('"minutes": 30', '"minutes": "30"', "minutes"),
        ('    - {"equations": ["delta:4"]', '    - {"equation": ["delta:4"]', "equation"),
        ("total_equations: 8", "total_equations: [8", "no JSON"),
        ("total_equations: 8", "Total: 8", "expected `key: value`"),
        ("\nplan:\n", "\nplan: 3\n", "expected `key: value`"),
        ("  goals:\n", "  goals:\n  empty:\n", "nothing follows 'plan.goals:'"),
        ("  goals:\n", "  goals:\n    key: 3\n", "expected `key: value`"),
        ("total_equations: 8", "- 8", "expected `key: value`"),
        ("total_equations: 8", "      - 8", "expected `key: value`"),
        ('"minutes": 30', '"minutes": 30, "minutes": 30', "a key is given twice"),
        ("src/spring_river_delta/train.py", "../train.py", "no path inside the project"),
        ("src/spring_river_delta/train.py", "/train.py", "no path inside the project"),
        ('"needs": ["6.1", ', '"needs": ["9.1", ', "waits for 9.1"),
        ('"id": "3.1.2"', '"id": "3.1.1"', "two tasks are 3.1.1"),
        ("## METADATA", "## METDATA", "expected '## METADATA'"),
    ],
)
def test_damaged_metadata_are_refused_with_their_line(papers, old, new, said):
    text = render(plan(papers))
    top, _, bottom = text.rpartition("## METADATA")
    damaged = top + ("## METADATA" + bottom).replace(old, new)
    assert damaged != text
    with pytest.raises(FormatRefused, match=r"^plan\.md:\d+: ") as refused:
        parse(damaged, "plan.md")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_line_of_a_wrong_total_is_its_own(papers):
    text = render(plan(papers)).replace("total_equations: 8", "total_equations: 9")
    line = text.split("\n").index("total_equations: 9") + 1
    with pytest.raises(FormatRefused, match=rf"plan\.md:{line}: "):
        parse(text, "plan.md")


def test_files_that_are_no_plan_are_refused(tmp_path):
    with pytest.raises(MissingFile, match="there is none"):
        read_plan(tmp_path / "PLAN.md")
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatRefused, match="UTF-8"):
        read_plan(tmp_path / "binary.md")
    with pytest.raises(FormatRefused, match="plan:1: expected JSON"):
        from_json("{")
    with pytest.raises(FormatRefused, match="this is no plan"):
        from_json("{}")


def test_a_changed_context_makes_its_paper_stale(papers):
    made = plan(papers)
    assert stale(made, reversed(papers)) == []
    changed = replace(papers[1], contribution="more water")
    assert stale(made, [papers[0], changed]) == ["river", "delta"]
