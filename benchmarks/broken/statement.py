"""Arithmetic: a bank account with fees."""


class Account:
    def __init__(self, fee):
        self.fee = fee
        self.balance = 0
        self.refused = 0

    def deposit(self, amount):
        self.balance += amount

    def withdraw(self, amount):
        cost = amount + self.fee
        if cost > self.balance:
            self.refused += 1
            return False
        self.balance -= cost
        return True


# What follows is no part of the program.


def drive(fee, moves):
    account = Account(fee)
    said = [account.deposit(move) if move >= 0 else account.withdraw(-move) for move in moves]
    return said, account.balance, account.refused


ENTRY = "drive"
CORRECT = "cost = amount + self.fee"
BROKEN = "cost = amount - self.fee"
GIVEN = [
    ((0, [5, -5]), ([None, True], 0, 0)),
    ((1, [10, -4, -4]), ([None, True, True], 0, 0)),
    ((2, [10, -9, -8]), ([None, False, True], 0, 1)),
    ((3, [-1]), ([False], 0, 1)),
]
HELD_OUT = [
    ((1, [10, -9]), ([None, True], 0, 0)),
    ((1, [10, -10]), ([None, False], 10, 1)),
    ((5, [20, -5, -5, -5]), ([None, True, True, False], 0, 1)),
    ((0, []), ([], 0, 0)),
]


def draw(rng):
    return rng.randint(0, 4), [rng.randint(-12, 15) for _ in range(rng.randint(0, 8))]
