"""The reference page is what the commands say of themselves."""

from importlib.metadata import version

import pytest

from scripts import api, reference, setup


def test_every_command_is_in_the_reference_as_it_describes_itself() -> None:
    if version("typer") != setup.locked_version("typer"):
        pytest.skip("the page is written with the locked version of typer, which words help its own way")
    page = reference.PAGE.read_text()
    assert reference.page_with_help(page) == page, "stale: run `python -m scripts.reference`"


def test_every_stage_is_in_the_guide_as_its_contract_says() -> None:
    page = reference.CONTRACTS.read_text()
    assert "| accuracy kept in all | >= 0.84 of the accuracy | gate | `bars.kept_in_all` |" in page
    assert reference.page_with_contracts(page) == page, "stale: run `python -m scripts.reference`"


def test_every_door_is_in_the_page_of_the_api_as_its_docstrings_say() -> None:
    page = api.PAGE.read_text()
    assert "def validate(repository_root: Path, proposal: Proposal" in page
    assert api.page() == page, "stale: run `python -m scripts.api`"
