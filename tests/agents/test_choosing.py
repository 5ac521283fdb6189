"""Who is asked for what."""

from datetime import date

import pytest

from bloomery.agents.choosing import chosen, configured, old_prices
from bloomery.agents.errors import NoModel
from bloomery.agents.settings import Skills
from tests.agents.fakes import PRICED, Fake, entry, settings

ENTRIES = {
    "dear": entry(good_at=Skills(code=5, tests=0, analysis=3), input_price=9.0, priced_on="2026-11-22"),
    "even": entry(good_at=Skills(code=5, tests=2, analysis=3), input_price=3.0, priced_on="2026-11-22"),
    "cheap": entry(good_at=Skills(code=3, tests=5, analysis=3), input_price=1.0, priced_on="2026-11-22"),
}


def order(skill: str, tokens: int = 100, **changes: object) -> list[str]:
    how = settings(ENTRIES, **changes)
    return [one.name for one in chosen(how, configured(how, {}), skill, tokens)[0]]


@pytest.mark.parametrize(
    ("skill", "changes", "expected"),
    [
        ("code", {}, ["even", "dear", "cheap"]),  # the better first, of equals the cheaper
        ("tests", {}, ["cheap", "even"]),  # who cannot is not asked
        ("code", {"prefer": "price"}, ["cheap", "even", "dear"]),
        ("code", {"least_skill": 4}, ["even", "dear"]),
        ("code", {"prefer": "price", "fallbacks": 0}, ["cheap"]),
        ("tests", {"chain": ("dear", "cheap")}, ["dear", "cheap"]),  # a chain says it all
    ],
)
def test_the_order_follows_the_task_the_price_and_the_wish(skill, changes, expected) -> None:
    assert order(skill, **changes) == expected


def test_servers_of_ones_own_come_first_where_they_are_preferred() -> None:
    entries = {
        "far": entry(provider="openai", base_url="", good_at=Skills(code=5)),
        "near": entry(good_at=Skills(code=2)),
    }
    how = settings(entries, prefer="local")
    names = [one.name for one in chosen(how, configured(how, {"OPENAI_API_KEY": "k"}), "code", 1)[0]]
    assert names == ["near", "far"]


@pytest.mark.parametrize(("tokens", "asked"), [(900, True), (901, False)])
def test_a_prompt_that_may_not_fit_with_its_answer_is_not_sent(tokens, asked) -> None:
    how = settings({"small": entry(context_tokens=1000, max_tokens=100)})
    fit, refused = chosen(how, configured(how, {}), "code", tokens)
    assert [one.name for one in fit] == ["small"] * asked
    if not asked:
        assert "may have 1001 tokens, and it takes 1000" in str(refused[0])


def test_a_server_that_wants_a_key_is_only_asked_with_it() -> None:
    how = settings({"mine": entry(key_name="MINE_KEY")})
    assert configured(how, {}) == []
    assert [one.name for one in configured(how, {"MINE_KEY": "k"})] == ["mine"]


def test_that_nobody_is_fit_is_told_with_reasons(question) -> None:
    router = Fake({}).router(settings({"tiny": entry(context_tokens=50, **PRICED)}))
    with pytest.raises(NoModel, match=r"fit for 'critic' \(tiny: prompt and answer may have"):
        router.ask(question, object)


@pytest.mark.parametrize(("day", "old"), [("2026-12-31", ["dear"]), ("2026-11-22", []), ("2026-12-02", [])])
def test_prices_that_were_looked_at_too_long_ago_are_warned_of(day, old) -> None:
    how = settings({"dear": entry(**PRICED), "free": entry()}, trusted_days=10)
    found = old_prices(how, configured(how, {}), date.fromisoformat(day))
    assert [one.name for one in found] == old


def test_an_old_price_is_said_when_the_models_are_opened(capsys) -> None:
    Fake({}).router(settings({"tiny": entry(**{**PRICED, "priced_on": "2020-01-01"})}))
    assert "a price is old" in capsys.readouterr().err
