"""Models side by side: what is measured now is what other ways of measuring find, too."""

import pytest
from safetensors import safe_open

from bloomery.core.errors import MissingFile, UnknownName
from bloomery.core.workspace import Workspace
from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.comparing import compare_models, look_at
from bloomery.forge.evaluation import evaluate
from bloomery.forge.library import remove_model
from bloomery.forge.settings import TernaryConfig
from tests.forge.small_folders import llama

EXAM = {"count": 8, "difficulties": (10,)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


def parameters_in(folder):
    with safe_open(folder / "model.safetensors", "pt") as file:
        return sum(file.get_tensor(name).numel() for name in file.offset_keys())


def test_a_look_agrees_with_the_file_and_with_eval(folder):
    look = look_at(folder, ["parity"], **EXAM)
    assert look.parameters == parameters_in(folder)
    assert look.weight_bytes == (folder / "model.safetensors").stat().st_size
    assert look.latency_ms > 0
    assert look.accuracy == evaluate(None, str(folder), ["parity"], **EXAM)


def test_packing_changes_the_bytes_and_not_the_parameters(folder, tmp_path):
    quantize_folder(folder, tmp_path / "packed", TernaryConfig())
    names = [str(folder), str(tmp_path / "packed")]
    rows = compare_models(None, names).measured
    assert rows["parameters"] == dict.fromkeys(names, parameters_in(folder))
    assert rows["weights on disk"][names[1]] < rows["weights on disk"][names[0]] / 4
    assert set(rows) == {"parameters", "weights on disk", "latency, ms"}


def test_accuracy_is_measured_on_request_with_its_mean_over_tasks(folder):
    rows = compare_models(None, [str(folder)], ["recall", "sorting"], count=8).measured
    rates = [rows[f"accuracy: {task}"][str(folder)] for task in ("recall", "sorting")]
    assert rows["mean accuracy"][str(folder)] == pytest.approx(sum(rates) / 2)


def test_folders_and_models_of_a_workspace_stand_side_by_side(folder, workspace):
    opened = Workspace.open(workspace)
    found = compare_models(opened, [str(folder), "cognate.base"])
    assert set(found.measured["latency, ms"]) == {str(folder), "cognate.base"}
    assert found.recorded["parameters"] == {"cognate.base": found.measured["parameters"]["cognate.base"]}


def test_of_a_removed_model_only_the_record_is_left(workspace):
    opened = Workspace.open(workspace)
    remove_model(opened, "cognate.base")
    found = compare_models(opened, ["cognate.base"])
    assert found.measured == {}
    assert found.recorded["parameters"]["cognate.base"] == 7852


def test_what_nobody_knows_is_refused(workspace, tmp_path):
    opened = Workspace.open(workspace)
    with pytest.raises(UnknownName, match=r"did you mean 'cognate\.base'"):
        compare_models(opened, ["cognate.bse"])
    with pytest.raises(MissingFile, match="no model folder"):
        compare_models(opened, [str(tmp_path / "none")])
