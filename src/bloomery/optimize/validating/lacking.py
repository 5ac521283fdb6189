"""What is raised where a tool is not there."""

from bloomery.core.errors import CapabilityMissing


class NotInstalled(CapabilityMissing):
    """A tool or a package is not there; with it, another run could say more."""
