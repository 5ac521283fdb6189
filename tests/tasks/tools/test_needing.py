"""Every task that needs a tool keeps what `Task` promises, and is solved by its calls."""

import random
from collections import Counter

import pytest

from bloomery.core.errors import ConfigError, UnknownName
from bloomery.tasks.registry import TASKS
from bloomery.tasks.splitting import split
from bloomery.tasks.tools.conversation import attempts
from bloomery.tasks.tools.demonstration import demonstrate
from bloomery.tasks.tools.grading import graded, tool_use
from bloomery.tasks.tools.registry import TOOL_TASKS, tool_task
from bloomery.tasks.tools.toolbox import TOOLS, toolbox

VARIANTS = {
    **{name: kind() for name, kind in TOOL_TASKS.items()},
    "remainders by ten": tool_task("remainders", modulus=10),
    "digit sums of small bases": tool_task("digit_sums", largest=9),
    "lookups alone": tool_task("lookups", others=0),
}
every_task = pytest.mark.parametrize("name", VARIANTS)


def levels(subject):
    every = subject.difficulties
    return sorted({every[0], every[len(every) // 2], every[-1]})


def some(subject, count, seed=0):
    rng = random.Random(seed)
    return [subject.example(rng, level) for level in levels(subject) for _ in range(count)]


def test_each_tool_is_needed_by_some_task():
    assert {kind.tool for kind in TOOL_TASKS.values()} == set(TOOLS)
    assert not TOOL_TASKS.keys() & TASKS.keys()


@every_task
def test_the_same_seed_draws_the_same_example_and_its_world(name):
    def whole(example):
        return example, dict(example.stored), dict(example.files), example.calls

    subject = VARIANTS[name]
    assert [*map(whole, some(subject, 5))] == [*map(whole, some(subject, 5))]
    assert some(subject, 5) != some(subject, 5, seed=1)


@every_task
def test_a_writer_that_makes_the_calls_is_right_and_one_that_guesses_is_not(name):
    """The writer sees text alone: it finds its example by the prompt and copies the last result."""
    subject, box = VARIANTS[name], toolbox()
    examples = some(subject, 3)
    shown = {example.prompt: demonstrate(example, box) for example in examples}

    def copying(texts):
        return [written_next(shown, text) for text in texts]

    tried = attempts(copying, examples, box, max_calls=8)
    assert graded(subject, examples, tried).rate == 1.0
    assert tool_use(tried).returned == sum(len(example.calls) for example in examples)
    blind = attempts(lambda texts: ["-1"] * len(texts), examples, box, max_calls=8)
    assert graded(subject, examples, blind).rate == 0.0


def written_next(shown, text):
    example = next(shown[prompt] for prompt in shown if text.startswith(prompt))
    for begin, end in example.worked:
        if begin == len(text):
            return example.prompt[begin:end]
    return text[text.rindex("{") + 1 : -1]


@every_task
def test_without_its_tool_a_task_is_not_solved_by_its_calls(name):
    subject = VARIANTS[name]
    others = toolbox(*(tool for tool in TOOLS if tool != subject.tool))
    with pytest.raises(Exception, match=f"no tool '{subject.tool}'"):
        demonstrate(some(subject, 1)[0], others)


@every_task
def test_a_demonstration_marks_the_calls_and_not_their_results(name):
    subject, box = VARIANTS[name], toolbox()
    for example in some(subject, 2):
        shown = demonstrate(example, box)
        parts = [shown.prompt[begin:end] for begin, end in shown.worked]
        assert len(parts) == len(example.calls)
        assert all(part[0] == "[" and part[-1] == "]" for part in parts)
        assert shown.prompt.startswith(example.prompt + parts[0] + "{")
        assert shown.prompt.endswith("{" + example.answer + "}")
        assert (shown.answer, shown.difficulty) == (example.answer, example.difficulty)


@every_task
def test_no_answer_is_guessed_more_often_than_chance(name):
    """The commonest of many answers: at most four standard errors above chance. It would be far above where
    chance was too small, as the commonest answer's own rate is what chance claims."""
    subject, count = VARIANTS[name], 4000
    for level in levels(subject)[:2]:
        rng, chance = random.Random(5), subject.chance(level)
        answers = Counter(subject.example(rng, level).answer for _ in range(count))
        commonest = answers.most_common(1)[0][1] / count
        assert commonest <= chance + 4 * (chance * (1 - chance) / count) ** 0.5 + 2 / count


def test_chance_is_counted_right_where_all_pairs_can_be_tried():
    subject = tool_task("remainders", modulus=12)
    tried = Counter(a * b % 12 for a in range(10, 100) for b in range(10, 100))
    assert subject.chance(2) == max(tried.values()) / 8100


@every_task
def test_training_and_test_share_no_prompt(name):
    subject = VARIANTS[name]
    train, test = split(subject, seed=0, train=30, test=6, difficulties=levels(subject)[1:])
    assert len({one.prompt for one in train}) + len({one.prompt for one in test}) == 36
    assert not {one.prompt for one in train} & {one.prompt for one in test}


@every_task
def test_other_difficulties_are_refused(name):
    subject = VARIANTS[name]
    for level in (subject.difficulties[0] - 1, subject.difficulties[-1] + 1):
        with pytest.raises(ConfigError, match="has difficulties"):
            subject.example(random.Random(0), level)
    assert [subject.cost(level) for level in levels(subject)] == levels(subject)


def test_unknown_names_and_options_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'lookups'"):
        tool_task("lookup")
    with pytest.raises(ConfigError, match="modulus"):
        tool_task("remainders", modulos=5)
