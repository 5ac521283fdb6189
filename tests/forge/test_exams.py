"""What is trained on, what chooses, and what measures the choice share no prompt."""

import random

import pytest

from bloomery.core.errors import ConfigError, Failure
from bloomery.forge.data import Recorded, task_parts, training_data, training_texts
from bloomery.forge.exams import evaluate_tasks, exams, mean_depth, mean_rate, plain
from bloomery.forge.judging import thought_about
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.settings import ExamConfig, FitConfig
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.test_folders import small_pair

GENERATED = {
    "chained_sums": Ingredient(weight=1.0, difficulties=(5, 6)),
    "parity": Ingredient(weight=1.0, difficulties=(12, 14)),
    "sorting": Ingredient(weight=0.0),
}
EXAM = ExamConfig(selection=40, test=60)
SETS = ("arc-easy", "gsm8k")  # a mirror need not hold the training split of PIQA


def prompts(mixture, part, config=EXAM):
    return {name: exam.prompts() for name, exam in exams(mixture, config, part).items()}


def fitting(mixture, **changes):
    return FitConfig(**{"steps": 300, "seq_len": 64, "mixture": mixture, **changes})


def test_selection_and_test_share_no_prompt_and_have_the_sizes_that_were_asked_for():
    selection, test = prompts(GENERATED, "selection"), prompts(GENERATED, "test")
    assert set(selection) == set(test) == {"chained_sums", "parity"}
    for name in selection:
        assert len(set(selection[name])) == 40
        assert len(set(test[name])) == 60
        assert not set(selection[name]) & set(test[name])


def test_every_difficulty_is_in_both_parts():
    for part in ("selection", "test"):
        lengths = {len(prompt) for prompt in prompts(GENERATED, part)["parity"]}
        assert lengths == {13, 15}  # a prompt is its bits and a sign


def test_an_exam_is_the_same_in_every_drawing_and_another_with_another_seed():
    other = ExamConfig(selection=40, test=60, seed=8)
    assert prompts(GENERATED, "test") == prompts(GENERATED, "test")
    assert prompts(GENERATED, "test") != prompts(GENERATED, "test", other)


@pytest.mark.parametrize("seed", [1, 7])
def test_no_training_example_is_ever_examined(seed):
    data = training_data(fitting(GENERATED), train_tokenizer([]), seed=seed)
    trained = {data.example(index).prompt for index in range(len(data))}
    for part in ("selection", "test"):
        for examined in prompts(GENERATED, part).values():
            assert not trained & set(examined)


def test_a_task_without_weight_is_neither_trained_nor_examined():
    assert [task.name for task, _, _ in task_parts(GENERATED)] == ["chained_sums", "parity"]


def test_recorded_examples_are_drawn_alike_and_scored_exactly():
    records = tuple(Example(prompt=str(n), answer=str(-n), difficulty=0) for n in range(4))
    task = Recorded("mine", records)
    rng = random.Random(0)
    drawn = [task.example(rng, 0) for _ in range(400)]
    assert {one.prompt: 70 < drawn.count(one) < 130 for one in records} == dict.fromkeys("0123", True)
    assert (task.score(records[1], "-1"), task.score(records[1], "-1 ")) == (1.0, 0.0)
    assert (list(task.difficulties), task.cost(0)) == ([0], 1)
    with pytest.raises(Failure, match="own scorer"):  # no chance level is better than an invented one
        task.chance(0)


def test_the_tokenizers_texts_are_those_of_its_seed():
    wanted = fitting(GENERATED)
    first = list(training_texts(wanted, seed=1, generated=20))
    assert len(first) == 40
    assert first == list(training_texts(wanted, seed=1, generated=20))
    assert first != list(training_texts(wanted, seed=2, generated=20))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_a_data_set_is_never_examined_on_what_was_trained_on(data_root, name):
    given = {name: Ingredient(weight=1.0)}
    data = training_data(fitting(given, seq_len=256), train_tokenizer([]), seed=1)
    trained = {data.example(index).prompt for index in range(len(data))}
    selection, test = (set(prompts(given, part)[name]) for part in ("selection", "test"))
    assert trained
    assert len(selection) == 40
    assert len(test) == 60
    assert not trained & selection
    assert not trained & test
    assert not selection & test
    assert all(side_of(prompt) == "test" for prompt in selection)


@pytest.mark.slow
def test_a_data_set_that_is_only_examined_is_refused_in_a_mixture(data_root):
    assert set(exams({}, ExamConfig(data_sets=("svamp",)), "test")) == {"svamp"}
    with pytest.raises(ConfigError, match="'svamp' is for evaluation"):
        task_parts({"svamp": Ingredient(weight=1.0)})


@pytest.mark.slow
def test_selection_and_test_divide_a_data_set_without_a_training_split(data_root):
    svamp = ExamConfig(selection=30, test=100, data_sets=("svamp",))
    selection, test = (set(prompts({}, part, svamp)["svamp"]) for part in ("selection", "test"))
    assert selection
    assert test
    assert not selection & test


@pytest.mark.slow
def test_a_row_that_is_too_short_for_a_data_set_is_named(data_root):
    with pytest.raises(ConfigError, match="no example of 'gsm8k' fits seq_len=4"):
        training_data(fitting({"gsm8k": Ingredient(weight=1.0)}, seq_len=4), train_tokenizer([]), seed=1)


@pytest.mark.slow
def test_code_is_trained_on_and_has_no_exam(data_root):
    code = {"mbpp": Ingredient(weight=1.0)}
    assert [task.name for task, _, _ in task_parts(code)] == ["mbpp"]
    assert exams(code, EXAM, "test") == {}


def test_a_model_is_evaluated_on_all_tasks_or_on_those_that_are_named():
    model, tokenizer = small_pair()
    found = evaluate_tasks(model, tokenizer, ["parity"], count=8, difficulties=(10, 12))
    assert list(found) == ["parity"]
    assert found["parity"].total == 8
    assert set(found["parity"].by_difficulty) == {10, 12}


def accuracy(correct, total, steps=None):
    return Accuracy(
        benchmark="mine", correct=correct, total=total, chance=0.0, low=0.0, high=1.0, answer_steps=steps
    )


def test_every_task_counts_alike_whatever_its_size():
    results = {"small": accuracy(1, 2, 3.0), "large": accuracy(0, 1000, 1.0)}
    assert mean_rate(results) == 0.25
    assert mean_depth(results) == 2.0
    assert plain(results)["small"]["rate"] == 0.5


def test_what_is_only_trained_on_is_not_judged():
    """Easy examples that help to learn would make an exam easier."""
    mixture = {"parity": Ingredient(difficulties=(4, 12, 14), judged=(12, 14))}
    trained = training_data(fitting(mixture), train_tokenizer([]), seed=1)
    assert {len(trained.example(index).prompt) for index in range(60)} == {5, 13, 15}
    for part in ("selection", "test"):
        assert {len(prompt) for prompt in prompts(mixture, part)["parity"]} == {13, 15}


def test_what_is_judged_after_thoughts_alone_has_no_exam_but_among_what_is_thought_about():
    """Its answers at once are guesses, whose luck would choose between models."""
    mixture = {"parity": Ingredient(difficulties=(12,), at_once=False), "sorting": Ingredient()}
    assert set(exams(mixture, EXAM, "test")) == {"sorting"}
    thinking = thought_about(mixture, ThoughtsConfig(tasks=("parity",)))
    assert prompts(thinking, "test") == prompts({"parity": Ingredient(difficulties=(12,))}, "test")
