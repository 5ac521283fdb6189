import pytest

from bloomery.papers.symbols import parse, unbalanced, unexplained, unused


@pytest.mark.parametrize(
    ("latex", "needed"),
    [
        (r"M_t = (1 - \alpha_t) M_{t-1} + \eta_t v_t k_t^\top", ["M", "alpha", "eta", "v", "k"]),
        (r"\tilde{M}_t = \hat y + \widetilde{W} \quad (9)", ["tilde M", "hat y", "tilde W"]),
        (r"\mathbf{W}_{out} \mathbf x_{\mathrm{in}} + d_in", ["W_{out}", "x_{in}", "d_{in}"]),
        (r"\mathrm{softmax}(q k) + \operatorname{arg\,max} z + relu(u)", ["q", "k", "z", "u"]),
        (r"\mathbb{E}_{x \sim p}[\log p_\theta(y)] e^{-g} \tag{3}", ["p", "y"]),
        (r"\sum_{i=1}^{n} x_i \frac{\partial f}{\partial w}", ["x", "f", "w"]),
        (r"\begin{aligned} a &= \varepsilon \\ c &= \pi \end{aligned}", ["a", "epsilon", "c"]),
        ("θ̃ₜ = ℓ(xₜ)", ["tilde theta", "ell", "x"]),
        (r"\mathrm{d}x \text{ if } \mathrm{B} > 0", ["x", "B"]),
    ],
)
def test_symbols_are_letters_with_decorations_and_worded_subscripts(latex: str, needed: list[str]) -> None:
    assert [str(one) for one in parse(latex).needed()] == needed


def test_a_table_explains_a_symbol_whatever_its_index_or_alphabet() -> None:
    latex = r"M_t = \alpha_t M_{t-1} + W_{out} x + \tilde{M}"
    assert [str(one) for one in unexplained(latex, ["$M_t$", "α", "W_in"])] == ["W_{out}", "x", "tilde M"]
    assert unexplained(latex, ["M", r"\alpha_t", "W", "x_i", r"\tilde M"]) == []


def test_a_row_is_spare_where_the_formula_lacks_its_symbol() -> None:
    latex = r"\ell(M; x_t) = \mathrm{softmax}(W_{out})"
    assert unused(latex, ["M", "k_t", "t", "softmax", r"\ell(M; x)", "W_{in}", "relu", r"\tilde M"]) == [
        "k_t",
        "W_{in}",
        "relu",
        r"\tilde M",
    ]


@pytest.mark.parametrize(
    ("latex", "fault"),
    [
        (r"\frac{a}{b} \{ \left( c \right) \begin{x} d \end{x}", None),
        ("a\nb_{c", (1, "{ is never closed")),
        ("a}", (0, "} without {")),
        (r"\left( {a \right)", (0, r"\right where { is open")),
        ("\\begin{x}\n\\end{y}", (1, r"\end{y} where \begin{x} is open")),
    ],
)
def test_the_first_brace_without_a_partner_is_named_with_its_line(
    latex: str, fault: tuple[int, str] | None
) -> None:
    assert unbalanced(latex) == fault


@pytest.mark.parametrize(
    "latex", ["", "{", "}", "\\", r"\frac{", "_", "^^", r"\begin{x}", "$", "&&", r"x_\text"]
)
def test_broken_latex_raises_nothing(latex: str) -> None:
    assert isinstance(parse(latex).needed(), list)
