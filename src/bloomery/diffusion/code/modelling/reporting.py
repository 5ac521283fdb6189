"""What a training tells: a page beside the model, and plain values."""

from collections import Counter
from pathlib import Path
from typing import Any

from bloomery.core.disk import write_atomically
from bloomery.diffusion.code.modelling.files import Gathered
from bloomery.diffusion.code.modelling.training import Trained

REPORT = "report.md"
SHOWN = 12  # paths of each reason


def told(trained: Trained, gathered: Gathered, folder: Path) -> dict[str, Any]:
    """The result as plain values."""
    bits = trained.bits
    return {
        "folder": str(folder),
        "report": str(folder / REPORT),
        "bits_per_byte": bits.bits_per_byte,
        "error": bits.error,
        "draws": bits.draws,
        "held_out": {"files": bits.files, "bytes": bits.size_bytes, "tokens": bits.tokens},
        "steps": trained.steps,
        "seconds": trained.seconds,
        "parameters": trained.model.net.num_parameters(),
        "vocabulary": len(trained.model.tokenizer),
        "languages": dict(Counter(file.language for file in gathered.files)),
        "files": trained.parts,
        "bytes": sum(len(file.data) for file in gathered.files),
        "skipped": {reason: len(paths) for reason, paths in gathered.skipped.items()},
    }


def write_report(trained: Trained, gathered: Gathered, folder: Path) -> None:
    """`report.md` in the model's folder."""
    write_atomically(folder / REPORT, "\n".join(_lines(trained, gathered, folder)).encode())


def _lines(trained: Trained, gathered: Gathered, folder: Path) -> list[str]:
    found, bits = told(trained, gathered, folder), trained.bits
    by_language = ", ".join(f"{count} {name}" for name, count in found["languages"].items())
    return [
        "# A code model",
        "",
        f"**{bits.bits_per_byte:.3f} ± {bits.error:.3f} bits a byte** on {bits.files} files "
        f"({bits.size_bytes:,} bytes) that it never saw: an upper bound of what it needs to restore them "
        f"exactly, with the standard error of {bits.draws} draws of masks in each of {bits.windows} windows.",
        "",
        f"- net: {found['parameters']:,} parameters, {found['vocabulary']} tokens; {trained.steps} steps in "
        f"{trained.seconds:.0f} s",
        f"- files: {by_language}; {found['bytes']:,} bytes. {trained.parts['learning']} to learn from, "
        f"{trained.parts['choosing']} chose the weights, {trained.parts['measuring']} measured",
        "",
        "| step | bits a byte of files that chose |",
        "|---|---|",
        *(f"| {step} | {value:.3f} |" for step, value in trained.chosen),
        "",
        "## Left out",
        "",
        *(_left_out(gathered) or ["nothing"]),
        "",
    ]


def _left_out(gathered: Gathered) -> list[str]:
    return [
        f"- {reason}: {len(paths)} ({', '.join(paths[:SHOWN])}{', ...' if len(paths) > SHOWN else ''})"
        for reason, paths in gathered.skipped.items()
    ]
