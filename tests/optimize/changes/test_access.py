import pytest

from bloomery.core.errors import UserError
from bloomery.optimize.changes.access import Access, Rules, check_branch, check_network, check_paths, matches


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("**", ["a", "a/b/c.py", ".x/y"], []),
        ("*", ["a", "a.py"], ["a/b", "a/"]),
        ("*.py", ["a.py", ".py"], ["a/b.py", "a.pyc", "a_py"]),
        ("**/*.py", ["a.py", "a/b.py", "a/b/c.py"], ["a.txt"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "srcs/a", "a/src/b"]),
        ("src/**/test_*.py", ["src/test_a.py", "src/x/y/test_a.py"], ["src/x/a.py", "test_a.py"]),
        ("a?c", ["abc"], ["ac", "a/c"]),
        ("a.b[c]", ["a.b[c]"], ["axb[c]", "a.bc"]),
    ],
)
def test_a_star_stays_in_a_folder_and_two_cross_folders(glob: str, yes: list[str], no: list[str]) -> None:
    assert [name for name in yes if not matches(name, [glob])] == []
    assert [name for name in no if matches(name, [glob])] == []


def test_what_is_denied_is_denied_whatever_is_allowed() -> None:
    rules = Rules(everyone=Access(paths=("**",), denied=("src/core/**",)))
    check_paths(rules, "anybody", ["src/a.py"])
    with pytest.raises(UserError, match=r"anybody may not change src/core/a\.py"):
        check_paths(rules, "anybody", ["src/a.py", "src/core/a.py"])


def test_an_agent_with_its_own_rules_has_no_others() -> None:
    rules = Rules(agents={"one": Access(paths=("a/**",), branches=("agents/*",), network=True)})
    check_paths(rules, "two", ["b/x"])
    check_network(rules, "one")
    with pytest.raises(UserError, match="one may not change b/x"):
        check_paths(rules, "one", ["b/x"])
    with pytest.raises(UserError, match="may not go to branch dev"):
        check_branch(rules, "one", "dev")
    with pytest.raises(UserError, match="two may not use the network"):
        check_network(rules, "two")


def test_agents_change_no_workflows_and_no_attributes_unless_they_are_let() -> None:
    for path in (".github/workflows/x.yml", ".gitmodules", "a/.gitattributes"):
        with pytest.raises(UserError, match="may not change"):
            check_paths(Rules(), "anybody", [path])
        check_paths(Rules(everyone=Access(denied=())), "anybody", [path])
