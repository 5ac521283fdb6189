"""Model folders coded as a whole: budgets, errors counted by hand, and nothing half-written."""

from functools import partial

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from transformers import GenerationConfig

from bloomery.core.errors import ConfigError, DiskFull, FormatRefused, UnknownName, UserError
from bloomery.forge import packed_folder
from bloomery.forge.compression.calibration_rows import mixture_of, task_rows, text_rows
from bloomery.forge.compression.coded_folder import CodingConfig, compress_folder
from bloomery.forge.elsewhere import logits_elsewhere
from bloomery.forge.folders import load_model
from bloomery.forge.measuring import logits_of
from bloomery.forge.packed_folder import weights_size
from tests.forge.small_folders import FOLDERS, broken_llama, files_of, llama, tied_llama

PROMPT = "1+2+3="
SOME = ("rows-8bit", "rows-4bit", "kmeans-8", "kmeans-2", "float32")
ONE = CodingConfig(coders=("rows-4bit",))


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request, tmp_path_factory):
    return FOLDERS[request.param](tmp_path_factory.mktemp("given") / "model")


@pytest.fixture(scope="module")
def plain_llama(tmp_path_factory):
    return llama(tmp_path_factory.mktemp("given") / "llama")


def parity(examples=32):
    return partial(task_rows, mixture=mixture_of(["parity"], [10]), seq_len=64, examples=examples, seed=0)


def matrices(folder):
    """Each matrix once, in float64."""
    found = {}
    for name, tensor in load_model(folder)[0].named_parameters():
        if tensor.ndim > 1:
            found[name] = tensor.detach().double().numpy()
    return found


def test_a_lossless_coder_gives_the_model_to_the_bit(plain_llama, tmp_path):
    """Its norms are ones, which half precision holds."""
    coding = compress_folder(plain_llama, tmp_path / "out", CodingConfig(coders=("float32",)))
    given, made = (load_model(one) for one in (plain_llama, tmp_path / "out"))
    assert torch.equal(logits_of(*given, PROMPT), logits_of(*made, PROMPT))
    assert coding.lost == 0.0
    assert 32 < coding.bits < 32.5


def test_what_is_lost_is_the_mean_share_of_each_matrixs_energy(folder, tmp_path):
    coding = compress_folder(folder, tmp_path / "out", ONE)
    before, after = matrices(folder), matrices(tmp_path / "out")
    assert set(coding.coders) == set(before)
    lost = [np.square(before[name] - after[name]).sum() for name in before]
    energy = [np.square(one).sum() for one in before.values()]
    shares = [some / of if of else 0.0 for some, of in zip(lost, energy, strict=True)]
    sizes = [one.size for one in before.values()]
    assert coding.lost == pytest.approx(np.average(shares, weights=sizes), rel=1e-9)  # both are in float64


def test_a_budget_is_kept_and_more_bits_lose_less(folder, tmp_path):
    lost = []
    for bits in (2.5, 5, 9):
        coding = compress_folder(folder, tmp_path / str(bits), CodingConfig(coders=SOME, bits=bits))
        weights = sum(one.size for one in matrices(folder).values())
        assert 0.6 * bits < coding.bits <= bits
        assert weights_size(tmp_path / str(bits)) >= coding.bits * weights / 8
        lost.append(coding.lost)
    assert lost == sorted(lost, reverse=True)
    assert lost[0] > 10 * lost[-1]


def test_one_coder_a_tensor_loses_no_more_than_one_coder_for_all_at_its_bytes(folder, tmp_path):
    alone = compress_folder(folder, tmp_path / "alone", ONE)
    mixed = compress_folder(folder, tmp_path / "mixed", CodingConfig(coders=SOME, bits=alone.bits + 1e-6))
    assert mixed.lost <= alone.lost
    assert mixed.bits <= alone.bits


def test_calibration_changes_what_is_chosen_and_counts_outputs(plain_llama, tmp_path):
    """kmeans weighs errors by the inputs: the outputs lose less than with plain k-means, on the same data."""
    config = CodingConfig(coders=("kmeans-2",))
    plain = compress_folder(plain_llama, tmp_path / "plain", config)
    weighed = compress_folder(plain_llama, tmp_path / "weighed", config, calibration=parity())
    assert (plain.calibrated, weighed.calibrated) == (False, True)
    assert (tmp_path / "plain" / "model.safetensors").read_bytes() != (
        tmp_path / "weighed" / "model.safetensors"
    ).read_bytes()
    inputs = inputs_of_first_layer(plain_llama, parity()(load_model(plain_llama)[1]))
    name = "model.layers.0.self_attn.q_proj.weight"
    given = matrices(plain_llama)[name]
    off = [
        np.square(inputs @ (matrices(tmp_path / one)[name] - given).T).sum() for one in ("plain", "weighed")
    ]
    assert off[1] < off[0]


def inputs_of_first_layer(folder, rows):
    model, _ = load_model(folder)
    layer = model.model.layers[0]
    found = [layer.input_layernorm(model.model.embed_tokens(row)).reshape(-1, 16) for row in rows]
    return torch.cat(found).detach().double().numpy()


def test_the_same_call_gives_the_same_bytes(folder, tmp_path):
    for out in "ab":
        compress_folder(folder, tmp_path / out, ONE, calibration=parity())
    a, b = ((tmp_path / out / "model.safetensors").read_bytes() for out in "ab")
    assert a == b


def test_what_a_folder_says_of_generation_is_kept(tmp_path):
    base = llama(tmp_path / "base")
    GenerationConfig(max_new_tokens=7, eos_token_id=5).save_pretrained(base)
    compress_folder(base, tmp_path / "out", ONE)
    kept = load_model(tmp_path / "out")[0].generation_config
    assert (kept.max_new_tokens, kept.eos_token_id) == (7, 5)


@pytest.mark.slow
def test_a_stranger_gets_the_same_bits(tmp_path):
    compress_folder(tied_llama(tmp_path / "base"), tmp_path / "out", CodingConfig(coders=SOME, bits=4))
    here = logits_of(*load_model(tmp_path / "out"), PROMPT)
    assert torch.equal(here, logits_elsewhere(tmp_path / "out", PROMPT))


@pytest.mark.parametrize("bits", [0, -1, 32.5, float("nan"), float("inf")])
def test_bits_out_of_range_are_refused(bits):
    with pytest.raises(ConfigError, match="at most 32"):
        CodingConfig(bits=bits)


@pytest.mark.parametrize("coders", [(), ("rows-8bit", "rows-4bit")])
def test_without_bits_there_is_one_coder(coders):
    with pytest.raises(ConfigError, match="name one coder, or give mean bits"):
        CodingConfig(coders=coders)


def test_an_unknown_coder_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean 'rows-4bit'"):
        CodingConfig(coders=("rows-4bits",))


def refused(error, match, base, config, tmp_path, **options):
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(error, match=match):
        compress_folder(base, tmp_path / "out", config, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_too_few_bits_say_how_many_are_needed(plain_llama, tmp_path):
    refused(
        UserError, r"0\.5 bits a weight are too few: the coarsest coders need 4", plain_llama,
        CodingConfig(coders=("rows-4bit",), bits=0.5), tmp_path,
    )  # fmt: skip


def test_a_calibration_set_that_is_too_small_is_refused(plain_llama, tmp_path):
    refused(UserError, "calibration set is too small", plain_llama, ONE, tmp_path, calibration=parity(1))


def test_rows_longer_than_the_models_positions_are_refused(plain_llama, tmp_path):
    (tmp_path / "text").write_text("1234567890" * 100)
    rows = partial(text_rows, path=tmp_path / "text", seq_len=65, examples=9)
    refused(UserError, "65 tokens and the model 64 positions", plain_llama, ONE, tmp_path, calibration=rows)


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path):
    base = broken_llama(tmp_path / "base")
    refused(FormatRefused, r"layers\.1\.mlp\.up_proj\.weight has NaN", base, ONE, tmp_path)


def test_a_packed_model_is_not_coded_again(plain_llama, tmp_path):
    compress_folder(plain_llama, tmp_path / "packed", ONE)
    refused(FormatRefused, "packed already", tmp_path / "packed", ONE, tmp_path)


def test_what_is_there_already_is_not_overwritten(plain_llama, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("mine")
    with pytest.raises(UserError, match="exists; name a folder that does not"):
        compress_folder(plain_llama, tmp_path / "out", ONE)
    assert files_of(tmp_path / "out") == {"kept": b"mine"}


def test_a_disk_that_fills_up_leaves_nothing(plain_llama, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(packed_folder, "save_file", full)
    refused(DiskFull, "no space left", plain_llama, ONE, tmp_path)
