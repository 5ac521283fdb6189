"""Lessons and attempts: what is learned from, and how often."""

import random
from collections import Counter

import pytest

from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum.attempts import OwnWords, Reply, Tried, dreams, solutions, tried
from bloomery.forge.curriculum.budget import Budget, Counted
from bloomery.forge.curriculum.lessons import MOST, Book, Lesson, Lessons
from bloomery.forge.curriculum.pool import HINTS, Problem
from bloomery.forge.curriculum.sampling import sampled, texts_of
from bloomery.forge.curriculum.settings import ClimbConfig
from bloomery.tasks.registry import task
from bloomery.tasks.task import Example
from bloomery.training.config import Progress
from tests.forge.curriculum.pupils import TOKENIZER, config, pupil

COUNTING = task("chained_sums", largest=1)


def lessons(kind, count):
    return [Lesson(f"{kind}{number}", "1", 1) for number in range(count)]


def book(**shares):
    made = Book(shares)
    for kind in shares:
        made.add(kind, lessons(kind, 5))
    return made


def test_kinds_are_drawn_by_their_shares():
    """Of 4000 draws a share of 0.6 gives 2400, with a standard deviation of 31; five of them are 155."""
    drawn = book(solution=0.6, replay=0.3, dream=0.1)
    rng = random.Random(1)
    kinds = Counter(drawn.draw(rng).prompt[:-1] for _ in range(4000))
    assert kinds["solution"] == pytest.approx(2400, abs=155)
    assert kinds["dream"] == pytest.approx(400, abs=95)


def test_a_kind_without_lessons_leaves_its_share_to_the_others():
    drawn = Book({"solution": 0.1, "replay": 0.9})
    drawn.add("solution", lessons("solution", 2))
    assert drawn.draw(random.Random(0)).prompt.startswith("solution")


def test_a_book_in_which_nothing_fitted_a_row_says_so():
    with pytest.raises(ConfigError, match=r"nothing .* fits a row: raise fit\.seq_len"):
        Book({"solution": 1.0}).draw(random.Random(0))


def test_a_rung_left_behind_is_replayed_and_no_longer_new():
    left = book(solution=0.5, replay=0.5)
    left.leave_behind(random.Random(0), 3)
    assert left.pages["solution"] == []
    assert len(left.pages["replay"]) == 8


def test_the_oldest_lessons_go():
    full = Book({"replay": 1.0})
    full.add("replay", lessons("old", 10))
    full.add("replay", lessons("new", MOST))
    assert {one.prompt[:3] for one in full.pages["replay"]} == {"new"}


def test_a_book_comes_back_from_its_state():
    kept = book(solution=0.7, replay=0.3)
    kept.add("solution", [Lesson("a1?a1", "1", 2, ((1, 2),), 3)])
    again = Book({})
    again.load_state_dict(kept.state_dict())
    assert (again.shares, again.pages) == (kept.shares, kept.pages)


def test_only_what_the_scorer_accepts_is_learned_and_after_the_last_hint_the_answer():
    example = Example("1+1=", "2", 2)
    one = Problem(0, "sums", example)
    last = Problem(1, "sums", example, hints=HINTS)
    found = solutions(
        [Tried(one, Reply("3"), False), Tried(one, Reply("2"), True), Tried(last, Reply("3"), False)]
    )
    assert [(lesson.answer, lesson.hints) for lesson in found] == [("2", 0), ("2", HINTS)]


def test_an_attempt_goes_on_from_the_hint_and_is_graded_whole():
    asked = []

    def attempt(model, tokenizer, problems, seed):
        asked.append(seed)
        return [Reply("12"), Reply("13")]

    problems = [Problem(number, "sums", Example("?", "12", 2)) for number in range(2)]
    found = tried(attempt, None, None, problems, {"sums": COUNTING}, 7)
    assert [one.right for one in found] == [True, False]
    assert asked == [7]


@pytest.fixture(scope="module")
def taught():
    return pupil(40)


def test_the_models_own_words_begin_with_the_hint(taught):
    problems = [Problem(0, "sums", Example("1+1+1=", "12345", 3), hints=3)]
    (reply,) = OwnWords(0.5)(taught, TOKENIZER, problems, 1)
    assert reply.text.startswith("123")


def test_a_low_temperature_is_greedy_decoding(taught):
    prompts = ["1+0+1+1+0+0+1=", "0+0+0+0+0+0+1=", "1+1="]
    rows = sampled(taught, TOKENIZER, prompts, max_new_tokens=2, temperature=1e-4, seed=3)
    from bloomery.tasks.generation import write

    assert texts_of(TOKENIZER, rows) == write(taught, TOKENIZER, prompts, max_new_tokens=2)


def test_equal_seeds_sample_equal_texts_whatever_was_drawn_before(taught):
    import torch

    prompts = ["1+0+1=", "1+1+1+1="] * 8
    first = sampled(taught, TOKENIZER, prompts, max_new_tokens=3, temperature=2.0, seed=5)
    torch.rand(3)
    before = torch.random.get_rng_state()
    assert sampled(taught, TOKENIZER, prompts, max_new_tokens=3, temperature=2.0, seed=5) == first
    assert torch.equal(torch.random.get_rng_state(), before)
    assert sampled(taught, TOKENIZER, prompts, max_new_tokens=3, temperature=2.0, seed=6) != first


def test_a_temperature_of_nothing_is_refused(taught):
    with pytest.raises(ConfigError, match="above 0, got 0"):
        sampled(taught, TOKENIZER, ["1="], max_new_tokens=1, temperature=0.0, seed=0)


def test_dreams_keep_the_prompts_and_nobody_grades_them(taught):
    about = [Lesson("1+0+1+1+0+0+1=", "right", 7)] * 12
    dreamt = dreams(taught, TOKENIZER, about, count=10, temperature=5.0, seed=2)
    assert {one.prompt for one in dreamt} == {about[0].prompt}
    assert len({one.answer for one in dreamt}) > 1
    assert dreams(taught, TOKENIZER, [], count=10, temperature=5.0, seed=2) == []


def test_tokens_are_counted_without_padding_and_their_end_ends_the_training():
    kept = Book({"replay": 1.0})
    kept.add("replay", [Lesson("1+1=", "2", 2)])
    data = Counted(Lessons(kept, TOKENIZER, seq_len=32, seed=0, length=10))
    for index in range(3):
        data[index]
    assert data.tokens == 3 * 7  # bos, four of the prompt, the answer, eos
    progress = Progress(steps=9, step=1)
    Budget(data, 22).on_step(None, progress)
    assert progress.stopped == ""
    Budget(data, 21).on_step(None, progress)
    assert progress.stopped == "21 tokens are spent"


def test_replay_and_dreams_leave_room_for_what_is_new():
    with pytest.raises(ConfigError, match=r"replay is 0\.6 and dreams 0\.4"):
        ClimbConfig(replay=0.6, dreams=0.4)


def test_rows_drawn_in_advance_are_refused():
    from dataclasses import replace

    with pytest.raises(ConfigError, match=r"workers is 2: .* set it to 0"):
        config(fit=replace(config().fit, train={"workers": 2}))
