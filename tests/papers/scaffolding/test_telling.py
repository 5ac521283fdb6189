"""What a formula draws, and where it has no derivative, is told by its operators, not by words around it."""

import pytest

from bloomery.papers.context import Context, Equation, Variable
from bloomery.papers.planning import plan
from bloomery.papers.scaffolding.functions import pages
from bloomery.papers.scaffolding.telling import drawn, rough

STEPS = [
    r"y = \operatorname{round}(x)", r"y = \mathrm{sign}(x)", r"y = \operatorname{sgn}(x)",
    r"\lfloor x \rfloor",    r"\lceil x \rceil", r"\operatorname*{argmax}_i x_i", r"\arg\max_i x_i",
    r"\mathbb{1}[x > 0]", r"\mathbf 1_{x}",
    "y = round(x)", r"y = sign \left( x \right)", r"y = \text{argmin}_k d_k",
]  # fmt: skip
DRAWS = [
    r"x \sim p", r"\epsilon \sim \mathcal{N}(0, 1)", r"y = \mathcal N(x; 0, 1)", r"\operatorname{dropout}(x)",
    r"\mathrm{Bern}(p)", r"m = \text{Bernoulli}(p)",
]  # fmt: skip
SMOOTH = [
    r"y = x + 1", r"y = \text{design matrix } x", r"y \simeq x", r"\mathcal{L}(x)", r"\mathbb{R}^{10}",
    r"\mathrm{around}(x)", r"\mathrm{resampled}(x)", r"x_{\text{sample size}}", r"\sigma(x)",
]  # fmt: skip
PROSE = [
    "A round improves the latent.", "On one sample at random.", "The sign of the times: argmax.",
    "Without dropout.", "It samples nothing and rounds nothing.",
]  # fmt: skip


def one(latex, said="", notes=(), variables=()):
    return Equation("1", latex=latex, plain_english=said, notes=notes, variables=variables)


@pytest.mark.parametrize("latex", STEPS)
def test_an_operator_without_a_derivative_is_seen(latex):
    assert rough(latex, one(latex))
    assert not drawn(latex, one(latex))


@pytest.mark.parametrize("latex", DRAWS)
def test_an_operator_that_draws_is_seen(latex):
    assert drawn(latex, one(latex))
    assert not rough(latex, one(latex))


@pytest.mark.parametrize("latex", SMOOTH)
def test_what_only_looks_like_an_operator_is_none(latex):
    assert (rough(latex, one(latex)), drawn(latex, one(latex))) == ("", "")


@pytest.mark.parametrize("said", PROSE)
def test_words_of_the_prose_say_neither(said):
    equation = one("y = x", said, notes=(said,))
    assert (rough("y = x", equation), drawn("y = x", equation)) == ("", "")


def test_a_note_that_says_so_is_believed():
    equation = one("y = g(x)", notes=("Random: it draws a mask", "Not differentiable: g is a table"))
    assert drawn("y = g(x)", equation) == "Random: it draws a mask"
    assert rough("y = g(x)", equation) == "Not differentiable: g is a table"
    assert not drawn("y = g(x)", one("y = g(x)", notes=("Randomly chosen letters", "random seeds matter")))


def test_a_function_of_the_papers_own_is_no_operator_of_that_name():
    latex = r"z = \mathrm{round}(x)"
    own = one(latex, variables=(Variable(r"\mathrm{round}", "round", "Function", "-", "equation 4.1a"),))
    assert rough(latex, own) == ""
    assert rough(latex, one(latex)) == r"\mathrm{round}"


def test_an_equation_about_a_round_has_its_gradient_tested():
    x, y = (Variable(name, name, "Tensor", "[B, D]") for name in "xy")
    words = one("y = x + 1", "A round improves the answer on one sample.", variables=(x, y))
    context = Context("some", title="Some", equations=(words,))
    (page,) = pages(plan([context], "validate"), {"some": context})
    assert page.functions[0].applies("gradient")
    assert page.functions[0].applies("batch_independence")
