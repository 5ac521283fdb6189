import random
import sys
from types import SimpleNamespace

import pytest

from bloomery.core.errors import CapabilityMissing, ConfigError, UnknownName
from bloomery.tasks import gym
from bloomery.tasks.gym import GymTask, TaskRefused, gym_task, vet
from bloomery.tasks.splitting import split
from bloomery.tasks.task import Example


class Curriculum:
    """Two levels of one attribute, as those of the package."""

    def __init__(self):
        self.attributes = {"size": SimpleNamespace(levels=[5, 9])}
        self.level = 0

    def set_global_level(self, level):
        self.level = level

    def generate_configuration(self, given):
        return SimpleNamespace(level=self.level, **given)


class Doubling:
    """An honest data set: twice a number."""

    def __init__(self, config):
        self.config = config

    def __getitem__(self, index):
        number = random.Random(self.config.seed).randrange(10 ** (self.config.level + 2))
        return {"question": f"twice {number}?", "answer": str(2 * number), "metadata": {"number": number}}

    def score_answer(self, answer, entry):
        return float(int(answer) == 2 * entry["metadata"]["number"])


class RejectsItself(Doubling):
    def score_answer(self, answer, entry):
        return 0.5


class AcceptsGarbage(Doubling):
    def score_answer(self, answer, entry):
        return 1.0


class Evaluates(Doubling):
    def score_answer(self, answer, entry):
        return float(eval(answer) == 2 * entry["metadata"]["number"])


class Restless(Doubling):
    count = 0

    def __getitem__(self, index):
        Restless.count += 1
        return super().__getitem__(index) | {"question": f"number {Restless.count}?"}


KINDS = {
    kind.__name__.lower(): kind for kind in (Doubling, RejectsItself, AcceptsGarbage, Evaluates, Restless)
}


@pytest.fixture
def package(monkeypatch):
    """A stand-in for the package, whose data sets behave as badly as some of the real ones do."""
    fake = SimpleNamespace(
        CURRICULA=dict.fromkeys(KINDS, Curriculum),
        DATASETS={name: (kind, None) for name, kind in KINDS.items()},
        create_curriculum=lambda name: Curriculum(),
    )
    monkeypatch.setattr(gym, "_package", lambda: fake)
    monkeypatch.setattr(gym, "_digest_elsewhere", lambda name, hash_seed: gym.digest(name))
    monkeypatch.setattr(gym.metadata, "version", lambda name: "0.0")
    for cached in (vet, gym._scorer, gym._commonest):
        cached.cache_clear()
    yield fake
    for cached in (vet, gym._scorer, gym._commonest):
        cached.cache_clear()


def test_an_honest_data_set_is_a_task(package):
    task = gym_task("doubling")
    example = task.example(random.Random(0), 1)
    assert example == task.example(random.Random(0), 1)
    assert int(example.answer) == 2 * int(example.prompt.removeprefix("twice ").rstrip("?"))
    assert task.difficulties == range(2)
    assert task.name == "reasoning-gym 0.0 doubling"
    assert task.cost(1) > task.cost(0)
    with pytest.raises(ConfigError, match="0 to 1, not 2"):
        task.example(random.Random(0), 2)


def test_a_scorer_that_raises_scores_zero(package):
    task = gym_task("doubling")
    example = task.example(random.Random(0), 0)
    assert task.score(example, example.answer) == 1.0
    for text in ("x", "", "1e5", str(int(example.answer) + 1)):
        assert task.score(example, text) == 0.0
    with pytest.raises(TypeError, match="expected an example of"):
        task.score(Example("", "", 0), "1")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rejectsitself", "rejects its own answer"),
        ("acceptsgarbage", "accepts '' as an answer"),
        ("evaluates", "may evaluate an answer as code"),
        ("restless", "one seed gives different examples"),
    ],
)
def test_a_data_set_whose_scores_mean_nothing_is_refused(package, name, reason):
    with pytest.raises(TaskRefused, match=reason):
        gym_task(name)


def test_a_data_set_that_differs_between_processes_is_refused(package, monkeypatch):
    monkeypatch.setattr(gym, "_digest_elsewhere", lambda name, hash_seed: hash_seed)
    with pytest.raises(TaskRefused, match="two processes"):
        gym_task("doubling")


def test_questions_are_different_before_they_are_split(package):
    train, test = split(gym_task("doubling"), seed=0, train=60, test=8, difficulties=[0])
    prompts = [one.prompt for one in train + test]
    assert len(prompts) == len(set(prompts)) == 68


def test_chance_is_the_commonest_answer(package):
    """A hundred answers, of which the commonest of 200 comes up a few times."""
    assert 1 / 100 < gym_task("doubling").chance(0) < 0.06


def test_an_unknown_data_set_is_named(package):
    with pytest.raises(UnknownName, match="did you mean 'doubling'"):
        gym_task("doublin")


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(CapabilityMissing, match=r"install bloomery\[tasks\]"):
        gym_task("chain_sum")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chain_sum", "gcd", "count_bits", "letter_counting", "spell_backward"])
def test_real_data_sets_for_small_models_pass(name):
    pytest.importorskip("reasoning_gym")
    task = gym_task(name)
    train, test = split(task, seed=0, train=20, test=4, difficulties=[0])
    assert all(task.score(one, one.answer) == 1.0 for one in train + test)
    assert all(task.score(one, "xyzzy") == 0.0 for one in train + test)
    assert 0 < task.chance(0) < 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("isomorphic_strings", "two processes"),
        ("game_of_life_halting", "accepts"),
        ("countdown", "evaluate"),
        ("rush_hour", "rejects its own answer"),
    ],
)
def test_real_data_sets_that_cannot_be_trusted_are_refused(name, reason):
    pytest.importorskip("reasoning_gym")
    with pytest.raises(TaskRefused, match=reason):
        gym_task(name)


@pytest.mark.slow
def test_the_scorer_of_prime_factors_does_not_raise_here():
    pytest.importorskip("reasoning_gym")
    task = GymTask("prime_factorization")
    example = task.example(random.Random(0), 0)
    assert task.score(example, "not a number") == 0.0
    assert task.score(example, example.answer) == 1.0
