"""Matrices as lists of rows."""

Matrix = list[list[float]]


def shape(rows: Matrix) -> tuple[int, int]:
    if not rows:
        return 0, 0
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise ValueError("rows of unequal length")
    return len(rows), width


def transposed(rows: Matrix) -> Matrix:
    height, width = shape(rows)
    return [[rows[i][j] for i in range(height)] for j in range(width)]


def product(a: Matrix, b: Matrix) -> Matrix:
    n, inner = shape(a)
    other, m = shape(b)
    if inner != other:
        raise ValueError(f"{inner} columns and {other} rows")
    return [[sum(a[i][k] * b[k][j] for k in range(inner)) for j in range(m)] for i in range(n)]


def trace(rows: Matrix) -> float:
    height, width = shape(rows)
    return sum(rows[i][i] for i in range(min(height, width)))


def scale(rows: Matrix, factor: float) -> None:
    """In place."""
    for row in rows:
        for j in range(len(row)):
            row[j] *= factor
