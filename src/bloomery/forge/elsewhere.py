"""A shipped folder as a stranger loads it: another process, plain transformers, without this package."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from bloomery.core.errors import Failure

STRANGER = """
import sys
sys.modules["bloomery"] = None  # importing it raises ImportError
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
import torch
folder, prompt, output, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, local_files_only=True).eval()
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True, local_files_only=True)
with torch.inference_mode():
    given = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    logits = model(**given, use_cache=False).logits
written = model.generate(**given, max_new_tokens=3, do_sample=False)
first, likeliest = int(written[0, given["input_ids"].shape[1]]), float(logits[0, -1].max())
if float(logits[0, -1, first]) != likeliest:
    raise SystemExit(f"generate wrote token {first} first, whose logit is not the largest")
save_file({"logits": logits.clone().contiguous()}, output)
"""


def logits_elsewhere(folder: Path, prompt: str, *, timeout_s: float = 300.0) -> Tensor:
    """The logits of a prompt, from a process that has transformers but not this package, and that generates.

    Raises: Failure with the last line of what the process said: where the folder does not load, `generate`
    fails, or its first token is not one of largest logit.
    """
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "logits.safetensors"
        environment = os.environ | {"HF_MODULES_CACHE": scratch, "HF_HUB_OFFLINE": "1"}
        arguments = [
            sys.executable,
            "-c",
            STRANGER,
            str(folder),
            prompt,
            str(output),
            str(torch.get_num_threads()),
        ]
        done = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, timeout=timeout_s, cwd=scratch
        )
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:]
            raise Failure(f"{folder} does not load and generate in plain transformers: {said}")
        return load_file(output)["logits"]
