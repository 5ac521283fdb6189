"""What differs between two texts, and what has to be run of it."""

from bloomery.optimize.equivalence.versions import Version, changed, same_code

OLD = "K = 1\n\ndef f(n):\n    return n + K\n\ndef g(n):\n    return f(n) * 2\n\ndef h(n):\n    return n\n"


def version(text: str) -> Version:
    return Version(text, "m.py")


def test_a_changed_function_touches_those_that_call_it() -> None:
    found = changed(version(OLD), version(OLD.replace("n + K", "K + n")))
    assert found.functions == ("f",)
    assert found.touched == ("g",)
    assert found.new_lines == {4}


def test_a_changed_constant_touches_its_readers() -> None:
    found = changed(version(OLD), version(OLD.replace("K = 1", "K = 2")))
    assert found.functions == ()
    assert found.touched == ("f",)


def test_comments_and_layout_are_no_change() -> None:
    assert same_code(version(OLD), version(OLD.replace("return n + K", "return (n +  K)  # sum")))


def test_each_arm_of_a_choice_is_a_piece_of_its_own() -> None:
    text = "def f(n):\n    return 1 if n == 86413 else 'no'\n"
    pieces = version(text).pieces(frozenset({"f"}), frozenset({2}))
    texts = {text.splitlines()[place[0] - 1][place[2] : place[3]] for place in pieces}
    assert {"1", "'no'", "n == 86413"} <= texts
    assert {place[4] for place in pieces if len(place) == 5} == {0, 1}


def test_lines_that_stayed_need_no_input() -> None:
    assert version(OLD).pieces(frozenset({"f"}), frozenset({10})) == frozenset()
