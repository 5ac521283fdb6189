"""An account in whole cents."""


class Overdrawn(Exception):
    pass


class Account:
    def __init__(self, owner: str, limit: int = 0) -> None:
        if not owner.strip():
            raise ValueError("an account has an owner")
        self.owner = owner.strip()
        self.limit = limit
        self.balance = 0
        self.history: list[tuple[str, int]] = []

    def deposit(self, cents: int) -> int:
        if cents <= 0:
            raise ValueError(f"{cents} cents")
        self.balance += cents
        self.history.append(("in", cents))
        return self.balance

    def withdraw(self, cents: int) -> int:
        if cents <= 0:
            raise ValueError(f"{cents} cents")
        if self.balance - cents < -self.limit:
            raise Overdrawn(cents)
        self.balance -= cents
        self.history.append(("out", cents))
        return self.balance

    def interest(self, percent: float) -> int:
        """Rounded down; none on a debt."""
        if self.balance <= 0:
            return 0
        earned = int(self.balance * percent / 100)
        if earned > 0:
            self.balance += earned
            self.history.append(("interest", earned))
        return earned

    def largest(self) -> int:
        return max((cents for _, cents in self.history), default=0)
