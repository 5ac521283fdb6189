import pytest

from bloomery.core.errors import ConfigError, FormatRefused
from bloomery.papers.context import (
    Context,
    Equation,
    Hyperparameter,
    Metadata,
    Note,
    Result,
    Variable,
)
from bloomery.papers.markdown import from_json, to_json
from bloomery.papers.written import bare, lines_of, number_key, one_line


def test_a_text_is_held_as_a_file_writes_it() -> None:
    equation = Equation("1", "  two\twords\n", latex="\n\n  a \r\n\tb  \n\n")
    assert equation.name == "two words"
    assert equation.latex == "  a\n    b"
    assert one_line("a\x00b\u2028c\ud800") == "a b c"
    assert lines_of(lines_of("\n a\n\n b \n")) == " a\n\n b"


def test_a_name_has_no_marks_around_it() -> None:
    assert bare("**`$M_t$`**") == "M_t"
    assert bare("x^*") == "x^*"
    assert Variable("`M`").symbol == "M"
    assert Variable("M", shape="").shape == "-"


def test_numbers_are_sorted_as_people_count() -> None:
    assert sorted(["10", "9b", "A.2", "9a", "2", "A.10", "B"], key=number_key) == [
        "2",
        "9a",
        "9b",
        "10",
        "A.2",
        "A.10",
        "B",
    ]


def test_an_arrow_in_a_metric_is_its_direction() -> None:
    assert (Result("x", "PPL ↓").metric, Result("x", "PPL ↓").direction) == ("PPL", "down")
    assert Hyperparameter("Training Hyperparameters", "rate").group == "Training"
    assert Hyperparameter("", "rate").group == "Model"


def test_notes_stand_by_kind_and_an_alias_finds_its_equation() -> None:
    context = Context(
        "a",
        equations=(Equation("1", aliases=("A.1", "2")), Equation("2")),
        notes=(Note("limitation", "x"), Note("gotcha", "y")),
    )
    assert [note.kind for note in context.notes] == ["gotcha", "limitation"]
    assert context.equation("A.1") is context.equations[0]
    assert context.equation("2") is context.equations[1]  # its own number comes before another's alias
    assert context.equation("3") is None
    assert context.global_id("2") == "a:2"


@pytest.mark.parametrize("number", ["", "9-10", "the loss", "1:2", "overview", "(3)"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match=r"is no equation number; expected one such as 13, 9a or A.2"):
        Equation(number)


def test_what_names_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a Variable needs its symbol; it is empty"):
        Variable(" ** ** ".replace(" ", ""))
    with pytest.raises(ValueError, match="'Titans' is no paper id"):
        Context("Titans")
    with pytest.raises(ValueError, match=r"fields that nothing proposes: \['number'\]"):
        Equation("1", proposed=("number",))


def test_json_with_a_strange_field_is_refused_by_its_name() -> None:
    context = Context("a", metadata=Metadata(confidence="low"))
    with pytest.raises(ConfigError, match="confidenze"):
        from_json(to_json(context).replace("confidence", "confidenze"))
    with pytest.raises(FormatRefused, match=r"a.json:2: expected JSON"):
        from_json('{"paper_id":\n', "a.json")
