"""What people call the tables and columns that schemas abbreviate."""

from __future__ import annotations

from aiser_app.domain.catalog import TableProfile, name_words, shared_prefix, singular
from aiser_app.domain.semantic_model import Aggregation

ABBREVIATIONS = {
    "acct": "account",
    "addr": "address",
    "alt": "altitude",
    "amt": "amount",
    "arr": "arrival",
    "avg": "average",
    "bal": "balance",
    "brg": "bridge",
    "cat": "category",
    "ccy": "currency",
    "cd": "code",
    "cnt": "count",
    "cntry": "country",
    "crncy": "currency",
    "crt": "created",
    "ctry": "country",
    "curr": "currency",
    "cust": "customer",
    "dep": "departure",
    "dept": "department",
    "desc": "description",
    "descr": "description",
    "dest": "destination",
    "dewp": "dew point",
    "dir": "direction",
    "disc": "discount",
    "dist": "distance",
    "dlv": "delivery",
    "dlvry": "delivery",
    "dob": "date of birth",
    "dow": "day of week",
    "dst": "daylight saving",
    "dt": "date",
    "dur": "duration",
    "emp": "employee",
    "eta": "estimated arrival",
    "faa": "FAA code",
    "fk": "key",
    "flg": "flag",
    "freq": "frequency",
    "fwd": "forward",
    "grp": "group",
    "grs": "gross",
    "hh": "household",
    "hr": "hour",
    "hrs": "hours",
    "humid": "humidity",
    "id": "ID",
    "ind": "indicator",
    "insp": "inspection",
    "inv": "invoice",
    "ip": "IP",
    "itm": "item",
    "kpi": "KPI",
    "kwh": "kWh",
    "lat": "latitude",
    "lng": "longitude",
    "loc": "location",
    "lon": "longitude",
    "lvl": "level",
    "mach": "machine",
    "mat": "material",
    "mfr": "manufacturer",
    "mgmt": "management",
    "mgr": "manager",
    "mkt": "market",
    "mrr": "MRR",
    "mth": "month",
    "mwh": "MWh",
    "nbr": "number",
    "nm": "name",
    "nr": "number",
    "num": "number",
    "oper": "operator",
    "ord": "order",
    "org": "organization",
    "orig": "origin",
    "pct": "percent",
    "pk": "key",
    "pkg": "package",
    "pln": "plan",
    "pmt": "payment",
    "po": "purchase order",
    "prc": "price",
    "precip": "precipitation",
    "prev": "previous",
    "prio": "priority",
    "prod": "product",
    "purch": "purchase",
    "qty": "quantity",
    "qual": "quality",
    "rec": "received",
    "recv": "received",
    "ref": "reference",
    "reg": "region",
    "req": "request",
    "rev": "revenue",
    "rsn": "reason",
    "rtn": "return",
    "sched": "scheduled",
    "seq": "sequence",
    "shp": "shipping",
    "shpmt": "shipment",
    "sk": "key",
    "sku": "SKU",
    "sla": "SLA",
    "sts": "status",
    "subs": "subscriptions",
    "supp": "supplier",
    "suppl": "supplier",
    "supv": "supervisor",
    "svc": "service",
    "tailnum": "tail number",
    "tel": "telephone",
    "temp": "temperature",
    "tms": "time",
    "tmstmp": "time",
    "tot": "total",
    "trx": "transaction",
    "ts": "time",
    "tx": "transaction",
    "txn": "transaction",
    "typ": "type",
    "tz": "time zone",
    "tzone": "time zone name",
    "uom": "unit of measure",
    "upd": "updated",
    "url": "URL",
    "usr": "user",
    "util": "utilization",
    "val": "value",
    "vat": "VAT",
    "veh": "vehicle",
    "vend": "vendor",
    "visib": "visibility",
    "vol": "volume",
    "wh": "warehouse",
    "whse": "warehouse",
    "wk": "week",
    "wo": "work order",
    "wt": "weight",
    "yoy": "year over year",
    "yr": "year",
    "ytd": "year to date",
    "zip": "ZIP code",
}
"""Written by hand from words that business and transport schemas use."""

_ALONE = {"stat": "status", "res": "result"}
_KINDS = frozenset(("dt", "ts", "qty", "amt", "cnt", "pct"))
"""What kind of thing a column holds, where that comes before what it is about."""
_FIRST_WORDS = {"min": "minimum", "max": "maximum"}
_LAST_WORDS = {"no": "number"}
"""Words that are abbreviations in one place only: `min_price`, but `duration_min`; `order_no`."""
_TABLE_PREFIXES = frozenset({"dim", "fct", "fact", "tbl", "stg", "vw", "bridge", "brg", "lkp"})
_LONGEST_PREFIX = 4
"""Letters of what may stand before every column's name without meaning anything."""
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
    found = name_words(name)
    if len(found) > 1 and found[0] in _KINDS:
        found = (*found[1:], found[0])  # `dt_order` is the order date
    words = [ABBREVIATIONS.get(word, word) for word in found]
    if len(words) == 1:
        words = [_ALONE.get(words[0], words[0])]
    elif words:
        words[0] = _FIRST_WORDS.get(words[0], words[0])
        words[-1] = _LAST_WORDS.get(words[-1], words[-1])
    return _capital(" ".join(words)) or name


class ColumnTitles:
    """Titles of one table's columns, without words that begin every name: sbTxCustId is customer ID."""

    def __init__(self, table: TableProfile) -> None:
        cut = shared_prefix(table)
        entity = {word for part in name_words(table.name) for word in (part, singular(part))}
        entity |= _TABLE_PREFIXES
        first = name_words(table.columns[0].name)[:cut] if table.columns else ()
        # What the table is called stays: a customer's name is one, and no plain name.
        self._cut = 0 if set(first) & entity and _is_word(first) else cut

    def of(self, name: str) -> str:
        words = name_words(name)[self._cut :]
        return column_title("_".join(words)) if words else column_title(name)


def _is_word(words: tuple[str, ...]) -> bool:
    """No abbreviation of it."""
    return all(len(word) > _LONGEST_PREFIX for word in words)


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
