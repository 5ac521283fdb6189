"""What a stage is handed, looked at before it begins."""

from collections.abc import Iterable, Mapping

from bloomery.core.catalog import Catalog
from bloomery.core.errors import Failure
from bloomery.forge.stage import Port, Stage


def check_kinds(
    catalog: Catalog,
    stage: Stage,
    artifacts: Mapping[str, str],
    declared: Iterable[Port],
    *,
    given: str | None = None,
) -> None:
    """Each input is of its port's kind, as the catalog knows what lies under its CID.

    `declared` are the ports by which earlier stages gave the artifacts. One content may be given by two, as a
    model in full precision is its own latent model, and the catalog has one kind for it. What is `given` to
    the whole recipe was looked at before, and its kind is where it came from.

    Raises: Failure naming the stage, the port and both kinds.
    """
    kinds = {port.name: port.kind for port in declared}
    for port in stage.inputs:
        cid = artifacts.get(port.name)
        if cid is None or cid == given:
            continue
        known = catalog.artifact(cid).kind
        twins = {kinds.get(name) for name, other in artifacts.items() if other == cid}
        if known == port.kind or (kinds.get(port.name) == port.kind and known in twins):
            continue
        raise Failure(
            f"stage '{stage.name}' takes '{port.name}' of kind '{port.kind}', and was handed a '{known}' "
            f"({cid}): the stage that gave it declares or marks it wrongly"
        )
