"""Each language that there is, with its sample: one without a sample fails."""

import importlib.util
from pathlib import Path

import pytest

from bloomery.source.languages.parsing import Source, parse
from bloomery.source.languages.registry import LANGUAGES

_found = importlib.util.spec_from_file_location("language_samples", Path(__file__).with_name("samples.py"))
assert _found
assert _found.loader
samples = importlib.util.module_from_spec(_found)
_found.loader.exec_module(samples)


@pytest.fixture(params=LANGUAGES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def sample(name: str):
    return samples.SAMPLES[name]


@pytest.fixture
def source(name: str, sample) -> Source:
    return parse(sample.text, LANGUAGES[name])
