"""Titans' neural memory as a layer of its own: read a stream piece by piece, carry the state along."""

import torch

from bloomery.models.neural_memory import NeuralMemory

torch.manual_seed(0)
memory = NeuralMemory(dim=32, chunk_size=16).eval()
stream = torch.randn(1, 100, 32)

with torch.inference_mode():
    whole, _ = memory(stream)
    state, pieces = None, []
    for piece in stream.split(7, dim=1):
        read, state = memory(piece, state)
        pieces.append(read)

print(f"largest difference between the two: {(torch.cat(pieces, dim=1) - whole).abs().max():.1e}")
