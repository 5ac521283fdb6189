"""What a reader has to say about a file, and where it found what it read."""

from dataclasses import dataclass, field
from typing import Literal

from bloomery.papers.diagnostic import Diagnostic


@dataclass
class Report:
    """Collects diagnostics and the line of each thing: `equation 13`, `equation 13.variables`, `metadata`."""

    path: str
    diagnostics: list[Diagnostic] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def error(self, line: int, code: str, message: str) -> None:
        self._say(line, "error", code, message)

    def warn(self, line: int, code: str, message: str) -> None:
        self._say(line, "warning", code, message)

    def place(self, name: str, line: int) -> None:
        self.lines.setdefault(name, line)

    def _say(self, line: int, severity: Literal["error", "warning"], code: str, message: str) -> None:
        self.diagnostics.append(Diagnostic(self.path, line, severity, code, message))
