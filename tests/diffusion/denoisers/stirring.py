"""Nets away from their start, where many maps are 0 and much would be true of anything."""

import torch


def stirred(net, seed=0, spread=0.3):
    """The same net with normal weights everywhere, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    net = net.double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(spread * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return net


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
