import pytest

from bloomery.papers.shape import Shape, parse


@pytest.mark.parametrize(
    ("text", "dimensions"),
    [
        ("[B, S, D]", ("B", "S", "D")),
        ("`[B, S, D]`", ("B", "S", "D")),
        ("(N, d_in)", ("N", "d_in")),
        ("(d_in,)", ("d_in",)),
        ("[]", ()),
        ("()", ()),
        ("scalar", ()),
        ("B x S x D", ("B", "S", "D")),
        ("d_in × d_out", ("d_in", "d_out")),
        (r"\mathbb{R}^{d \times k}", ("d", "k")),
        ("x ∈ ℝ^{d}".removeprefix("x "), ("d",)),
        ("R^d", ("d",)),
        ("[..., D]", ("...", "D")),
        ("[B, S // 2, 2 * D]", ("B", "S // 2", "2 * D")),
        ("[B, S, D] (after the gate)", ("B", "S", "D")),
    ],
)
def test_dimensions_are_read_in_all_their_forms(text: str, dimensions: tuple[str, ...]) -> None:
    assert parse(text) == Shape("dimensions", dimensions)


def test_other_declarations_are_kept_for_what_they_are() -> None:
    assert parse("-") == Shape("none")
    assert parse("same as M_t") == Shape("same", same_as="M_t")
    assert parse("scalar or (d_in,)") == Shape(
        "either", either=(Shape("dimensions"), Shape("dimensions", ("d_in",)))
    )
    assert parse("as wide as it gets") == Shape("unreadable", text="as wide as it gets")


@pytest.mark.parametrize("text", ["[B, S, D]", "[]", "-", "same as M", "[] or [d_in]", "no idea"])
def test_a_written_shape_is_read_as_itself(text: str) -> None:
    assert str(parse(text)) == text
