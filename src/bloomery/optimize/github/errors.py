"""What can go wrong with GitHub.

UserError    TokenMissing, TokenExpired, Forbidden, NotThere, Rejected
Failure      LimitReached, Unreachable, Unsure (it was sent, and no answer says whether it was done)
"""

from bloomery.core.errors import Failure, UserError


class TokenMissing(UserError):
    """No token is set, and this cannot be done without one."""


class TokenExpired(UserError):
    """GitHub does not take the token (any more)."""


class Forbidden(UserError):
    """The token may not do this."""


class NotThere(UserError):
    """There is no such thing, or the token cannot see it."""


class Rejected(UserError):
    """GitHub understood and refused: it exists already, it conflicts, it is no valid request."""


class LimitReached(Failure):
    """The rate limit is reached or near; `wait_s` seconds from then on it is not."""

    def __init__(self, message: str, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__(message)


class Unreachable(Failure):
    """The network is lost, or GitHub has a fault of its own."""


class Unsure(Unreachable):
    """A change was sent and no answer came: it may have been made, so look before sending it again."""
