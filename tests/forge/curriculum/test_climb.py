"""The climb as a training: killed and resumed, without rehearsal, on latent trits, on any model."""

import json
import random
from dataclasses import replace
from itertools import chain, count, repeat

import pytest
import torch

from bloomery.core.errors import ConfigError, UserError
from bloomery.core.step import Paused
from bloomery.forge.bitnet.quantizing import make_ternary
from bloomery.forge.curriculum import course, tutoring
from bloomery.forge.curriculum.course import (
    assessed,
    check_fits,
    course_of,
    home_of,
    ladder_of,
    load_ladder,
    reach_of,
)
from bloomery.forge.curriculum.ladder import Ladder
from bloomery.forge.curriculum.lessons import Book
from bloomery.forge.curriculum.proposing import Generators, graded_tasks
from bloomery.forge.curriculum.rungs import levels_of, part_of, rung_problems, sat
from bloomery.forge.curriculum.tutoring import climb, climb_unrehearsed, find_ladder, train_evenly
from bloomery.forge.editing import Editable, load_editable, save_editable
from bloomery.forge.exams import exams
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.packed_folder import is_packed
from bloomery.forge.settings import TernaryConfig
from bloomery.forge.stages.curriculum import ClimbConfig
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.registry import task
from bloomery.tasks.splitting import side_of
from tests.forge.curriculum.pupils import COUNTING, TOKENIZER, config, context_in, fitting, pupil
from tests.forge.small_folders import llama

LEVELS = {"chained_sums": (8, 10, 11)}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    save_model(pupil(30), TOKENIZER, folder)
    return folder


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    path = tmp_path_factory.mktemp("ladder") / "ladder.json"
    path.write_text(json.dumps({"rungs": {name: list(levels) for name, levels in LEVELS.items()}}))
    return path


def climbed(folder, start, ladder, words, step=climb, **options):
    step(context_in(folder, {"edited": start, "ladder": ladder}, words, **options))
    return folder / "output"


def log_of(output):
    return json.loads((output / "log.json").read_text())


def test_a_climb_that_was_stopped_goes_on_to_the_same_weights_and_the_same_log(start, ladder, tmp_path):
    words = config(steps=8, fit=fitting(8))
    whole = climbed(tmp_path / "whole", start, ladder, words)
    for after in (3, 2):
        asked = chain([False] * after, repeat(True))
        with pytest.raises(Paused):
            climbed(tmp_path / "parts", start, ladder, words, stopping=asked.__next__)
    parts = climbed(tmp_path / "parts", start, ladder, words)
    for name in ("latent/model.safetensors", "log.json"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_another_seed_climbs_elsewhere(start, ladder, tmp_path):
    words = config(steps=2)
    outputs = []
    for seed in (1, 2):
        context = context_in(tmp_path / str(seed), {"edited": start, "ladder": ladder}, words)
        climb(replace(context, seed=seed))
        outputs.append((tmp_path / str(seed) / "output/latent/model.safetensors").read_bytes())
    assert outputs[0] != outputs[1]


def test_even_training_takes_as_many_tokens_as_the_climb(start, ladder, tmp_path, monkeypatch):
    monkeypatch.setattr(tutoring, "SLACK", 3.0)  # more steps than the tokens last for
    words = config(steps=12)
    log = climbed(tmp_path / "climb", start, ladder, words) / "log.json"
    given = {"edited": start, "ladder": ladder, "log": log}
    train_evenly(context_in(tmp_path / "even", given, words))
    ours, theirs = (log_of(tmp_path / name / "output")["tokens"] for name in ("climb", "even"))
    batch = 16 * 26  # tokens of the longest rows
    assert ours <= theirs < ours + batch


def test_even_training_has_the_steps_for_its_tokens_though_its_first_rows_are_the_longest():
    rows = [{"attention_mask": torch.ones(50 if place < 256 else 5)} for place in range(10_000)]
    steps = tutoring.steps_for(20_000, lambda length: rows[:length], 10)
    drawn = sum(int(row["attention_mask"].sum()) for row in rows[: 10 * steps])
    assert 20_000 <= drawn < 1.1 * 20_000


def test_without_rehearsal_nothing_is_replayed_and_nothing_dreamt(start, ladder, tmp_path):
    words = config(steps=4)
    with_both = log_of(climbed(tmp_path / "both", start, ladder, words))
    without = log_of(climbed(tmp_path / "none", start, ladder, words, climb_unrehearsed))
    assert set(without) == {"rung", "tokens", "matrix", "consolidation", "forgotten"}
    assert without["matrix"]["0"] == with_both["matrix"]["0"]
    assert without["tokens"] != with_both["tokens"]


def test_what_the_last_rung_lost_while_all_were_consolidated_is_forgotten_too(
    start, ladder, tmp_path, monkeypatch
):
    """0.1 is lost on every rung from each look to the next: four rungs left, and a fifth look at the end."""
    looks = count()
    monkeypatch.setattr(course, "climbed_rates", lambda *_, **__: [1 - 0.1 * next(looks)] * 4)
    words = config(steps=8, climb=replace(config().climb, left=1.0))  # every rung is done at once
    log = log_of(climbed(tmp_path, start, ladder, words))
    assert [row[0] for row in log["matrix"].values()] == pytest.approx([1.0, 0.9, 0.8, 0.7])
    assert log["consolidation"]["before"] == log["matrix"]["3"]
    assert log["consolidation"]["after"] == pytest.approx([0.6] * 4)
    assert log["forgotten"] == pytest.approx((0.4 + 0.3 + 0.2 + 0.1) / 4)


def test_a_rung_in_progress_when_the_attempts_end_is_looked_at_and_was_not_left(start, ladder, tmp_path):
    words = config(steps=4, climb=replace(config().climb, left=0.0))
    log = log_of(climbed(tmp_path, start, ladder, words))
    assert log["rung"] == 1
    assert set(log["matrix"]) == {"0"}
    assert {name: len(row) for name, row in log["consolidation"].items()} == {"before": 4, "after": 4}


@pytest.mark.parametrize(("step", "replayed"), [(climb, True), (climb_unrehearsed, False)])
def test_what_was_solved_below_is_learned_again_at_the_end_only_with_replay(
    start, ladder, tmp_path, monkeypatch, step, replayed
):
    drawn, draw = [], Book.draw
    monkeypatch.setattr(Book, "draw", lambda book, rng: drawn.append(dict(book.shares)) or draw(book, rng))
    words = config(steps=8, climb=replace(config().climb, left=1.0))  # every rung is done at once
    assert log_of(climbed(tmp_path, start, ladder, words, step))["rung"] == 3
    assert (drawn[-1]["solution"] == 0.0) is replayed
    assert (drawn[-1]["replay"] > 0) is replayed


def test_the_weights_behind_trits_climb_and_what_ships_is_packed(start, ladder, tmp_path):
    ternary = TernaryConfig()
    model, tokenizer = load_model(start)
    make_ternary(model, ternary)
    save_editable(Editable(model=model, tokenizer=tokenizer, ternary=ternary), tmp_path / "latent")
    output = climbed(tmp_path / "climb", tmp_path / "latent", ladder, config(steps=4))
    assert is_packed(output / "model")
    latent = load_editable(output / "latent")
    assert latent.ternary == ternary
    before = load_editable(tmp_path / "latent").model.state_dict()
    assert any(not torch.equal(before[name], tensor) for name, tensor in latent.model.state_dict().items())
    packed, _ = load_model(output / "model")
    ids = torch.tensor([TOKENIZER.encode("1+0+1+1=")])
    with torch.inference_mode():
        ours, theirs = (one.eval()(input_ids=ids, use_cache=False).logits for one in (latent.model, packed))
    assert torch.allclose(ours, theirs, atol=0.15)  # embeddings in bytes, norms in half precision


def test_a_llama_climbs(tmp_path, ladder):
    words = config(steps=2)
    output = climbed(tmp_path / "climb", llama(tmp_path / "llama"), ladder, words)
    assert log_of(output)["rung"] == 1
    before, after = (load_model(folder)[0].state_dict() for folder in (tmp_path / "llama", output / "model"))
    assert any(not torch.equal(before[name], after[name]) for name in before)


class Noise(Generators):
    """Writes problems whose answers are other problems', and after each of them a right one if asked to."""

    name = "noise"

    def __init__(self, honest=False):
        self.honest = honest

    def propose(self, task, difficulty, count, rng):
        found = super().propose(task, difficulty, count, rng)
        wrong = [replace(one, answer=str((int(one.answer) + 3) % 10)) for one in found]
        return [*wrong, *found] if self.honest else wrong


def test_wrong_answers_of_a_proposer_that_the_caller_brings_are_refused_and_never_learned(
    start, ladder, tmp_path
):
    context = context_in(tmp_path / "mixed", {"edited": start, "ladder": ladder}, config(steps=4))
    climb(context, proposer=Noise(honest=True))
    log = log_of(context.output)
    assert log["solved"]
    for one in log["solved"]:
        assert one["answer"] == str(sum(map(int, one["prompt"][:-1].split("+"))))
    assert log["refused"]["with a wrong answer"] > 0
    context = context_in(tmp_path / "noise", {"edited": start, "ladder": ladder}, config(steps=4))
    with pytest.raises(ConfigError, match=r"noise gave 0 usable problems.*with a wrong answer"):
        climb(context, proposer=Noise())


def test_a_climb_that_was_stopped_counts_what_was_refused_before(start, ladder, tmp_path):
    words, given = config(steps=6, fit=fitting(6)), {"edited": start, "ladder": ladder}
    climb(context_in(tmp_path / "whole", given, words), proposer=Noise(honest=True))
    asked = chain([False] * 3, repeat(True))
    with pytest.raises(Paused):
        climb(
            context_in(tmp_path / "parts", given, words, stopping=asked.__next__), proposer=Noise(honest=True)
        )
    climb(context_in(tmp_path / "parts", given, words), proposer=Noise(honest=True))
    whole, parts = (log_of(tmp_path / name / "output")["refused"] for name in ("whole", "parts"))
    assert parts == whole
    assert whole["with a wrong answer"] > 0


class Padded(Generators):
    """Writes problems that are longer than a row."""

    name = "padded"

    def propose(self, task, difficulty, count, rng):
        found = super().propose(task, difficulty, count, rng)
        return [replace(one, prompt="0+" * 30 + one.prompt) for one in found]


def test_a_proposer_whose_problems_fit_no_row_is_refused(start, ladder, tmp_path):
    context = context_in(tmp_path / "padded", {"edited": start, "ladder": ladder}, config(steps=4))
    with pytest.raises(ConfigError, match=r"padded gave 0 usable problems.*longer than a row"):
        climb(context, proposer=Padded())


def test_the_ladder_begins_where_the_staircase_found_the_threshold(start, tmp_path):
    words = config()
    find_ladder(context_in(tmp_path, {"edited": start}, words))
    plain = json.loads((tmp_path / "output" / "ladder.json").read_text())
    model, tokenizer = load_model(start)
    found = assessed(words, model, tokenizer, seed=1)
    assert plain["assessed"]["chained_sums"]["threshold"] == found["chained_sums"].threshold
    rungs = load_ladder(tmp_path / "output" / "ladder.json")
    assert rungs.rungs["chained_sums"][0] == int(found["chained_sums"].threshold)
    assert rungs.rungs["chained_sums"][-1] == 11
    assert rungs == Ladder(ladder_of(words, found).rungs)


def test_a_ladder_that_does_not_fit_a_row_is_refused_before_anything_is_trained():
    with pytest.raises(ConfigError, match=r"difficulty 30 needs 6\d tokens and fit.seq_len is 48"):
        check_fits(config(), Ladder({"chained_sums": (8, 30)}), TOKENIZER)


def test_a_ladder_that_does_not_fit_the_models_window_is_refused_before_anything_is_trained(tmp_path):
    words = config(fit=replace(fitting(4), seq_len=128), climb=ClimbConfig(hardest={"chained_sums": 32}))
    with pytest.raises(
        UserError, match=r"difficulty 32 needs 7\d tokens and the model's window is 64: end the"
    ):
        find_ladder(context_in(tmp_path / "assess", {"edited": llama(tmp_path / "llama")}, words))


def test_a_layer_that_the_model_has_not_is_refused_before_anything_is_tried(start, tmp_path, monkeypatch):
    monkeypatch.setattr(tutoring, "assessed", None)
    words = config()
    deep = replace(words, self_model=replace(words.self_model, layer=9))
    with pytest.raises(UserError, match=r"2 hidden states below its last and self_model.layer is 9"):
        find_ladder(context_in(tmp_path, {"edited": start}, deep))


def test_an_end_that_the_task_has_not_is_refused():
    words = config(climb=ClimbConfig(hardest={"chained_sums": 99}))
    with pytest.raises(ConfigError, match="difficulties 2 to 32, not 99"):
        reach_of(words, "chained_sums", task("chained_sums"))


def test_a_ladder_begins_where_the_recipe_begins_to_judge():
    given = {"sorting": Ingredient(difficulties=(2, 3, 4, 6), judged=(4, 6))}
    words = config(mixture=given, climb=ClimbConfig(hardest={"sorting": 9}))
    assert reach_of(words, "sorting", task("sorting")) == range(4, 10)


def test_tasks_without_anything_to_climb_are_left_out():
    both = {"sorting": Ingredient(), "parity": Ingredient()}
    words = config(mixture=both, climb=ClimbConfig(tasks=("sorting",)))
    assert set(graded_tasks(words.climbed())) == {"sorting"}
    with pytest.raises(ConfigError, match=r"climb\.tasks names recall"):
        config(mixture=both, climb=ClimbConfig(tasks=("recall",)))


def test_what_is_not_climbed_is_remembered_with_the_rest():
    both = {"sorting": Ingredient(difficulties=(3,)), "parity": Ingredient(difficulties=(8,))}
    words = config(mixture=both, climb=ClimbConfig(tasks=("sorting",)))
    both = course_of(words, TOKENIZER, Ladder({"sorting": (5, 6)}), seed=1)
    tasks = {rung: {name for name, _ in both.problems(rung, 8, random.Random(0))} for rung in (0, 1)}
    assert tasks == {0: {"sorting", "parity"}, 1: {"sorting"}}


def test_a_file_without_rungs_is_no_ladder(tmp_path):
    (tmp_path / "ladder.json").write_text("{}")
    with pytest.raises(ConfigError, match="holds no rungs"):
        load_ladder(tmp_path / "ladder.json")


def test_held_out_problems_choose_or_measure_and_are_none_of_the_recipes_other_exam():
    words = config()
    tasks = graded_tasks(COUNTING)
    rungs = levels_of(Ladder(LEVELS), home_of(words, tasks))
    prompts = {}
    for part, other in (("selection", "test"), ("test", "selection")):
        found = rung_problems(tasks, rungs, COUNTING, words.exam, part, 4)
        prompts[part] = {one.prompt for rung in found for given in rung.values() for one in given}
        assert {side_of(prompt) for prompt in prompts[part]} == {"test"}
        assert {part_of(prompt) for prompt in prompts[part]} == {part}
        taken = {prompt for exam in exams(COUNTING, words.exam, other).values() for prompt in exam.prompts()}
        assert not prompts[part] & taken
        assert [{one.difficulty for one in rung["chained_sums"]} for rung in found[1:]] == [{8}, {10}, {11}]
    assert not prompts["selection"] & prompts["test"]


def test_a_rungs_accuracy_is_a_count_of_exact_answers(start):
    model, tokenizer = load_model(start)
    words, tasks = config(), graded_tasks(COUNTING)
    rungs = rung_problems(tasks, levels_of(Ladder(LEVELS)), COUNTING, words.exam, "test", 6)
    from bloomery.tasks.generation import write

    for rung, result in zip(rungs, sat(model, tokenizer, tasks, rungs), strict=True):
        given = rung["chained_sums"]
        texts = write(model, tokenizer, [one.prompt for one in given], max_new_tokens=4)
        right = sum(text == one.answer for text, one in zip(texts, given, strict=True))
        assert result["chained_sums"].correct == right
