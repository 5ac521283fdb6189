"""Days of the Gregorian calendar."""

from dataclasses import dataclass

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(year: int, month: int) -> int:
    if not 1 <= month <= 12:
        raise ValueError(f"month {month}")
    if month == 2 and is_leap(year):
        return 29
    return LENGTHS[month - 1]


@dataclass(frozen=True, order=True)
class Day:
    year: int
    month: int
    day: int

    def __post_init__(self) -> None:
        if not 1 <= self.day <= days_in(self.year, self.month):
            raise ValueError(f"{self.year}-{self.month}-{self.day}")

    @property
    def of_year(self) -> int:
        """1 for the first of January."""
        return sum(days_in(self.year, month) for month in range(1, self.month)) + self.day

    def next(self) -> "Day":
        if self.day < days_in(self.year, self.month):
            return Day(self.year, self.month, self.day + 1)
        if self.month < 12:
            return Day(self.year, self.month + 1, 1)
        return Day(self.year + 1, 1, 1)


def between(first: Day, last: Day) -> int:
    """How many days from one to the other; below zero backwards."""
    if last < first:
        return -between(last, first)
    days = last.of_year - first.of_year
    return days + sum(366 if is_leap(year) else 365 for year in range(first.year, last.year))
