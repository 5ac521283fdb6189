"""Packing a model to be handed out: its files, its card, and a look at it as a stranger would have."""

import shutil
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bloomery.core import machine
from bloomery.core.evidence import measure
from bloomery.core.step import StepContext
from bloomery.forge.elsewhere import logits_elsewhere
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_without_experts
from bloomery.forge.measuring import count_parameters, logits_of
from bloomery.forge.packed_folder import is_packed, weights_size
from bloomery.forge.shipping import RELOADS
from bloomery.models.packed.experts import FILE as EXPERTS

CARD = Path(__file__).with_name("model_card.md.j2")
PROBE = "1+2+3="


def write_folder(context: StepContext) -> None:
    """The model's files and a card; then the folder is loaded as a stranger would, and compared."""
    set_threads(machine.threads())
    folder = context.output / "shipped"
    folder.mkdir()
    for path in sorted(context.inputs["model"].iterdir()):
        shutil.copyfile(path, folder / path.name)
    model, tokenizer = load_without_experts(folder)
    facts = {
        "parameters": count_parameters(model), "weight_bytes": weights_size(folder),
        "experts_apart": (folder / EXPERTS).is_file() and not is_packed(folder),
    }  # fmt: skip
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    card = environment.from_string(CARD.read_text())
    (folder / "README.md").write_text(card.render(**context.config, **facts, seed=context.seed, probe=PROBE))
    context.kinds["shipped"] = "shipped model"
    context.facts.update(facts)
    here = logits_of(model, tokenizer, PROBE)
    context.evidence(
        measure(
            RELOADS,
            lambda: float((here - logits_elsewhere(folder, PROBE)).abs().max()),
            inputs=[context.inputs["model"].name],
            how="AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)",
        )
    )
