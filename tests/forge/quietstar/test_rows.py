import random

import pytest

from bloomery.core.config import build
from bloomery.core.errors import ConfigError, UnknownName
from bloomery.forge.quietstar.rows import FILLER, ThoughtRows, thought_pieces
from bloomery.forge.quietstar.settings import ThoughtsConfig
from bloomery.forge.quietstar.tokens import END, START, thought_ids
from bloomery.tasks.batches import IGNORED
from bloomery.tasks.chains.chain import Chain
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example
from bloomery.tasks.tokenizer import train_tokenizer

EOS = "<|eos|>"


@pytest.fixture(scope="module")
def tokenizer():
    found = train_tokenizer([])
    found.add_tokens([START, END], special_tokens=True)
    return found


def rows_of(tokenizer, *, tasks=("chained_sums",), seq_len=160, seed=1, levels=(4, 5), **thoughts):
    parts = [(task(name) if isinstance(name, str) else name, 1.0, levels) for name in tasks]
    mixed = Mixture(parts, tokenizer, seq_len=seq_len, seed=seed, length=1000)
    if about := thoughts.pop("about", None):
        thoughts["tasks"] = about
    return ThoughtRows(mixed, build(ThoughtsConfig, {"tokens": 100, **thoughts}))


def told(tokenizer, row):
    """What a row reads, and what of it is learned."""
    ids = row["input_ids"][: int(row["attention_mask"].sum())].tolist()
    learned = [one for one in row["labels"].tolist() if one != IGNORED]
    return tokenizer.decode(ids), tokenizer.decode(learned)


def test_a_thought_is_learned_with_its_end_and_the_answer_and_never_its_beginning(tokenizer):
    rows = rows_of(tokenizer, strategies={"chain_of_thought": 1}, direct=0.0, filler=0.0)
    for index in range(20):
        example = rows.mixture.example(index)
        terms = [int(term) for term in example.prompt[:-1].split("+")]
        chain = ",".join(str(sum(terms[:end])) for end in range(1, len(terms) + 1))
        text, learned = told(tokenizer, rows[index])
        assert text == f"<|bos|>{example.prompt}{START}{chain}{END}{example.answer}{EOS}"
        assert learned == f"{chain}{END}{example.answer}{EOS}"


def test_a_slip_is_read_and_what_mends_it_is_learned(tokenizer):
    start, end = thought_ids(tokenizer)
    found = thought_pieces(Chain("3,8,14!17,19", slip=(4, 6)), tokenizer)
    assert tokenizer.decode([one for ids, _ in found for one in ids]) == f"{START}3,8,14!17,19{END}"
    assert tokenizer.decode([one for ids, asked in found if asked for one in ids]) == f"3,8,!17,19{END}"
    assert (found[0], found[-1]) == (([start], False), ([end], True))


def test_examples_are_shared_out_as_told(tokenizer):
    """Of 400 draws, five standard errors."""
    rows = rows_of(tokenizer, direct=0.5, filler=0.2)
    texts = [told(tokenizer, rows[index])[0] for index in range(400)]
    direct = sum(START not in text for text in texts)
    filled = sum(START + FILLER in text for text in texts)
    assert abs(direct - 200) < 50
    assert abs(filled - 80) < 40


def test_filler_has_a_chains_length_and_teaches_the_answer_alone(tokenizer):
    chains = rows_of(tokenizer, strategies={"sketch": 1}, direct=0.0, filler=0.0)
    filled = rows_of(tokenizer, strategies={"sketch": 1}, direct=0.0, filler=0.99)
    seen = 0
    for index in range(20):
        answer = filled.mixture.example(index).answer
        text, learned = told(tokenizer, filled[index])
        if learned != answer + EOS:  # one of the few that are no filler
            continue
        inside = text.split(START)[1].split(END)[0]
        assert inside == FILLER * len(inside)
        assert len(inside) == len(told(tokenizer, chains[index])[0].split(START)[1].split(END)[0])
        seen += 1
    assert seen > 15


def test_a_row_depends_on_the_seed_and_its_index_alone(tokenizer):
    every = [rows_of(tokenizer, seed=seed) for seed in (1, 1, 2)]
    texts = [[told(tokenizer, rows[index])[0] for index in order] for rows, order in zip(
        every, (range(8), reversed(range(8)), range(8)), strict=True)]  # fmt: skip
    assert texts[0] == texts[1][::-1] != texts[2]


def test_no_prompt_of_a_test_is_shown_not_even_in_an_analogy(tokenizer):
    rows = rows_of(tokenizer, strategies={"analogy": 1}, direct=0.0, filler=0.0)
    for index in range(60):
        prompt, thought = told(tokenizer, rows[index])[0].split(START)
        simple = thought.split("~")[0].split("=")[0] + "="
        assert {side_of(prompt.removeprefix("<|bos|>")), side_of(simple)} == {"train"}


def test_worked_questions_in_a_prompt_are_still_learned(tokenizer):
    rows = rows_of(
        tokenizer, tasks=[task("recall", questions=3)], strategies={"sketch": 1}, direct=0.0, filler=0.0
    )
    example = rows.mixture.example(0)
    text, learned = told(tokenizer, rows[0])
    worked = "".join(example.prompt[start:stop] for start, stop in example.worked)
    assert len(worked) == 2
    assert learned == worked + text.split(START)[1]


class Strange:
    name, version, difficulties = "nobody wrote chains for it", 1, range(1, 9)

    def example(self, rng: random.Random, difficulty: int) -> Example:
        return Example(f"q{rng.random()}", "a", difficulty)


def test_a_task_without_chains_is_answered_at_once(tokenizer):
    rows = rows_of(tokenizer, tasks=[Strange()], direct=0.0, filler=0.0)
    rows.check_room()
    for index in range(5):
        assert told(tokenizer, rows[index]) == (
            f"<|bos|>{rows.mixture.example(index).prompt}a{EOS}",
            f"a{EOS}",
        )


def test_a_thought_longer_than_there_is_room_for_is_refused_before_anything_is_trained(tokenizer):
    """self_check writes two sums for each of 5 terms, with as many separators: more than 12 tokens."""
    with pytest.raises(ConfigError, match=r"self_check of chained_sums, difficulty 5\) is longer than .*=12"):
        rows_of(tokenizer, strategies={"self_check": 1}, tokens=12).check_room()
    with pytest.raises(ConfigError, match="does not fit seq_len=20"):
        rows_of(tokenizer, strategies={"self_check": 1}, seq_len=20).check_room()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strategies": {"sketching": 1}}, "did you mean 'sketch'"),
        ({"strategies": {}}, "one of them above it"),
        ({"strategies": {"sketch": 0}}, "one of them above it"),
        ({"strategies": {"sketch": 2, "analogy": -1}}, "give weights from 0"),
        ({"direct": 0.6, "filler": 0.4}, "leave no example for thoughts"),
    ],
)
def test_settings_under_which_nothing_would_be_thought_are_refused(values, words):
    with pytest.raises((ConfigError, UnknownName), match=words):
        build(ThoughtsConfig, values)


def test_a_task_that_is_not_to_be_thought_about_is_answered_at_once(tokenizer):
    rows = rows_of(tokenizer, tasks=("chained_sums", "sorting"), direct=0.0, filler=0.0, about=("sorting",))
    drawn = {(rows.mixture.drawn(i)[0].name, START in told(tokenizer, rows[i])[0]) for i in range(40)}
    assert drawn == {("chained_sums", False), ("sorting", True)}


def test_a_task_without_chains_of_thought_cannot_be_thought_about():
    with pytest.raises(UnknownName, match="unknown task with chains of thought 'arc-easy'"):
        build(ThoughtsConfig, {"tasks": ["arc-easy"]})


def test_what_is_thought_about_has_its_share_of_the_rows(tokenizer):
    rows = rows_of(tokenizer, tasks=("parity", "sorting"), about=("parity",), share=0.8)
    drawn = [rows.mixture.drawn(index)[0].name for index in range(1000)]
    assert abs(drawn.count("parity") / 1000 - 0.8) < 0.05  # four standard deviations of a share of 1000 draws


@pytest.mark.parametrize("about", ["sorting", "recall"])
def test_a_share_needs_tasks_on_both_sides(tokenizer, about):
    with pytest.raises(ConfigError, match=r"thoughts\.share is 0\.8"):
        rows_of(tokenizer, tasks=("sorting",), about=(about,), share=0.8)
