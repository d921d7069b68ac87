"""What JavaScript does to numbers and text, where the payload depends on it.

The GUI is a JavaScript program, so a value that it parses, rounds or prints follows
ECMAScript's rules, which differ from Python's in the corners kept here.
"""

from __future__ import annotations

import math
import re
import sys
from decimal import Decimal
from typing import Any, Optional, Union

Number = Union[int, float]

# WhiteSpace and LineTerminator of ECMAScript. Python's strip() takes U+001C to U+001F
# and U+0085 as well, and leaves U+FEFF.
_SPACE = (
    "\t\n\v\f\r \u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(
    r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_SAFE_INTEGER = 2**53
_FIRST_EXPONENT = 1e21


def trim(text: str) -> str:
    """`String.prototype.trim`."""
    return text.strip(_SPACE)


def plain_number(value: Number) -> Number:
    """The number as JSON printed by JavaScript reads back: 1.0 is 1, -0.0 is 0.

    JavaScript prints the fewest digits that tell a double from its neighbours and
    fills up with zeros: 2^60 becomes 1152921504606847000. Only from 1e21 on it prints
    an exponent.
    """
    if not isinstance(value, float) or not value.is_integer():
        return value
    if abs(value) < _SAFE_INTEGER:
        return int(value)
    return int(Decimal(repr(value))) if abs(value) < _FIRST_EXPONENT else value


def as_doubles(value: Any) -> Any:
    """JSON data as JavaScript reads and prints it: every number is a double.

    What that does not change is returned as it is, not copied.
    """
    if isinstance(value, int):
        return _as_double(value) if abs(value) > _SAFE_INTEGER else value
    if isinstance(value, float):
        return plain_number(value)
    if isinstance(value, list):
        items = [as_doubles(item) for item in value]
        changed = any(new is not old for new, old in zip(items, value))
        return items if changed else value
    if isinstance(value, dict):
        found = {key: as_doubles(item) for key, item in value.items()}
        changed = any(found[key] is not item for key, item in value.items())
        return found if changed else value
    return value


def _as_double(value: int) -> Number:
    try:
        return plain_number(float(value))
    except OverflowError:  # Infinity in JavaScript, which no field takes
        return value


def is_finite(value: Any) -> bool:
    """`Number.isFinite`: a number that a double can hold."""
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max
    )


def is_safe_integer(value: Any) -> bool:
    """`Number.isSafeInteger`: whole, and told from its neighbours; 1.0 is."""
    return (
        is_finite(value)
        and isinstance(plain_number(value), int)
        and abs(value) < _SAFE_INTEGER
    )


def double_sum(start: Number, addend: Number) -> Number:
    """Two numbers added as doubles, printed as JavaScript does."""
    return plain_number(float(start) + float(addend))


def as_key(value: Any) -> str:
    """`String(value)`, which is what a value becomes as the key of an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return ",".join("" if item is None else as_key(item) for item in value)
    if isinstance(value, float):
        return _float_text(value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def _float_text(value: float) -> str:
    """`Number.prototype.toString`: exponents from 1e21 up, and below 1e-6."""
    number = plain_number(value)
    text = repr(number)
    mantissa, _, power = text.partition("e")
    if isinstance(number, int) or not power:
        return text
    if -6 <= int(power) < 0:
        return format(Decimal(text), "f")
    return f"{mantissa}e{int(power):+d}"


def round_half_up(value: float) -> int:
    """`Math.round`: halves go up, so -0.5 gives 0."""
    floor = math.floor(value)
    return floor + 1 if value - floor >= 0.5 else floor


def parse_int(text: str) -> Optional[Number]:
    """`parseInt(text, 10)`: the leading digits; None where JavaScript gives NaN."""
    found = _INT.match(trim(text))
    if not found:
        return None
    # Every number is a double, so long runs of digits lose their tail.
    return plain_number(float(found.group()))


def parse_float(text: str) -> Optional[Number]:
    """`parseFloat(text)`: the leading number; None where JavaScript gives NaN."""
    found = _FLOAT.match(trim(text))
    return plain_number(float(found.group())) if found else None
