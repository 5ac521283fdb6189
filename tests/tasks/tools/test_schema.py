"""Arguments are judged as `jsonschema` judges them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.tasks.tools.schema import TYPES, check_schema, violation

jsonschema = pytest.importorskip("jsonschema", reason="the peer that our validation is compared with")

scalars = st.none() | st.booleans() | st.integers(-3, 9) | st.just(2.5) | st.text("ab", max_size=4)
values = st.recursive(
    scalars,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from("xyz"), one, max_size=3),
)
kinds = st.sampled_from(list(TYPES))
leaves = st.fixed_dictionaries(
    {"type": kinds},
    optional={
        "enum": st.lists(scalars, min_size=1, max_size=3),
        "minimum": st.integers(-2, 4),
        "maximum": st.integers(0, 6),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(1, 4),
    },
)


def nest(inner):
    properties = st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    required = st.lists(st.sampled_from("xyz"), unique=True, max_size=2)
    whole = {"type": st.just("object"), "properties": properties, "required": required}
    whole["additionalProperties"] = st.booleans()
    return st.fixed_dictionaries(whole) | st.fixed_dictionaries({"type": st.just("array"), "items": inner})


schemas = st.recursive(leaves, nest, max_leaves=4)


@given(values, schemas)
def test_a_value_is_refused_just_where_jsonschema_refuses_it(value, schema):
    ours = violation(value, schema)
    theirs = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (ours is None) == theirs, ours


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (3, {"type": "integer", "minimum": 3, "maximum": 3}),
        ("ab", {"type": "string", "minLength": 2, "maxLength": 2}),
        (True, {"type": "boolean", "enum": [1]}),
        (1, {"type": "integer", "enum": [True]}),
        (1, {"type": "integer", "enum": [1.0]}),
        (True, {"type": "number"}),
    ],
)
def test_at_the_edges_too(value, schema):
    assert (violation(value, schema) is None) == jsonschema.Draft202012Validator(schema).is_valid(value)


def test_a_whole_float_is_no_integer_here_and_one_there():
    assert violation(1.0, {"type": "integer"}) == "arguments is 1.0, expected integer"
    assert jsonschema.Draft202012Validator({"type": "integer"}).is_valid(1.0)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "a+"}, "pattern"),
        ({"type": "text"}, "expected one of string"),
        ({}, "type None"),
        ({"type": "object", "properties": {"x": {"type": "array", "items": {"kind": 1}}}}, "x"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "expected true or false"),
    ],
)
def test_a_schema_that_says_what_nothing_looks_at_is_refused(schema, said):
    with pytest.raises(ValueError, match=said):
        check_schema(schema)


@given(schemas)
def test_every_schema_of_known_words_is_accepted(schema):
    assert check_schema(schema) is None
