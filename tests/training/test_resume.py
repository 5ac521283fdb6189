"""Interrupted anywhere and resumed, a run ends with the same bits as one that was never interrupted."""

from dataclasses import replace

import pytest
import torch

from bloomery.training.callbacks import AverageWeights, EarlyStopping, Metrics
from bloomery.training.checkpoint import read_checkpoint
from bloomery.training.errors import CheckpointRefused


def stop_after(step):
    """A stop request that comes true at the given optimizer step of this process."""
    asked = iter(range(1, step + 1))
    return lambda: next(asked) == step


def flat(tree, name=""):
    if isinstance(tree, dict):
        return {k: v for key, value in tree.items() for k, v in flat(value, f"{name}/{key}").items()}
    if isinstance(tree, list | tuple):
        return flat(dict(enumerate(tree)), name)
    return {name: tree.tolist() if isinstance(tree, torch.Tensor) else tree}


def validation(model):
    return {"noise": torch.rand(()).item(), "weight": float(sum(p.abs().sum() for p in model.parameters()))}


def run(regression, folder, **options):
    """The regression with all that has state: metrics, early stopping, averaged weights, validation."""
    one = regression()
    one.average = AverageWeights(0.9)
    one.callbacks = [Metrics(one.sink), EarlyStopping("weight", patience=99), one.average]
    one.outcome = one.train(folder, callbacks=one.callbacks, validate=validation, **options)
    return one


def assert_same_run(one, other):
    """Weights, optimizer state, data position, random state, callbacks' state and results, bit for bit."""
    ours, theirs = (flat(read_checkpoint(run.outcome.checkpoint)[1]) for run in (one, other))
    assert ours == theirs
    assert one.outcome.last_loss == other.outcome.last_loss
    assert one.outcome.validation == other.outcome.validation
    for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    from tests.training.conftest import Regression

    return run(Regression, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("step", range(1, 12))
def test_a_run_stopped_at_any_step_and_resumed_ends_with_the_same_bits(
    regression, uninterrupted, tmp_path, step
):
    first = run(regression, tmp_path, should_stop=stop_after(step))
    assert (first.outcome.stopped, first.outcome.steps) == ("requested", step)
    second = run(regression, tmp_path)
    assert (second.outcome.stopped, second.outcome.resumed_from) == ("finished", step)
    assert_same_run(second, uninterrupted)
    assert first.reported | second.reported == uninterrupted.reported


@pytest.mark.parametrize("killed_in", [2, 5, 11])
def test_a_run_killed_in_the_middle_of_a_step_goes_on_from_its_last_checkpoint(
    regression, uninterrupted, tmp_path, killed_in
):
    from tests.training.conftest import squared_error

    forwards = iter(range(1000))

    def killed(model, batch):
        if next(forwards) == killed_in * 3 + 1:  # in the second micro-batch of the step
            raise KeyboardInterrupt
        return squared_error(model, batch)

    with pytest.raises(KeyboardInterrupt):
        run(regression, tmp_path, loss=killed)
    resumed = run(regression, tmp_path)
    assert resumed.outcome.resumed_from == killed_in // 4 * 4
    assert_same_run(resumed, uninterrupted)


def test_many_interruptions_change_nothing(regression, uninterrupted, tmp_path):
    while run(regression, tmp_path, should_stop=lambda: True).outcome.stopped == "requested":
        pass
    assert_same_run(run(regression, tmp_path), uninterrupted)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_resumes_to_the_bit_too(regression, tmp_path, precision):
    config = {"precision": precision}
    whole = run(regression, tmp_path / "whole", config=config)
    run(regression, tmp_path / "parts", config=config, should_stop=stop_after(7))
    assert_same_run(run(regression, tmp_path / "parts", config=config), whole)


def test_a_damaged_last_checkpoint_costs_steps_and_not_bits(regression, uninterrupted, tmp_path):
    first = run(regression, tmp_path, should_stop=stop_after(9))
    (first.outcome.checkpoint / "tensors.safetensors").write_bytes(b"")
    resumed = run(regression, tmp_path)
    assert resumed.outcome.resumed_from == 8
    assert "step-00000009" in resumed.outcome.skipped_checkpoints[0]
    assert_same_run(resumed, uninterrupted)


def test_a_finished_run_started_again_does_nothing_and_says_the_same(regression, tmp_path):
    first = run(regression, tmp_path)
    again = run(regression, tmp_path)
    assert again.reported == {}
    assert replace(again.outcome, resumed_from=0) == first.outcome
    assert_same_run(again, first)


def test_a_run_that_stopped_early_stays_stopped(regression, tmp_path):
    from tests.training.conftest import Regression

    def early(folder):
        stopping = EarlyStopping("loss", patience=1)
        return Regression().train(folder, callbacks=[stopping], validate=lambda model: {"loss": 1.0})

    first = early(tmp_path)
    assert (first.steps, first.stopped) == (6, "loss did not improve in 1 validations")
    assert replace(early(tmp_path), resumed_from=0) == first


def test_the_callers_random_state_is_left_as_it_was(regression):
    one = regression()
    before = torch.get_rng_state()
    one.train()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_random_state_of_the_caller_does_not_reach_the_run(regression):
    one, other = regression(), regression()
    one.train()
    torch.manual_seed(99)
    other.train()
    assert all(
        torch.equal(p, q) for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("config", "named"),
    [({"seed": 5}, "seed = 0, this run has 5"), ({"accumulate": 1}, r"accumulate = 12, this run has 4")],
)
def test_a_checkpoint_of_another_run_is_refused_with_both_values(regression, tmp_path, config, named):
    regression().train(tmp_path, should_stop=stop_after(2))
    with pytest.raises(CheckpointRefused, match=named):
        regression().train(tmp_path, config=config)


def test_a_checkpoint_with_other_callbacks_is_refused(regression, tmp_path):
    regression().train(tmp_path, callbacks=[AverageWeights()], should_stop=stop_after(2))
    with pytest.raises(CheckpointRefused, match=r"callbacks = \['AverageWeights'\], this run has \[\]"):
        regression().train(tmp_path)


def test_after_running_out_of_memory_the_run_goes_on_in_smaller_micro_batches(regression, tmp_path):
    regression().train(tmp_path, should_stop=stop_after(5))
    outcome = regression().train(tmp_path, config={"micro_batch": 2, "accumulate": 6})
    assert (outcome.resumed_from, outcome.steps, outcome.stopped) == (5, 12, "finished")
