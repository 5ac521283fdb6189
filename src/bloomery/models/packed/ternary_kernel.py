"""Products of int8 activations and 2-bit ternary weights, exact in int32 whichever backend computes them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor

from .compiled import Unavailable, load
from .ternary import MAX_FAN_IN, quantize_activations, rescale
from .ternary_c import LEVELS, SOURCE
from .ternary_numba import compiled_product
from .trits import PER_BYTE, pack_2bit, unpack_2bit

Product = Callable[[Tensor, Tensor], Tensor]
Linear = Callable[[Tensor, Tensor, Tensor], Tensor]
BACKENDS = (*(f"c {level}" for level in reversed(LEVELS)), "numba", "torch")  # the fastest first


class Disproved(Unavailable):
    """A backend is there, and does not compute what torch does."""


@dataclass(frozen=True)
class Backend:
    """What computes ternary products on the CPU here, and why what is faster does not."""

    name: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.note})" if self.note else self.name


def ternary_matmul(codes: Tensor, packed: Tensor) -> Tensor:
    """codes @ trits^T in int32, the same whichever backend computes it.

    Shapes: codes (N, K) int8, packed (M, ceil(K / 4)) uint8 by `trits.pack_2bit` -> (N, M) int32.
    Raises: ValueError for other types, shapes that do not fit, or more than `MAX_FAN_IN` columns.
    """
    _check(codes, packed, torch.int8)
    return product_by(backend().name if codes.device.type == "cpu" else "torch")(codes, packed)


def ternary_linear(x: Tensor, packed: Tensor, scale: Tensor) -> Tensor:
    """What `TernaryLinear` computes at share 1, without bias, to the bit.

    Shapes: x (..., K), packed (M, ceil(K / 4)), scale (1,) or (M,) -> (..., M) float32.
    Raises: ValueError as `ternary_matmul` does.
    """
    tokens, scale = x.detach().float().reshape(-1, x.shape[-1]), scale.float()
    _check(tokens, packed, torch.float32)
    linear = linear_by(backend().name if x.device.type == "cpu" else "torch")
    return linear(tokens, packed, scale).reshape(*x.shape[:-1], len(packed))


@cache
def backend() -> Backend:
    """The backend that is used for tensors on the CPU, compiled if this is its first use."""
    missing: list[str] = []
    for name in BACKENDS:
        try:
            product_by(name), linear_by(name)
        except Unavailable as error:
            missing += [str(error)] * (str(error) not in missing)
            continue
        notes = [*missing, _library()[1]] if name.startswith("c ") else missing
        return Backend(name, "; ".join(filter(None, notes)))
    raise AssertionError("torch computes ternary products everywhere")


@cache
def product_by(name: str) -> Product:
    """The product by one of `BACKENDS`, proved on a small example.

    Raises: Unavailable where this machine lacks it.
    """
    product = partial(_product_by_c, *_c(name)) if name.startswith("c ") else PRODUCTS[name]
    trits, codes = _example()
    if not torch.equal(product(codes, pack_2bit(trits)).long(), codes.long() @ trits.long().T):
        raise Disproved(f"{name} computes wrong products here")
    return product


@cache
def linear_by(name: str) -> Linear:
    """The whole layer by one of `BACKENDS`: in C as one call, proved on a small example, else in steps.

    Raises: Unavailable where this machine lacks it.
    """
    in_steps = partial(_linear_in_steps, product_by(name))
    if not name.startswith("c "):
        return in_steps
    linear = partial(_linear_by_c, *_c(name))
    trits, codes = _example()
    given = codes * 0.013, pack_2bit(trits), torch.tensor([0.37])
    if not torch.equal(linear(*given), in_steps(*given)):
        raise Disproved(f"{name} rounds otherwise than torch here")
    return linear


def _example() -> tuple[Tensor, Tensor]:
    """Trits (5, 301) and codes (6, 301) that reach every path of the kernel and its extreme values."""
    generator = torch.Generator().manual_seed(0)
    trits = torch.randint(-1, 2, (5, 301), dtype=torch.int8, generator=generator)
    codes = torch.randint(-128, 128, (6, 301), dtype=torch.int8, generator=generator)
    trits[0], codes[0] = 1, -128
    return trits, codes


def _check(x: Tensor, packed: Tensor, dtype: torch.dtype) -> None:
    if x.dtype != dtype or packed.dtype != torch.uint8:
        raise ValueError(f"expected {dtype} and packed trits in uint8, got {x.dtype} and {packed.dtype}")
    if x.ndim != 2 or packed.ndim != 2 or -(-x.shape[1] // PER_BYTE) != packed.shape[1]:
        raise ValueError(f"activations {tuple(x.shape)} do not fit packed trits {tuple(packed.shape)}")
    if x.shape[1] > MAX_FAN_IN:
        raise ValueError(f"at most {MAX_FAN_IN} columns sum exactly in float32, got {x.shape[1]}")
    if x.device != packed.device:
        raise ValueError(f"activations are on {x.device}, packed trits on {packed.device}")


@cache
def _library() -> tuple[ctypes.CDLL, str]:
    library, note = load(SOURCE, "ternary")
    pointer, size, level = ctypes.c_void_p, ctypes.c_long, ctypes.c_int
    library.ternary_product.argtypes = [level, pointer, size, size, pointer, size, pointer]
    library.ternary_linear.argtypes = [level, pointer, size, size, pointer, size, pointer, size, pointer]
    return library, note


def _c(name: str) -> tuple[ctypes.CDLL, int]:
    """The library, and the level of one of the backends in C."""
    library, level = _library()[0], LEVELS.index(name.removeprefix("c "))
    if not library.ternary_has(level):
        raise Unavailable(f"this processor lacks {LEVELS[level]}")
    return library, level


def _product_by_c(library: ctypes.CDLL, level: int, codes: Tensor, packed: Tensor) -> Tensor:
    codes, packed = codes.contiguous(), packed.contiguous()
    out = torch.empty(len(codes), len(packed), dtype=torch.int32)
    where = codes.data_ptr(), *codes.shape, packed.data_ptr(), len(packed), out.data_ptr()
    if library.ternary_product(level, *where):
        raise MemoryError(f"no memory for the planes of {tuple(codes.shape)} activations")
    return out


def _linear_by_c(library: ctypes.CDLL, level: int, x: Tensor, packed: Tensor, scale: Tensor) -> Tensor:
    x, packed, scale = x.contiguous(), packed.contiguous(), scale.contiguous()
    y = torch.empty(len(x), len(packed))
    where = x.data_ptr(), *x.shape, packed.data_ptr(), len(packed), scale.data_ptr(), len(scale), y.data_ptr()
    if library.ternary_linear(level, *where):
        raise MemoryError(f"no memory for the codes of {tuple(x.shape)} activations")
    return y


def _linear_in_steps(product: Product, x: Tensor, packed: Tensor, scale: Tensor) -> Tensor:
    codes, activation_scale = quantize_activations(x)
    return rescale(product(codes, packed), activation_scale, scale)


def _by_numba(codes: Tensor, packed: Tensor) -> Tensor:
    planes = F.pad(codes, (0, -codes.shape[1] % PER_BYTE)).unflatten(1, (-1, PER_BYTE)).mT.contiguous()
    out = torch.empty(len(codes), len(packed), dtype=torch.int32)
    compiled_product()(planes.numpy(), packed.contiguous().numpy(), out.numpy())
    return out


def _by_torch(codes: Tensor, packed: Tensor) -> Tensor:
    """In float32, where sums below 2^24 are exact."""
    with torch.autocast(codes.device.type, enabled=False):
        return F.linear(codes.float(), unpack_2bit(packed, codes.shape[1]).float()).to(torch.int32)


PRODUCTS: dict[str, Product] = {"numba": _by_numba, "torch": _by_torch}
