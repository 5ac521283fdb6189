"""Canvases hold programs to the byte, and a step is written the same wherever it stands."""

import random

import pytest
import torch

from bloomery.core.errors import FormatRefused, MissingFile, UnknownName, UserError
from bloomery.diffusion.code.judging.program import LANGUAGES
from bloomery.diffusion.code.prompting.cutting import Cutting
from bloomery.diffusion.code.prompting.drawing import Drawing
from bloomery.diffusion.code.prompting.layout import OPENING, PAD_ID, SKETCH, places
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import Step
from bloomery.diffusion.code.tasks.sampling import compose, draw
from bloomery.diffusion.code.tasks.splitting import side_of
from bloomery.diffusion.code.tasks.understanding import PromptRefused, understand
from bloomery.diffusion.code.tasks.wording import word
from bloomery.diffusion.code.tasks.writing import parts, write


def drawn(count, *, depths=(1, 2, 3), seed=11):
    rng = random.Random(seed)
    return [compose(depths[at % len(depths)], "train", rng, plain=False) for at in range(count)]


def names(meaning):
    return [step.name for step in meaning]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_on_a_canvas_is_the_canonical_program_to_the_byte(tiny, language):
    cutting = Cutting(tiny.tokenizer)
    held_out = [one.meaning for one in draw(20, seed=4, side="test", depths=(2, 3))]
    for meaning in [*drawn(40), *held_out]:
        row = tiny.layouts[language].canvas(
            tiny.sketches.encode(meaning), cutting.regions(meaning, language), names(meaning)
        )
        assert tiny.source(torch.tensor(row), language) == write(meaning, language).source


def test_every_operation_has_a_place_in_every_layout(tiny):
    assert all(layout.steps.keys() == OPERATIONS.keys() for layout in tiny.layouts.values())


def test_a_step_is_written_the_same_in_all_compositions(tiny):
    cutting = Cutting(tiny.tokenizer)
    after = [one for one in OPERATIONS.values() if one.takes == "the numbers" and not one.has_parameter]
    before = ("sort_up", "keep_even", "digits", "lengths", "square_each")
    found = {
        tuple(cutting.regions((Step(one), Step("append", 4), Step(other.name)), "go")[2])
        for one in before
        for other in after
        if OPERATIONS[one].takes == "the numbers"
    }
    assert len(found) == 1


def test_parts_put_together_are_the_program():
    for meaning in drawn(30):
        for language in LANGUAGES:
            whole = parts(meaning, language)
            assert len(whole.steps) == len(meaning)
            assert whole.head + "".join(whole.steps) + whole.tail == write(meaning, language).source
            assert all(text.endswith("\n") for text in (whole.head, *whole.steps, whole.tail))


def test_places_are_counted_as_by_hand():
    told = places([(2, 1, 0, 3), (2, 1, 1, 0)])
    assert told["lines"].tolist() == [[0, 0, 1, 3, 3, 3], [0, 0, 1, 2, 0, 0]]
    assert told["indents"].tolist() == [[0, 1, 0, 0, 1, 2], [0, 1, 0, 0, 0, 0]]
    assert told["seen"].sum(1).tolist() == [6, 4]
    assert not told["scopes"].any()


def test_a_step_is_told_its_operation_the_head_the_first_and_the_tail_the_last():
    told = places([(2, 6, 1, 2, 1, 0, 2), (2, 6, 1, 1, 0, 0, 1)], [(5, 9), (7,)])
    assert told["scopes"].tolist() == [[0] * 8 + [5, 5, 5, 9, 9, 9], [0] * 8 + [7, 7, 7, 0, 0, 0]]


def test_canvases_are_told_the_same_when_they_are_learned_and_when_they_are_written(tiny):
    meaning = (Step("keep_above", 5), Step("sum"))
    row = tiny.sketches.encode(meaning)
    blank = tiny.blank(torch.tensor([[*tiny.layout("python").given, *row]]), "python")
    learned = Drawing(tiny, Cutting(tiny.tokenizer), 1).canvases([meaning], "python")
    assert learned["scopes"].max() > 0
    for name, value in tiny.told(blank, "python").items():
        assert torch.equal(value, learned[name]), name


def test_a_sketch_names_its_steps_up_to_where_it_names_none(tiny):
    meaning = (Step("keep_above", 5), Step("sum"))
    row = tiny.sketches.encode(meaning)
    assert len(row) == SKETCH
    assert tiny.sketches.steps(row) == ["keep_above", "sum"]
    assert row[3] == PAD_ID  # sum takes no number
    assert tiny.sketches.steps([PAD_ID, PAD_ID, *row[:4]]) == []
    assert tiny.sketches.steps([row[1], *row[1:]]) == []  # a number is no operation


def test_a_region_that_is_too_long_is_refused(tiny):
    layout = tiny.layouts["go"]
    with pytest.raises(UserError, match="do not fit"):
        layout.canvas([0] * SKETCH, [[5] * (layout.head + 1), [5], [5]], ["sum"])


def test_only_tokens_of_sketches_stand_in_sketches_and_no_others_elsewhere(tiny):
    allowed = tiny.allowed(20)
    first = len(tiny.tokenizer)
    assert allowed[OPENING, first:].all()
    assert allowed[OPENING].sum() == len(tiny.sketches) + 1  # and padding
    assert allowed[OPENING + SKETCH, :first].all()
    assert not allowed[OPENING + SKETCH, first:].any()


def test_words_are_read_as_they_are_understood_and_no_others(tiny):
    rng = random.Random(2)
    for meaning in drawn(200):
        ids = tiny.words.encode(word(meaning, rng))
        again = " ".join(tiny.words.known[one] for one in ids).replace(" ,", ",")
        assert understand(again) == meaning
    for text in ("return the sum of the prime numbers", "", "<pad>"):
        with pytest.raises(PromptRefused):
            tiny.words.encode(text)


def test_batches_are_of_the_train_side_and_follow_from_seed_and_number(tiny):
    drawing = Drawing(tiny, Cutting(tiny.tokenizer), 100, 4, 6, seed=3)
    one, again, other = drawing[7], drawing[7], drawing[8]
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["asked_x"], other["asked_x"])
    named = tiny.sketches.names
    for batch in (one, other):
        for row in [*batch["x"].tolist(), *batch["asked_x"].tolist()]:
            steps = [named[token] for token in row[OPENING : OPENING + SKETCH : 2] if token in named]
            assert side_of(tuple(Step(name) for name in steps)) == "train"


def test_prompts_of_a_batch_mean_its_sketches(tiny):
    batch = Drawing(tiny, Cutting(tiny.tokenizer), 10, 2, 12)[0]
    for row, ids in zip(batch["asked_x"].tolist(), batch["asked_condition"].tolist(), strict=True):
        text = " ".join(tiny.words.known[one] for one in ids if one).replace(" ,", ",")
        assert row[OPENING:] == tiny.sketches.encode(understand(text))


def test_a_model_comes_back_from_its_folder_as_it_was(tiny, tmp_path):
    tiny.save(tmp_path)
    again = PromptModel.load(tmp_path)
    ids = tiny.blank(torch.tensor([[*tiny.layouts["go"].given, *tiny.sketches.encode((Step("sum"),))]]), "go")
    assert torch.equal(tiny.logits(ids, "go"), again.logits(ids, "go"))
    assert (again.layouts, again.words.known) == (tiny.layouts, tiny.words.known)


def test_a_folder_that_holds_no_model_is_refused(tiny, tmp_path):
    with pytest.raises(MissingFile, match=r"prompts\.json"):
        PromptModel.load(tmp_path)
    tiny.save(tmp_path)
    (tmp_path / "prompts.json").write_text('{"version": 9}')
    with pytest.raises(FormatRefused):
        PromptModel.load(tmp_path)
    tiny.save(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(FormatRefused):
        PromptModel.load(tmp_path)


def test_an_unknown_language_names_the_known(tiny):
    with pytest.raises(UnknownName, match="python"):
        tiny.layout("pyton")


def test_regions_begin_where_those_before_end(tiny):
    sizes = tiny.layouts["java"].sizes(["sum"])
    found = places([sizes])
    regions, within = found["lines"][0].tolist(), found["indents"][0].tolist()
    ends = [at for at, size in enumerate(sizes) if size]
    assert [regions.index(at) for at in ends] == [sum(sizes[:at]) for at in ends]
    assert [within[sum(sizes[: at + 1]) - 1] for at in ends] == [sizes[at] - 1 for at in ends]
    assert len(regions) == sum(sizes)
    assert sizes[3] == tiny.layouts["java"].steps["sum"]
    assert sizes[4:6] == (0, 0)
