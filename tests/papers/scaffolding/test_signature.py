"""Domains, sizes, limiting cases and claims, as contexts state them."""

import pytest

from bloomery.papers.context import Benchmarks, Context, Equation, Result, Variable
from bloomery.papers.scaffolding import domain
from bloomery.papers.scaffolding.claims import claims_of
from bloomery.papers.scaffolding.interpreting import arrays_of, interpret
from bloomery.papers.scaffolding.limits import limit
from bloomery.papers.scaffolding.signature import table
from bloomery.papers.scaffolding.sizes import sizes, smallest


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("(0, 1)", [0.5], [0.0, 1.0]),
        ("[0, 1)", [0.0, 0.9], [1.0, -0.1]),
        ("a share in [0, 1]", [0.0, 1.0], [1.1]),
        ("> 0", [0.1, 9.0], [0.0]),
        (r"\geq -1", [-1.0], [-1.1]),
        ("positive", [0.1], [0.0]),
        ("non-negative", [0.0], [-0.1]),
        (r"(0, \infty)", [1e9], [0.0]),
        ("0 <= x", [-5.0, 5.0], []),  # not a form that is read: all numbers
        ("", [-1e9, 1e9], []),
    ],
)
def test_a_domain_holds_what_its_text_says(text, inside, outside):
    found = domain.parse(text)
    assert all(map(found.holds, inside))
    assert not any(map(found.holds, outside))


def test_values_are_drawn_inside_their_domains():
    variables = (
        Variable("y", shape="[B]"),
        Variable("a", shape="[B]", domain="(0, 1)"),
        Variable("b", shape="[B]", domain="> 2"),
        Variable("c", shape="[B]", domain="< -3"),
        Variable("n", shape="[B]", domain="integer"),
    )
    equation = Equation("1", latex="y = a + b + c + n", variables=variables)
    found = interpret(equation.latex, table(Context("some", equations=(equation,)), equation), "some")
    for seed in range(20):
        drawn = arrays_of(found, seed)
        assert ((drawn["a"] > 0) & (drawn["a"] < 1)).all()
        assert (drawn["b"] > 2).all()
        assert (drawn["c"] < -3).all()
        assert (drawn["n"] == drawn["n"].round()).all()
        assert (drawn["n"] >= 1).all()


def test_dimensions_have_sizes_of_their_own_and_those_made_of_them_agree():
    found = sizes(["B", "D", "E", "2D", "H", "D/H", "S+1", "S", "1"])
    assert len({found[one] for one in ("B", "D", "E", "H", "S")}) == 5
    assert found["2D"] == 2 * found["D"]
    assert found["D/H"] * found["H"] == found["D"]
    assert found["S+1"] == found["S"] + 1
    assert found["1"] == 1
    assert smallest(["B", "2D", "D"]) == {"B": 1, "2D": 2, "D": 1}


VARIABLES = (
    Variable("y_t", "result", shape="[B]"),
    Variable(r"\alpha_t", "decay", "Scalar", "[]"),
    Variable("x_t", "input", shape="[B]"),
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("alpha = 0 gives the input", ((("alpha_t", 0.0),), "x_t", 0.0)),
        ("decay = 1 and x = 0 give zero", ((("alpha_t", 1.0), ("x_t", 0.0)), "", 0.0)),
        (r"`\alpha_t` = 0.5 yields 1/2.", ((("alpha_t", 0.5),), "", 0.5)),
        ("alpha = 0 gives a zero memory", ((("alpha_t", 0.0),), "", 0.0)),
        ("alpha = 0 recovers plain descent", None),
        ("beta = 0 gives zero", None),
        ("it is bounded", None),
    ],
)
def test_a_limiting_case_is_read_or_left(text, wanted):
    equation = Equation("1", latex=r"y_t = x_t - \alpha_t x_t", variables=VARIABLES)
    found = limit(text, interpret(equation.latex, table(Context("a", equations=(equation,)), equation), "f"))
    assert (found and (found.fixed, found.argument, found.value)) == wanted


def test_a_claim_without_number_metric_or_direction_is_left_out_with_the_reason():
    results = (
        Result("Wiki", "PPL", "down", value="18.6 ± 0.2"),
        Result("Wiki", "PPL", "down", value="17", notes="at 1M tokens"),
        Result("Wiki", "", "down", value="17"),
        Result("Wiki", "Acc", "", value="17"),
        Result("Wiki", "Acc", "up", value="best"),
    )
    found = claims_of(Context("some", benchmarks=Benchmarks(results=results)))
    assert [(one.id, one.value, one.direction) for one in found.kept] == [
        ("wiki-ppl", 18.6, "lower"),
        ("wiki-ppl-2", 17.0, "lower"),
    ]
    assert [why for _, why in found.left_out] == [
        "its metric is not stated",
        "whether higher or lower is better is not stated",
        "its value is no number",
    ]
