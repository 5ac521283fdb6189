import pytest
import torch
from torch import Tensor

from bloomery.models.exponential_memory import ExponentialMemory


def make(**options) -> ExponentialMemory:
    torch.manual_seed(0)
    return ExponentialMemory(6, memory_dim=4, chunk_size=5, **options).double()


def tokens(batch: int = 2, steps: int = 13) -> Tensor:
    return torch.randn(batch, steps, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def reference(memory: ExponentialMemory, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """m_t = .99 m_{t-1} + .01 W_down x_t, one token after the other; reads W_up m_t."""
    m, reads = torch.zeros(len(x), 4, dtype=x.dtype), []
    for t in range(x.shape[1]):
        after = memory.decay * m + (1 - memory.decay) * x[:, t] @ memory.down.weight.T
        m = after if mask is None else torch.where(mask[:, t, None], after, m)
        reads.append(m @ memory.up.weight.T)
    return torch.stack(reads, dim=1), m


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_all_tokens_at_once_equal_the_recurrence(decay):
    memory, x = make(decay=decay), tokens()
    out, state = memory(x)
    expected, m = reference(memory, x)
    torch.testing.assert_close(out, expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(state.average, m, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("sizes", [[1] * 13, [4, 9], [6, 6, 1]])
def test_any_split_of_the_sequence_gives_the_same_reads(sizes):
    memory, x = make(), tokens()
    state, reads = None, []
    for part in x.split(sizes, dim=1):
        out, state = memory(part, state)
        reads.append(out)
    torch.testing.assert_close(torch.cat(reads, dim=1), memory(x)[0], atol=1e-12, rtol=1e-12)


def test_masked_tokens_neither_decay_nor_write():
    memory, x = make(), tokens()
    mask = torch.rand(2, 13, generator=torch.Generator().manual_seed(2)) > 0.4
    out, state = memory(x, mask=mask)
    expected, m = reference(memory, x, mask)
    torch.testing.assert_close(out[mask], expected[mask], atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(state.average, m, atol=1e-12, rtol=1e-12)


def test_a_constant_input_is_remembered_as_itself():
    memory = make(decay=0.9)
    x = tokens(1, 1).expand(1, 400, 6)
    out, _ = memory(x)
    torch.testing.assert_close(out[:, -1], memory.up(memory.down(x[:, -1])), rtol=1e-12, atol=1e-12)


def test_a_later_token_changes_no_earlier_read_by_a_single_bit():
    memory, x = make().float(), tokens().float()
    before = memory(x)[0]
    for t in (3, 7):
        changed = x.clone()
        changed[:, t] += 1.0
        assert torch.equal(memory(changed)[0][:, :t], before[:, :t])
        assert not torch.equal(memory(changed)[0][:, t], before[:, t])


def test_reading_without_writing_returns_the_state():
    memory, x = make(), tokens()
    _, state = memory(x)
    out, same = memory(x[:, :2], state, write=False)
    assert same is state
    torch.testing.assert_close(out, memory.up(state.average)[:, None].expand(2, 2, 6))


def test_gradients_agree_with_finite_differences():
    memory, x = make(), tokens(1, 7).requires_grad_()
    mask = torch.tensor([[False, True, True, False, True, True, True]])
    assert torch.autograd.gradcheck(lambda x: memory(x, mask=mask)[0], (x,))


def test_the_state_can_be_reordered_and_detached():
    memory, x = make(), tokens(3).requires_grad_()
    _, state = memory(x)
    assert torch.equal(state.select(torch.tensor([2, 0])).average, state.average[[2, 0]])
    assert state.average.requires_grad
    assert not state.detach().average.requires_grad


@pytest.mark.parametrize("decay", [1.0, -0.1])
def test_a_decay_outside_0_to_1_is_refused(decay):
    with pytest.raises(ValueError, match="decay must be in"):
        ExponentialMemory(6, decay=decay)
