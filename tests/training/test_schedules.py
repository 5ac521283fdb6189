import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bloomery.training import schedules
from bloomery.training.schedules import ScheduleConfig, build_schedule


def test_a_cosine_is_one_at_the_start_half_in_the_middle_and_final_at_the_end():
    factor = schedules.cosine(100, final=0.2)
    assert factor(0) == 1.0
    assert factor(50) == pytest.approx(0.6)
    assert factor(100) == pytest.approx(0.2)
    assert factor(10_000) == pytest.approx(0.2)


def test_a_line_reaches_its_final_factor_and_stays_there():
    factor = schedules.linear(10, final=0.5)
    assert [factor(0), factor(5), factor(10), factor(99)] == pytest.approx([1.0, 0.75, 0.5, 0.5])


def test_a_stepped_schedule_drops_at_every_multiple():
    factor = schedules.stepped(3, factor=0.5)
    assert [factor(s) for s in (0, 2, 3, 5, 6)] == [1, 1, 0.5, 0.5, 0.25]


def test_warm_up_rises_evenly_from_the_first_step_and_meets_its_schedule():
    factor = schedules.warm_up(schedules.linear(10), 4)
    assert [factor(s) for s in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factor(9) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (schedules.cosine(40), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=40)),
        (schedules.stepped(7, factor=0.3), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.3)),
        (schedules.linear(40, final=0.1), lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, 40)),
    ],
)
def test_schedules_follow_those_of_torch(ours, theirs):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = theirs(optimizer)
    for step in range(41):
        assert ours(step) == pytest.approx(
            optimizer.param_groups[0]["lr"], abs=1e-9
        )  # theirs is a recurrence
        optimizer.step()
        reference.step()


@given(
    kind=st.sampled_from(["constant", "linear", "step", "cosine"]),
    warmup=st.integers(0, 20),
    final=st.floats(0, 1),
    step=st.integers(0, 200),
)
def test_a_built_schedule_stays_between_zero_and_one(kind, warmup, final, step):
    factor = build_schedule(ScheduleConfig(kind=kind, warmup_steps=warmup, final=final, every=10), 100)
    assert 0.0 <= factor(step) <= 1.0


def test_a_built_schedule_ends_where_the_run_ends():
    factor = build_schedule(ScheduleConfig(kind="cosine", warmup_steps=10, final=0.1), 100)
    assert factor(10) == 1.0
    assert factor(100) == pytest.approx(0.1)


@pytest.mark.parametrize("kind", ["constant", "linear", "step", "cosine"])
def test_every_kind_of_schedule_is_the_function_of_its_name(kind):
    factor = build_schedule(ScheduleConfig(kind=kind, every=25, factor=0.5), 100)
    expected = {
        "constant": 1.0,
        "linear": 0.25,
        "step": 0.125,
        "cosine": 0.5 * (1 + math.cos(0.75 * math.pi)),
    }
    assert factor(75) == pytest.approx(expected[kind])


def test_a_warm_up_as_long_as_the_run_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="warmup_steps = 100 leaves nothing of a run of 100 steps"):
        build_schedule(ScheduleConfig(warmup_steps=100), 100)


def test_a_stepped_schedule_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="every >= 1"):
        schedules.stepped(0)


def test_a_staircase_holds_each_level_from_its_step_on():
    length = schedules.staircase({0: 512, 10_000: 1024, 50_000: 2048})
    assert [length(s) for s in (0, 9_999, 10_000, 49_999, 50_000, 10**9)] == [
        512,
        512,
        1024,
        1024,
        2048,
        2048,
    ]


def test_a_staircase_without_a_first_step_is_refused():
    with pytest.raises(ValueError, match=r"begins at step 0, got the steps \[5\]"):
        schedules.staircase({5: 1})


@given(step=st.integers(0, 300), multiple=st.sampled_from([1, 8, 16]))
def test_a_ramp_never_falls_and_keeps_its_multiple(step, multiple):
    length = schedules.ramp(16, 128, 200, multiple_of=multiple)
    assert length(step) % multiple == 0
    assert 16 <= length(step) <= length(step + 1) <= 128


def test_curricula_cut_the_sequence_and_name_the_depth():
    prepare = schedules.curricula(
        sequence_length=schedules.staircase({0: 3, 5: 6}), recursion_steps=schedules.staircase({0: 1, 5: 3})
    )
    batch = {"input_ids": torch.arange(12).view(2, 6), "weight": torch.ones(2)}
    early, late = prepare(batch, 4), prepare(batch, 5)
    assert early["input_ids"].tolist() == [[0, 1, 2], [6, 7, 8]]
    assert early["weight"].tolist() == [1, 1]
    assert (early["recursion_steps"], late["recursion_steps"]) == (1, 3)
    assert late["input_ids"].shape == (2, 6)
    assert set(batch) == {"input_ids", "weight"}


def test_without_curricula_a_batch_passes_unchanged():
    batch = {"input_ids": torch.arange(12).view(2, 6)}
    assert schedules.curricula()(batch, 3) == batch
