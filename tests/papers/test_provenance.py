import pytest

from bloomery.core.errors import UnknownName, UserError
from bloomery.papers.context import Context, Equation
from bloomery.papers.markdown import read_text, write
from bloomery.papers.provenance import confirm

CONTEXT = Context(
    "slots",
    equations=(
        Equation("1", plain_english="a guess", proposed=("plain_english", "criteria", "used_by")),
        Equation("2", proposed=("criteria",)),
    ),
)


def test_a_proposed_field_is_marked_in_the_file_until_it_is_confirmed() -> None:
    text = write(CONTEXT)
    assert "**Plain English (proposed):** a guess" in text
    assert "- Used by (proposed): None" in text
    confirmed = confirm(read_text(text).context, "1", "plain_english")
    assert "**Plain English:** a guess" in write(confirmed)
    assert [one.proposed for one in confirmed.equations] == [("used_by", "criteria"), ("criteria",)]


def test_what_is_not_proposed_cannot_be_confirmed() -> None:
    with pytest.raises(
        UserError,
        match="latex of slots:1 is not proposed, so there is nothing to confirm; proposed: used_by, criteria",
    ):
        confirm(confirm(CONTEXT, "1", "plain_english"), "1", "latex")
    with pytest.raises(UnknownName, match="unknown equation of slots '3'"):
        confirm(CONTEXT, "3", "latex")
    with pytest.raises(UnknownName, match="did you mean 'criteria'"):
        confirm(CONTEXT, "1", "criterion")


def test_a_confirmed_field_leaves_the_others_as_they_were() -> None:
    confirmed = confirm(CONTEXT, "2", "criteria")
    assert confirmed.equations[0] is CONTEXT.equations[0]
    assert confirmed.equations[1].proposed == ()
