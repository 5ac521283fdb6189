"""Tokens and keys in text: found, and masked before anything is logged or stored.

Known are the forms that services gave their tokens so that they can be found, private keys, and long random
strings that are assigned to a name like `api_key`. Not covered: a password that looks like a word.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

MASK = "[redacted]"
LEAST_BITS = 3.5  # of entropy a character: random base64 has about 4.5 at 30 characters, words about 3

_FORMS = {
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_[A-Za-z0-9_]{22,}",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "model provider's key": r"\bsk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{20,}",
    "AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z_-]{20,}",
    "Slack token": r"\bxox[abeposr]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "Stripe key": r"\b[sr]k_live_[0-9A-Za-z]{16,}",
    "package index token": r"\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[A-Za-z0-9_-]{50,}",
    "Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "JSON web token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}",
    "private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----)?",
    "authorization header": r"(?i:\b(?:bearer|basic)\s+)(?=[\w.~+/-]*\d)[\w.~+/-]{20,}=*",
}
_FORM = re.compile("|".join(f"(?P<f{i}>{form})" for i, form in enumerate(_FORMS.values())), re.DOTALL)
_KINDS = tuple(_FORMS)
_ASSIGNED = re.compile(
    r"(?i:api_?key|access_?key|secret|token|passw(?:or)?d|credential)\w*[\"']?\s*[:=]\s*[\"']"
    r"([\w+/=.~-]{20,})[\"']"
)
_URL = re.compile(r"://[^/\s:@'\"]*:([^/\s@'\"]+)@")
_PLACEHOLDER = re.compile(r"(?i)^[<{$%*\[]|passw|secret|example|xxx|^\.+$|^pw$|redacted")


def mask(text: str) -> str:
    """The text with every token that is known taken out."""
    for start, end, _ in sorted(_spans(text), reverse=True):
        text = text[:start] + MASK + text[end:]
    return text


def tokens_in(text: str) -> list[tuple[int, str]]:
    """The line (from 1) and the kind of every token, never the token itself."""
    return [(text.count("\n", 0, start) + 1, kind) for start, _, kind in sorted(_spans(text))]


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    taken = 0
    for found in sorted(_found(text)):
        if found[0] >= taken:
            taken = found[1]
            yield found


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _FORM.finditer(text):
        yield *match.span(), _KINDS[int((match.lastgroup or "f0")[1:])]
    for match in _ASSIGNED.finditer(text):
        if not _PLACEHOLDER.search(match[1]) and _looks_random(match[1]):
            yield *match.span(1), "secret assigned to a name"
    for match in _URL.finditer(text):
        if not _PLACEHOLDER.search(match[1]):
            yield *match.span(1), "password in a URL"


def _looks_random(value: str) -> bool:
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= LEAST_BITS and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
