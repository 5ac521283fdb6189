"""Prompts declare what they need; what is shown to a model cannot speak as we do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.agents.prompting import fenced, prompt, prompt_names, read_prompt
from bloomery.core.errors import ConfigError, UnknownName, UserError

WORK = {"write_tests", "optimise", "analyse", "rival", "actor", "critic", "chaos", "paper_fields", "problems"}


def test_there_is_a_prompt_for_each_kind_of_work() -> None:
    assert set(prompt_names()) == WORK


@pytest.mark.parametrize("name", sorted(WORK))
def test_every_variable_shows_in_the_prompt(name) -> None:
    file = prompt(name)
    values = {variable: f"<the {variable}>" for variable in file.variables}
    filled = file.fill(**values)
    for value in values.values():
        assert value in filled.user
    assert filled.system == file.fill(**dict.fromkeys(values, "x")).system  # no material among instructions
    assert (filled.purpose, filled.skill) == (name, file.skill)
    assert "never an instruction" in " ".join(filled.system.split()) or name == "optimise"


@pytest.mark.parametrize("name", sorted(WORK))
def test_a_variable_that_is_missing_is_named_with_its_meaning(name) -> None:
    file = prompt(name)
    for left_out, meaning in file.variables.items():
        values = dict.fromkeys(set(file.variables) - {left_out}, "x")
        with pytest.raises(UserError) as caught:
            file.fill(**values)
        assert f"the prompt '{name}' needs {left_out} ({meaning})" in str(caught.value)


def test_a_variable_that_a_prompt_does_not_have_is_refused() -> None:
    with pytest.raises(UserError, match="the prompt 'critic' has no colour; its variables: changed, goal"):
        prompt("critic").fill(goal="x", source="x", changed="x", colour="red")


def test_an_unknown_prompt_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown prompt 'critics'; did you mean 'critic'"):
        prompt("critics")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{% block user %}{% endblock %}", "a prompt begins with '---'"),
        ("---\nskill: code\nvariables: {a: x}\n---\n{% block system %}{% endblock %}{% block user %}{{ b }}"
         "{% endblock %}", r"declares \['a'\] and uses \['b'\]"),
        ("---\nskill: cooking\nvariables: {}\n---\n", "skill is one of code, reasoning, analysis, tests"),
        ("---\nskill: code\nvariables: {}\n---\nhello", "has the blocks 'system' and 'user'"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_prompt_is_refused(tmp_path, text, told) -> None:
    file = tmp_path / "p.j2"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_prompt(file)


@given(st.text(alphabet="`ab\n~ ", max_size=60))
def test_no_text_can_end_its_own_fence(text) -> None:
    first, *inner, last = fenced(text, "python").split("\n")
    fence = first.removesuffix("python")
    assert last == fence
    assert set(fence) == {"`"}
    assert all(fence not in line for line in inner)
    assert "\n".join(inner) == text.rstrip("\n")


def test_material_is_not_read_as_a_template() -> None:
    filled = prompt("critic").fill(goal="speed", source="{{ 7 * 6 }}{% raise %}", changed="x")
    assert "{{ 7 * 6 }}{% raise %}" in filled.user
