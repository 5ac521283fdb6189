"""Boolean operator: the Gregorian calendar."""


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(month, year):
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def day_of_year(day, month, year):
    return day + sum(days_in_month(earlier, year) for earlier in range(1, month))


# What follows is no part of the program.

ENTRY = "day_of_year"
CORRECT = "year % 100 != 0 or year % 400 == 0"
BROKEN = "year % 100 != 0 and year % 400 == 0"
GIVEN = [
    ((1, 1, 2021), 1),
    ((31, 12, 2023), 365),
    ((31, 12, 2024), 366),
    ((1, 3, 1900), 60),
    ((29, 2, 2000), 60),
    ((30, 12, 2000), 365),
    ((1, 3, 1996), 61),
]
HELD_OUT = [
    ((31, 12, 1900), 365),
    ((31, 12, 2000), 366),
    ((15, 8, 2016), 228),
    ((1, 3, 2100), 60),
]


def draw(rng):
    return rng.randint(1, 28), rng.randint(1, 12), rng.choice([1900, 2000, rng.randint(1800, 2200)])
