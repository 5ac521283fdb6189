import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bloomery.core.catalog import TaskRecord
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import Rules
from bloomery.optimize.coordinating import Crew, Summary, Terms, coordinate, enqueue
from bloomery.optimize.task import OptimizationTask
from tests.optimize.changes.conftest import Site, private_git
from tests.optimize.coordinating.working import CHECK, MODULE, checking, editing, edits

__all__ = ["private_git"]


class Shop(Site):
    """A repository with a queue."""

    def ask(self, *pairs: tuple[str, str], path: str = "ops.py", **options: object) -> TaskRecord:
        task = OptimizationTask(root=self.root, paths=(path,), goal="speed", description=edits(*pairs))
        return enqueue(self.workspace, task, **options)

    def work(self, **options: object) -> Summary:
        values = {"work": editing, "validate": checking, "engine": "inline", "agents": 1, "rules": self.rules}
        values |= {"terms": Terms(poll_s=0.02, again_s=0.0)}
        return coordinate(self.workspace, self.root, Crew(**(values | options)))

    def offers(self, *states: str) -> list[str]:
        return list(dict.fromkeys(offer.cid for offer in self.workspace.catalog.conflicts.offers(*states)))

    def result(self, cid: str) -> str:
        """The module's text as a patch makes it."""
        from bloomery.optimize.coordinating.trees import effect, head

        return effect(self.ledger, [self.ledger.load(cid)], head(self.ledger))["ops.py"]


@pytest.fixture(scope="session")
def shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        private_git.__wrapped__(tmp_path_factory.getbasetemp(), patch)
        shop = Shop(tmp_path_factory.mktemp("shop") / "tree", Path(), Rules())
        shop.root.mkdir()
        shop.git("init", "--quiet", "--initial-branch=dev")
        for path, text in (("ops.py", MODULE), ("check.py", CHECK), ("notes.txt", "one\ntwo\nthree\n")):
            shop.write(path, text)
        shop.commit("first")
    Workspace.open(shop.root.parent / "space").catalog.close()
    return shop.root.parent


@pytest.fixture
def make_shop(tmp_path: Path, shop_template: Path) -> Callable[..., Shop]:
    def make(name: str = "one", rules: Rules | None = None) -> Shop:
        shutil.copytree(shop_template, tmp_path / name)
        return Shop(tmp_path / name / "tree", tmp_path / name / "space", rules or Rules())

    return make


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    return make_shop()
