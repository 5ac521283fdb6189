import pytest

from bloomery.core import errors
from bloomery.core.errors import BloomeryError, Failure, UnknownName, UserError, suggestion


def tree(root: type[BloomeryError]) -> list[type[BloomeryError]]:
    return [root, *(below for child in root.__subclasses__() for below in tree(child))]


def in_errors_module(root: type[BloomeryError]) -> list[type[BloomeryError]]:
    return [error for error in tree(root) if error.__module__ == errors.__name__]


def test_what_the_user_can_mend_exits_with_two_and_the_rest_with_one() -> None:
    assert {error.exit_code for error in tree(UserError)} == {2}
    assert {error.exit_code for error in tree(Failure)} == {1}
    assert BloomeryError.exit_code == 1


def test_the_drawn_tree_names_every_error_once_under_its_parent() -> None:
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "──" in line]
    names = [line.split("── ")[1].split()[0] for line in drawn]
    depth = {name: line.index("──") for name, line in zip(names, drawn, strict=True)}
    real = in_errors_module(BloomeryError)[1:]
    assert sorted(names) == sorted(error.__name__ for error in real)
    for error in real:
        parent = error.__mro__[1].__name__
        if parent in depth:
            assert depth[error.__name__] == depth[parent] + 4
            assert names.index(error.__name__) > names.index(parent)


@pytest.mark.parametrize(
    ("name", "known", "tail"),
    [
        ("evomrege", ["evomerge", "bitnet"], "; did you mean 'evomerge'?"),
        ("zzz", ["evomerge", "bitnet"], "; known: bitnet, evomerge"),
        ("zzz", [], "; none is known"),
    ],
)
def test_an_unknown_name_is_told_the_nearest_else_all(name: str, known: list[str], tail: str) -> None:
    assert suggestion(name, known) == tail
    assert str(UnknownName("stage", name, known)) == f"unknown stage '{name}'{tail}"
    assert UnknownName("stage", name, known).known == sorted(known)
