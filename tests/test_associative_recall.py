"""The benchmark of recall: its answers are out of the window's reach, and what it counts is what is right."""

import pytest
import torch
from torch import Tensor, nn
from transformers.utils.generic import ModelOutput

from benchmarks import associative_recall
from benchmarks.associative_recall import (
    BASELINE,
    MIRAS,
    REACH,
    RIVALS,
    TASKS,
    TITANS,
    above,
    measured,
    model,
    right,
    row,
)
from benchmarks.far_questions import KEYS, MARK, NO_ANSWER, VALUES, VOCABULARY, Needle, Pairs


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_every_key_is_asked_once_and_answered_by_what_followed_it_out_of_reach():
    setting = TASKS["recall"]
    tokens, answers = setting.questions.draw(20, setting.examined, generator())
    for row_tokens, row_answers in zip(tokens.tolist(), answers.tolist(), strict=True):
        asked = [at for at, answer in enumerate(row_answers) if answer != NO_ANSWER]
        first = [row_tokens.index(row_tokens[at]) for at in asked]
        assert sorted(first) == list(range(0, 2 * len(asked), 2))
        assert first != sorted(first)
        assert [row_tokens[at + 1] for at in first] == [row_answers[at] for at in asked]
        assert all(at - (shown + 1) > REACH for at, shown in zip(asked, first, strict=True))


def test_a_needle_is_the_only_value_in_the_straw_at_any_depth_and_asked_for_at_the_end():
    tokens, answers = Needle().draw(400, 64, generator())
    value = (tokens >= KEYS) & (tokens < KEYS + VALUES)
    assert (value.sum(1) == 1).all()
    assert ((tokens == MARK).sum(1) == 2).all()
    assert (tokens[:, -1] == MARK).all()
    at = value.float().argmax(1)
    assert (tokens.gather(1, at[:, None] - 1) == MARK).all()
    assert torch.equal(tokens.gather(1, at[:, None])[:, 0], answers[:, -1])
    assert (answers[:, :-1] == NO_ANSWER).all()
    assert {int(at.min()), int(at.max())} == {1, 62}


def test_far_recall_is_recall_in_four_times_as_many_tokens_of_the_same_training():
    near, far = TASKS["recall"], TASKS["far recall"]
    assert (far.questions, far.trained) == (near.questions, near.trained)
    assert far.examined == 4 * near.trained == 4 * near.examined
    tokens, answers = far.questions.draw(2, far.examined, generator())
    assert tokens.shape == (2, 152)
    assert (answers != NO_ANSWER).sum(1).tolist() == [8, 8]


@pytest.mark.parametrize("name", [*TITANS, "yaad", "hope", *RIVALS])
def test_beyond_its_reach_the_window_alone_knows_nothing(name):
    pupil = model(name, 0).eval()
    tokens = torch.randint(VOCABULARY, (2, 40), generator=generator())
    far, near = tokens.clone(), tokens.clone()
    far[:, -REACH - 2] += torch.where(far[:, -REACH - 2] > 0, -1, 1)
    near[:, -REACH - 1] += torch.where(near[:, -REACH - 1] > 0, -1, 1)
    with torch.no_grad():
        last, after_far, after_near = (pupil(input_ids=t).logits[:, -1] for t in (tokens, far, near))
    assert torch.equal(last, after_far) == (name == BASELINE)
    assert not torch.equal(last, after_near)


def test_no_rival_has_fewer_parameters_than_any_of_the_memories():
    def size(name: str) -> int:
        return sum(parameter.numel() for parameter in model(name, 0).parameters())

    assert min(map(size, RIVALS)) >= max(map(size, (*TITANS, *MIRAS, "hope")))


class Looking(nn.Module):
    """Answers with what followed the last token where it stood first, or with another value."""

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, input_ids: Tensor, logits_to_keep: int) -> ModelOutput:
        first = (input_ids == input_ids[:, -1:]).float().argmax(1, keepdim=True)
        answer = input_ids.gather(1, first + 1) + self.shift
        logits = nn.functional.one_hot(answer, VOCABULARY + 1).float()
        assert logits_to_keep == logits.shape[1]
        return ModelOutput(logits=logits)


@pytest.mark.parametrize("task", TASKS)
def test_what_looks_the_answer_up_is_always_right_and_what_is_one_off_never(task):
    assert right(Looking(0), TASKS[task], 200) == 200
    assert right(Looking(1), TASKS[task], 200) == 0


def test_a_run_is_remembered_and_equal_seeds_give_equal_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(associative_recall, "TESTED", 40)
    monkeypatch.setitem(
        TASKS, "recall", TASKS["recall"]._replace(questions=Pairs(2), trained=24, examined=24)
    )
    one = measured("lmm", "recall", 5, steps=11, kept=tmp_path / "a")
    associative_recall.taught.cache_clear()
    assert measured("lmm", "recall", 5, steps=11, kept=tmp_path / "b") == one
    (file,) = (tmp_path / "a").iterdir()
    file.write_text('{"right": 3}')
    assert measured("lmm", "recall", 5, steps=11, kept=tmp_path / "a") == {"right": 3}


def test_a_run_of_another_processor_or_of_other_packages_is_not_remembered(monkeypatch):
    here = associative_recall.surroundings()
    assert associative_recall.surroundings() == here
    with monkeypatch.context() as other:
        other.setattr(associative_recall.machine, "processor", lambda: "another")
        assert associative_recall.surroundings() != here
    monkeypatch.setattr("bloomery.core.closure.package_version", lambda name: "another")
    assert associative_recall.surroundings() != here


def test_tasks_that_differ_in_the_examination_share_a_training(tmp_path, monkeypatch):
    monkeypatch.setattr(associative_recall, "TESTED", 8)
    drawn = []
    monkeypatch.setattr(associative_recall, "model", lambda *given: drawn.append(given) or model(*given))
    associative_recall.taught.cache_clear()
    for task in ("recall", "far recall"):
        measured("hope", task, 6, steps=2, kept=tmp_path)
    assert drawn == [("hope", 6)]
    assert {path.name.rpartition("-hope-")[0] for path in tmp_path.iterdir()} == {"recall", "far-recall"}


def run(right: int) -> dict[str, int]:
    return {"seed": 1, "right": right, "total": 100, "parameters": 7}


def test_only_disjoint_intervals_are_above_and_every_seed_has_to_be():
    assert above(run(60), run(30))
    assert not above(run(60), run(55))
    assert not above(run(30), run(60))
    met = row("recall", "lmm", "window", [run(60), run(90)], [run(30), run(0)])
    assert met["met"]
    assert (met["ours"], met["peer"], met["ratio"]) == (0.75, 0.15, 5.0)
    assert not row("recall", "lmm", "window", [run(60), run(90)], [run(55), run(0)])["met"]
    assert row("needle", "mac", "linear", [run(60)], [run(0)])["ratio"] is None
