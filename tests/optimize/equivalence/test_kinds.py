"""An annotation says which values a parameter takes; what it does not say stays open."""

import ast

import pytest

from bloomery.optimize.equivalence.kinds import ANY, Kind, classes_of, contains_any, kind_of, parameters

NO_CLASSES = classes_of(ast.parse(""))


def kind(text: str) -> Kind:
    return kind_of(ast.parse(text, mode="eval").body, NO_CLASSES)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("int", Kind("int")),
        ("list[float]", Kind("list", (Kind("float"),))),
        ("collections.abc.Sequence[str]", Kind("list", (Kind("str"),))),
        ("dict[str, list[int]]", Kind("dict", (Kind("str"), Kind("list", (Kind("int"),))))),
        ("int | None", Kind("union", (Kind("int"), Kind("None")))),
        ("Optional[int]", Kind("union", (Kind("int"), Kind("None")))),
        ("Union[int, Union[str, None]]", Kind("union", (Kind("int"), Kind("str"), Kind("None")))),
        ("tuple[int, ...]", Kind("tuple", (Kind("int"),), "many")),
        ("tuple[int, str]", Kind("tuple", (Kind("int"), Kind("str")), "each")),
        ("Callable[[int], bool]", Kind("Callable")),
        ("'list[int]'", Kind("list", (Kind("int"),))),
        ("Iterator[bytes]", Kind("Iterator", (Kind("bytes"),))),
        ("Whatever[int]", ANY),
    ],
)
def test_an_annotation_gives_its_kind(text: str, wanted: Kind) -> None:
    assert kind(text) == wanted


def test_what_is_open_inside_is_open() -> None:
    assert contains_any(kind("list"))
    assert not contains_any(kind("dict[str, tuple[int, ...]]"))


def test_parameters_keep_the_ways_in_which_they_are_passed() -> None:
    node = ast.parse("def f(a, /, b: int, *c: str, d=1, **e): ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    found = parameters(node.args, NO_CLASSES)
    assert [(one.name, one.way) for one in found] == [
        ("a", "positional"),
        ("b", "either"),
        ("c", "many"),
        ("d", "keyword"),
        ("e", "named"),
    ]
    assert [one.has_default for one in found] == [False, False, True, True, True]


def test_a_dataclass_is_built_from_its_fields_and_an_enumeration_from_its_members() -> None:
    text = "@dataclass\nclass P:\n    x: int\n    y: str = ''\nclass E(Enum):\n    A = 1\n    B = 2\n"
    found = classes_of(ast.parse(text))
    assert [(one.name, one.kind.name, one.has_default) for one in found.built["P"]] == [
        ("x", "int", False),
        ("y", "str", True),
    ]
    assert found.members["E"] == ("A", "B")
