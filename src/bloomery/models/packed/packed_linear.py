"""A linear layer that keeps its weights as packed trits and computes on them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .ternary import MAX_FAN_IN, TernaryLinear
from .ternary_kernel import ternary_linear
from .trits import PER_BYTE, pack_2bit, unpack_2bit

ZEROS = 0b01010101  # four zero trits


class PackedProduct(torch.autograd.Function):
    """The packed product with the straight-through gradient for its input; the trits themselves have none."""

    @staticmethod
    def forward(ctx, x: Tensor, packed: Tensor, scale: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(packed, scale)
        ctx.width, ctx.dtype = x.shape[-1], x.dtype
        return ternary_linear(x, packed, scale)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        packed, scale = ctx.saved_tensors
        weight = unpack_2bit(packed, ctx.width) * scale[:, None]
        return (gradient @ weight).to(ctx.dtype), None, None


class PackedTernaryLinear(nn.Module):
    """`TernaryLinear` at share 1, to the bit, from buffers: packed trits at 2 bits, float32 scale, bias.

    Shapes: packed (M, ceil(K / 4)) uint8; scale (1,), or (M,) where each row has its own; bias (M,).
    """

    packed: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(
        self, in_features: int, out_features: int, bias: bool = False, *, per_row: bool = False
    ) -> None:
        if in_features > MAX_FAN_IN:
            raise ValueError(f"at most {MAX_FAN_IN} inputs sum exactly in float32, got {in_features}")
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        width = -(-in_features // PER_BYTE)
        self.register_buffer("packed", torch.full((out_features, width), ZEROS, dtype=torch.uint8))
        self.register_buffer("scale", torch.ones(out_features if per_row else 1))
        self.register_buffer("bias", torch.zeros(out_features) if bias else None)

    @classmethod
    def from_trits(cls, trits: Tensor, scale: Tensor, bias: Tensor | None = None) -> PackedTernaryLinear:
        """Raises: ValueError where the scale is neither one number nor one a row."""
        rows, width = trits.shape
        if scale.numel() not in (1, rows):
            raise ValueError(f"expected one scale, or one for each of {rows} rows, got {scale.numel()}")
        with torch.device("meta"):
            made = cls(width, rows, bias is not None)
        made.packed = pack_2bit(trits)
        made.scale = scale.detach().reshape(-1).float().clone()
        made.bias = None if bias is None else bias.detach().clone()
        return made

    @classmethod
    def from_ternary(cls, layer: TernaryLinear) -> PackedTernaryLinear:
        return cls.from_trits(*layer.ternarized(), layer.bias).train(layer.training)

    def trits(self) -> Tensor:
        """Shapes: (M, K) int8."""
        return unpack_2bit(self.packed, self.in_features)

    @property
    def weight(self) -> Tensor:
        """What the trits stand for, (M, K) float32, unpacked anew at each read."""
        return self.trits() * self.scale[:, None]

    def forward(self, x: Tensor) -> Tensor:
        """Shapes: (..., K) -> (..., M), in the input's precision."""
        if torch.is_grad_enabled() and x.requires_grad:
            y = PackedProduct.apply(x, self.packed, self.scale)
        else:
            y = ternary_linear(x, self.packed, self.scale)
        return (y if self.bias is None else y + self.bias.float()).to(x.dtype)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"
