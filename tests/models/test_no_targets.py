"""The loss of no targets is no number, its gradients are zeros, and training passes such a batch over."""

import pytest
import torch
from torch import nn

from bloomery.models.configuration_cognate import cognate_tiny
from bloomery.models.configuration_hope import HopeConfig
from bloomery.models.configuration_titans import TitansConfig
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.models.modeling_hope import HopeForCausalLM
from bloomery.models.modeling_titans import TitansForCausalLM
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.loop import train

VOCABULARY, STEPS = 31, 6
MODELS = {
    "titans": lambda: TitansForCausalLM(TitansConfig(vocab_size=VOCABULARY, hidden_size=16, memory_size=16)),
    "hope": lambda: HopeForCausalLM(HopeConfig(vocab_size=VOCABULARY, hidden_size=16, cms_size=16)),
    "cognate": lambda: CognateForCausalLM(cognate_tiny(vocab_size=VOCABULARY)),
}
ALL = pytest.mark.parametrize("name", MODELS)


def made(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name]()


def rows(labelled: bool, count: int = 2) -> dict[str, torch.Tensor]:
    ids = torch.randint(2, VOCABULARY, (count, STEPS), generator=torch.Generator().manual_seed(1))
    return {"input_ids": ids, "labels": ids if labelled else torch.full_like(ids, -100)}


@ALL
def test_a_loss_of_no_targets_is_no_number_and_moves_no_weight(name):
    model = made(name)
    loss = model(**rows(labelled=False)).loss
    assert loss.isnan()
    (loss * 0.0).backward()  # as the last of many processes' micro-batches has it
    assert all(not p.grad.any() for p in model.parameters() if p.grad is not None)


@ALL
def test_no_targets_beside_targets_change_no_bit_of_what_is_learned(name):
    """One step over a row with labels, alone and with a micro-batch of none before it."""

    class Rows:
        def __init__(self, labelled: list[bool]) -> None:
            self.labelled = labelled

        def __len__(self) -> int:
            return len(self.labelled)

        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            return {key: tensor[0] for key, tensor in rows(self.labelled[index]).items()}

    weights = []
    for labelled in ([True], [False, True]):
        model = made(name)
        config = TrainConfig(steps=1, micro_batch=1, accumulate=len(labelled), device="cpu")
        result = train(
            model, Loader(Rows(labelled), 1, shuffle=False),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1), config=config,
        )  # fmt: skip
        assert result.last_loss > 0
        weights.append(nn.utils.parameters_to_vector(model.parameters()))
    assert torch.equal(*weights)
