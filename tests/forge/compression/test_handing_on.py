"""Both of compression's folders are the candidates that were judged, experts and all."""

import pytest
from safetensors.torch import load_file

from bloomery.forge.bitnet.quantizing import quantize_folder
from bloomery.forge.compression.choosing import AS_GIVEN, _hand_on
from bloomery.forge.exams import exams, sit
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import weights_size
from bloomery.forge.settings import ExamConfig, TernaryConfig
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import to_bytes
from bloomery.models.packed.modeling_packed import WEIGHTS
from bloomery.tasks.ingredient import Ingredient
from tests.forge.baking.promptable import context_in
from tests.forge.small_folders import llama
from tests.models.packed.expert_sets import expert_set

EXAM = {"parity": Ingredient(difficulties=(10,))}, ExamConfig(selection=2, test=2), "selection"


@pytest.mark.parametrize("best", ["trits-a", AS_GIVEN])
def test_experts_go_with_the_trits_whichever_of_them_are_chosen(tmp_path, best):
    """They turn the trits' singular directions and no other weights."""
    quantize_folder(llama(tmp_path / "full"), tmp_path / "given", TernaryConfig())
    held = to_bytes(expert_set(*load_model(tmp_path / "given")))
    (tmp_path / "given" / EXPERTS).write_bytes(held)
    latent, tokenizer = load_model(tmp_path / "full")
    weights, names = tmp_path / "given" / WEIGHTS, ("trits-a", "rows-4bit")
    size = {name: weights.stat().st_size + len(held) * name.startswith("trits") for name in names}
    results = dict.fromkeys((*names, AS_GIVEN), sit(latent, tokenizer, exams(*EXAM)))
    context = context_in(tmp_path, inputs={"given": tmp_path / "given"})
    _hand_on(context, tokenizer, latent, dict.fromkeys(names, weights), best, results, size)
    for name, folder in {"trits-a": "model", "rows-4bit": "rival"}.items():
        written = context.output / folder
        assert (written / EXPERTS).exists() == (folder == "model")
        assert weights_size(written) == size[name]
        assert load_file(written / WEIGHTS).keys() == load_file(weights).keys()
