"""Thoughts kept up on the way: which rows are rehearsed, that they are counted, and what they are for."""

import json
from dataclasses import replace

import pytest
import torch

from bloomery.core.config import build
from bloomery.core.errors import ConfigError
from bloomery.forge.curriculum import introspecting, tutoring
from bloomery.forge.curriculum.lessons import Book, Lesson, Lessons
from bloomery.forge.curriculum.rehearsing import Rehearsed, rehearsal_of
from bloomery.forge.curriculum.tutoring import climb, find_ladder, train_evenly
from bloomery.forge.data import training_data, training_rows
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.quietstar.rows import ThoughtRows
from bloomery.forge.stages.curriculum import CurriculumStageConfig
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.quietstar.planted import FIT
from tests.forge.thinker import RECIPE, after_thoughts_in, context_in, thinker, thinker_in

BARE = train_tokenizer([])


def stage(steps=4, *, fit=(), climb=(), **changes):
    trained = {"steps": steps, "muon_grokfast": {"lr": 1e-2}, "schedule": {}, "train": {"micro_batch": 16}}
    climbing = {"rungs": 1, "pool": 24, "round_steps": 5, "probes": 4, "dreams": 0.0}
    words = {
        **RECIPE, "fit": {**FIT, **trained, **dict(fit)}, "climb": {**climbing, **dict(climb)},
        "self_model": {"steps": 0}, "principles": {"prompts": {}}, "examined": 4, **changes,
    }  # fmt: skip
    return build(CurriculumStageConfig, words)


def lessons(tokenizer, length=400):
    book = Book({"solution": 1.0})
    book.add("solution", [Lesson(f"{number}+1=", str(number + 1), 2) for number in range(8)])
    return Lessons(book, tokenizer, seq_len=60, seed=5, length=length)


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return thinker_in(tmp_path_factory.mktemp("thinker") / "model")


@pytest.fixture(scope="module")
def ladder(tmp_path_factory):
    path = tmp_path_factory.mktemp("ladder") / "ladder.json"
    path.write_text(json.dumps({"rungs": {"chained_sums": [13]}}))
    return path


def climbed(folder, start, ladder, words, step=climb, **more):
    context = context_in(folder, {"edited": start, "ladder": ladder, **more}, words)
    step(context)
    return context.output


def test_a_share_of_the_rows_is_the_recipes_with_thoughts_and_the_rest_are_as_before():
    """Of 400 rows 0.25 are 100, with a standard deviation of 9; five of them are 45."""
    _, tokenizer = thinker()
    words = stage(25, climb={"rehearse": 0.25})
    before = lessons(tokenizer)
    rows = rehearsal_of(words, tokenizer, seed=7).among(before)
    theirs = training_rows(words.fit.on(words.mixture), tokenizer, words.thoughts, seed=7)
    assert len(rows) == len(theirs) == 400
    rehearsed = [place for place in range(400) if not same(rows[place], before[place])]
    assert abs(len(rehearsed) - 100) < 45
    assert all(same(rows[place], theirs[place]) for place in rehearsed)


def test_rows_come_round_where_more_are_asked_for_than_the_climb_has_and_end_with_the_lessons():
    _, tokenizer = thinker()
    words = stage(1, climb={"rehearse": 1.0})
    rows = rehearsal_of(words, tokenizer, seed=7).among(lessons(tokenizer, length=40))
    theirs = training_rows(words.fit.on(words.mixture), tokenizer, words.thoughts, seed=7)
    assert same(rows[16 + 3], theirs[3])
    with pytest.raises(IndexError, match="item 40 of 40"):
        rows[40]


@pytest.mark.parametrize(
    ("known", "changes"),
    [(True, {"thoughts": None}), (False, {})],
    ids=["no thoughts in the recipe", "a tokenizer without the tokens"],
)
def test_without_thoughts_the_recipes_plain_rows_are_rehearsed(known, changes):
    tokenizer = thinker()[1] if known else BARE
    words = stage(25, climb={"rehearse": 0.25}, **changes)
    before = lessons(tokenizer)
    rows = rehearsal_of(words, tokenizer, seed=7).among(before)
    theirs = training_data(words.fit.on(words.mixture), tokenizer, seed=7)
    rehearsed = [place for place in range(400) if not same(rows[place], before[place])]
    assert abs(len(rehearsed) - 100) < 45  # as above
    assert all(same(rows[place], theirs[place]) for place in rehearsed)


def test_without_a_share_the_rows_are_the_lessons_themselves():
    before = lessons(BARE)
    assert rehearsal_of(stage(climb={"rehearse": 0.0}), BARE, seed=7).among(before) is before


def test_a_model_without_thought_tokens_climbs_to_the_same_bytes_whatever_the_recipe_rehearses(
    ladder, tmp_path
):
    model, _ = thinker()
    model.resize_token_embeddings(len(BARE))
    save_model(model, BARE, tmp_path / "bare")
    found = [
        climbed(tmp_path / name, tmp_path / "bare", ladder, words)
        for name, words in {"with": stage(), "none": stage(thoughts=None)}.items()
    ]
    for part in ("latent/model.safetensors", "log.json"):
        assert found[0].joinpath(part).read_bytes() == found[1].joinpath(part).read_bytes()


@pytest.mark.parametrize(
    ("fit", "says"),
    [
        ({"seq_len": 40}, r"climb.rehearse=0.2 .* fit.seq_len=40: an example of \d\d tokens does not fit"),
        ({"seq_len": 160}, r"climb.rehearse=0.2 .* and the model's window is 50"),
    ],
)
def test_thoughts_that_fit_no_row_or_not_the_window_are_refused_before_anything_is_tried(
    start, tmp_path, monkeypatch, fit, says
):
    model, tokenizer = load_model(start)
    model.config.max_position_embeddings = 50
    save_model(model, tokenizer, tmp_path / "narrow")
    monkeypatch.setattr(tutoring, "assessed", None)
    with pytest.raises(ConfigError, match=says):
        find_ladder(context_in(tmp_path / "assess", {"edited": tmp_path / "narrow"}, stage(fit=fit)))


def test_a_row_longer_than_the_hardest_that_was_drawn_is_found_too(monkeypatch):
    """Without the draw of the hardest, the first rows still tell."""
    monkeypatch.setattr(ThoughtRows, "check_room", lambda rows, window=None: None)
    with pytest.raises(ConfigError, match=r"fit.seq_len=40: an example of"):
        rehearsal_of(stage(25, fit={"seq_len": 40}), thinker()[1], seed=7)


def test_the_climb_and_even_training_rehearse_the_same_share_and_count_what_they_read(
    start, ladder, tmp_path, monkeypatch
):
    """Of 320 rows a share of 0.4 is 128, with a standard deviation of 9; five of them are 45."""
    drawn, draw, seen, fitting = {}, Rehearsed.__getitem__, [], tutoring.fit

    def recorded(rows, index):
        found = draw(rows, index)
        drawn.setdefault(id(rows), []).append((rows.remembers(index), int(found["attention_mask"].sum())))
        return found

    monkeypatch.setattr(Rehearsed, "__getitem__", recorded)
    monkeypatch.setattr(tutoring, "fit", lambda *a, **k: seen.append(a[2].inner) or fitting(*a, **k))
    words = stage(20, climb={"rehearse": 0.4})
    log = climbed(tmp_path / "climb", start, ladder, words) / "log.json"
    even = climbed(tmp_path / "even", start, ladder, words, train_evenly, log=log) / "log.json"
    for path, rows in zip((log, even), seen, strict=True):
        read = drawn[id(rows)]
        assert json.loads(path.read_text())["tokens"] == sum(tokens for _, tokens in read)
        assert abs(sum(remembered for remembered, _ in read) - 0.4 * len(read)) < 45
        assert rows.remembered.config == words.thoughts


def test_introspection_rehearses_in_both_of_its_trainings(start, ladder, tmp_path, monkeypatch):
    words = stage(self_model={"steps": 2, "written": 8, "new_tokens": 2})
    log = climbed(tmp_path / "climb", start, ladder, words) / "log.json"
    seen, fitting = [], introspecting.fit
    monkeypatch.setattr(introspecting, "fit", lambda *a, **k: seen.append(a[2]) or fitting(*a, **k))
    climbed(tmp_path / "own", start, ladder, words, introspecting.introspect, log=log)
    assert [isinstance(data, Rehearsed) for data in seen] == [True, True]


def test_a_climb_with_rehearsal_keeps_the_thoughts_that_it_loses_without(start, ladder, tmp_path):
    """0.90 before; 0.90 after it, and 0.06 without."""
    before = after_thoughts_in(start)
    kept, lost = (
        after_thoughts_in(
            climbed(tmp_path / str(share), start, ladder, stage(40, climb={"rehearse": share})) / "model"
        )
        for share in (0.3, 0.0)
    )
    assert before > 0.8
    assert kept > 0.9 * before
    assert lost < 0.5 * before


def test_a_climb_for_what_is_forgotten_goes_on_rehearsing_thoughts(start, ladder, tmp_path):
    """Replay and dreams are what it leaves out."""
    words = stage(40, climb={"rehearse": 0.3})
    climbing = replace(words.climb, replay=0.0, dreams=0.0)
    edited, _ = tutoring._climbed(
        context_in(tmp_path, {"edited": start, "ladder": ladder}, words), climbing, tutoring.GENERATORS
    )
    save_model(edited.model, edited.tokenizer, tmp_path / "model")
    assert after_thoughts_in(tmp_path / "model") > 0.7
