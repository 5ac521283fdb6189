"""Where the values of a symbol lie, as far as a context says it in a form that can be read."""

import re
from dataclasses import dataclass

NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
BOUND = rf"(?:{NUMBER}|[-+]?\\?(?:infty|inf)|[-+]?∞)"
INTERVAL = re.compile(rf"([\[(\]])\s*({BOUND})\s*,\s*({BOUND})\s*([\])\[])")
RELATION = re.compile(rf"(>=|<=|>|<|\\geq?|\\leq?|≥|≤)\s*({NUMBER})")
WORDS = {
    "positive": (0.0, None),
    "non-negative": (0.0, None),
    "nonnegative": (0.0, None),
    "negative": (None, 0.0),
}


@dataclass(frozen=True)
class Domain:
    """An interval; a bound of None is infinite. `closed` says which ends belong to it."""

    low: float | None = None
    high: float | None = None
    closed: tuple[bool, bool] = (False, False)
    whole: bool = False
    declared: bool = False

    @property
    def bounded(self) -> bool:
        return self.low is not None or self.high is not None

    def holds(self, value: float) -> bool:
        above = self.low is None or value > self.low or (self.closed[0] and value == self.low)
        below = self.high is None or value < self.high or (self.closed[1] and value == self.high)
        return above and below


def parse(*texts: str) -> Domain:
    """The domain that the first of these texts states; all real numbers where none does."""
    for text in texts:
        found = _interval(text) or _relation(text) or _word(text)
        if found:
            return found
    return Domain()


def _interval(text: str) -> Domain | None:
    match = INTERVAL.search(text)
    if not match:
        return None
    low, high = _bound(match[2]), _bound(match[3])
    if low is not None and high is not None and low >= high:
        return None
    return Domain(low, high, (match[1] == "[", match[4] == "]"), _whole(text), True)


def _relation(text: str) -> Domain | None:
    low = high = None
    closed = [False, False]
    for sign, number in RELATION.findall(text):
        equal = sign not in (">", "<")
        if sign in (">", ">=", r"\ge", r"\geq", "≥"):
            low, closed[0] = float(number), equal
        else:
            high, closed[1] = float(number), equal
    if low is None and high is None:
        return None
    return Domain(low, high, (closed[0], closed[1]), _whole(text), True)


def _word(text: str) -> Domain | None:
    for word in re.findall(r"[a-z-]+", text.lower()):
        if word in WORDS:
            low, high = WORDS[word]
            return Domain(low, high, (word.startswith("non"), False), _whole(text), True)
    if _whole(text):
        return Domain(1.0, None, (True, False), True, True)
    return Domain(declared=True) if re.search(r"\breals?\b|mathbb\s*\{?R|ℝ", text) else None


def _whole(text: str) -> bool:
    return re.search(r"\bintegers?\b|mathbb\s*\{?[NZ]|[ℕℤ]", text) is not None


def _bound(text: str) -> float | None:
    if re.fullmatch(NUMBER, text):
        return float(text)
    return None
