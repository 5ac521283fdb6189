"""Merging folders tensor by tensor: the same model as in memory, whole or not at all."""

import errno
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from bloomery.core.errors import ConfigError, DamagedArtifact, DiskFull, FormatRefused, MissingFile, UserError
from bloomery.forge.folders import load_model, save_model
from bloomery.forge.merging import merge_folders as module
from bloomery.forge.merging.combos import combinations
from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.merge_folders import merge_folders
from bloomery.forge.merging.recipe import RANK, MergeRecipe
from bloomery.forge.merging.tensorfile import INDEX, SINGLE
from tests.forge.merging.families import equal, tiny_llama
from tests.forge.small_disk import small_disk
from tests.forge.test_folders import small_pair

MEAN = MergeRecipe(methods=("linear",))
RECIPES = {method: MergeRecipe(methods=(method,), seed=2) for method in RANK} | combinations(seed=2)


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A base and two parents near it: (base, [parent, parent])."""
    place = tmp_path_factory.mktemp("family")
    base = tiny_llama(place / "base")
    return base, [tiny_llama(place / f"parent-{n}", seed=1 + n, near=base) for n in range(2)]


def weights(folder):
    return load_file(folder / SINGLE)


def in_memory(recipe, parents, base):
    return merge(recipe, [weights(parent) for parent in parents], weights(base))


@pytest.mark.parametrize("name", RECIPES)
def test_a_merge_of_folders_is_that_of_their_tensors_to_the_bit_and_loads(family, tmp_path, name):
    base, parents = family
    merge_folders(RECIPES[name], parents, base, tmp_path / "merged")
    expected = in_memory(RECIPES[name], parents, base)
    assert equal(weights(tmp_path / "merged"), expected)
    model, tokenizer = load_model(tmp_path / "merged")
    assert all(torch.equal(model.state_dict()[key], tensor) for key, tensor in expected.items())
    assert tokenizer.get_vocab() == load_model(parents[0])[1].get_vocab()


def test_the_file_is_byte_for_byte_what_safetensors_itself_writes(family, tmp_path):
    base, parents = family
    merge_folders(MEAN, parents, None, tmp_path / "merged")
    save_file(in_memory(MEAN, parents, base), tmp_path / "theirs", metadata={"format": "pt"})
    assert (tmp_path / "merged" / SINGLE).read_bytes() == (tmp_path / "theirs").read_bytes()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_models_stay_so(tmp_path, dtype):
    base = tiny_llama(tmp_path / "base", dtype=dtype)
    parents = [tiny_llama(tmp_path / f"{n}", seed=n, near=base, dtype=dtype) for n in (1, 2)]
    merge_folders(RECIPES["linear+dare+dfs"], parents, None, tmp_path / "merged")
    merged = weights(tmp_path / "merged")
    assert {x.dtype for x in merged.values()} == {dtype}
    assert equal(merged, in_memory(RECIPES["linear+dare+dfs"], parents, base))


def test_tied_embeddings_merge_as_they_do_in_memory(tmp_path):
    base = tiny_llama(tmp_path / "base", tie_word_embeddings=True)
    parents = [tiny_llama(tmp_path / f"{n}", seed=n, near=base, tie_word_embeddings=True) for n in (1, 2)]
    recipe = MergeRecipe(methods=("dare",), density=0.5)
    merge_folders(recipe, parents, base, tmp_path / "merged")
    states = [LlamaForCausalLM.from_pretrained(folder).state_dict() for folder in (*parents, base)]
    assert "lm_head.weight" in states[0]
    assert "lm_head.weight" not in weights(tmp_path / "merged")
    memory = merge(recipe, states[:2], states[2])
    loaded = load_model(tmp_path / "merged")[0].state_dict()
    assert equal(loaded, memory)
    assert memory["lm_head.weight"] is memory["model.embed_tokens.weight"]


def test_shards_are_read_as_one_model(family, tmp_path):
    base, parents = family
    model = AutoModelForCausalLM.from_pretrained(parents[1])
    shutil.copytree(parents[1], tmp_path / "sharded")
    (tmp_path / "sharded" / SINGLE).unlink()
    model.save_pretrained(tmp_path / "sharded", max_shard_size="20KB")
    assert len(list((tmp_path / "sharded").glob("*.safetensors"))) > 2
    merge_folders(MEAN, [parents[0], tmp_path / "sharded"], None, tmp_path / "a")
    merge_folders(MEAN, [tmp_path / "sharded", parents[0]], None, tmp_path / "b")
    assert equal(weights(tmp_path / "a"), in_memory(MEAN, parents, base))
    assert not (tmp_path / "b" / INDEX).exists()
    assert equal(weights(tmp_path / "b"), in_memory(MEAN, parents[::-1], base))


def test_a_missing_shard_is_named(family, tmp_path):
    _, parents = family
    shutil.copytree(parents[1], tmp_path / "sharded")
    (tmp_path / "sharded" / SINGLE).rename(tmp_path / "sharded" / "model-1.safetensors")
    (tmp_path / "sharded" / INDEX).write_text(
        json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    )
    with pytest.raises(MissingFile, match=r"lacks the shard model-2\.safetensors"):
        merge_folders(MEAN, [parents[0], tmp_path / "sharded"], None, tmp_path / "merged")


def test_a_path_through_more_layers_makes_a_deeper_llama_that_computes_just_that(family, tmp_path):
    _, parents = family
    recipe = MergeRecipe(methods=("dfs",), path=((0, 0), (1, 1), (1, 0)))
    merge_folders(recipe, parents, None, tmp_path / "merged")
    merged, _ = load_model(tmp_path / "merged")
    assert merged.config.num_hidden_layers == 3
    a, b = (load_model(parent)[0] for parent in parents)
    ids = torch.tensor([[1, 40, 41, 42]])
    layers = [a.model.layers[0], b.model.layers[1], b.model.layers[0]]
    x = a.model.embed_tokens(ids)
    rotary = a.model.rotary_emb(x, torch.arange(4)[None])
    with torch.no_grad():
        for layer in layers:
            x = layer(x, position_embeddings=rotary, attention_mask=None)
        # the same kernels in the same order; only the mask is passed in another form
        torch.testing.assert_close(merged(ids).logits, a.lm_head(a.model.norm(x)), rtol=1e-5, atol=1e-6)


def test_cognates_merge_and_a_path_takes_their_memories_along(tmp_path):
    model, tokenizer = small_pair()
    for number in range(2):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01)
        save_model(model, tokenizer, tmp_path / f"{number}")
    parents = [tmp_path / "0", tmp_path / "1"]
    merge_folders(RECIPES["slerp+ties+frankenmerge"], parents, None, tmp_path / "merged")
    assert load_model(tmp_path / "merged")[0].config.memory_layers == [0]
    merge_folders(MergeRecipe(methods=("dfs",), path=((0, 0), (1, 0))), parents, None, tmp_path / "deeper")
    deeper, _ = load_model(tmp_path / "deeper")
    assert (deeper.config.num_hidden_layers, deeper.config.memory_layers) == (2, [0, 1])
    first, second = (weights(parent)["layers.0.memory.conv"] for parent in parents)
    assert torch.equal(deeper.state_dict()["layers.0.memory.conv"], first)
    assert torch.equal(deeper.state_dict()["layers.1.memory.conv"], second)


def test_weights_card_and_traces_of_this_machine_are_not_copied(family, tmp_path):
    _, parents = family
    shutil.copytree(parents[0], tmp_path / "first")
    for name in ("README.md", "training_args.bin", "LICENSE", "chat_template.jinja"):
        (tmp_path / "first" / name).write_text(name)
    config = json.loads((tmp_path / "first" / "config.json").read_text())
    (tmp_path / "first" / "config.json").write_text(json.dumps(config | {"_name_or_path": str(tmp_path)}))
    merge_folders(MEAN, [tmp_path / "first", parents[1]], None, tmp_path / "merged")
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {"LICENSE", "chat_template.jinja", "config.json", "tokenizer.json", SINGLE} <= names
    assert not {"README.md", "training_args.bin"} & names
    assert str(tmp_path) not in (tmp_path / "merged" / "config.json").read_text()


def test_progress_counts_every_tensor_once(family, tmp_path):
    _, parents = family
    seen = []
    merge_folders(MEAN, parents, None, tmp_path / "merged", progress=lambda *done: seen.append(done))
    count = len(weights(parents[0]))
    assert seen == [(number, count) for number in range(1, count + 1)]


def refused(kind, message, recipe, parents, tmp_path, base=None):
    """The merge is refused with this message, in one line, and nothing is left."""
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(kind, match=message) as caught:
        merge_folders(recipe, parents, base, tmp_path / "merged")
    assert "\n" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_another_architecture_is_refused_with_the_tensors_that_differ(family, tmp_path):
    _, parents = family
    other = tiny_llama(tmp_path / "wide", intermediate_size=32)
    refused(
        FormatRefused, r"model\.layers\.0\.mlp\.\w+\.weight is \(24, 16\).*; \d+ more", MEAN,
        [parents[0], other], tmp_path,
    )  # fmt: skip


def test_another_vocabulary_is_refused(family, tmp_path):
    _, parents = family
    shutil.copytree(parents[1], tmp_path / "renamed")
    path = tmp_path / "renamed" / "tokenizer.json"
    words = json.loads(path.read_text())
    vocabulary = words["model"]["vocab"]
    one, two = list(vocabulary)[-2:]
    vocabulary[one], vocabulary[two] = vocabulary[two], vocabulary[one]
    path.write_text(json.dumps(words))
    refused(FormatRefused, "different vocabularies", MEAN, [parents[0], tmp_path / "renamed"], tmp_path)


def test_a_vocabulary_of_another_size_is_refused_by_its_embeddings(family, tmp_path):
    _, parents = family
    folder = tmp_path / "more words"
    tiny_llama(folder, vocab_size=270)
    refused(
        FormatRefused, r"model\.embed_tokens\.weight is \(259, 16\)", MEAN, [parents[0], folder], tmp_path
    )


def test_heads_of_another_number_are_refused_though_every_shape_agrees(family, tmp_path):
    _, parents = family
    other = tiny_llama(tmp_path / "heads", num_attention_heads=4, num_key_value_heads=2)
    refused(FormatRefused, "num_attention_heads is 4", MEAN, [parents[0], other], tmp_path)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"rope_theta": 10000.0}, {"rope_theta": 500000.0}),
        ({"rope_scaling": None}, {"rope_scaling": {"rope_type": "linear", "factor": 2.0}}),
        ({"rope_parameters": {"rope_type": "default"}}, {"rope_parameters": {"rope_type": "yarn"}}),
        ({"rms_norm_eps": 1e-6}, {"rms_norm_eps": 1e-5}),
        ({"layer_norm_eps": 1e-12}, {"layer_norm_eps": 1e-5}),
        ({"tie_word_embeddings": False}, {"tie_word_embeddings": True}),
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_computes_otherwise_with_equal_tensors_is_refused(family, tmp_path, ours, theirs):
    _, parents = family
    folders = [configured(parents[0], tmp_path / "a", ours), configured(parents[1], tmp_path / "b", theirs)]
    refused(FormatRefused, f"{next(iter(ours))} is ", MEAN, folders, tmp_path)


def configured(folder, copy, values, without=()):
    """A copy of the folder with these values in its config."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    kept = {key: value for key, value in config.items() if key not in without}
    (copy / "config.json").write_text(json.dumps(kept | values))
    return copy


def test_a_rope_base_is_compared_between_configs_of_transformers_4_and_5(family, tmp_path):
    _, parents = family
    new = configured(parents[0], tmp_path / "new", {"rope_parameters": {"rope_theta": 1e4}}, ["rope_theta"])
    old = configured(parents[1], tmp_path / "old", {"rope_theta": 5e5}, ["rope_parameters"])
    refused(FormatRefused, "rope_theta is 500000.0", MEAN, [new, old], tmp_path)
    same = configured(parents[1], tmp_path / "same", {"rope_theta": 1e4}, ["rope_parameters"])
    merge_folders(MEAN, [new, same], None, tmp_path / "merged")


def test_a_packed_model_is_refused(family, tmp_path):
    _, parents = family
    shutil.copytree(parents[1], tmp_path / "packed")
    config = json.loads((tmp_path / "packed" / "config.json").read_text())
    path = tmp_path / "packed" / "config.json"
    path.write_text(json.dumps({"model_type": "bloomery_packed", "inner": config}))
    refused(
        FormatRefused,
        "merge the model that it was packed from",
        MEAN,
        [parents[0], tmp_path / "packed"],
        tmp_path,
    )


def test_a_model_that_is_not_finite_is_named_with_its_folder_and_nothing_is_left(family, tmp_path):
    _, parents = family
    shutil.copytree(parents[1], tmp_path / "broken")
    tensors = weights(parents[1])
    tensors["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(tensors, tmp_path / "broken" / SINGLE, metadata={"format": "pt"})
    refused(
        FormatRefused, r"layers\.1\.mlp\.up_proj\.weight of model 1 \(.*broken\) holds NaN", MEAN,
        [parents[0], tmp_path / "broken"], tmp_path,
    )  # fmt: skip


@pytest.mark.parametrize("kept", [0, 7, 900, -1])
def test_truncated_weights_are_damage(family, tmp_path, kept):
    _, parents = family
    shutil.copytree(parents[1], tmp_path / "cut")
    path = tmp_path / "cut" / SINGLE
    path.write_bytes(path.read_bytes()[:kept])
    refused(DamagedArtifact, "truncated or altered", MEAN, [parents[0], tmp_path / "cut"], tmp_path)


def test_too_few_parents_and_a_missing_base_are_refused(family, tmp_path):
    _, parents = family
    refused(ConfigError, "give at least 2", MEAN, parents[:1], tmp_path)
    refused(ConfigError, "from a base model, and there is none", RECIPES["ties"], parents, tmp_path)


def test_what_is_there_already_is_not_overwritten(family, tmp_path):
    _, parents = family
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "kept").write_text("mine")
    refused(UserError, "exists; name a folder that does not", MEAN, parents, tmp_path)
    assert (tmp_path / "merged" / "kept").read_text() == "mine"


def test_a_disk_that_fills_up_in_the_middle_leaves_nothing(family, tmp_path, monkeypatch):
    _, parents = family

    def full(recipe, name, layer, *models):
        if layer == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return module_merge(recipe, name, layer, *models)

    module_merge = module.merge_tensor
    monkeypatch.setattr(module, "merge_tensor", full)
    refused(DiskFull, "no space left", MEAN, parents, tmp_path)


@pytest.mark.slow
def test_a_disk_that_is_really_full_leaves_nothing(tmp_path):
    """Four layers of 1.6 MB in 4 MB of disk."""
    with small_disk(tmp_path / "disk", "4m") as disk:
        sizes = {"hidden_size": 192, "intermediate_size": 384, "num_hidden_layers": 4}
        parents = [tiny_llama(tmp_path / f"{n}", seed=n, **sizes) for n in range(2)]
        with pytest.raises(DiskFull, match="no space left"):
            merge_folders(MEAN, parents, None, disk / "merged")
        assert list(disk.iterdir()) == []
