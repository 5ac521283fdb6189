"""Offers that overlap: merged and validated again, made anew, or shown to a person."""

import pytest

from bloomery.core.errors import UserError
from bloomery.optimize.changes import apply, approve, check
from bloomery.optimize.coordinating import resolve, show
from tests.optimize.coordinating.working import MODULE

SUM = ("    for item in items:\n        found = found + item\n", "    found = sum(items)\n")
PLUS = ("found = found + item", "found += item")
START = ("    found = 0\n", "    found = 0  # of numbers\n")
MAX = (
    "    for item in items:\n        if item > found:\n            found = item\n",
    "    found = max(items)\n",
)
LIMIT = ("LIMIT = 10", "LIMIT = 900")
WORDS = ('    for part in text.split(" "):\n        parts.append(part)\n', '    parts += text.split(" ")\n')


def test_offers_that_are_apart_are_put_up_each_for_itself(shop) -> None:
    before = shop.snapshot()
    shop.ask(SUM)
    shop.ask(MAX)
    done = shop.work()
    assert [task.state for task in done.tasks] == ["done", "done"]
    assert len(shop.offers("ready")) == 2
    assert done.conflicts == ()
    assert all(shop.ledger.records.patch(cid).status == "validated" for cid in shop.offers("ready"))
    assert shop.snapshot() == before
    assert check(shop.ledger) == []


def test_what_touches_is_merged_and_validated_again(shop) -> None:
    shop.ask(PLUS)
    shop.ask(START)
    (conflict,) = shop.work().conflicts
    (ready,) = shop.offers("ready")
    assert (conflict.state, conflict.merged, conflict.by) == ("merged", ready, "coordination")
    assert "ops.py:symbol:total" in conflict.overlaps
    assert len(shop.offers("merged")) == 2
    assert shop.result(ready) == MODULE.replace(*PLUS).replace(*START)
    approve(shop.ledger, ready, by="Ada")
    apply(shop.ledger, ready, by="Ada")
    assert shop.read("ops.py") == MODULE.replace(*PLUS).replace(*START)


@pytest.mark.slow
def test_three_that_overlap_become_one(shop) -> None:
    for pair in (PLUS, START, ("def total(items):", 'def total(items):\n    """The sum."""')):
        shop.ask(pair)
    assert [one.state for one in shop.work().conflicts] == ["merged", "merged"]
    (ready,) = shop.offers("ready")
    assert all(text in shop.result(ready) for text in (PLUS[1], START[1], '"""The sum."""'))
    assert {offer.task for offer in shop.workspace.catalog.conflicts.offers(cid=ready)} == {
        task.name for task in shop.workspace.catalog.queue.tasks()
    }


@pytest.mark.slow
def test_what_cannot_be_merged_is_done_anew_on_top(shop) -> None:
    shop.ask(("found = found + item", "found = found + item  # a"))
    loop = "    for item in items:\n        found = found + item"
    shop.ask((loop, loop.replace("items", "list(items)")))
    done = shop.work()
    (ready,) = shop.offers("ready")
    assert [one.state for one in done.conflicts] == ["merged"]
    assert "for item in list(items):\n        found = found + item  # a\n" in shop.result(ready)


def test_the_same_leaf_changed_twice_is_done_anew_where_that_can_be(shop) -> None:
    shop.ask(("return found\n\n\ndef largest", "return +found\n\n\ndef largest"))
    shop.ask(("found\n\n\ndef largest", "found or 0\n\n\ndef largest"))
    done = shop.work()
    (ready,) = shop.offers("ready")
    assert [(one.state, one.reason) for one in done.conflicts] == [
        ("merged", "made anew on top of the other")
    ]
    assert "return +found or 0\n" in shop.result(ready)
    assert len(shop.offers("redone")) == 1
    assert [task.attempts for task in done.tasks] == [1, 1]


def test_what_nobody_can_settle_is_shown_to_a_person_with_both_sides(shop) -> None:
    shop.ask(("LIMIT = 10", "LIMIT = 20"))
    shop.ask(("LIMIT = 10", "LIMIT = 30"))
    (conflict,) = shop.work().conflicts
    assert conflict.state == "open"
    assert shop.offers("ready") == [conflict.one]
    assert shop.offers("contested") == [conflict.other]
    shown = show(shop.ledger, conflict)
    assert "+LIMIT = 20" in shown
    assert "+LIMIT = 30" in shown
    assert "<<<<<<< one" not in shown or "LIMIT = 10" in shown
    assert [entry.event for entry in shop.ledger.records.audit() if entry.subject == conflict.name] == [
        "conflict_redoing",
        "conflict_open",
    ]


def open_conflict(shop):
    shop.ask(("LIMIT = 10", "LIMIT = 20"))
    shop.ask(("LIMIT = 10", "LIMIT = 30"))
    (conflict,) = shop.work().conflicts
    return conflict


@pytest.mark.parametrize(
    ("choice", "ready"),
    [
        ("other", ["30"]),
        pytest.param("one", ["20"], marks=pytest.mark.slow),
        pytest.param("neither", [], marks=pytest.mark.slow),
    ],
)
def test_a_person_decides(shop, choice: str, ready: list[str]) -> None:
    conflict = open_conflict(shop)
    decided = resolve(shop.ledger, conflict.name[:6], choice, by="Ada", reason="I know")
    shop.work()
    assert (decided.state, decided.decision, decided.by) == ("decided", choice, "Ada")
    texts = [shop.result(cid) for cid in shop.offers("ready")]
    assert [number for text in texts for number in ("20", "30") if f"LIMIT = {number}" in text] == ready
    with pytest.raises(UserError, match="decided already"):
        resolve(shop.ledger, conflict.name, "one", by="Ada")


@pytest.mark.slow
def test_a_person_may_put_another_patch_in_the_place_of_both(shop) -> None:
    conflict = open_conflict(shop)
    own = shop.approved({"ops.py": MODULE.replace("LIMIT = 10", "LIMIT = 25")}).cid
    resolve(shop.ledger, conflict.name, "merged", by="Ada", patch=own)
    assert shop.offers("ready") == [own]
    assert len(shop.offers("merged")) == 2


def test_an_agent_is_no_person(shop) -> None:
    conflict = open_conflict(shop)
    for name in ("", "auto"):
        with pytest.raises(UserError, match="by a person"):
            resolve(shop.ledger, conflict.name, "one", by=name)
    with pytest.raises(UserError, match="with the choice 'merged'"):
        resolve(shop.ledger, conflict.name, "merged", by="Ada")


def test_what_merges_and_does_not_pass_together_is_no_merge(shop) -> None:
    """Each alone passes the check; both in one make it fail, though no line of them meets."""
    shop.ask(("LIMIT = 10", "LIMIT = 999"))
    shop.ask(("LIMIT = 10\n", "LIMIT = 10\nASK = 1\n"), ("    return parts\n", "    return [*parts]\n"))
    shop.write("check.py", "import ops\nassert ops.LIMIT == 10 or not hasattr(ops, 'ASK')\n")
    shop.commit("another check")
    (conflict,) = shop.work().conflicts
    assert conflict.state == "open"
    assert "does not pass" in conflict.reason
    assert "check: failed" in conflict.reason


@pytest.mark.slow
def test_a_use_of_what_the_other_changes_is_tried_together(shop) -> None:
    shop.ask(("def total(items):", "def total(items, start=0):"))
    shop.ask(("    return parts\n", "    return parts if total([]) == 0 else []\n"))
    assert shop.work().conflicts == ()
    assert len(shop.offers("ready")) == 2
    shop.ask(("def words(text):", "def words(text, gap):"), ('split(" ")', "split(gap)"))
    assert [offer.state for offer in shop.work().offers][-1] == "refused"


@pytest.mark.slow
def test_a_use_that_breaks_with_the_other_is_no_pair(shop) -> None:
    shop.write("check.py", "import ops\nassert ops.LIMIT and ops.largest([1, 2]) == 2\n")
    shop.commit("a check that calls less")
    shop.ask(("def total(items):", "def total(items, start):"))
    shop.ask(
        ("LIMIT = 10", "LIMIT = 10"), ("    return parts\n", "    return parts\n\n\nTEN = total([10])\n")
    )
    (conflict,) = shop.work().conflicts
    assert conflict.state == "open"
    assert conflict.overlaps == ("ops.py:use:total",)


def test_what_fails_alone_is_refused(shop) -> None:
    shop.ask(("found = found + item", "found = found - item"))
    (offer,) = shop.work().offers
    assert (offer.state, offer.reason.partition(" (")[0]) == ("refused", "check: failed")


@pytest.mark.slow
def test_the_same_patch_of_two_tasks_is_put_up_once(shop) -> None:
    shop.ask(PLUS)
    shop.ask(PLUS, priority=51, method="adversarial")
    done = shop.work()
    assert done.conflicts == ()
    assert len(set(shop.offers("ready"))) == 1


@pytest.mark.slow
def test_one_that_holds_the_other_takes_its_place(shop) -> None:
    shop.ask(PLUS)
    shop.ask(PLUS, START)
    (conflict,) = shop.work().conflicts
    (ready,) = set(shop.offers("ready"))
    assert conflict.merged == ready
    assert shop.result(ready) == MODULE.replace(*PLUS).replace(*START)
    assert len(shop.offers("merged")) == 1


@pytest.mark.slow
def test_what_a_person_rejected_is_in_nobodys_way(shop) -> None:
    from bloomery.optimize.changes import reject

    shop.ask(("LIMIT = 10", "LIMIT = 20"))
    shop.work()
    reject(shop.ledger, shop.offers("ready")[0], by="Ada")
    shop.ask(("LIMIT = 10", "LIMIT = 30"))
    assert shop.work().conflicts == ()


def test_a_tree_that_moved_on_is_merged_with(shop) -> None:
    shop.ask(PLUS)
    shop.work()
    shop.write("ops.py", MODULE.replace("LIMIT = 10", "LIMIT = 11"))
    shop.commit("somebody's own")
    shop.ask(START)
    shop.work()
    (ready,) = shop.offers("ready")
    assert "LIMIT = 11" in shop.result(ready)
    assert PLUS[1] in shop.result(ready)


@pytest.mark.slow
def test_settling_again_changes_nothing(shop) -> None:
    for pair in (PLUS, START, ("LIMIT = 10", "LIMIT = 20"), ("LIMIT = 10", "LIMIT = 30")):
        shop.ask(pair)
    first = shop.work()
    audit = shop.ledger.records.audit()
    again = shop.work()
    assert (again.offers, again.conflicts, again.tasks) == (first.offers, first.conflicts, first.tasks)
    assert shop.ledger.records.audit() == audit
