"""Formulas as they are interpreted: against NumPy by hand, and against sympy where it reads them."""

import numpy as np
import pytest
from sympy.parsing.latex import parse_latex

from bloomery.papers.context import Context, Equation, Variable
from bloomery.papers.scaffolding.interpreting import Interpreted, arrays_of, evaluate, interpret
from bloomery.papers.scaffolding.signature import table

TOLERANCE = 1e-12  # float64, a handful of operations


def interpreted(latex: str, **shapes: str) -> Interpreted:
    """Symbols by their letter, `_` for a backslash before it; a shape of `f:name` is a function."""
    variables = []
    for letter, shape in shapes.items():
        symbol = f"\\{letter}" if len(letter) > 1 else letter
        if shape.startswith("f:"):
            variables.append(Variable(symbol, shape[2:], "Function"))
        else:
            variables.append(Variable(symbol, kind="Tensor" if shape != "[]" else "Scalar", shape=shape))
    equation = Equation("1", latex=latex, variables=tuple(variables))
    return interpret(latex, table(Context("some", equations=(equation,)), equation), "some")


def value(found: Interpreted) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    assert found.formula is not None, found.reason
    arrays = arrays_of(found)
    return evaluate(found.formula, arrays), arrays


@pytest.mark.parametrize(
    "latex",
    [
        r"a - b - c",
        r"a / b / c",
        r"2 a b^{3} - \frac{1}{2} c",
        r"\sqrt{a^2 + b^2} \cdot c",
        r"(1 - a) b + a c",
    ],
)
def test_scalar_formulas_are_what_sympy_reads_in_them(latex):
    result, arrays = value(interpreted(f"y = {latex}", y="[]", a="[]", b="[]", c="[]"))
    peer = parse_latex(latex, backend="lark")
    numbers = {name: float(held) for name, held in arrays.items()}
    wanted = peer.subs({one: numbers[str(one)] for one in peer.free_symbols}).evalf()
    assert result == pytest.approx(float(wanted), rel=TOLERANCE)


@pytest.mark.parametrize(
    ("latex", "by_hand"),
    [
        (r"\frac{a}{1 + e^{-b}}", lambda a, b: a / (1 + np.exp(-b))),
        (r"-a^2 b", lambda a, b: -(a * a * b)),
        (r"\tanh(a) - \exp(-b) + \log(b^2)", lambda a, b: np.tanh(a) - 1 / np.exp(b) + 2 * np.log(abs(b))),
        (r"|a - b| b", lambda a, b: b * max(a - b, b - a)),
        (r"a b / 3", lambda a, b: a * b / 3),
        (r"a (b - 1)", lambda a, b: a * b - a),
        (r"\mathbf{a} \,\left( b \right) \tag{3}", lambda a, b: a * b),
    ],
)
def test_scalar_formulas_that_sympy_does_not_read(latex, by_hand):
    result, arrays = value(interpreted(f"y = {latex}", y="[]", a="[]", b="[]"))
    assert result == pytest.approx(float(by_hand(**arrays)), rel=TOLERANCE)


MATRIX, VECTOR = "[B, D, E]", "[B, E]"


@pytest.mark.parametrize(
    ("latex", "shapes", "by_hand"),
    [
        ("y = M x", {"y": "[B, D]", "M": MATRIX, "x": VECTOR}, lambda M, x: (M @ x[..., None])[..., 0]),
        ("y = x W", {"y": "[B, F]", "W": "[E, F]", "x": VECTOR}, lambda x, W: x @ W),
        ("y = W x", {"y": "[B, S, F]", "W": "[F, E]", "x": "[B, S, E]"}, lambda x, W: x @ W.T),
        (r"y = x^\top z", {"y": "[B]", "x": VECTOR, "z": VECTOR}, lambda x, z: (x * z).sum(-1)),
        (r"y = x \cdot z", {"y": "[B]", "x": VECTOR, "z": VECTOR}, lambda x, z: (x * z).sum(-1)),
        (r"y = x \odot z", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, lambda x, z: x * z),
        (r"y = z x^\top", {"y": MATRIX, "x": VECTOR, "z": "[B, D]"}, lambda x, z: z[:, :, None] * x[:, None]),
        (r"y = M^\top", {"y": "[B, E, D]", "M": MATRIX}, lambda M: M.transpose(0, 2, 1)),
        (r"y = \|x\|_2 z", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, None),
        (r"y = \frac{x}{\|x\|}", {"y": VECTOR, "x": VECTOR}, None),
        (r"y = \max(x, 0)", {"y": VECTOR, "x": VECTOR}, lambda x: np.where(x > 0, x, 0)),
        ("y = a x + b", {"y": VECTOR, "a": "[B]", "x": VECTOR, "b": "[E]"},
         lambda a, x, b: a[:, None] * x + b),
        (r"y = \sigma(x)", {"y": VECTOR, "x": VECTOR, "sigma": "f:sigmoid"}, lambda x: 1 / (1 + np.exp(-x))),
        (r"G = X^\top X", {"G": "[E, E]", "X": VECTOR}, lambda X: X.T @ X),
    ],
)  # fmt: skip
def test_products_are_those_of_the_declared_shapes(latex, shapes, by_hand):
    result, arrays = value(interpreted(latex, **shapes))
    if by_hand is None:
        norm = np.sqrt((arrays["x"] ** 2).sum(-1))[:, None]
        wanted = norm * arrays["z"] if "z" in arrays else arrays["x"] / norm
    else:
        wanted = by_hand(**arrays)
    np.testing.assert_allclose(result, wanted, rtol=TOLERANCE, atol=TOLERANCE)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("latex", "shapes", "by_hand"),
    [
        (r"p_i = \frac{\exp(x_i)}{\sum_j \exp(x_j)}", {"p": VECTOR, "x": VECTOR}, softmax),
        (r"y_i = \sum_j W_{ij} x_j + b_i", {"y": "[B, D]", "W": "[D, E]", "x": VECTOR, "b": "[D]"},
         lambda W, x, b: x @ W.T + b),
        (r"y_j = \sum_i x_i W_{ij}", {"y": "[B, F]", "W": "[E, F]", "x": VECTOR}, lambda x, W: x @ W),
        (r"y_i = \sum_{j=1} W_{ji} x_j", {"y": "[B, F]", "W": "[E, F]", "x": VECTOR}, lambda x, W: x @ W),
        (r"h = -\sum_i p_i \log p_i", {"h": "[B]", "p": VECTOR}, lambda p: -(p * np.log(p)).sum(-1)),
        (r"y_i = x_i z_i", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, lambda x, z: x * z),
        (r"c_{ij} = x_i z_j", {"c": "[B, E, D]", "x": VECTOR, "z": "[B, D]"},
         lambda x, z: x[:, :, None] * z[:, None]),
        (r"c_{ji} = x_i z_j", {"c": "[B, D, E]", "x": VECTOR, "z": "[B, D]"},
         lambda x, z: z[:, :, None] * x[:, None]),
        (r"p_{ij} = \mathrm{softmax}_j(s_{ij})", {"p": "[B, D, E]", "s": "[B, D, E]"}, lambda s: softmax(s)),
    ],
)  # fmt: skip
def test_sums_and_indices_are_those_of_numpy(latex, shapes, by_hand):
    result, arrays = value(interpreted(latex, **shapes))
    np.testing.assert_allclose(result, by_hand(**arrays), rtol=TOLERANCE, atol=TOLERANCE)


def test_attention_is_read_with_its_scale():
    latex = r"O = \mathrm{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right) V"
    result, given = value(
        interpreted(latex, O="[B, S, d]", Q="[B, S, d]", K="[B, S, d]", V="[B, S, d]", d="[]")
    )
    q, k, v = given["Q"], given["K"], given["V"]
    assert set(given) == {"Q", "K", "V"}  # the width is a size, and no argument
    np.testing.assert_allclose(
        result, softmax(q @ k.transpose(0, 2, 1) / q.shape[-1] ** 0.5) @ v, rtol=TOLERANCE
    )


@pytest.mark.parametrize(
    ("latex", "shapes", "reason"),
    [
        ("y = x z", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, "a dot, an outer or an elementwise product?"),
        ("y = M x", {"y": "[B, D]", "M": MATRIX, "x": "[B, D]"}, "does not fit"),
        ("y = a x", {"y": VECTOR, "x": VECTOR}, "does not name a"),
        (r"y = \nabla f(x)", {"y": VECTOR, "x": VECTOR}, "not in the grammar"),
        (r"y = x \times z", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, "more than one meaning"),
        (r"y \approx x", {"y": VECTOR, "x": VECTOR}, "equals sign"),
        ("y = x = z", {"y": VECTOR, "x": VECTOR, "z": VECTOR}, "equals sign"),
        (r"y = \sum_{t=1}^{T} x_t", {"y": "[B]", "x": VECTOR}, None),
        (r"y = \sum_{i=2} x_i", {"y": "[B]", "x": VECTOR}, "runs over all"),
        ("y = x^{-1}", {"y": MATRIX, "x": MATRIX}, "more than one meaning"),
        (r"y = \sigma(x)", {"y": VECTOR, "x": VECTOR, "sigma": "f:some map"}, "what the function sigma does"),
        (r"y = \log x z", {"y": "[]", "x": "[]", "z": "[]"}, "where the argument"),
        ("y = x", {"y": "[B, D]", "x": VECTOR}, "declared is [B, D]"),
        ("y = x / 2 z", {"y": "[]", "x": "[]", "z": "[]"}, "how far the slash divides"),
        ("y = (x", {"y": VECTOR, "x": VECTOR}, "was expected"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused_with_the_reason(latex, shapes, reason):
    found = interpreted(latex, **shapes)
    if reason is None:
        result, arrays = value(found)
        np.testing.assert_allclose(result, arrays["x"].sum(-1), rtol=TOLERANCE)
    else:
        assert found.formula is None
        assert reason in found.reason


def test_where_a_formula_is_finite_above_zero_only_its_inputs_are_drawn_there():
    found = interpreted(r"y = \log x", y=VECTOR, x=VECTOR)
    assert found.inputs[0].domain.low == 0
    assert "no domain is declared for x" in found.notes[0]
