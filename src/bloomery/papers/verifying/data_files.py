"""The data sets of a claim, as files with the checksums that the paper's file names."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bloomery.papers.verifying.claim import Claim
from bloomery.papers.verifying.paper_file import PaperFile
from bloomery.papers.verifying.returned import NothingMeasured

DATA_VARIABLE = "BLOOMERY_DATA"


@dataclass(frozen=True)
class DataFiles:
    """Where each file is, and its sha256, by its path below the folder of data."""

    paths: dict[str, Path]
    digests: dict[str, str]


def data_files(root: Path | None, paper: PaperFile, claim: Claim) -> DataFiles:
    """The files that a claim needs. Raises: NothingMeasured for one that is not there, or is another."""
    found = DataFiles({}, {})
    for name in claim.data:
        if root is None:
            said = f"the data set {name} is needed"
            raise NothingMeasured(f"{said}, and {DATA_VARIABLE} names no folder of data sets")
        for one in paper.data_set(name).files:
            file, path = one.path, root / one.path
            if not path.is_file():
                raise NothingMeasured(f"the data set {name} is not complete: there is no {file}")
            if (other := _sha256(path)) != one.sha256:
                said = f"{file} of the data set {name} has the sha256 {other}"
                raise NothingMeasured(f"{said}, expected {one.sha256}")
            found.paths[file], found.digests[file] = path, one.sha256
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
