"""Rotary positions against complex numbers."""

import torch

from bloomery.models.rotary import rotate, rotation


def by_complex_numbers(x, positions, theta):
    """In float64: the pair (i, i + d/2) is one complex number, turned by p * theta^(-2i/d)."""
    d = x.shape[-1]
    i = torch.arange(d // 2, dtype=torch.float64)
    turn = torch.exp(1j * positions[:, None].double() * theta ** (-2 * i / d))
    turned = torch.complex(*x.double().chunk(2, dim=-1)) * turn[:, None, :]
    return torch.cat((turned.real, turned.imag), dim=-1)


def test_a_rotation_is_multiplication_by_a_complex_number():
    torch.manual_seed(0)
    x, positions = torch.randn(7, 3, 8), torch.tensor([0, 1, 2, 5, 40, 41, 500])
    ours = rotate(x, rotation(positions, 8, 10000.0))
    # float32 angles of at most 500 rad are exact to 3e-5 rad
    torch.testing.assert_close(ours.double(), by_complex_numbers(x, positions, 10000.0), atol=2e-4, rtol=0)


def test_position_zero_changes_nothing():
    x = torch.randn(2, 4, 3, 8)
    assert torch.equal(rotate(x, rotation(torch.zeros(2, 4), 8, 10000.0)), x)


def test_dot_products_depend_on_distance_alone():
    torch.manual_seed(0)
    q, k = torch.randn(1, 1, 16), torch.randn(1, 1, 16)

    def score(at_q, at_k):
        turn_q, turn_k = (rotation(torch.tensor([p]), 16, 100.0) for p in (at_q, at_k))
        return (rotate(q, turn_q) * rotate(k, turn_k)).sum()

    torch.testing.assert_close(score(9, 4), score(105, 100), atol=1e-4, rtol=0)  # float32 angles near 100
    assert abs(score(9, 4) - score(9, 5)) > 1e-3


def test_rows_are_the_rotations_of_chosen_tokens():
    x = torch.randn(2, 5, 3, 8)
    batch, time = torch.tensor([0, 1, 1]), torch.tensor([4, 0, 3])
    for positions in (torch.arange(5)[None], torch.stack((torch.arange(5), torch.arange(5) + 7))):
        turn = rotation(positions, 8, 10000.0)
        assert torch.equal(rotate(x[batch, time], turn.rows(batch, time)), rotate(x, turn)[batch, time])
