"""The method over a bench that accepts or refuses all."""

from random import Random

import pytest

from bloomery.core.evidence import Bar, Check, judge
from bloomery.optimize.asking import MODELS
from bloomery.optimize.faults import Effort
from bloomery.optimize.methods import method
from bloomery.optimize.methods.chaos import Chaos
from bloomery.optimize.proposal import NOTHING, Target
from bloomery.optimize.proposers.models import ModelProposer
from bloomery.optimize.task import OptimizationTask
from bloomery.optimize.validating.verdict import Verdict
from tests.agents.fakes import Fake, settings

WEAK = """
def lines(path):
    try:
        return len(open(path).readlines())
    except OSError:
        return 0
"""
SOUND = """
def lines(path):
    try:
        with open(path) as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0
"""
ASKS = """
import urllib.request


def asked(url):
    with urllib.request.urlopen(url, timeout=9) as answer:
        return answer.read()
"""
TEST = """
import pytest
from counting import lines


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "two.txt"
    made.write_text("1\\n2\\n")
    return made


def test_two(path):
    assert lines(path) == 2
"""
GOOD = Check(name="good", bar=Bar(op=">=", value=1))


class Bench:
    def __init__(self, root, *, accepts):
        self.task = OptimizationTask(root=root, paths=("counting.py",), goal="robustness", tests=("tests",))
        self.accepts, self.said, self.noted = accepts, [], []

    def propose(self, *, proposer=None, path=None, **_):
        return iter(())

    def validate(self, proposal, *, level=None):
        return Verdict("standard", (judge(GOOD, self.accepts, how="told", duration_s=0),))

    def note(self, kind, path, **about):
        self.noted.append((kind, path, about))

    def say(self, event, **facts):
        self.said.append((event, facts))


def bench(tmp_path, text, *, accepts=1):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_counting.py").write_text(TEST)
    (tmp_path / "counting.py").write_text(text)
    return Bench(tmp_path, accepts=accepts)


@pytest.mark.slow
def test_what_breaks_in_a_test_under_faults_is_mended_in_one_change(tmp_path):
    one = bench(tmp_path, WEAK)
    chaos = Chaos(effort=Effort(pairs=0))
    (judged,) = chaos.improve(one)
    assert judged.proposal.texts["counting.py"] == SOUND
    assert judged.proposal.operator == "with around+narrower handlers"
    assert [said.split(": ")[1] for said in judged.facts["mended"]] == ["leak", "swallowed"]
    assert (chaos.facts["weaknesses"], chaos.facts["mended"]) == (2, 2)
    assert ["replay(Path(), 'counting.py'" in one for one in chaos.facts["broken"].values()] == [True, True]
    assert (tmp_path / "counting.py").read_text() == WEAK
    assert one.noted == [
        ("weakness_found", "counting.py", {"of": kind, "function": "lines"}) for kind in ("leak", "swallowed")
    ]


@pytest.mark.slow
def test_a_lost_answer_is_asked_for_again_where_the_repository_uses_tenacity(tmp_path):
    one = bench(tmp_path, ASKS)
    assert list(Chaos(effort=Effort(pairs=0)).improve(one)) == []
    (tmp_path / "requirements.txt").write_text("tenacity>=9\n")
    (judged,) = Chaos(effort=Effort(pairs=0)).improve(one)
    assert judged.proposal.operator == "retries"
    assert "gives up at once" in judged.facts["mended"][0]


def test_where_nothing_breaks_nothing_is_proposed(tmp_path):
    one = bench(tmp_path, SOUND)
    assert list(method("chaos").improve(one)) == []
    assert one.said[0][1]["weaknesses"] == 0
    assert one.said[0][1]["schedules"] > 8


MENDER = {"source": SOUND.strip("\n") + "\n", "idea": "with, narrower", "why": "closed whatever happens"}
NO_MENDER = {"source": WEAK.strip("\n").replace("0", "-0") + "\n", "idea": "minus", "why": "so"}


class Asking(Bench):
    """Asks a language model that is a function, and nobody else."""

    def __init__(self, root, script, **how):
        super().__init__(root, **how)
        self.fake = Fake({"tiny": script})
        self.models = ModelProposer(self.fake.router(settings()).ask)

    def propose(self, *, proposer=None, path=None, known=NOTHING, without=()):
        if proposer == MODELS:
            target = Target(self.task.root, path, known=known)
            yield from self.models.propose(target, self.task.goal, rng=Random(0))


@pytest.mark.slow
def test_a_model_is_asked_to_mend_what_nobody_else_can_and_the_same_faults_judge_its_mend(
    tmp_path, monkeypatch
):
    bench(tmp_path, WEAK)
    one = Asking(tmp_path, [NO_MENDER, MENDER], accepts=1)
    monkeypatch.setattr("bloomery.optimize.methods.chaos.mended", lambda *_: None)
    chaos = Chaos(effort=Effort(pairs=0))
    first, *_ = chaos.improve(one)
    assert first.proposal.proposer == MODELS
    assert first.proposal.texts["counting.py"] == SOUND
    asked = [messages[0].parts[0].content for messages, _ in one.fake.requests]
    assert "You mend one weakness" in one.fake.requests[0][1].instructions
    assert ": leak: in lines, under " in asked[0]
    assert "replay(Path(), 'counting.py'" in asked[0]
    assert "return -0" in asked[1]  # what was proposed before, and not enough
    assert chaos.facts["mended by models"] >= 1


@pytest.mark.slow
def test_what_the_faults_still_break_is_not_even_validated(tmp_path, monkeypatch):
    bench(tmp_path, WEAK)
    one = Asking(tmp_path, [NO_MENDER], accepts=1)
    monkeypatch.setattr("bloomery.optimize.methods.chaos.mended", lambda *_: None)
    assert list(Chaos(effort=Effort(pairs=0)).improve(one)) == []
