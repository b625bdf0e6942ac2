"""What texts and names look like to people: dates, numbers with other signs in them, identifiers."""

import re
from collections.abc import Iterable

from . import values

_TIME = r"([T ]+\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?)?"
_DATE = re.compile(
    rf"(\d{{4}}([-/.])\d{{1,2}}\2\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\3(\d{{4}}|\d{{2}})){_TIME}", re.IGNORECASE
)
_MIDNIGHT = re.compile(r"T00:00:00(\.0+)?$")  # of a frame's days
_SIGN = r"[$€£¥₹]|[A-Z]{3}"
_DRESSED = re.compile(
    rf"[-+]?\s?({_SIGN})?\s?[-+]?(\d{{1,3}}([,.'\u00a0\u202f ]\d{{3}})+|\d+)([.,]\d+)?\s?(%|{_SIGN})?"
)
_IDENTIFIER = re.compile(r"(.*[ _.-])?(id|idx|index|rowid|uuid|guid)|row[ _.-]?(no|nr|num|number)|unnamed: ?\d+")
_CAMEL = re.compile(r".*[a-z](Id|ID)")


def date(texts: Iterable[str]) -> str | None:
    """One of them, when all are dates, or dates and times."""
    found = list(texts)
    return _MIDNIGHT.sub("", found[0]) if found and all(map(_DATE.fullmatch, found)) else None


def dressed_number(texts: Iterable[str], comma: bool) -> str | None:
    """The first that is no plain number, when all are numbers, some with thousands separators, a currency or a percent sign."""
    odd = [text for text in texts if values.number(text, comma) is None]
    return odd[0] if odd and all(map(_DRESSED.fullmatch, odd)) else None


def identifier(name: str) -> bool:
    """Whether a column of this name tells rows apart: id, index, customer_id, PassengerId."""
    return bool(_IDENTIFIER.fullmatch(name.lower()) or _CAMEL.fullmatch(name))
