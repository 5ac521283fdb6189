import copy
import re
from html.parser import HTMLParser

import pytest

from bloomery.core.report import render_html
from bloomery.core.report.curves import MOST_POINTS, chart, curve_groups, thinned
from bloomery.core.report.graph import lineage_graph
from bloomery.core.report.page import duration, flattened, number, size

EVIDENCE = {
    "check": "accurate",
    "state": "passed",
    "bar": ">= 0.5",
    "measured": 0.75,
    "unit": "",
    "interval": [0.6, 0.8],
    "baseline": None,
    "chance": 0.1,
    "how": "a.b",
    "duration_s": 0.0,
    "inputs": ["bafyinput0001"],
    "reason": "",
    "required": True,
    "run": "r1",
    "step": "judge",
}
DATA = {
    "format": "bloomery report 1",
    "bloomery": "0.1.0",
    "run": {
        "id": "r1",
        "recipe": "small",
        "seed": 3,
        "status": "done",
        "command": "bloomery forge run small",
        "started_at": "2026-01-02T03:04:05+00:00",
        "finished_at": None,
        "elapsed_s": None,
    },
    "summary": {
        "evidence": {"passed": 1, "failed": 1, "not_run": 1},
        "unmet": [],
        "steps": {"done": 1},
        "measured_s": 4.0,
    },
    "steps": [
        {
            "name": "judge",
            "key": "ab" * 32,
            "status": "done",
            "note": "",
            "duration_s": 4.0,
            "outputs": {"scores": "bafyscores001"},
            "metrics": {
                "loss/train": [(0, 2.0), (1, 1.0)],
                "loss/test": [(0, 3.0), (1, None)],
                "gate": [(0, 1.0), (1, 2.0)],
                "size": [(0, 9.0)],
            },
            "evidence": [
                EVIDENCE,
                EVIDENCE | {"check": "memory helps", "state": "failed", "measured": 0.1},
                EVIDENCE
                | {
                    "check": "small",
                    "state": "not_run",
                    "measured": None,
                    "interval": None,
                    "reason": "no GPU",
                },
            ],
        }
    ],
    "artifacts": [
        {
            "cid": "bafymodel0001",
            "name": "model",
            "step": "base",
            "of_this_run": False,
            "kind": "model",
            "size_bytes": 2048,
            "parents": [],
            "facts": {"parameters": 7},
        },
        {
            "cid": "bafyscores001",
            "name": "scores",
            "step": "judge",
            "of_this_run": True,
            "kind": "scores",
            "size_bytes": 10,
            "parents": ["bafymodel0001"],
            "facts": {},
        },
    ],
    "config": {"a": {"b": 1}, "c": []},
    "environment": {
        "python": "CPython 3.11",
        "git": {"commit": "abc", "changed": True},
        "packages": {"numpy": "2"},
    },
}


@pytest.fixture(scope="module")
def page():
    return render_html(DATA)


class Tags(HTMLParser):
    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_tag_is_closed(page):
    assert Tags(page).open == []


def test_the_page_asks_for_nothing_from_anywhere(page):
    loading = {"src", "href", "xlink:href", "data", "action", "poster", "srcset"}
    tags = Tags(page).seen
    targets = [value for _, attributes in tags for name, value in attributes.items() if name in loading]
    assert targets
    assert all(target.startswith("#") for target in targets)
    assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in tags}
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_no_id_stands_twice(page):
    ids = [attributes["id"] for _, attributes in Tags(page).seen if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_links_lead_somewhere(page):
    tags = Tags(page).seen
    ids = {attributes.get("id") for _, attributes in tags}
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "a"} <= ids


def test_the_three_states_differ_in_words_and_not_only_in_colour(page):
    badges = re.findall(r'<span class="badge (\w+)">([^<]+)</span>', page)
    assert [badge for badge in badges if badge[0] != "done"] == [
        ("passed", "passed"),
        ("failed", "failed"),
        ("not_run", "not run"),
    ]
    assert "1 of 3 checks passed, 1 failed, 1 was not run." in page


def test_what_is_required_and_not_passed_is_called_out():
    data = DATA | {"summary": DATA["summary"] | {"unmet": DATA["steps"][0]["evidence"][1:]}}
    assert "Required, and not passed" in render_html(data)
    assert "not run, no GPU" in render_html(data)
    assert "Required, and not passed" not in render_html(DATA)


def test_figures_stand_beside_their_cids_and_commands(page):
    for text in (
        "bloomery forge run small",
        "bafyscores001",
        "bafymodel0001",
        "bafyinput0001",
        "ab" * 32,
        "a.b",
    ):
        assert text in page


def test_markup_in_names_and_values_stays_text():
    data = copy.deepcopy(DATA)
    nasty = "<script>alert('x')</script>"
    data["run"]["recipe"] = data["steps"][0]["name"] = data["config"]["a"]["b"] = nasty
    data["steps"][0]["metrics"] = {nasty: [(0, 1.0), (1, 2.0)], f"l/{nasty}": [(0, 1.0), (1, 2.0)]}
    data["artifacts"][0]["name"] = nasty
    assert "<script" not in render_html(data)


def test_an_empty_run_has_a_page_too():
    data = DATA | {"steps": [], "artifacts": [], "config": {}}
    data["summary"] = {
        "evidence": dict.fromkeys(("passed", "failed", "not_run"), 0),
        "unmet": [],
        "steps": {},
        "measured_s": 0,
    }
    assert "Nothing was measured in this run." in render_html(data)


def test_the_same_data_give_the_same_page(page):
    assert render_html(DATA) == page


def test_curves_of_one_family_share_a_chart_and_single_points_have_none():
    groups = curve_groups({"loss/a": [(0, 1.0), (1, 1.0)], "loss/b": [(0, 1.0), (1, 2.0)], "one": [(0, 1.0)]})
    assert {name: list(curves) for name, curves in groups.items()} == {"loss": ["loss/a", "loss/b"]}


def test_a_chart_takes_its_ink_from_the_page_and_says_what_it_is():
    svg = chart('base: "loss" <1>', {"loss": [(0, 1.0), (5, 2.0)]})
    assert svg.startswith('<svg role="img" aria-label="base: &quot;loss&quot; &lt;1>"')
    assert "currentColor" in svg
    assert "#010203" not in svg


def test_a_long_curve_is_thinned_without_losing_its_spikes_or_ends():
    points = [(i, 0.0) for i in range(10_000)]
    points[4321] = (4321, 99.0)
    points[7777] = (7777, None)
    shown = thinned(points)
    assert len(shown) <= MOST_POINTS + 2
    assert (4321, 99.0) in shown
    assert (shown[0], shown[-1]) == (points[0], points[-1])
    assert [index for index, _ in shown] == sorted(index for index, _ in shown)


def test_a_short_curve_is_shown_as_it_is():
    points = [(0, 1.0), (1, None), (2, 3.0)]
    assert thinned(points) == points


def test_in_the_graph_everything_stands_right_of_what_it_was_made_from():
    def item(cid, *parents):
        return {"cid": cid, "parents": parents, "name": cid, "step": "", "kind": "k", "of_this_run": True}

    graph = lineage_graph([item("a"), item("b", "a"), item("c", "a", "lost"), item("d", "b", "c", "a")])
    x = {box.id: box.x for box in graph.boxes}
    assert x["a"] < x["b"] == x["c"] < x["d"]
    assert len({(box.x, box.y) for box in graph.boxes}) == 4
    assert len(graph.edges) == 5


TREE = {
    "title": "Lineage of <b>",
    "nodes": [
        {"id": "0.1", "title": "0.1 given", "subtitle": "0.5 linear", "parents": [], "strong": False},
        {"id": "1.1", "title": "1.1 mutation", "subtitle": "0.6 linear", "parents": ["0.1"], "strong": True},
    ],
}


def with_graph():
    data = copy.deepcopy(DATA)
    for artifact in data["artifacts"]:
        artifact["facts"] = {"graph": TREE, "size": 3}
        artifact["step"] = "search"
    return data


def test_a_graph_that_a_step_gave_is_drawn_once_and_told_in_words():
    page = render_html(with_graph())
    assert page.count("search: Lineage of &lt;b&gt;") == 1
    assert page.count("1.1 mutation: 0.6 linear, from 0.1") == 1
    tags = Tags(page)
    boxes = [attributes for tag, attributes in tags.seen if tag == "rect" and "rx" in attributes]
    assert len(boxes) == len(DATA["artifacts"]) + len(TREE["nodes"])
    assert not tags.open


def test_a_graph_is_not_printed_among_the_facts():
    page = render_html(with_graph())
    assert "size: <code>3" in page
    assert "graph: <code>" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (268123, "268\u202f123"),
        (0.82345, "0.8235"),
        (1.1e-05, "1.100e-05"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.0, "< 1 ms"),
        (0.25, "250 ms"),
        (59.94, "59.9 s"),
        (61, "1 min 01 s"),
        (7260, "2 h 01 min"),
    ],
)
def test_durations_are_written_for_people(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**41, "2.0 TiB")]
)
def test_sizes_are_written_for_people(count, text):
    assert size(count) == text


def test_a_config_is_shown_by_dotted_key():
    assert list(flattened({"a": {"b": 1}, "c": [], "d": "x"})) == [("a.b", "1"), ("c", "[]"), ("d", "x")]
