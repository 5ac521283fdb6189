"""bloomery export: a model in the format of another runtime, loaded again there and compared."""

from typing import Annotated, Any, Literal

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Output, WorkspacePath, opened, print_json
from bloomery.cli.tables import print_fields
from bloomery.cli.wording import size

Model = Annotated[str, typer.Argument(help="A folder of a causal LM, packed or not, a CID or a name.")]
Format = Annotated[
    Literal["gguf", "onnx"],
    typer.Option("--format", "-f", help="gguf: Llama, Qwen2. onnx: Cognate, Llama, what else can be traced."),
]
Ternary = Annotated[
    Literal["tq2_0", "tq1_0"] | None,
    typer.Option(help="gguf: matrices of trits in 2.06 bits a weight, or in 1.69. Default: tq2_0."),
]
Floats = Annotated[
    Literal["f16", "f32"] | None, typer.Option(help="gguf: the type of other matrices. Default: f16.")
]
Length = Annotated[
    int | None, typer.Option(help="onnx: the only length of a row, tokens. Default: any; Cognate: 64.", min=2)
]
Mixture = Annotated[
    bool, typer.Option("--mixture", help="Of experts for each prompt: the one mixture that is used without.")
]
READ_BY = {"ternary": "gguf", "floats": "gguf", "length": "onnx"}


def export(
    model: Model,
    output: Output,
    format: Format,
    ternary: Ternary = None,
    floats: Floats = None,
    length: Length = None,
    mixture: Mixture = False,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Write a model as GGUF or ONNX, load it again in a second runtime and compare the logits.

    The folder is written only if the second runtime computes what the model with the file's values computes.
    How far that is from the given folder, with 8-bit activations where its weights are trits, is said beside.
    """
    from bloomery.forge.exporting.folder import export_folder
    from bloomery.forge.library import model_folder

    given = _given(format, {"ternary": ternary, "floats": floats, "length": length})
    made = export_folder(model_folder(opened(workspace), model), output, format, mixture=mixture, **given)
    if as_json:
        print_json(made)
        return
    near, far = made.runtime, made.folder
    print_fields(
        [
            ("file", f"{output / made.file} ({size(made.size_bytes)})"),
            ("tensors", ", ".join(f"{count} {kind}" for kind, count in made.tensors.items()) or None),
            ("rows", f"of {made.length} tokens" if made.length else None),
            ("runtime", f"{made.second_runtime}: {near.difference:.1e} of the largest logit apart"),
            ("folder", f"{far.difference:.1e} apart; the same first choice at {far.same:.1%} of positions"),
        ]
    )


def _given(format: str, options: dict[str, Any]) -> dict[str, Any]:
    """Raises: UserError for an option that this format does not read."""
    from bloomery.core.errors import UserError

    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if READ_BY[name] != format:
            raise UserError(f"--{name} is read by --format {READ_BY[name]} alone; leave it out")
    return given
