"""The form of an id that a caller chooses: users, teams, organizations, aliases, names of models and tags."""

import unicodedata

MAX_CHARACTERS = 256


def public_id(text: str) -> str:
    """Return the id in NFC.

    1–256 characters, no control characters or surrogates, no white space at the ends, not `.` or `..`; otherwise free. Ids are
    compared exactly.

    Raises:
        ValueError: what is wrong with it.
    """
    found = unicodedata.normalize("NFC", text)
    if not 1 <= len(found) <= MAX_CHARACTERS:
        raise ValueError(f"must have 1 to {MAX_CHARACTERS} characters")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in found):
        raise ValueError("must not contain control characters")
    if found != found.strip():
        raise ValueError("must not begin or end with white space")
    if found in (".", ".."):
        raise ValueError("must not be `.` or `..`")
    return found
