from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core import recipe as recipes_module
from bloomery.core.errors import ConfigError, MissingFile, UnknownName
from bloomery.core.recipe import find_recipe, load_recipe, recipes, settings


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def _write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return Path("a.yaml")

    return _write


def told(*arguments: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        load_recipe(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_child_is_laid_over_its_base_key_by_key_and_lists_are_replaced(write: Any) -> None:
    path = write(
        a="extends: b.yaml\ntrain:\n  steps: 5\nlayers: [3]\n",
        b="train:\n  steps: 1\n  rate: 0.5\nlayers: [1, 2]\nseed: 7\n",
    )
    recipe = load_recipe(path)
    assert recipe.values == {"train": {"steps": 5, "rate": 0.5}, "layers": [3], "seed": 7}
    assert recipe.origin == {
        "train.steps": "a.yaml:3",
        "train.rate": "b.yaml:3",
        "layers": "a.yaml:4",
        "layers.0": "a.yaml:4",
        "seed": "b.yaml:5",
    }


def test_of_many_bases_the_later_wins_and_a_shared_base_is_no_circle(write: Any) -> None:
    path = write(
        a="extends: [b, c]\n", b="extends: d\nx: b\ny: b\n", c="extends: d\nx: c\n", d="y: d\nz: d\n"
    )
    assert load_recipe(path).values == {"x": "c", "y": "d", "z": "d"}


def test_a_base_is_looked_up_beside_the_file_that_names_it(tmp_path: Path, write: Any) -> None:
    path = write(a="extends: deep/b.yaml\n", c="x: 1\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.yaml").write_text("extends: ../c.yaml\n")
    assert load_recipe(path).origin == {"x": "c.yaml:1"}


def test_a_group_replaced_by_a_value_leaves_no_origin_behind(write: Any) -> None:
    path = write(a="extends: b\nx: 3\n", b="x:\n  y: 1\n  z: 2\n")
    recipe = load_recipe(path)
    assert (recipe.values, recipe.origin) == ({"x": 3}, {"x": "a.yaml:2"})


@pytest.mark.parametrize(("a", "b"), [("extends: b\n", "extends: a\n"), ("extends: a\n", "")])
def test_a_circle_is_refused_and_drawn(write: Any, a: str, b: str) -> None:
    message = told(write(a=a, b=b))
    assert "in a circle: a.yaml -> " in message
    assert message.count("a.yaml") == 2


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x: 1\ny: 2\nx: 3\n", ["a.yaml:3", "'x' is given twice", "line 1"]),
        ("t:\n  x: 1\n  x: 1\n", ["a.yaml:3", "'x' is given twice"]),
        ("x: [1, 2\n", ["a.yaml:2", "not valid YAML"]),
        ("x: 1\n y: 2\n", ["a.yaml:2", "not valid YAML"]),
        ("x: 'open\n", ["a.yaml:2", "not valid YAML"]),
        ("x: !!python/object/apply:os.system ['true']\n", ["a.yaml:1"]),
        ("x: !secret word\n", ["a.yaml:1", "!secret"]),
        ("x: &n 1\ny: *n\n", ["a.yaml:2", "aliases are not accepted", "extends"]),
        ("x: \x00\n", ["a.yaml", "not valid YAML"]),
        ("- 1\n", ["a.yaml", "keys and values", "list"]),
        ("word\n", ["a.yaml", "keys and values", "'word'"]),
        ("1: x\n", ["a.yaml:1", "not 1", "quote"]),
        ("a.b: x\n", ["a.yaml:1", "not 'a.b'"]),
        ("<<: {x: 1}\n", ["a.yaml:1", "not '<<'"]),
        ("[1]: x\n", ["a.yaml:1", "not [1]"]),
        ("x: 1\n---\nx: 2\n", ["a.yaml:2", "not valid YAML"]),
        ("extends: 3\n", ["a.yaml:1", "'extends'", "3"]),
        ("extends: [b, 3]\n", ["a.yaml:1", "'extends'", "3"]),
        ("x: " + "[" * 5000, ["a.yaml", "nested too deeply"]),
        ("x: " + "9" * 5000, ["a.yaml", "not valid YAML"]),
    ],
)
def test_a_recipe_that_cannot_be_read_is_told_in_one_line_with_its_place(
    write: Any, text: str, parts: list[str]
) -> None:
    message = told(write(a=text, b=""))
    assert [part for part in parts if part not in message] == []


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"x: \xff\n")
    assert "not UTF-8" in told(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("10_000", 10000),
        ("0x1F", 31),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("", None),
        ("'3'", "3"),
        ("1.2.3", "1.2.3"),
        ("e5", "e5"),
    ],
)
def test_scalars_mean_what_they_mean_in_yaml_1_2(write: Any, text: str, value: Any) -> None:
    got = load_recipe(write(a=f"x: {text}\n")).values["x"]
    assert (got, type(got)) == (value, type(value))


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text("abcno:~ '\"\n#é", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abn", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), PLAIN, max_size=4))
def test_what_pyyaml_writes_is_read_back(values: dict[str, Any]) -> None:
    got, _ = recipes_module._parse(yaml.safe_dump(values, default_flow_style=None), "r")
    assert got == values


def test_an_override_wins_and_says_so(write: Any) -> None:
    path = write(a="train:\n  steps: 5\n  rate: 1\nlayers:\n  - w: 1\n  - w: 2\nempty:\n")
    recipe = load_recipe(
        path, ["train.steps=20", "extra.deep.x=[1, {y: 2}]", "layers.1.w=3", "name=", "empty.x=a=b"]
    )
    assert recipe.values == {
        "train": {"steps": 20, "rate": 1},
        "layers": [{"w": 1}, {"w": 3}],
        "empty": {"x": "a=b"},
        "extra": {"deep": {"x": [1, {"y": 2}]}},
        "name": None,
    }
    origins = {setting.key: setting.origin for setting in settings(recipe.values, recipe.origin)}
    assert origins == {
        "train.steps": "--set",
        "train.rate": "a.yaml:3",
        "layers.0.w": "a.yaml:5",
        "layers.1.w": "--set",
        "empty.x": "--set",
        "extra.deep.x.0": "--set",
        "extra.deep.x.1.y": "--set",
        "name": "--set",
    }


def test_an_override_of_a_group_replaces_it(write: Any) -> None:
    recipe = load_recipe(write(a="t: {x: 1, y: 2}\n"), ["t={x: 3}"])
    assert (recipe.values, recipe.origin) == ({"t": {"x": 3}}, {"t.x": "--set"})


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("steps", ["--set 'steps'", "key.key=value"]),
        ("=3", ["key.key=value"]),
        ("a..b=3", ["key.key=value"]),
        ("x.y=3", ["--set x.y=3", "'x' is 1", "no keys"]),
        ("l.2=3", ["'l' is a list of 2", "'2'", "0 to 1"]),
        ("l.first=3", ["'l' is a list of 2", "'first'"]),
        ("x=[1, 2", ["--set x", "not valid YAML"]),
    ],
)
def test_a_wrong_override_is_told(write: Any, override: str, parts: list[str]) -> None:
    message = told(write(a="x: 1\nl: [1, 2]\n"), [override])
    assert [part for part in parts if part not in message] == []


def test_values_that_nobody_gave_are_shown_as_defaults(write: Any) -> None:
    recipe = load_recipe(write(a="x: 1\n"))
    shown = settings({"x": 1, "y": {"z": [1, 2]}, "none": {}}, recipe.origin)
    assert [(one.key, one.value, one.origin) for one in shown] == [
        ("x", 1, "a.yaml:1"),
        ("y.z", [1, 2], "default"),
        ("none", {}, "default"),
    ]


def test_packaged_recipes_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs" / "forge").mkdir(parents=True)
    (tmp_path / "configs" / "forge" / "quickstart.yaml").write_text("seed: 1\n")
    monkeypatch.setattr(recipes_module, "_packaged", lambda: tmp_path / "configs")
    assert list(recipes()) == ["forge/quickstart"]
    assert load_recipe("forge/quickstart").origin == {"seed": "configs/forge/quickstart.yaml:1"}
    assert find_recipe("forge/quickstart.yaml") == find_recipe("forge/quickstart")
    with pytest.raises(UnknownName, match="did you mean 'forge/quickstart'"):
        load_recipe("forge/quikstart")
    with pytest.raises(MissingFile, match=r"no recipe at 'x\.yaml'.*forge/quickstart"):
        load_recipe("x.yaml")
    with pytest.raises(MissingFile, match="no recipe at 'nowhere'"):
        load_recipe(Path("nowhere"))


def test_the_packaged_recipes_all_load() -> None:
    assert recipes_module._packaged().is_dir()
    for name in recipes():
        assert load_recipe(name).values


def test_an_empty_group_that_is_filled_leaves_no_origin_of_its_own(write: Any) -> None:
    recipe = load_recipe(write(a="extends: b\nx:\n  y: 1\n", b="x: {}\n"))
    assert (recipe.values, recipe.origin) == ({"x": {"y": 1}}, {"x.y": "a.yaml:3"})
