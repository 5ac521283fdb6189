import math

import pytest
import torch
from torch import nn

from bloomery.training.callbacks import (
    AverageWeights,
    Callback,
    EarlyStopping,
    KeepBest,
    Metrics,
    ShowProgress,
)
from bloomery.training.checkpoint import read_tensors
from bloomery.training.config import Progress


def validations(callback, values, model=None):
    """Feeds a callback one validation after another; returns after how many it stopped the run."""
    progress = Progress(len(values))
    for number, value in enumerate(values, 1):
        progress.validated({"score": value})
        callback.on_evaluate(model or nn.Linear(1, 1), progress)
        if progress.stopped:
            return number
    return None


@pytest.mark.parametrize(
    ("mode", "values", "stopped"),
    [
        ("min", [3, 2, 2.5, 1, 1.5, 1.2], 6),
        ("min", [3, 2, 1, 0], None),
        ("max", [0.1, 0.2, 0.2, 0.2], 4),
        ("max", [0.1, 0.2, 0.1, 0.3], None),
        ("min", [float("nan"), float("nan"), float("nan")], 2),
        ("min", [float("nan"), 3, 2, 1, 0], None),
        ("max", [0.1, float("nan"), 0.2, float("nan"), 0.1], 5),
    ],
)
def test_early_stopping_waits_its_patience_after_the_best(mode, values, stopped):
    assert validations(EarlyStopping("score", patience=2, mode=mode), values) == stopped


def test_early_stopping_takes_no_gain_below_its_smallest():
    assert validations(EarlyStopping("score", patience=2, min_delta=0.5), [3.0, 2.8, 2.6]) == 3
    assert validations(EarlyStopping("score", patience=2, min_delta=0.1), [3.0, 2.8, 2.6]) is None


def test_early_stopping_goes_on_counting_after_a_restore():
    first = EarlyStopping("score", patience=3)
    validations(first, [1.0, 2.0, 2.0])
    second = EarlyStopping("score", patience=3)
    second.load_state_dict(first.state_dict())
    assert validations(second, [2.0]) == 1


def test_a_metric_that_the_validation_does_not_give_is_named():
    with pytest.raises(KeyError, match=r"gives \['score'\], not 'accuracy'"):
        validations(EarlyStopping("accuracy", patience=1), [1.0])


def test_metrics_reach_the_sink_with_their_kind_and_step(regression):
    one = regression()
    one.train(
        config={"steps": 10, "evaluate_every": 10},
        callbacks=[Metrics(one.sink, prefix="base/")],
        validate=lambda model: {"accuracy": 0.25},
    )
    assert one.reported["base/validation/accuracy", 10] == 0.25
    assert {step for name, step in one.reported if name == "base/train/loss"} == {5, 10}


def test_a_reported_loss_is_the_mean_since_the_last_report(regression):
    losses = []

    class Keep(Callback):
        def on_step(self, model, progress):
            losses.append(progress.loss)

    one = regression()
    one.train(config={"steps": 10}, callbacks=[Keep(), Metrics(one.sink)])
    assert one.reported["train/loss", 10] == pytest.approx(sum(losses[5:]) / 5)
    assert one.reported["train/learning_rate", 10] == one.optimizer.param_groups[0]["lr"]


def test_progress_is_told_from_the_start_to_the_last_step(regression):
    told = []
    regression().train(
        config={"steps": 3}, callbacks=[ShowProgress(lambda *now: told.append(now))], schedule=None
    )
    assert [(done, total) for done, total, _ in told] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert told[-1][2].startswith("loss ")


def test_the_best_weights_are_kept_and_not_the_last(tmp_path):
    model = nn.Linear(2, 1)
    keep = KeepBest(tmp_path / "best.safetensors", "score", mode="max")
    for value in (0.1, 0.7, 0.3):
        nn.init.constant_(model.weight, value)
        validations(keep, [value], model)
    assert read_tensors(tmp_path / "best.safetensors")["weight"].tolist() == [[pytest.approx(0.7)] * 2]
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_weights_whose_score_is_not_a_number_are_not_the_best(tmp_path):
    model = nn.Linear(2, 1)
    keep = KeepBest(tmp_path / "best.safetensors", "score", mode="max")
    for value in (float("nan"), 0.1, 0.7, float("nan")):
        nn.init.constant_(model.weight, value)
        validations(keep, [value], model)
    assert read_tensors(tmp_path / "best.safetensors")["weight"].tolist() == [[pytest.approx(0.7)] * 2]


def test_the_extremes_of_validations_are_those_of_numbers():
    progress = Progress(5)
    for value in (math.nan, 2.0, 1.0, math.nan, 3.0):
        progress.validated({"score": value})
    assert (progress.lowest, progress.highest) == ({"score": 1.0}, {"score": 3.0})


def test_the_best_so_far_is_remembered_over_a_restore(tmp_path):
    model = nn.Linear(2, 1)
    first = KeepBest(tmp_path / "best.safetensors", "score")
    validations(first, [0.1], model)
    kept = (tmp_path / "best.safetensors").read_bytes()
    second = KeepBest(tmp_path / "best.safetensors", "score")
    second.load_state_dict(first.state_dict())
    nn.init.zeros_(model.weight)
    validations(second, [0.2], model)
    assert (tmp_path / "best.safetensors").read_bytes() == kept


def test_averaged_weights_follow_the_closed_form_and_give_the_model_its_own_back():
    model = nn.Linear(1, 1, bias=False)
    average, progress = AverageWeights(0.5), Progress(3)
    nn.init.constant_(model.weight, 0.0)
    average.on_start(model, progress)
    for value in (8.0, 4.0):
        nn.init.constant_(model.weight, value)
        average.on_step(model, progress)
    with average.applied(model):
        assert model.weight.item() == 0.25 * 0 + 0.25 * 8 + 0.5 * 4
    assert model.weight.item() == 4.0


def test_the_model_gets_its_weights_back_when_the_block_fails():
    model = nn.Linear(1, 1)
    own = model.weight.detach().clone()
    average = AverageWeights()
    average.on_start(model, Progress(1))
    nn.init.constant_(average.average["weight"], 7.0)
    with pytest.raises(ZeroDivisionError), average.applied(model):
        raise ZeroDivisionError
    assert torch.equal(model.weight, own)
