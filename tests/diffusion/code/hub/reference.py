"""Llama, Qwen2 and Qwen3 in NumPy's double precision, from the equations of their papers."""

import numpy as np


def forward(weights, ids, seen, *, heads, groups, eps, theta):
    """Logits of a net by its weights' names in transformers. Shapes: ids (L,), seen (L, L) -> (L, V)"""
    w = {name.removeprefix("model."): np.asarray(value, np.float64) for name, value in weights.items()}
    x = w["embed_tokens.weight"][ids]
    layers = 1 + max(int(name.split(".")[1]) for name in w if name.startswith("layers."))
    for layer in range(layers):
        own = {
            name.split(".", 2)[2]: value for name, value in w.items() if name.startswith(f"layers.{layer}.")
        }
        x = x + _attend(own, _norm(x, own["input_layernorm.weight"], eps), seen, heads, groups, eps, theta)
        h = _norm(x, own["post_attention_layernorm.weight"], eps)
        gate = h @ own["mlp.gate_proj.weight"].T
        x = (
            x
            + (gate / (1 + np.exp(-gate)) * (h @ own["mlp.up_proj.weight"].T)) @ own["mlp.down_proj.weight"].T
        )
    return _norm(x, w["norm.weight"], eps) @ w["lm_head.weight"].T


def _norm(x, weight, eps):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight


def _attend(own, x, seen, heads, groups, eps, theta):
    length = len(x)

    def parts(name, count):
        y = x @ own[f"self_attn.{name}_proj.weight"].T + own.get(f"self_attn.{name}_proj.bias", 0)
        y = y.reshape(length, count, -1)
        scale = own.get(f"self_attn.{name}_norm.weight")
        return y if scale is None else _norm(y, scale, eps)

    q, k, v = _turn(parts("q", heads), theta), _turn(parts("k", groups), theta), parts("v", groups)
    k, v = (np.repeat(each, heads // groups, 1) for each in (k, v))
    score = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(q.shape[-1])
    score = np.where(seen, score, -np.inf)
    p = np.exp(score - score.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return np.einsum("hij,jhd->ihd", p, v).reshape(length, -1) @ own["self_attn.o_proj.weight"].T


def _turn(x, theta):
    """Rotary positions: dimension d turns with d + half, by position over theta^(2d / dim)."""
    half = x.shape[-1] // 2
    angle = np.arange(len(x))[:, None] / theta ** (np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)
