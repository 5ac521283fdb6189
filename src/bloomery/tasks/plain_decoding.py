"""How a model writes by its own probabilities alone, whatever its folder's generation config asks for."""

from typing import Any

PLAIN: dict[str, Any] = {"num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0}
GREEDY = PLAIN | {"do_sample": False}
SAMPLED = PLAIN | {"do_sample": True, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}
