import pytest
import torch

from bloomery.training.config import TrainConfig
from bloomery.training.memory import is_out_of_memory, out_of_memory, remedies, smaller_micro_batch


@pytest.mark.parametrize("micro_batch", [2, 3, 7, 12, 32])
@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_smaller_micro_batch_keeps_the_examples_of_a_step(micro_batch, accumulate):
    config = TrainConfig(steps=1, micro_batch=micro_batch, accumulate=accumulate)
    smaller = smaller_micro_batch(config)
    assert smaller.micro_batch * smaller.accumulate == micro_batch * accumulate
    assert smaller.micro_batch <= micro_batch / 2


def test_remedies_are_settings_that_are_not_yet_in_force():
    assert remedies(TrainConfig(steps=1, micro_batch=32, accumulate=2)) == [
        {"micro_batch": 16, "accumulate": 4},
        {"gradient_checkpointing": True},
        {"precision": "bf16"},
    ]
    tight = TrainConfig(steps=1, micro_batch=1, gradient_checkpointing=True, precision="bf16")
    assert remedies(tight) == []
    assert "set a smaller model, or a shorter sequence" in str(out_of_memory(tight, 3, MemoryError()))


def test_the_error_names_the_step_the_settings_and_what_was_said():
    error = out_of_memory(TrainConfig(steps=9, micro_batch=8), 4, MemoryError("no room\nmore"))
    assert str(error) == (
        "step 4 does not fit in memory (micro_batch 8, accumulate 1, fp32); "
        "set micro_batch: 4 and accumulate: 2; or gradient_checkpointing: True; or precision: bf16. "
        "Said: MemoryError: no room"
    )


def test_a_real_allocation_that_cannot_be_met_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
    ],
)
def test_only_errors_about_memory_are_taken_for_one(error, expected):
    assert is_out_of_memory(error) is expected
