"""Each method asks a language model by its own prompt, and shows it what it found out."""

from types import SimpleNamespace

import pytest

from bloomery.core.evidence import Bar, Check, judge
from bloomery.optimize.asking import MODELS
from bloomery.optimize.equivalence import Effort
from bloomery.optimize.equivalence.finding import Finding
from bloomery.optimize.equivalence.trials import Step
from bloomery.optimize.methods import crossing
from bloomery.optimize.methods.actor_critic import ActorCritic
from bloomery.optimize.methods.adversarial import Adversarial
from bloomery.optimize.methods.crossing import stressed
from bloomery.optimize.methods.test_driven import TestDriven
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.proposal import Proposal, Target
from bloomery.optimize.proposers.models import ModelProposer
from bloomery.optimize.proposers.models.questions import MOST, newest
from bloomery.optimize.surveying import Survey
from bloomery.optimize.validating.verdict import Verdict
from bloomery.source.covering import Covered
from bloomery.source.outcomes import Outcome, Results
from tests.agents.fakes import Fake, settings
from tests.optimize.runs.shops import OTHER, QUICK, SLOW, WRONG, Saying, decide

SEVENS = Step((("a0", "[7, 7]"), ("a1", "[7]")), "paid(a0, a1)")
FIX = Check(name="fixed", bar=Bar(op="==", value=0))


def answer(text, idea):
    return {"source": text.strip("\n") + "\n", "idea": idea, "why": "so"}


GOOD, BAD = answer(QUICK, "a set"), answer(WRONG, "stops early")


def asked(fake):
    return [messages[0].parts[0].content for messages, _ in fake.requests]


def run(shop, method, fake, *, goal="speed", texts=(), each=1, decide=decide, **said):
    models = ModelProposer(fake.router(settings()).ask, each=each)
    proposers = (Saying("teller", texts), models)
    task = shop.task(goal, proposers=("teller", MODELS), **said)
    return optimize(shop.workspace, task, method=method, proposers=proposers, validate=decide)


@pytest.fixture
def paid_fails(monkeypatch):
    """The one test of `paid` fails, and it alone runs its lines."""
    outcomes = (Outcome("tests/t.py::test_paid", "failed", "assert [1] == [1, 3]"),
                Outcome("tests/t.py::test_total", "passed"))  # fmt: skip

    monkeypatch.setattr(Covered, "tests", lambda _, parsed, name: (f"tests/t.py::test_{name}",))
    monkeypatch.setattr(Covered, "missed", lambda *_: frozenset())
    seen = Survey(("tests/t.py",), Covered(Results(outcomes, ()), {}, {}))
    for place in ("optimizing", "methods.test_driven"):
        monkeypatch.setattr(f"bloomery.optimize.{place}.survey", lambda *_, **__: seen)


def fixes(root, proposal, *, goal, level, tests=(), seed=0):
    wrong = proposal.texts["src/shop/orders.py"] != SLOW + OTHER
    said = "test_paid: assert [2] == [1, 3]" if wrong else "all pass"
    return Verdict(level, (judge(FIX, int(wrong), how=said, duration_s=0),), {}, frozenset({"fixed"}))


@pytest.mark.usefixtures("paid_fails")
def test_to_fix_something_it_is_shown_the_failing_tests_and_then_what_its_first_try_failed_on(shop):
    shop.write("src/shop/orders.py", WRONG + OTHER)
    shop.commit()
    twice = answer(WRONG.replace("break", "continue  # it"), "goes on")
    fake = Fake({"tiny": [twice, answer(SLOW, "no break")]})
    report = run(shop, TestDriven(), fake, goal="fix", decide=fixes)
    first, second = asked(fake)
    assert "tests/t.py::test_paid (failed): assert [1] == [1, 3]" in first
    assert "test_total" not in first
    assert "Function `paid`" in first  # and `total`, which no failing test runs, is not asked about
    assert "test_paid: assert [2] == [1, 3]" in second
    assert "continue  # it" in second
    assert [one.fate for one in report.tried] == ["failed", "kept"]


@pytest.mark.usefixtures("paid_fails")
def test_what_is_mended_at_once_is_not_asked_about_again(shop):
    shop.write("src/shop/orders.py", WRONG + OTHER)
    shop.commit()
    fake = Fake({"tiny": [answer(SLOW, "no break")]})
    assert run(shop, TestDriven(), fake, goal="fix", decide=fixes).kept
    assert len(fake.requests) == 1


@pytest.fixture
def found(monkeypatch):
    """`verify` finds an input against all that stops early, and counts how often it is asked."""
    looked = []

    def verify(target, rival, effort):
        looked.append(rival.operator)
        wrong = "break" in rival.texts[target.path]
        return SimpleNamespace(findings=(Finding("the returned value", (SEVENS,)),) if wrong else ())

    monkeypatch.setattr(crossing, "verify", verify)
    monkeypatch.setattr(crossing, "code_version", lambda _: "1")
    monkeypatch.setattr("bloomery.optimize.methods.adversarial.crossed", lambda *_: {})
    return looked


@pytest.mark.usefixtures("quick")
def test_a_rival_is_shown_the_others_and_when_some_fell_the_inputs_that_broke_them(shop, found):
    fake = Fake({"tiny": [BAD, answer(OTHER, "none"), answer(OTHER, "none"), answer(OTHER, "none"), GOOD]})
    other = QUICK.replace("paid =", "ids =").replace("in paid:", "in ids:")
    report = run(shop, Adversarial(), fake, texts=(other + OTHER,))
    first, *_, last = asked(fake)
    assert "You take part in a tournament" in fake.requests[0][1].instructions
    assert "ids = set(paid_ids)" in first  # who spoke before
    assert "Inputs that broke" not in first
    assert "a0 = [7, 7]\na1 = [7]\npaid(a0, a1)" in last
    assert "stops early" in last
    assert report.facts["replies of models"] == 1
    assert {one.operator: one.fate for one in report.tried}["tiny: a set"] in ("kept", "accepted")


@pytest.mark.usefixtures("quick")
def test_where_no_rival_falls_nobody_is_asked_again(shop, found):
    fake = Fake({"tiny": [GOOD, answer(OTHER.replace("sum(amounts)", "sum([*amounts])"), "copied")]})
    report = run(shop, Adversarial(), fake)
    assert "replies of models" not in report.facts
    assert len(fake.requests) == 2  # one for each function


@pytest.mark.usefixtures("quick")
def test_what_was_found_against_a_rival_is_remembered_by_the_next_run(shop, found):
    fake = Fake({"tiny": [BAD]})
    first = run(shop, Adversarial(), fake)
    searched = len(found)
    assert searched > 0
    again = run(shop, Adversarial(), Fake({"tiny": [BAD]}))
    assert len(found) == searched
    assert again.facts["counter-examples"] == first.facts["counter-examples"] == 1


def test_a_counter_example_comes_back_from_memory_as_it_was(tmp_path, found):
    (tmp_path / "m.py").write_text(SLOW)
    rivals = [Proposal("p", "o", "", {"m.py": WRONG})]
    kept = {}

    def once(kind, make, **about):
        return kept.setdefault(str(about["texts"]), [] if kept else make())

    first = stressed(Target(tmp_path, "m.py"), rivals, Effort(), once)
    assert first == stressed(Target(tmp_path, "m.py"), rivals, Effort(), once)
    assert first[0][0].steps == (SEVENS,)
    assert first[1] == {0: "the returned value"}
    assert len(found) == 1


@pytest.mark.usefixtures("quick")
def test_an_actor_is_told_the_chosen_kind_what_was_measured_and_what_the_critic_expects(shop):
    kind = "a better algorithm or data structure"
    fake = Fake({"tiny": [BAD, GOOD, answer(OTHER.replace("sum(amounts)", "sum([*amounts])"), "copied")]})
    report = run(shop, ActorCritic(), fake, texts=(WRONG.replace("break", "return kept") + OTHER,), most=8)
    first, second, *_ = asked(fake)
    assert "You make one change of one named kind" in fake.requests[0][1].instructions
    assert "saying 0: behaviour" in first  # measured before any model was asked
    assert "accepted with a chance of 0." in first
    assert "against it: " in first
    assert "+tiny: stops early: behaviour" in second
    kept = [one.operator for one in report.kept]
    assert kept
    assert kept[0].endswith("+tiny: a set")
    assert any(f"Kind of change: {one}" in first for one in (kind, "less repeated work", "a function of the"))
    assert any(name.startswith("language models: ") and "+tiny" in name for name in report.facts["arms"])


@pytest.mark.usefixtures("quick")
def test_models_get_a_share_of_what_may_be_tried(shop):
    many = tuple(f"{SLOW}{OTHER}\n# {at}\n" for at in range(20))
    fake = Fake({"tiny": [GOOD]})
    report = run(shop, ActorCritic(), fake, texts=many, most=8)
    assert len([one for one in report.tried if one.proposer == "teller"]) <= 6
    assert report.kept[0].proposer == MODELS


def test_of_what_is_too_long_the_newest_is_shown_whole():
    texts = ["a" * MOST, "b" * (MOST - 1), "c"]
    assert newest(texts) == "b" * (MOST - 1) + "\n\nc"
