"""The record of calls: what is reserved and spent never passes a limit, also with many processes at once."""

import random
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import text

from bloomery.core.catalog import Calls, Catalog, LimitReached, SpendLimit, Spent
from bloomery.core.catalog.connection import Database
from bloomery.core.errors import Failure

ASKED = {"scope": "s", "purpose": "code", "model": "m"}


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Catalog.open(tmp_path / "c.sqlite").calls


def limit(**options: object) -> SpendLimit:
    return SpendLimit(name="test", **options)


def test_a_reservation_counts_until_what_was_really_spent_takes_its_place(calls: Calls) -> None:
    call = calls.reserve(**ASKED, tokens=100, cost_pico=1000, limits=[])
    assert calls.spent(limit()) == Spent(100, 1000)
    calls.settle(call, "settled", tokens=30, cost_pico=200, input_tokens=20, output_tokens=10)
    assert calls.spent(limit()) == Spent(30, 200)
    (record,) = calls.all()
    assert (record.state, record.input_tokens, record.output_tokens) == ("settled", 20, 10)


@pytest.mark.parametrize(
    ("left", "fits"),
    [
        ({"tokens": 100}, True),
        ({"tokens": 99}, False),
        ({"cost_pico": 1000}, True),
        ({"cost_pico": 999}, False),
        ({"cost_pico": 1000, "tokens": 99}, False),
        ({"cost_pico": 0, "scope": "another"}, False),
    ],
)
def test_a_bound_that_passes_the_limit_by_one_is_refused_and_leaves_nothing(calls, left, fits) -> None:
    if fits:
        calls.reserve(**ASKED, tokens=100, cost_pico=1000, limits=[limit(**left)])
        assert len(calls.all()) == 1
    else:
        with pytest.raises(LimitReached, match="the budget 'test' does not cover this call"):
            calls.reserve(**ASKED, tokens=100, cost_pico=1000, limits=[limit(**left)])
        assert calls.all() == []


def test_every_one_of_several_limits_must_cover_the_call(calls: Calls) -> None:
    with pytest.raises(LimitReached, match=r"50 tokens: 0 spent, up to 100 needed"):
        calls.reserve(**ASKED, tokens=100, cost_pico=1, limits=[limit(tokens=1000), limit(tokens=50)])


def test_what_another_scope_spent_or_what_was_spent_before_does_not_count(calls: Calls) -> None:
    calls.reserve(**ASKED, tokens=100, cost_pico=1000, limits=[])
    later = datetime.now(UTC) + timedelta(hours=1)
    assert calls.spent(limit(scope="another")) == Spent(0, 0)
    assert calls.spent(limit(since=later)) == Spent(0, 0)
    assert calls.spent(limit(scope="s", since=later - timedelta(hours=2))) == Spent(100, 1000)
    assert calls.all(scope="another") == []


def test_a_call_is_settled_once(calls: Calls) -> None:
    call = calls.reserve(**ASKED, tokens=1, cost_pico=1, limits=[])
    calls.settle(call, "refused", tokens=0, cost_pico=0, reason="429")
    with pytest.raises(Failure, match="settled already"):
        calls.settle(call, "settled", tokens=0, cost_pico=0)


def test_a_negative_bound_cannot_make_room(calls: Calls) -> None:
    with pytest.raises(ValueError, match="not negative"):
        calls.reserve(**ASKED, tokens=-1, cost_pico=0, limits=[])


def test_the_newest_answer_is_found_by_its_key_and_its_reuse_is_recorded_as_free(calls: Calls) -> None:
    assert calls.find_answer("k") is None
    for cid in ("first", "second"):
        call = calls.reserve(**ASKED, tokens=1, cost_pico=1, limits=[])
        calls.settle(call, "settled", tokens=1, cost_pico=1)
        calls.keep_answer(call, "k", cid)
    before = calls.spent(limit())
    assert calls.find_answer("k") == "second"
    calls.reused(**ASKED, key="k", answer="second")
    assert calls.spent(limit()) == before
    assert [call.state for call in calls.all()] == ["settled", "settled", "cached"]


def _spend_randomly(path: Path, seed: int) -> int:
    calls, rng, refused = Catalog.open(path).calls, random.Random(seed), 0
    for _ in range(25):
        try:
            bound = rng.randint(1, 40)
            call = calls.reserve(
                **ASKED, tokens=bound, cost_pico=bound, limits=[limit(tokens=500, cost_pico=500)]
            )
        except LimitReached:
            refused += 1
        else:
            used = rng.randint(0, bound)
            calls.settle(call, "settled", tokens=used, cost_pico=used)
    return refused


def test_many_processes_together_stay_within_one_limit(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    Catalog.open(path)
    with ProcessPoolExecutor(4, get_context("fork")) as pool:
        refused = list(pool.map(_spend_randomly, [path] * 4, range(4)))
    spent = Catalog.open(path).calls.spent(limit())
    assert spent.tokens == spent.cost_pico <= 500
    assert spent.tokens > 460  # less than the largest bound is left: the limit was reached, not avoided
    assert sum(refused) > 0


def test_a_catalog_of_before_calls_were_recorded_is_brought_up_to_date(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from bloomery.core.catalog.schema import MIGRATIONS

    database = Database(tmp_path / "c.sqlite")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO artifacts VALUES ('c','k',1,NULL,NULL,'n','{}','2026-01-01')"))
    database.close()
    catalog = Catalog.open(tmp_path / "c.sqlite")
    assert [one.cid for one in catalog.artifacts()] == ["c"]
    assert catalog.calls.all() == []


def test_a_copy_of_the_catalog_holds_the_calls(tmp_path: Path) -> None:
    catalog = Catalog.open(tmp_path / "c.sqlite")
    catalog.calls.reserve(**ASKED, tokens=7, cost_pico=8, limits=[])
    copy = Catalog.open(tmp_path / "d.sqlite")
    catalog.copy_into(copy)
    assert copy.calls.all() == catalog.calls.all()
