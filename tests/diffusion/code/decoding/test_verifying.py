"""Models whose tokens are no lexemes: what parses is given, what does not is refused."""

import pytest

from bloomery.core.errors import UserError
from bloomery.diffusion.code.decoding.framing import refusal
from bloomery.diffusion.code.decoding.holes import Hole
from bloomery.diffusion.code.decoding.verifying import fill_verified


class Said:
    """Answers by length, as a model of other tokens gives them."""

    def __init__(self, answers: dict[int, str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def encode(self, text: str) -> list[int]:
        return [ord(each) for each in text]

    def fill(self, before: str, after: str, *, length: int, steps: int, generator: object) -> str:
        self.asked.append((before, after))
        return self.answers.get(length, "")


def test_what_parses_is_given_and_what_does_not_is_refused_with_the_reason():
    data = "x = größe + 1\n".encode()
    model = Said({3: "(2", 4: "y * 2", 5: "y * 2", 6: "ß"})
    found = fill_verified(model, data, Hole(4, 11), "python", lengths=[3, 4, 5, 6, 7])
    assert [each.data.decode() for each in found.candidates] == ["x = y * 2 + 1\n", "x = ß + 1\n"]
    assert [each.text for each in found.candidates] == [b"y * 2", "ß".encode()]
    assert found.reasons[0].startswith("3 tokens: 1:1: unexpected")
    assert found.reasons[1] == "7 tokens: nothing was written"
    assert set(model.asked) == {("x = ", " + 1\n")}


def test_lengths_are_near_what_stood_there_and_a_model_that_fills_nothing_is_refused():
    found = fill_verified(Said({7: "value"}), b"x = number_ + 1\n", Hole(4, 11), "python")
    assert [each.length for each in found.candidates] == [7]
    with pytest.raises(UserError, match="fills no holes"):
        fill_verified(object(), b"x = 1\n", Hole(4, 5), "python")


@pytest.mark.parametrize(
    ("language", "text", "was", "answer"),
    [
        ("python", "y = a + check(b)\n", "a", "a #"),
        ("python", "x = a\n+ b\n", "a", "1 \\"),
        ("python", "x = a+1\n", "a", "1e"),
        ("javascript", "let y = a + b;\nlet z = 1; /* z */\n", "a", "q /*"),
        ("javascript", "let y = a + b;\n", "a", "q //"),
        ("typescript", "let y = a+ +b;\n", "a", "c+"),
        ("java", "class A { int b = c; int d = 1; /* d */ }\n", "c;", "1; /*"),
        ("go", "package a\nvar b = c; var d = 1\n", "c", "1 //"),
    ],
)
def test_an_answer_that_changes_what_stands_beside_the_hole_is_refused(language, text, was, answer):
    start = text.index(f"= {was}") + 2
    hole, data = Hole(start, start + len(was)), text.encode()
    assert not refusal(data[:start] + answer.encode() + data[hole.stop :], language), "it parses"
    good = "2;" if was == "c;" else "2"
    found = fill_verified(Said({3: answer, 4: good}), data, hole, language, lengths=[3, 4])
    assert [each.text for each in found.candidates] == [good.encode()]
    assert found.reasons == ["3 tokens: what fills the hole runs into what stands beside it"]


@pytest.mark.parametrize(("start", "stop"), [(4, 5), (5, 6), (12, 14)])
def test_an_edge_inside_of_a_word_a_string_or_a_remark_is_refused(start, stop):
    with pytest.raises(UserError, match="inside of a word"):
        fill_verified(Said({1: "q"}), b"x = re + 'a b'\n", Hole(start, stop), "python", lengths=[1])


def test_a_word_beside_the_hole_stays_a_word():
    found = fill_verified(Said({1: "q", 2: " + "}), b"x = a-b\n", Hole(5, 6), "python", lengths=[1, 2])
    assert [each.data for each in found.candidates] == [b"x = a + b\n"]
    assert found.reasons == ["1 tokens: what fills the hole runs into what stands beside it"]


def test_a_marked_file_and_one_of_tsx_are_filled():
    marked = b"\xef\xbb\xbfx = a\n"
    (one,) = fill_verified(Said({1: "b"}), marked, Hole(7, 8), "python", lengths=[1]).candidates
    assert one.data == b"\xef\xbb\xbfx = b\n"
    (one,) = fill_verified(
        Said({1: "b"}), b"let x = <p>{a}</p>;\n", Hole(12, 13), "tsx", lengths=[1]
    ).candidates
    assert one.data == b"let x = <p>{b}</p>;\n"
