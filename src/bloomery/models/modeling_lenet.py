"""LeNet-5 as transformers knows a classifier of images: saved, loaded and called like any other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import ImageClassifierOutputWithNoAttention
from transformers.modeling_utils import PreTrainedModel

from .configuration_lenet import LeNetConfig
from .digit_bitmaps import digit_bitmaps
from .lenet import LeNet1998, LeNetModern, begin_as_in_1998, maximum_a_posteriori, mean_squared_error

Output = ImageClassifierOutputWithNoAttention
INK, PAPER = 1.175, -0.1  # what black and white become, so that the mean is about 0 and the variance 1
MARGIN = 2  # points of paper around an image of 28 x 28


def normalised(images: Tensor) -> Tensor:
    """Grey values (0 is paper, 255 ink) as the network sees them, in a margin of paper.

    Shapes: (B, 28, 28) -> (B, 1, 32, 32)
    Source: lenet5 sections II.B and III.A
    """
    scaled = images.float() * ((INK - PAPER) / 255) + PAPER
    return F.pad(scaled, [MARGIN] * 4, value=PAPER)[:, None]


class LeNetForImageClassification(PreTrainedModel):
    """Either LeNet-5: logits (of the original: minus its penalties), and with labels the loss.

    Shapes: pixel_values (B, 1, 32, 32), labels (B,) -> loss (), logits (B, 10)
    Source: lenet5 section II.B
    """

    config_class = LeNetConfig
    main_input_name = "pixel_values"

    def __init__(self, config: LeNetConfig) -> None:
        super().__init__(config)
        original = config.variant == "original"
        self.network: nn.Module = LeNet1998() if original else LeNetModern(config.dropout)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if self.config.variant == "original":
            begin_as_in_1998(module)
            if isinstance(module, LeNet1998):
                module.codes.copy_(digit_bitmaps())
        elif isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()  # torch's own beginning

    def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> Output:
        y = self.network(pixel_values)
        original = self.config.variant == "original"
        loss = None if labels is None else self._loss(y, labels)
        return Output(loss=loss, logits=-y if original else y)

    def _loss(self, y: Tensor, labels: Tensor) -> Tensor:
        if self.config.variant == "modern":
            return F.cross_entropy(y, labels)
        if self.config.criterion == "mse":
            return mean_squared_error(y, labels)
        return maximum_a_posteriori(y, labels, self.config.j)
