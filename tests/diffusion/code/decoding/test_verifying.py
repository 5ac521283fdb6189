"""Models whose tokens are no lexemes: what parses is given, what does not is refused."""

import pytest

from bloomery.core.errors import UserError
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
