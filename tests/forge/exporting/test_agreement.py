"""Agreement of logits, by hand."""

import pytest
import torch

from bloomery.core.errors import Failure
from bloomery.forge.exporting.agreement import TOLERANCE, Agreement, agreement, check_agreement

OURS = [torch.tensor([[[1.0, 2.0], [4.0, 3.0]]]), torch.tensor([[[0.0, 1.0]]])]


def test_the_difference_is_counted_in_units_of_the_largest_logit():
    theirs = [torch.tensor([[[1.0, 2.5], [3.5, 3.0]]]), torch.tensor([[[1.5, 1.0]]])]
    assert agreement(OURS, theirs) == Agreement(difference=1.5 / 4, same=pytest.approx(2 / 3))
    assert agreement(OURS, OURS) == Agreement(difference=0.0, same=1.0)


@pytest.mark.parametrize("theirs", [torch.tensor([[[1.0, float("nan")]]]), torch.zeros(1, 2, 2)])
def test_what_is_not_finite_or_of_another_shape_is_no_agreement(theirs):
    with pytest.raises(Failure, match="expected finite logits of shape"):
        agreement(OURS[1:], [theirs])


def test_rounding_passes_and_more_does_not():
    check_agreement(Agreement(difference=TOLERANCE, same=0.0), "it")
    for apart in (TOLERANCE * 1.01, float("nan")):
        with pytest.raises(Failure, match="it computes something else"):
            check_agreement(Agreement(difference=apart, same=1.0), "it")
