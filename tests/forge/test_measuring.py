"""What a consumer measures, on models of which the answer is known."""

from types import SimpleNamespace

import pytest
import torch

from bloomery.forge.measuring import (
    answer_latency_ms,
    count_parameters,
    future_leak,
    peak_memory_gb,
)
from bloomery.forge.shipping import RELOADS
from bloomery.tasks.tokenizer import train_tokenizer
from tests.forge.test_folders import small_pair


class Toy(torch.nn.Module):
    """Logits that count the tokens up to a place, and `ahead` places more."""

    def __init__(self, *, ahead: int) -> None:
        super().__init__()
        self.ahead = ahead
        self.config = SimpleNamespace(vocab_size=259)
        self.weight = torch.nn.Parameter(torch.zeros(3, dtype=torch.bfloat16))

    def forward(self, input_ids, use_cache=False):
        ones = torch.nn.functional.one_hot(input_ids, 259).float()
        last = input_ids.shape[1] - 1
        seen = ones.cumsum(1)[:, [min(place + self.ahead, last) for place in range(last + 1)]]
        return SimpleNamespace(logits=seen)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([])


@pytest.mark.parametrize(("ahead", "leak"), [(0, 0.0), (1, 1.0), (9, 1.0)])
def test_the_leak_is_what_an_earlier_token_learns_of_the_last(tokenizer, ahead, leak):
    assert future_leak(Toy(ahead=ahead), tokenizer, "abcdef") == leak


def test_a_cognate_model_does_not_leak_and_one_that_looks_ahead_does():
    model, tokenizer = small_pair()
    assert future_leak(model, tokenizer, "1+2+3=6 and so on") == 0.0
    layer = next(module for module in model.modules() if isinstance(module, torch.nn.RMSNorm))
    layer.register_forward_hook(lambda _module, _given, out: out + out.mean(1, keepdim=True))
    assert future_leak(model, tokenizer, "1+2+3=6 and so on") > 0.0


def test_parameters_and_bytes_are_counted():
    assert count_parameters(Toy(ahead=0)) == 3


def test_latency_is_the_median_of_what_was_timed(tokenizer, monkeypatch):
    ticks = iter([0.0, 9.0, 0.0, 9.0, 0.0, 0.001, 0.0, 0.003, 0.0, 0.005])
    monkeypatch.setattr("bloomery.forge.measuring.time.perf_counter", lambda: next(ticks))
    found = answer_latency_ms(Toy(ahead=0), tokenizer, "ab", repeats=3)
    assert found.value == pytest.approx(3.0)
    assert found.interval == pytest.approx((1.0, 5.0))


def test_peak_memory_grows_with_what_is_held():
    before = peak_memory_gb()
    held = bytearray(int(before * 1e9) // 4 + 200_000_000)
    assert peak_memory_gb() >= before
    assert len(held) / 1e9 < peak_memory_gb() < 64


def test_a_shipped_folder_may_differ_in_no_bit():
    assert RELOADS.required
    assert RELOADS.bar.holds(0.0)
    assert not RELOADS.bar.holds(1e-9)
