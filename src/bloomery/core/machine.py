"""What a result may depend on besides its inputs: threads and processor; and the record of an environment.

`threads` and `processor` are parts of every step's key: floating-point sums change with both. The rest is
kept with a run for the reader, and decides nothing.
"""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from bloomery.core.log import without_passwords

FLAGS = frozenset(  # those that make numerical libraries take another path
    {"sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "bf16", "i8mm"}
    | {"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16"}
    | {"asimd", "asimddp", "asimdhp", "sve", "sve2"}
)
VARIABLES = (  # those by which a user makes numerical libraries take another path, or other threads
    *("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "NPY_DISABLE_CPU_FEATURES"),
    *("MKL_CBWR", "MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "GLIBC_TUNABLES"),
    *("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE"),
)
_CPUINFO = Path("/proc/cpuinfo")
_GPUS = Path("/proc/driver/nvidia/gpus")


def threads() -> int:
    """Threads that numerical libraries start by default: OMP_NUM_THREADS, else the cores we may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Architecture, model and the numerical instruction sets of the processor, the GPUs' models, and what
    the environment says of how they are used."""
    facts = _cpu_facts(_CPUINFO.read_text() if _CPUINFO.exists() else "")
    parts = [
        platform.machine(),
        facts["model"] or platform.processor() or "unknown",
        *facts["flags"],
        *_gpus(),
        *(f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)),
    ]
    return " ".join(parts)


def environment() -> dict[str, Any]:
    """What is recorded with a run: everything a reader needs to set up the same once more."""
    return {
        "command": _command(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "threads": threads(),
        "git": git_commit(Path(__file__).parent),
        "packages": _packages(),
    }


def _command() -> str:
    """The command line as it would be typed again, without its program's folders and without passwords."""
    program = Path(sys.argv[0]).name
    arguments = sys.orig_argv if program.endswith(".py") else sys.argv
    shown = [without_passwords(argument) for argument in arguments[1:]]
    return shlex.join([Path(arguments[0]).name, *shown]) if arguments else ""


def git_commit(folder: Path) -> dict[str, Any] | None:
    """The commit that `folder` is checked out at and whether it was changed since; None outside of git."""
    if {"site-packages", "dist-packages"} & set(folder.parts):
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain", "--", "."))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _packages() -> dict[str, str]:
    found = {item.metadata["Name"]: item.version for item in importlib.metadata.distributions()}
    return {name: found[name] for name in sorted(found, key=str.lower)}


def _cpu_facts(cpuinfo: str) -> dict[str, Any]:
    """Of the first processor in Linux' text; x86 and Arm name their lines differently."""
    lines = [line.partition(":") for line in cpuinfo.partition("\n\n")[0].splitlines()]
    values = {key.strip(): value.strip() for key, _, value in lines}
    flags = set((values.get("flags") or values.get("Features") or "").split())
    model = values.get("model name") or " ".join(
        values[key] for key in ("CPU implementer", "CPU part") if key in values
    )
    return {"model": model, "flags": sorted(flags & FLAGS)}


def _gpus() -> list[str]:
    """Models of NVIDIA GPUs, and how many of them are visible; none where they are hidden."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not _GPUS.is_dir() or (visible is not None and visible.strip() in ("", "-1")):
        return []
    texts = [path.read_text() for path in sorted(_GPUS.glob("*/information"))]
    models = sorted(line.partition(":")[2].strip() for text in texts for line in text.splitlines()[:1])
    return [*models, *([f"{len(visible.split(','))} visible"] if visible else [])]
