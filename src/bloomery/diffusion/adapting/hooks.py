"""What may happen in a run besides: override what you need. A hook decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reporting import Report, Round

if TYPE_CHECKING:
    from .adapted import Adapted
    from .generating import Candidates


class Hook:
    """Does nothing."""

    def on_candidates(self, number: int, made: Candidates) -> None:
        """After candidates were made and asked, before anything is learned of them."""

    def on_round(self, round: Round, model: Adapted) -> None:
        """After a round was kept or rolled back, with the model as it then is."""

    def on_end(self, report: Report) -> None:
        """After the last round."""
