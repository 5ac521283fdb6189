"""Seeds by what they are for: nothing random depends on what was drawn before it."""

import hashlib

import torch


def seed_of(seed: int, *purpose: str | int) -> int:
    """A seed for a purpose, below 2^31."""
    name = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little") >> 1


def generator_of(seed: int, *purpose: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(seed, *purpose))
