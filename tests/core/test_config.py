import dataclasses
import json
import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.config import build, canonical_json, differences, option, to_plain
from bloomery.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Warmup:
    steps: int = option(10, help="steps of warm-up", low=0)
    shape: Literal["linear", "cosine"] = option("linear", help="form of the rise")


@dataclass(frozen=True, kw_only=True)
class Training:
    rate: float = option(help="peak learning rate", low=0.0, high=1.0)
    name: str = option("run", help="name of the run")
    fast: bool = option(False, help="compile")
    warmup: Warmup = option(factory=Warmup, help="the first steps")
    widths: tuple[int, ...] = option((), help="width per layer", low=1)
    betas: tuple[float, float] = option((0.9, 0.95), help="Adam's decays")
    mixture: Mapping[str, float] = option(factory=dict, help="weight per task", low=0)
    folder: Path | None = option(None, help="where data lies")
    limit: int | Literal["all"] = option("all", help="examples read")
    stages: dict[str, Warmup] = option(factory=dict, help="stage name to warm-up")

    def __post_init__(self) -> None:
        if self.fast and self.warmup.steps > 100:
            raise ValueError(f"fast={self.fast} needs warmup.steps <= 100, not {self.warmup.steps}")


def message(values: object, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        build(Training, values, **more)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults_are_written_once_in_the_class() -> None:
    assert build(Training, {"rate": 1}) == Training(rate=1.0)


def test_a_whole_number_becomes_a_float_where_a_float_is_meant() -> None:
    rate = build(Training, {"rate": 1}).rate
    assert (rate, type(rate)) == (1.0, float)


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"rate": 0.1, "wramup": {}}, ["unknown key 'wramup'", "did you mean 'warmup'?"]),
        ({"rate": 0.1, "warmup": {"stepz": 1}}, ["unknown key 'warmup.stepz'", "did you mean 'steps'?"]),
        ({"rate": 0.1, 3: 4}, ["unknown key '3'"]),
        ({}, ["'rate' is missing", "peak learning rate"]),
        ({"rate": "0.1"}, ["'rate' is '0.1' (str)", "expected a number", "remove the quotes"]),
        ({"rate": "high"}, ["'rate' is 'high' (str)", "expected a number", "write one"]),
        ({"rate": True}, ["'rate' is True (bool)", "expected a number"]),
        ({"rate": math.nan}, ["'rate' is nan", "finite"]),
        ({"rate": 10**400}, ["finite"]),
        ({"rate": -0.5}, ["'rate' is -0.5", "at least 0.0", "peak learning rate"]),
        ({"rate": 1.5}, ["'rate' is 1.5", "at most 1.0"]),
        ({"rate": 0.1, "name": 3}, ["'name' is 3 (int)", "expected text", "quote it: '3'"]),
        ({"rate": 0.1, "fast": 1}, ["'fast' is 1 (int)", "true or false"]),
        ({"rate": 0.1, "warmup": 5}, ["'warmup' is 5 (int)", "keys and values", "steps, shape"]),
        ({"rate": 0.1, "warmup": {"steps": 5.0}}, ["'warmup.steps' is 5.0 (float)", "write 5"]),
        ({"rate": 0.1, "warmup": {"steps": True}}, ["'warmup.steps' is True (bool)", "whole number"]),
        ({"rate": 0.1, "warmup": {"shape": "cosin"}}, ["one of linear, cosine", "did you mean 'cosine'?"]),
        ({"rate": 0.1, "warmup": {"shape": 1}}, ["'warmup.shape' is 1", "one of linear, cosine"]),
        ({"rate": 0.1, "widths": 8}, ["'widths' is 8", "a list", "write [8]"]),
        ({"rate": 0.1, "widths": "88"}, ["'widths' is '88' (str)", "a list"]),
        ({"rate": 0.1, "widths": [8, 0]}, ["'widths.1' is 0", "at least 1"]),
        ({"rate": 0.1, "betas": [0.9]}, ["'betas'", "a list of 2", "it has 1"]),
        ({"rate": 0.1, "mixture": ["a"]}, ["'mixture' is ['a'] (list)", "keys and values"]),
        ({"rate": 0.1, "mixture": {1: 1.0}}, ["quote it: '1'"]),
        ({"rate": 0.1, "mixture": {"sort": -1}}, ["'mixture.sort' is -1", "at least 0"]),
        ({"rate": 0.1, "folder": 3}, ["'folder' is 3", "a path"]),
        ({"rate": 0.1, "limit": "some"}, ["'limit' is 'some'", "a whole number", "one of all"]),
        ({"rate": 0.1, "limit": None}, ["'limit' is None", "a whole number"]),
        ({"rate": 0.1, "stages": {"a": {"step": 1}}}, ["unknown key 'stages.a.step'", "'steps'"]),
        ({"rate": 0.1, "fast": True, "warmup": {"steps": 101}}, ["fast=True", "not 101"]),
        ([1], ["keys and values"]),
    ],
)
def test_what_is_wrong_is_said_with_field_value_expected_and_remedy(values: object, parts: list[str]) -> None:
    told = message(values)
    assert [part for part in parts if part not in told] == []


def test_messages_carry_the_path_and_the_place_of_the_value() -> None:
    origin = {"stages.a.rate": "recipe.yaml:7", "stages.a.widths": "base.yaml:2"}
    assert message({"rate": "x"}, where="stages.a", origin=origin).endswith("(recipe.yaml:7)")
    assert "'stages.a.rate'" in message({"rate": "x"}, where="stages.a", origin=origin)
    assert message({"rate": 0.1, "widths": [0]}, where="stages.a", origin=origin).endswith("(base.yaml:2)")
    crossed = message({"rate": 0.1, "fast": True, "warmup": {"steps": 101}}, where="stages.a")
    assert crossed.startswith("stages.a: fast=True")


def test_a_cross_check_may_raise_a_config_error_of_its_own() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Pair:
        low: int = 0
        high: int = 1

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ConfigError(f"low={self.low} is above high={self.high}")

    with pytest.raises(ConfigError, match=r"^pair: low=3 is above high=1$"):
        build(Pair, {"low": 3}, where="pair")


def test_a_bug_in_a_cross_check_is_not_dressed_up_as_the_users_mistake() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Broken:
        low: int = 0

        def __post_init__(self) -> None:
            raise TypeError("bug")

    with pytest.raises(TypeError, match="bug"):
        build(Broken, {})


def test_a_type_that_recipes_cannot_hold_is_a_fault_of_the_class() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd:
        when: complex = 0j

    with pytest.raises(TypeError, match=r"'odd\.when'.*complex"):
        build(Odd, {"when": 1}, where="odd")


def test_plain_dataclass_fields_with_the_same_metadata_behave_alike() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Plain:
        steps: int = field(default=3, metadata={"help": "steps", "low": 1, "high": 9})
        derived: int = field(default=7, init=False)

    assert build(Plain, to_plain(Plain(steps=5))) == Plain(steps=5)
    with pytest.raises(ConfigError, match="at most 9"):
        build(Plain, {"steps": 10})
    with pytest.raises(ConfigError, match="unknown key 'derived'"):
        build(Plain, {"derived": 1})


def test_fields_carry_their_meaning() -> None:
    helps = {field.name: field.metadata["help"] for field in dataclasses.fields(Warmup)}
    assert helps == {"steps": "steps of warm-up", "shape": "form of the rise"}


WORDS = st.text(string.ascii_letters, min_size=1, max_size=6)
WARMUPS = st.builds(Warmup, steps=st.integers(0, 100), shape=st.sampled_from(["linear", "cosine"]))
FINITE = st.floats(0, 1)
CONFIGS = st.builds(
    Training,
    rate=FINITE,
    name=st.text(max_size=8),
    fast=st.booleans(),
    warmup=WARMUPS,
    widths=st.lists(st.integers(1, 10**20), max_size=3).map(tuple),
    betas=st.tuples(FINITE, FINITE),
    mixture=st.dictionaries(WORDS, st.floats(0, 1e300), max_size=3),
    folder=st.none() | WORDS.map(Path),
    limit=st.integers() | st.just("all"),
    stages=st.dictionaries(WORDS, WARMUPS, max_size=2),
)


@given(CONFIGS)
def test_what_is_written_down_is_built_again(config: Training) -> None:
    through_json = json.loads(json.dumps(to_plain(config)))
    assert build(Training, through_json) == config


@given(CONFIGS, st.randoms())
def test_the_canonical_text_does_not_depend_on_the_order_of_keys(config: Training, random: Any) -> None:
    plain = to_plain(config)
    keys = list(plain)
    random.shuffle(keys)
    assert canonical_json({key: plain[key] for key in keys}) == canonical_json(config)


def test_the_canonical_text_is_this_one() -> None:
    assert canonical_json({"b": (1, 2.0), "a": {"é": None, "c": Path("x/y")}}) == (
        '{"a":{"c":"x/y","\\u00e9":null},"b":[1,2.0]}'
    )


def test_the_canonical_text_refuses_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": math.nan})


def test_differences_are_shown_by_dotted_key():
    before = {"a": {"b": 1, "c": [1, 2]}, "d": "x"}
    after = {"a": {"b": 2, "c": [1, 2]}, "e": None}
    assert differences(before, after) == ["a.b: 1 -> 2", 'd: "x" -> (absent)', "e: (absent) -> null"]
    assert differences(before, before) == []
