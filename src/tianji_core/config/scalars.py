"""Which type a plain YAML scalar has.

Sources: YAML 1.1's type repository, because existing files were written for it (`on`, `yes`, octal `017`); with three exceptions
that are traps there and mean text or a number here: dates (`api_version: 2024-10-21`), base-60 numbers (`12:30`) and exponents
without a fraction or a sign (`3e-7`).
"""

import re
from decimal import Decimal

from tianji_core.config.nodes import ScalarValue

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_DECIMAL_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_OTHER_INTEGER = re.compile(r"([-+]?)(?:0x([0-9a-fA-F_]+)|0b([01_]+)|0([0-7_]+))")
_FRACTION = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 60
_LARGEST_EXPONENT = 400

_PREFIX = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", _PREFIX + "str"})
_TYPED_TAGS: dict[str, tuple[type, ...]] = {
    _PREFIX + "null": (type(None),),
    _PREFIX + "bool": (bool,),
    _PREFIX + "int": (int,),
    _PREFIX + "float": (int, Decimal),
}


def read_plain(text: str) -> ScalarValue:
    """Return the value of a scalar without quotes and without a tag. A number too long to be meant as one is text."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _LONGEST_NUMBER:
        return text
    if _DECIMAL_INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    other = _OTHER_INTEGER.fullmatch(text)
    if other:
        return _other_integer(other, text)
    return _fraction(text) if _FRACTION.fullmatch(text) else text


def read_tagged(text: str, tag: str) -> ScalarValue:
    """Return the value of a scalar with a tag. Raises ValueError where the tag is not one of ours or does not fit."""
    if tag in _TEXT_TAGS:
        return text
    wanted = _TYPED_TAGS.get(tag)
    if wanted is None:
        raise ValueError("this YAML tag is not supported")
    value = read_plain(text)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError("the value does not fit its YAML tag")
    return value


def _other_integer(match: re.Match[str], text: str) -> ScalarValue:
    sign, hexadecimal, binary, octal = match.groups()
    digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
    bare = digits.replace("_", "")
    if not bare:
        return text
    number = int(bare, base)
    return -number if sign == "-" else number


def _fraction(text: str) -> ScalarValue:
    bare = text.replace("_", "")
    if not any(character.isdigit() for character in bare.lower().partition("e")[0]):
        return text
    exponent = bare.lower().partition("e")[2]
    if len(exponent) > 4 or (exponent and abs(int(exponent)) > _LARGEST_EXPONENT):
        return text  # Decimal would hold it, but turning it into an integer later would fill the memory
    return Decimal(bare)


__all__ = ["read_plain", "read_tagged"]
