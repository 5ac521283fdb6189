"""A GGUF file as a stranger loads it: another process, transformers' reader, without this package."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bloomery.core.errors import Failure
from bloomery.forge.exporting.gguf_tokenizer import PROBES

STRANGER = """
import json, sys
sys.modules["bloomery"] = None  # importing it raises ImportError
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, name, rows, output, threads, texts = sys.argv[1:]
torch.set_num_threads(int(threads))
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
with torch.inference_mode():
    found = {key: model(input_ids=row, use_cache=False).logits for key, row in load_file(rows).items()}
save_file({key: logits.clone().contiguous() for key, logits in found.items()}, output)
print(json.dumps([tokenizer.encode(text) for text in json.loads(texts)]))
"""


def read_elsewhere(
    path: Path, rows: Sequence[Tensor], *, timeout_s: float = 600.0
) -> tuple[list[Tensor], list[list[int]]]:
    """The logits of rows of ids, and the ids of PROBES, by a process that has nothing but the file.

    Raises: Failure with the last line of what the process said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        given, output = Path(scratch) / "rows.safetensors", Path(scratch) / "logits.safetensors"
        save_file({f"{place:04d}": row for place, row in enumerate(rows)}, given)
        threads, texts = str(torch.get_num_threads()), json.dumps(PROBES)
        arguments = [sys.executable, "-c", STRANGER, str(path.parent), path.name]
        done = subprocess.run(
            [*arguments, str(given), str(output), threads, texts],
            env=os.environ | {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=scratch,
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:]
            raise Failure(f"{path} does not load in plain transformers: {said}")
        found = load_file(output)
        return [found[key] for key in sorted(found)], json.loads(done.stdout.splitlines()[-1])
