"""What people call the tables and columns that schemas abbreviate."""

from __future__ import annotations

from aiser_app.domain.catalog import name_words, singular
from aiser_app.domain.semantic_model import Aggregation

ABBREVIATIONS = {
    "acct": "account",
    "addr": "address",
    "alt": "altitude",
    "amt": "amount",
    "arr": "arrival",
    "avg": "average",
    "bal": "balance",
    "cat": "category",
    "cd": "code",
    "cnt": "count",
    "cust": "customer",
    "curr": "currency",
    "dep": "departure",
    "dept": "department",
    "desc": "description",
    "dest": "destination",
    "dewp": "dew point",
    "dir": "direction",
    "disc": "discount",
    "dist": "distance",
    "dob": "date of birth",
    "dow": "day of week",
    "dst": "daylight saving",
    "dt": "date",
    "dur": "duration",
    "emp": "employee",
    "eta": "estimated arrival",
    "faa": "FAA code",
    "fk": "key",
    "freq": "frequency",
    "fwd": "forward",
    "grp": "group",
    "hr": "hour",
    "hrs": "hours",
    "humid": "humidity",
    "id": "ID",
    "inv": "invoice",
    "lat": "latitude",
    "lng": "longitude",
    "loc": "location",
    "lon": "longitude",
    "mgr": "manager",
    "mfr": "manufacturer",
    "mkt": "market",
    "mth": "month",
    "nbr": "number",
    "nr": "number",
    "num": "number",
    "ord": "order",
    "org": "organization",
    "orig": "origin",
    "pct": "percent",
    "pk": "key",
    "pmt": "payment",
    "precip": "precipitation",
    "prev": "previous",
    "prod": "product",
    "qty": "quantity",
    "ref": "reference",
    "reg": "region",
    "rev": "revenue",
    "sched": "scheduled",
    "seq": "sequence",
    "sku": "SKU",
    "tailnum": "tail number",
    "tel": "telephone",
    "temp": "temperature",
    "ts": "time",
    "txn": "transaction",
    "tz": "time zone",
    "tzone": "time zone name",
    "url": "URL",
    "usr": "user",
    "visib": "visibility",
    "vol": "volume",
    "wk": "week",
    "wt": "weight",
    "yr": "year",
    "ytd": "year to date",
    "zip": "ZIP code",
}
"""Written by hand from words that business and transport schemas use."""

_FIRST_WORDS = {"min": "minimum", "max": "maximum"}
_LAST_WORDS = {"no": "number"}
"""Words that are abbreviations in one place only: `min_price`, but `duration_min`; `order_no`."""
_TABLE_PREFIXES = frozenset({"dim", "fct", "fact", "tbl", "stg", "vw"})
_AGGREGATES = {
    Aggregation.SUM: "Total {}",
    Aggregation.AVG: "Average {}",
    Aggregation.MIN: "Minimum {}",
    Aggregation.MAX: "Maximum {}",
    Aggregation.MEDIAN: "Median {}",
    Aggregation.COUNT: "Number of {}",
    Aggregation.COUNT_DISTINCT: "Number of distinct {}",
}


def column_title(name: str) -> str:
    """`dep_delay` is “Departure delay”."""
    words = [ABBREVIATIONS.get(word, word) for word in name_words(name)]
    if len(words) > 1:
        words[0] = _FIRST_WORDS.get(words[0], words[0])
        words[-1] = _LAST_WORDS.get(words[-1], words[-1])
    return _capital(" ".join(words)) or name


def table_title(name: str) -> str:
    """`dim_order_items` is “Order items”."""
    words = [word for word in name_words(name.rpartition(".")[2]) if word not in _TABLE_PREFIXES]
    return _capital(" ".join(ABBREVIATIONS.get(word, word) for word in words)) or name


def singular_title(title: str) -> str:
    """“Order items” is “Order item”."""
    head, space, last = title.rpartition(" ")
    return f"{head}{space}{singular(last)}"


def measure_title(aggregation: Aggregation, title: str) -> str:
    """“Departure delay” averaged is “Average departure delay”."""
    return _AGGREGATES[aggregation].format(_lower(title))


def plural(title: str) -> str:
    """“Tail number” is “tail numbers”, well enough for English nouns."""
    if title.endswith("y") and title[-2:-1] not in "aeiou":
        return f"{title[:-1]}ies"
    if title.endswith("s") and not title.endswith("ss"):
        return title
    return f"{title}es" if title.endswith(("s", "x", "z", "ch", "sh")) else f"{title}s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    """The first letter small, unless the first word is an acronym."""
    first = text.partition(" ")[0]
    return text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]
