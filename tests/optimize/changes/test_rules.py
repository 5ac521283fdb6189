"""Rules for agents from `bloomery.toml`: what it says holds, and no patch changes it."""

import subprocess

import pytest

from bloomery.core.errors import ConfigError, UserError
from bloomery.optimize.changes import About, Access, Repository, Rules, open_ledger, propose
from bloomery.optimize.changes.access import FILE, check_paths, without_network
from bloomery.optimize.changes.rules import DEFAULT, read, rules_of
from bloomery.optimize.changes.worktree import worktree

MODELS = "language models"


def rules(text: str) -> Rules:
    return read(text.encode(), FILE)


def of(site) -> Rules:
    return rules_of(Repository.open(site.root))


def test_without_a_file_or_with_an_empty_one_the_stated_default_holds(site) -> None:
    assert of(site) == DEFAULT
    assert rules("") == rules("[rules]") == DEFAULT
    assert (DEFAULT.protects("main"), DEFAULT.protects("dev")) == (True, False)
    assert (DEFAULT.of(MODELS).network, DEFAULT.of("rewrites").network) == (True, False)


def test_what_an_agent_is_not_told_is_as_for_everyone() -> None:
    found = rules(
        """
        [rules]
        protected = ["release/**"]
        [rules.everyone]
        paths = ["src/**"]
        denied = ["src/keys/**"]
        branches = ["agents/*"]
        [rules.agents.repair]
        paths = ["lib/**"]
        denied = ["lib/x.py"]
        """
    )
    usual = Access().denied
    everyone = Access(paths=("src/**",), denied=(*usual, "src/keys/**"), branches=("agents/*",))
    repair = Access(
        paths=("lib/**",), denied=(*usual, "src/keys/**", "lib/x.py"), branches=("agents/*",), network=False
    )
    models = Access(paths=("src/**",), denied=everyone.denied, branches=("agents/*",), network=True)
    assert (found.of("anybody"), found.of("repair"), found.of(MODELS)) == (everyone, repair, models)
    assert (found.protects("release/1"), found.protects("main")) == (True, False)


@pytest.mark.parametrize(
    ("text", "models", "others"),
    [
        ("[rules.everyone]\nnetwork = false", False, False),
        ("[rules.everyone]\nnetwork = true", True, True),
        (f'[rules.agents."{MODELS}"]\nnetwork = false', False, False),
        (f'[rules.agents."{MODELS}"]\npaths = ["src/**"]', True, False),
        (f'[rules.everyone]\nnetwork = false\n[rules.agents."{MODELS}"]\nnetwork = true', True, False),
    ],
)
def test_language_models_have_the_network_unless_the_file_says_no(text, models, others) -> None:
    found = rules(text)
    assert (found.of(MODELS).network, found.of("rewrites").network) == (models, others)
    cut = without_network(found)
    assert (cut.of(MODELS).network, cut.of("rewrites").network) == (False, False)
    assert cut.of(MODELS).paths == found.of(MODELS).paths


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[rules.everyone]\npathz = []", r"unknown key 'rules\.everyone\.pathz'; did you mean 'paths'"),
        ("[agents]", r"unknown key 'agents'"),
        ('[rules.agents.repair]\nnetwork = "no"', r"'rules\.agents\.repair\.network'.*true or false"),
        ('[rules]\nprotected = "main"', r"'rules\.protected' is .*main.*a list"),
        ("[rules.everyone]\npaths = [1]", r"'rules\.everyone\.paths\.0'.*text"),
        ("[rules", "is no TOML"),
        ("\udcff", "is no TOML"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_file_and_key_and_nothing_is_opened(site, text, told) -> None:
    (site.root / FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=rf"{FILE}.*{told}"):
        open_ledger(site.workspace, site.root)


def test_the_ledger_takes_the_rules_of_the_users_tree(site) -> None:
    site.write(FILE, '[rules.everyone]\npaths = ["pkg/**"]\n')
    ledger = open_ledger(site.workspace, site.root / "pkg")
    with pytest.raises(UserError, match=r"rewrites may not change a\.py: allowed are pkg/\*\*"):
        propose(ledger, About(proposer="rewrites"), texts={"a.py": "x\n"})
    propose(ledger, About(proposer="rewrites"), texts={"pkg/c.py": "x\n"})
    assert open_ledger(site.workspace, site.root, Rules()).rules == Rules()


def test_a_file_that_was_only_removed_from_the_tree_still_counts(site) -> None:
    site.write(FILE, "[rules]\nprotected = []\n")
    site.commit()
    (site.root / FILE).unlink()
    assert of(site).protected == ()
    site.commit()
    assert of(site) == DEFAULT


def test_a_file_that_leads_elsewhere_is_refused(site) -> None:
    site.write("loose.toml", "[rules]\nprotected = []\n")
    (site.root / FILE).symlink_to("loose.toml")
    with pytest.raises(ConfigError, match="no plain file"):
        of(site)
    site.commit()
    (site.root / FILE).unlink()
    with pytest.raises(ConfigError, match="no plain file"):
        of(site)


def test_in_an_agents_worktree_its_own_file_counts_for_nothing(site) -> None:
    site.write(FILE, '[rules.everyone]\npaths = ["pkg/**"]\n')
    site.commit()
    strict = of(site)
    with worktree(site.ledger, "agent") as tree:
        for act in ("edit", "commit", "remove"):
            if act == "remove":
                (tree / FILE).unlink()
            else:
                (tree / FILE).write_text("[rules]\nprotected = []\n")
            if act == "commit":
                subprocess.run(["git", "commit", "-qam", "mine"], cwd=tree, check=True)
            assert open_ledger(site.workspace, tree).rules == strict


def test_in_a_worktree_of_the_user_the_file_there_counts(site) -> None:
    other = site.root.parent / "other"
    site.git("worktree", "add", "--quiet", str(other))
    (other / FILE).write_text("[rules]\nprotected = []\n")
    assert rules_of(Repository.open(other)).protected == ()
    assert of(site) == DEFAULT


RENAME = f"""diff --git a/{FILE} b/loose.toml
similarity index 100%
rename from {FILE}
rename to loose.toml
"""


def test_no_patch_changes_the_rules_that_it_is_judged_by(site) -> None:
    site.write(FILE, "[rules]\n")
    site.commit()
    lax = Rules(everyone=Access(denied=()))
    ledger, before = open_ledger(site.workspace, site.root, lax), site.snapshot()
    edited = "".join([f"--- a/{FILE}\n+++ b/{FILE}\n", "@@ -1 +1,2 @@\n [rules]\n+protected = []\n"])
    for change in (
        {"texts": {FILE: "[rules]\nprotected = []\n"}},
        {"texts": {"a.py": "x\n", FILE: None}},
        {"texts": {FILE.title(): "[rules]\n"}},
        {"texts": {f"{FILE}/x": "y\n"}},
        {"diff": edited},
        {"diff": RENAME},
    ):
        with pytest.raises(UserError, match="holds the rules for agents, which no patch may change"):
            propose(ledger, About(proposer="anybody"), **change)
    with worktree(ledger, "agent") as tree:
        (tree / FILE).write_text("[rules]\nprotected = []\n")
        with pytest.raises(UserError, match="holds the rules"):
            propose(ledger, About(proposer="agent"), folder=tree)
    assert (ledger.records.patches(), site.snapshot()) == ([], before)
    check_paths(lax, "anybody", [f"src/{FILE}", "bloomery.tom", "bloomery_toml"])
