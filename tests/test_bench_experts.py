"""The benchmark of experts: test examples choose nothing."""

import pytest

pytest.importorskip("peft", reason="the extra `lora` is not installed")

from benchmarks.experts import best_of


def test_of_rates_that_do_equally_well_on_selection_examples_the_first_is_taken_whatever_its_test():
    tried = [(0.8, 1.0), (0.9, 0.5), (0.9, 0.7)]
    assert best_of(tried) == (0.9, 0.5)
