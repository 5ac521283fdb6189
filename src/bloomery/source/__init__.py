"""Source code as data: parsed, covered by tests, mutated, judged."""
