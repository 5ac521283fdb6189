"""The table of models, what a user may change of it, and what is refused."""

from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

from bloomery.agents.settings import Budget, ModelEntry, Settings, pico_a_token
from bloomery.core.errors import ConfigError, UnknownName
from tests.agents.fakes import entry, settings

TABLE = Settings.load().models


@pytest.mark.parametrize("name", TABLE)
def test_the_packaged_prices_are_those_that_genai_prices_knows_or_has_announced(name) -> None:
    """An independent list, kept by others: where it changes with its version, ours must follow."""
    ours = TABLE[name]
    provider = next(one for one in get_snapshot().providers if one.id == ours.provider)
    listed = next(one for one in provider.models if one.id == ours.model)
    dated = listed.prices if isinstance(listed.prices, list) else None
    prices = [one.prices for one in dated] if dated else [listed.prices]

    def dearest(field: str) -> Decimal | None:
        found = [getattr(one, field) for one in prices if getattr(one, field) is not None]
        return max((one.base if isinstance(one, TieredPrices) else one for one in found), default=None)

    tiers = [
        tier.start
        for price in prices
        for one in (price.input_mtok, price.output_mtok)
        if isinstance(one, TieredPrices)
        for tier in one.tiers
    ]
    assert Decimal(str(ours.input_price)) == dearest("input_mtok")
    assert Decimal(str(ours.output_price)) == dearest("output_mtok")
    assert Decimal(str(ours.prices[2])) == dearest("cache_read_mtok")
    assert Decimal(str(ours.prices[3])) == (dearest("cache_write_mtok") or dearest("input_mtok"))
    assert ours.context_tokens <= min([*tiers, listed.context_window])  # dearer prompts never fit


def test_every_provider_has_a_model_for_each_kind_of_work() -> None:
    for provider in ("openai", "anthropic", "google"):
        grades = [one.good_at for one in TABLE.values() if one.provider == provider]
        for skill in fields(type(grades[0])):
            assert max(getattr(one, skill.name) for one in grades) >= 4


def test_a_users_file_changes_single_fields_and_adds_models(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(
        "extends: agents/models\nprefer: local\nbudgets: [{name: week, dollars: 2.5, period: month}]\n"
        "models:\n  gpt-6-luna: {input_price: 0.05, good_at: {code: 5}}\n"
        "  mine: {provider: server, model: x, base_url: 'http://127.0.0.1:8080/v1'}\n"
    )
    loaded = Settings.load(file)
    luna, packaged = loaded.models["gpt-6-luna"], TABLE["gpt-6-luna"]
    assert (luna.input_price, luna.good_at.code) == (0.05, 5)
    assert (luna.output_price, luna.good_at.tests) == (packaged.output_price, packaged.good_at.tests)
    assert loaded.models["mine"].base_url == "http://127.0.0.1:8080/v1"
    assert set(loaded.models) == {*TABLE, "mine"}
    assert loaded.budgets == (Budget(name="week", dollars=2.5, period="month"),)


def test_a_file_that_extends_nothing_knows_only_its_own_models(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models: {mine: {provider: server, model: x, base_url: 'http://127.0.0.1:1/v1'}}\n")
    assert list(Settings.load(file).models) == ["mine"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base_url": ""}, "needs its base_url"),
        ({"input_price": 1.0}, "a price needs its day in priced_on"),
        ({"input_price": 1.0, "priced_on": "last week"}, "YYYY-MM-DD; got 'last week'"),
        ({"output_price": 0.1234567, "priced_on": "2026-11-22"}, "at most six decimals; got 0.1234567"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(changes, told) -> None:
    with pytest.raises(ConfigError, match=told):
        entry(**changes)


def test_a_chain_of_unknown_models_and_budgets_of_one_name_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown model of the chain 'tinny'; did you mean 'tiny'"):
        settings(chain=("tinny",))
    with pytest.raises(ConfigError, match="two budgets have one name: a, a"):
        settings(budgets=(Budget(name="a"), Budget(name="a")))


def test_without_a_word_money_is_limited() -> None:
    budgets = Settings.load().budgets
    assert {one.period: one.dollars for one in budgets} == {"session": 1.0, "day": 5.0}


@pytest.mark.parametrize(
    ("dollars", "pico"), [(0.1, 100_000), (2.5, 2_500_000), (0.000001, 1), (75, 75 * 10**6)]
)
def test_prices_are_whole_numbers_of_picodollars_a_token(dollars, pico) -> None:
    assert pico_a_token(dollars) == pico


def test_a_day_is_any_24_hours() -> None:
    now = datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert Budget(name="d", period="day").since(now) == datetime(2026, 11, 21, 6, tzinfo=UTC)
    assert Budget(name="e", period="ever").since(now) is None


def test_an_unknown_field_of_a_model_is_named(tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text("models: {m: {provider: server, model: x, base_url: 'http://h/v1', temprature: 1}}\n")
    with pytest.raises(ConfigError, match=r"unknown key 'models\.m\.temprature'; did you mean 'temperature'"):
        Settings.load(file)
    assert "temperature" in {field.name for field in fields(ModelEntry)}
