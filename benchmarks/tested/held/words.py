"""Words of a text."""

import string


def words(text):
    """In small letters, without punctuation at their ends."""
    found = []
    for part in text.split():
        word = part.strip(string.punctuation).lower()
        if word:
            found.append(word)
    return found


def counts(text, shortest=1):
    known = {}
    for word in words(text):
        if len(word) >= shortest:
            known[word] = known.get(word, 0) + 1
    return known


def commonest(text, most=3):
    """The words that come most often; of equals the first by the alphabet."""
    ordered = sorted(counts(text).items(), key=lambda pair: (-pair[1], pair[0]))
    return [word for word, _ in ordered[:most]]


def shortened(text, width):
    """Whole words up to a width, and dots for the rest."""
    if len(text) <= width:
        return text
    if width < 4:
        return text[:width]
    kept = ""
    for word in text.split():
        longer = f"{kept} {word}" if kept else word
        if len(longer) > width - 3:
            break
        kept = longer
    return kept + "..."


def is_palindrome(text):
    letters = [one.lower() for one in text if one.isalnum()]
    return letters == letters[::-1]
