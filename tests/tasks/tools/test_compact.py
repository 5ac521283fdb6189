"""A call has one compact text and one OpenAI form, and each leads back to it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import UnknownName, UserError
from bloomery.tasks.tools import compact, openai_form
from bloomery.tasks.tools.calculator import calculator
from bloomery.tasks.tools.tool import Call, CallRefused, Tool, arguments
from bloomery.tasks.tools.toolbox import TOOLS, Toolbox, toolbox

anything = Tool(
    name="anything",
    letter="a",
    description="Takes arguments of every kind.",
    parameters=arguments(
        {name: {"type": name} for name in ("string", "number", "boolean", "array", "object", "integer")},
        optional=("number", "boolean", "array", "object", "integer"),
    ),
    start=lambda world: lambda **given: json.dumps(given),
)
nothing = Tool(
    name="nothing",
    letter="n",
    description="Takes none.",
    parameters=arguments({}),
    start=lambda world: lambda: "0",
)
BOX = Toolbox([*toolbox(), anything, nothing])

texts = st.text(st.sampled_from('ab1[]{}|\\!"e\n,é\0'), max_size=8) | st.text(max_size=4)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
calls = st.one_of(
    st.builds(Call, st.just("calculator"), st.fixed_dictionaries({"expression": texts.filter(bool)})),
    st.builds(
        Call, st.just("store"), st.fixed_dictionaries({"key": texts.filter(bool)}, optional={"value": texts})
    ),
    st.builds(
        Call,
        st.just("file"),
        st.fixed_dictionaries({"path": texts.filter(bool)}, optional={"line": st.integers(1)}),
    ),
    st.builds(
        Call,
        st.just("anything"),
        st.fixed_dictionaries(
            {"string": texts},
            optional={
                "number": st.floats(allow_nan=False, allow_infinity=False),
                "boolean": st.booleans(),
                "array": st.lists(plain, max_size=3),
                "object": st.dictionaries(texts, plain, max_size=3),
                "integer": st.integers(),
            },
        ),
    ),
    st.just(Call("nothing", {})),
)


@given(calls)
def test_a_call_is_the_same_after_either_form(call):
    assert compact.read(compact.written(call, BOX), BOX) == call
    assert openai_form.call_of(json.loads(json.dumps(openai_form.tool_call(call, "call_1")))) == call


@given(st.text(st.sampled_from('[]{}|\\ecs f1"'), max_size=9).map("[{}".format))
def test_a_text_that_is_taken_is_the_only_one_of_its_call(text):
    try:
        call = compact.read(text, BOX)
    except CallRefused:
        return
    assert compact.written(call, BOX) == text


@given(texts, calls, texts)
def test_the_first_call_is_found_in_any_text(before, call, after):
    before, text = before.replace("[", ""), compact.written(call, BOX)
    assert compact.first_call(before + text + after) == (before, text)


@given(texts, texts)
def test_different_results_and_failures_have_different_texts_that_end_where_they_end(one, other):
    shown = {compact.result(one), compact.result(other), compact.failure(one), compact.failure(other)}
    assert len(shown) == 2 * len({one, other})
    for text in shown:
        assert not any(text != more and more.startswith(text) for more in shown)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (Call("calculator", {"expression": "3+4"}), "[c3+4]"),
        (Call("store", {"key": "k"}), "[sk]"),
        (Call("store", {"value": "v", "key": "k"}), "[sk|v]"),
        (Call("store", {"key": "k", "value": ""}), r"[sk|\e]"),
        (Call("file", {"path": "a", "line": 2}), "[fa|2]"),
        (Call("python", {"code": "[1]\n|2"}), "[p[1\\]\n\\|2]"),
        (Call("anything", {"string": "s", "integer": 7}), "[as|||||7]"),
        (Call("nothing", {}), "[n]"),
    ],
)
def test_known_texts(call, text):
    assert compact.written(call, BOX) == text
    assert compact.read(text, BOX) == call


def test_known_results():
    assert compact.result("7") == "{7}"
    assert compact.result("!}\\") == r"{\!\}\\}"
    assert compact.failure("division by zero") == "{!division by zero}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x1]", "no tool has the letter 'x'"),
        ("[]", "no tool has the letter"),
        ("[c]", "has no 'expression'"),
        ("[c1|2]", "takes 1 arguments, 2 came"),
        ("[n1]", "takes 0 arguments"),
        ("[fa|0]", "expected at least 1"),
        ("[fa|01]", "is no JSON"),
        ("[fa| 1]", r"write it \[fa\|1\]"),
        ("[fa|1.0]", "expected integer"),
        ('[fa|"1"]', "expected integer"),
        ("[fa|]", r"write it \[fa\]"),
        ("[aa|NaN]", "is no JSON"),
        ("[aa|||{\"x\":1}]", "expected array"),
        ("[aa||||{\"x\":1,\"x\":2}]", "is no JSON"),
        ("[aa|||" + "[" * 5000 + "]", "is no JSON"),
        ("[" + "c" + "1" * 300 + "]", "expected at most 200"),
        ("[c\\1]", r"write it \[c1\]"),
        ("c1", "is written"),
        ("[c1", "is written"),
        ("[c1\\]", "is written"),
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused_with_the_reason(text, said):
    with pytest.raises(CallRefused, match=said):
        compact.read(text, BOX)


def test_a_call_that_begins_and_does_not_end_is_no_call():
    assert compact.first_call("no call") is None
    with pytest.raises(CallRefused, match="does not end"):
        compact.first_call("12[c3")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ({"name": "calculator"}, "is written"),
        ({"name": 1, "arguments": "{}"}, "is written"),
        ({"name": "calculator", "arguments": {"expression": "1"}}, "is written"),
        ({"name": "calculator", "arguments": "{expression: 1}"}, "no JSON"),
        ({"name": "calculator", "arguments": "[1]"}, "expected a JSON object"),
        ({"name": "calculator", "arguments": '{"a": 1, "a": 2}'}, "stands twice"),
        ({"name": "calculator", "arguments": '{"a": NaN}'}, "NaN is no JSON"),
        ({"name": "calculator", "arguments": '{"a": ' + "[" * 7000}, "no JSON"),
        ({"name": "calculator", "arguments": " " * 8001}, "at most 8000"),
    ],
)
def test_what_is_no_tool_call_of_openai_is_refused(function, said):
    with pytest.raises(CallRefused, match=said):
        openai_form.call_of({"id": "1", "type": "function", "function": function})


def test_other_kinds_of_entries_are_refused():
    for entry in (None, "call", {}, {"type": "custom", "function": {"name": "a", "arguments": "{}"}}):
        with pytest.raises(CallRefused, match="is written"):
            openai_form.call_of(entry)


def test_a_definition_holds_the_schema_and_a_result_its_call():
    shown = openai_form.definition(calculator())
    assert shown["function"]["parameters"]["required"] == ["expression"]
    assert (shown["type"], shown["function"]["name"]) == ("function", "calculator")
    assert openai_form.tool_result("call_1", "7") == {
        "role": "tool", "tool_call_id": "call_1", "content": "7",
    }  # fmt: skip


def test_unknown_tools_and_wrong_arguments_are_refused():
    with pytest.raises(CallRefused, match="did you mean 'calculator'"):
        BOX.check(Call("calculater", {"expression": "1"}))
    with pytest.raises(CallRefused, match="expected only expression"):
        BOX.check(Call("calculator", {"expression": "1", "x": 2}))
    with pytest.raises(CallRefused, match=r"arguments\.expression is 3, expected string"):
        compact.written(Call("calculator", {"expression": 3}), BOX)


def test_a_toolbox_holds_the_named_tools_once():
    assert [tool.name for tool in toolbox("store", "calculator")] == ["store", "calculator"]
    assert [tool.name for tool in toolbox()] == list(TOOLS)
    with pytest.raises(UnknownName, match="did you mean 'calculator'"):
        toolbox("calculater")
    with pytest.raises(UserError, match="give each its own"):
        toolbox("store", "store")


@pytest.mark.parametrize("change", [{"letter": "ab"}, {"letter": "|"}, {"parameters": {"type": "object"}}])
def test_a_tool_that_could_not_be_called_is_not_made(change):
    fields = {"name": "t", "letter": "t", "description": "", "parameters": arguments({}), "start": None}
    with pytest.raises(ValueError, match="tool 't'"):
        Tool(**fields | change)
