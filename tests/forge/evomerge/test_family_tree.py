from bloomery.forge.evolving.genome import Genome
from bloomery.forge.evolving.history import Individual
from bloomery.forge.evomerge.family_tree import MOST, family_tree


def one(name, *parents, fitness=0.5):
    return Individual(
        name=name, generation=int(name.partition(".")[0]), genome=Genome("linear", (0.5,)),
        operator="mutation", parents=parents, fitness=fitness,
    )  # fmt: skip


def test_the_champion_and_its_ancestors_are_drawn_and_nobody_else():
    history = [
        one("0.1"),
        one("0.2"),
        one("0.3"),
        one("1.1", "0.1", "0.3"),
        one("1.2", "0.2"),
        one("2.1", "1.1"),
    ]
    tree = family_tree(history, "2.1")
    assert {node["id"]: node["parents"] for node in tree["nodes"]} == {
        "0.1": [], "0.3": [], "1.1": ["0.1", "0.3"], "2.1": ["1.1"],
    }  # fmt: skip
    assert [node["id"] for node in tree["nodes"] if node["strong"]] == ["2.1"]
    assert tree["title"] == "Lineage of the champion, candidate 2.1"
    assert tree["nodes"][-1]["title"] == "2.1 mutation"
    assert tree["nodes"][-1]["subtitle"] == "0.5000 linear"


def test_of_a_long_line_the_nearest_are_drawn_and_the_rest_is_counted():
    history = [one("0.1")] + [one(f"{number}.1", f"{number - 1}.1") for number in range(1, 40)]
    tree = family_tree(history, "39.1")
    assert [node["id"] for node in tree["nodes"]] == [f"{number}.1" for number in range(40 - MOST, 40)]
    assert tree["nodes"][0]["parents"] == []
    assert tree["title"].endswith(f"{40 - MOST} earlier ancestors left out")
