"""LeNet-5 as it was in 1998, with its criteria, and with what the field has put in their places since.

Source: LeCun, Bottou, Bengio, Haffner 1998, Gradient-Based Learning Applied to Document Recognition
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .digit_bitmaps import digit_bitmaps

AMPLITUDE, SLOPE = 1.7159, 2 / 3
MAPS_OF_S2 = (  # that each map of C3 sees: three in a row, four in a row, two pairs, all
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)


def squash(a: Tensor) -> Tensor:
    """The state of a unit from its weighted sum: f(a) = A tanh(S a), with f(1) = 1 and f(-1) = -1 nearly.

    Source: lenet5 eq. 5, lenet5 eq. 6
    """
    return AMPLITUDE * torch.tanh(SLOPE * a)


def penalties(x: Tensor, codes: Tensor) -> Tensor:
    """The squared Euclidean distance of a state to each class's code: an unnormalised -log likelihood.

    Shapes: x (B, D), codes (C, D) -> (B, C)
    Source: lenet5 eq. 7
    """
    return (x[:, None, :] - codes[None]).square().sum(-1)


def mean_squared_error(y: Tensor, labels: Tensor) -> Tensor:
    """The mean penalty of the right class, which is maximum likelihood; it needs codes that stay fixed.

    Shapes: y (B, C), labels (B,) -> ()
    Source: lenet5 eq. 8
    """
    return y.gather(1, labels[:, None]).mean()


def maximum_a_posteriori(y: Tensor, labels: Tensor, j: float) -> Tensor:
    """The mean penalty of the right class, beside those of the wrong ones and of rubbish, whose penalty is j.

    Shapes: y (B, C), labels (B,) -> ()
    Source: lenet5 eq. 9
    """
    competing = torch.cat([torch.full_like(y[:, :1], -j), -y], dim=1).logsumexp(dim=1)
    return mean_squared_error(y, labels) + competing.mean()


class Subsampling(nn.Module):
    """The sum of each 2 x 2 points, times the map's coefficient, plus the map's bias; not yet squashed.

    Shapes: (B, C, 2 H, 2 W) -> (B, C, H, W)
    Source: lenet5 section II.B, layers S2 and S4
    """

    fan_in = 4

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        summed = F.avg_pool2d(x, 2) * self.fan_in
        return summed * self.coefficient[:, None, None] + self.bias[:, None, None]


class PartialConvolution(nn.Module):
    """A convolution in which each output map sees the input maps that a table names; only those have weights.

    Shapes: (B, inputs, H, W) -> (B, len(table), H - size + 1, W - size + 1)
    Source: lenet5 section II.B, layer C3 and table I
    """

    def __init__(self, table: tuple[tuple[int, ...], ...], inputs: int, size: int) -> None:
        super().__init__()
        pairs = [(place, seen) for place, maps in enumerate(table) for seen in maps]
        self.shape = (len(table), inputs)
        self.fan_ins_of_maps = tuple(len(maps) * size * size for maps in table)
        self.fan_ins = tuple(
            fan_in for fan_in, maps in zip(self.fan_ins_of_maps, table, strict=True) for _ in maps
        )
        self.weight = nn.Parameter(torch.zeros(len(pairs), size, size))
        self.bias = nn.Parameter(torch.zeros(len(table)))
        self.places = [place * inputs + seen for place, seen in pairs]

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernels(), self.bias)

    def kernels(self) -> Tensor:
        """Shapes: (outputs, inputs, size, size), zero where a map is not seen."""
        outputs, inputs = self.shape
        size = self.weight.shape[-1]
        whole = self.weight.new_zeros(outputs * inputs, size, size)
        places = torch.tensor(self.places, device=self.weight.device)
        return whole.index_copy(0, places, self.weight).view(outputs, inputs, size, size)


class LeNet1998(nn.Module):
    """C1, S2, C3, S4, C5, F6 and the distances to the digits' codes: 60,000 trainable parameters.

    Shapes: pixels (B, 1, 32, 32) -> penalties (B, 10), the smallest of which is the answer
    Source: lenet5 section II.B and figure 2
    Differs: the codes are those of `digit_bitmaps`, of the ten digits alone; they stay fixed.
    """

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = PartialConvolution(MAPS_OF_S2, 6, 5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.register_buffer("codes", digit_bitmaps())

    def forward(self, pixels: Tensor) -> Tensor:
        x = squash(self.s2(squash(self.c1(pixels))))
        x = squash(self.s4(squash(self.c3(x))))
        x = squash(self.c5(x)).flatten(1)
        return penalties(squash(self.f6(x)), self.codes)


class LeNetModern(nn.Module):
    """The same six layers with ReLU, maximum pooling, batch norm, dropout and ten logits.

    Shapes: pixels (B, 1, 32, 32) -> logits (B, 10)
    Differs: of the paper's network only the sizes of its layers are left.
    """

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.c1, self.norm1 = nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6)
        self.c3, self.norm3 = nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16)
        self.c5, self.f6, self.output = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
        self.dropout = nn.Dropout(dropout)

    def forward(self, pixels: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.norm1(self.c1(pixels))), 2)
        x = F.max_pool2d(torch.relu(self.norm3(self.c3(x))), 2)
        x = torch.relu(self.c5(self.dropout(x.flatten(1))))
        return self.output(torch.relu(self.f6(self.dropout(x))))


@torch.no_grad()
def begin_as_in_1998(module: nn.Module) -> None:
    """Uniform between -2.4 / F and 2.4 / F, with F the number of inputs of the unit; biases too.

    Source: lenet5 appendix A
    """
    if isinstance(module, Subsampling):
        bound = 2.4 / module.fan_in
        nn.init.uniform_(module.coefficient, -bound, bound)
        nn.init.uniform_(module.bias, -bound, bound)
    elif isinstance(module, PartialConvolution):
        for kernel, fan_in in zip(module.weight, module.fan_ins, strict=True):
            nn.init.uniform_(kernel, -2.4 / fan_in, 2.4 / fan_in)
        bounds = 2.4 / torch.tensor(module.fan_ins_of_maps, device=module.bias.device)
        nn.init.uniform_(module.bias, -1.0, 1.0).mul_(bounds)
    elif isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        bound = 2.4 / module.weight[0].numel()
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.uniform_(module.bias, -bound, bound)
