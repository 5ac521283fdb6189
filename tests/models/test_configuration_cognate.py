"""The presets' numbers, and settings that contradict themselves."""

import inspect

import pytest
import torch

from bloomery.models.configuration_cognate import CognateConfig, cognate_25m, cognate_tiny
from bloomery.models.modeling_cognate import CognateForCausalLM


def count(config):
    with torch.device("meta"):
        return sum(p.numel() for p in CognateForCausalLM(config).parameters())


def counted_by_hand(c):
    """Parameters from the shapes in the paper's terms, independent of the modules."""
    d, f, v, r, m, h = (
        c.hidden_size, c.intermediate_size, c.vocab_size, c.embedding_rank, c.memory_size, c.memory_heads,
    )  # fmt: skip
    block = 4 * d * d + 3 * d * f + 2 * d  # attention, SwiGLU, two norms
    k = m // h
    network = h * 2 * k * 2 * k  # two matrices, twice as wide inside
    convolution = 3 * m * 4
    gates = (d + 1) * 3 * h  # theta, alpha, eta
    memory = 3 * d * m + convolution + gates + network + k + d * m + m * d  # q k v, read norm, gate, out
    mag = (2 * d + 1) * c.gate_hidden + (c.gate_hidden + 1) * d
    layers = c.num_hidden_layers * block + len(c.memory_layers) * (memory + mag)
    return v * r + r * d + layers + d + 2 * d * d + block + d + 1


@pytest.mark.parametrize("config", [cognate_25m(), cognate_tiny()])
def test_the_parameters_are_those_counted_by_hand(config):
    assert count(config) == counted_by_hand(config)


def test_the_25m_preset_keeps_every_number_of_the_seeds_phase_1_config():
    c = cognate_25m()
    assert (c.hidden_size, c.num_hidden_layers, c.num_attention_heads) == (512, 8, 8)
    assert (c.vocab_size, c.max_position_embeddings, c.sliding_window) == (32768, 2048, 1024)
    assert (c.memory_size, c.memory_decay) == (256, 0.99)
    assert (c.gate_hidden, c.gate_entropy) == (256, 0.001)
    assert (c.max_recursion, c.micro_steps, c.supervision_weights) == (3, 2, [0.5, 0.75, 1.0])
    assert (c.halt_threshold, c.halt_ema) == (0.5, 0.98)


def test_the_25m_preset_has_25_million_parameters_embeddings_included():
    assert 22_500_000 <= count(cognate_25m()) <= 27_500_000


@pytest.mark.parametrize("memory", ["titans", "exponential", "none"])
def test_the_25m_preset_stays_in_bounds_with_any_memory(memory):
    assert 20_000_000 <= count(cognate_25m(memory=memory)) <= 27_500_000


def test_the_tiny_preset_stays_under_300_thousand():
    assert count(cognate_tiny()) < 300_000


def test_the_25m_preset_runs_forward_and_backward():
    torch.manual_seed(0)
    model = CognateForCausalLM(cognate_25m()).train()
    ids = torch.randint(0, 32768, (1, 24))
    output = model(ids, labels=ids)
    output.loss.backward()
    assert output.logits.shape == (1, 24, 32768)
    # an untrained head's logits have about unit variance: the loss is near log(32768) + 1/2
    assert 10.4 < output.step_losses[0] < 11.9


def test_the_supervision_ramp_ends_at_one():
    assert CognateConfig(max_recursion=1).supervision_weights == [1.0]
    assert CognateConfig(max_recursion=5).supervision_weights == [0.5, 0.625, 0.75, 0.875, 1.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"memory": "lstm"}, "memory must be one of titans, exponential, none; got 'lstm'"),
        ({"memory_size": 30, "memory_heads": 4}, "memory_size 30 is not a multiple of memory_heads 4"),
        ({"memory_layers": [8]}, r"memory_layers \[8\] names layers outside 0..7"),
        ({"supervision_weights": [1.0]}, "has 1 entries for max_recursion 3"),
        ({"sliding_window": 0}, "must each be at least 1"),
        ({"max_recursion": 0}, "must each be at least 1"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CognateConfig(**changes)


ALTERNATIVES = {
    "vocab_size": 64, "embedding_rank": 4, "hidden_size": 16, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 8, "sliding_window": 2, "rope_theta": 10.0,
    "rms_norm_eps": 0.1, "memory": "exponential", "memory_size": 16, "memory_heads": 2, "memory_depth": 1,
    "memory_chunk": 2, "memory_capacity": 2.0, "memory_layers": [0], "gate_hidden": 3, "gate_entropy": 0.5,
    "max_recursion": 2, "micro_steps": 1, "supervision_weights": [1.0, 1.0, 9.0], "halt_weight": 3.0,
}  # fmt: skip
UNREAD_BY_THE_LOSS = {  # checked elsewhere, or carried for users and libraries
    "max_position_embeddings", "memory_decay", "halt_threshold", "halt_ema", "use_cache", "bos_token_id",
    "eos_token_id", "pad_token_id",
}  # fmt: skip


def test_no_field_is_left_out_of_these_tests():
    parameters = inspect.signature(CognateConfig.__init__).parameters
    fields = {name for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert fields == set(ALTERNATIVES) | UNREAD_BY_THE_LOSS


@pytest.mark.parametrize("field", ALTERNATIVES)
def test_every_field_changes_the_loss(field):
    def loss(**changes):
        torch.manual_seed(0)
        model = CognateForCausalLM(cognate_tiny(**changes)).train()
        ids = torch.randint(0, 64, (1, 12), generator=torch.Generator().manual_seed(0))
        return model(ids, labels=ids).loss.item()

    changes = {field: ALTERNATIVES[field]}
    if field == "num_hidden_layers":
        changes["memory_layers"] = [0]
    assert loss(**changes) != loss()


def test_the_exponential_memorys_decay_changes_the_logits():
    logits = []
    for decay in (0.99, 0.5):
        torch.manual_seed(0)
        model = CognateForCausalLM(cognate_tiny(memory="exponential", memory_decay=decay)).eval()
        logits.append(model(torch.arange(12)[None]).logits)
    assert not torch.equal(*logits)
