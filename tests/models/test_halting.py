"""The halting head: trained by cross-entropy, calibrated by moving averages."""

import math

import pytest
import torch

from bloomery.models.halting import HaltingHead


def test_an_uncalibrated_probability_is_the_sigmoid_of_the_logit():
    head = HaltingHead(4, 3, 0.98)
    logit = torch.tensor([-2.0, 0.0, 3.0])
    torch.testing.assert_close(head.probability(logit, 1), torch.sigmoid(logit))


def test_the_averages_move_by_a_fiftieth_each_batch():
    head = HaltingHead(4, 2, 0.98)
    logits = torch.full((5, 2), math.log(3))  # sigmoid 0.75
    correct = torch.tensor([[1, 0]] * 4 + [[0, 0]]).bool()
    head.calibrate(logits, correct)
    torch.testing.assert_close(head.correct_ema, torch.tensor([0.5 + 0.02 * 0.3, 0.5 - 0.02 * 0.5]))
    torch.testing.assert_close(head.predicted_ema, torch.full((2,), 0.5 + 0.02 * 0.25))


def test_calibration_makes_an_overconfident_head_right_on_average():
    head = HaltingHead(4, 1, 0.9)
    logits = torch.full((100, 1), 2.0)  # says 0.88, is right in 30 of 100
    correct = (torch.arange(100) < 30)[:, None]
    for _ in range(300):
        head.calibrate(logits, correct)
    assert head.probability(logits[:, 0], 0).mean().item() == pytest.approx(0.3, abs=1e-4)  # 0.9^300 is left


def test_a_shallower_batch_moves_the_first_steps_only():
    head = HaltingHead(4, 3, 0.5)
    head.calibrate(torch.zeros(2, 1), torch.ones(2, 1).bool())
    assert head.correct_ema.tolist() == [0.75, 0.5, 0.5]


def test_no_labels_have_no_loss_move_nothing_and_calibrate_nothing():
    head = HaltingHead(4, 3, 0.98)
    empty = head(torch.zeros(0, 3, 4))
    loss = head.loss(empty, empty.bool())
    loss.backward()
    assert loss.isnan()
    assert not head.score.weight.grad.any()
    head.calibrate(empty, empty.bool())
    assert head.correct_ema.tolist() == [0.5] * 3


@pytest.mark.equation("trm", "4.6a", oracle="closed form")
def test_the_loss_is_binary_cross_entropy_with_a_gradient():
    head = HaltingHead(2, 1, 0.98)
    y = torch.tensor([[[1.0, -1.0]], [[0.5, 2.0]]])
    logits = head(y)
    head.loss(logits, torch.tensor([[1], [0]])).backward()
    q = torch.sigmoid(logits.detach())[:, 0]
    by_hand = ((q - torch.tensor([1.0, 0.0]))[:, None] * y[:, 0]).mean(0)
    torch.testing.assert_close(head.score.weight.grad[0], by_hand)


def test_the_averages_are_saved_with_the_weights():
    assert {"correct_ema", "predicted_ema"} <= set(HaltingHead(4, 3, 0.98).state_dict())
