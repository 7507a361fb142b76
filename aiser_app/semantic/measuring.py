"""Which numbers of a table measure something, what may be done with them, and which one is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiser_app.domain.catalog import name_words
from aiser_app.domain.semantic_model import Aggregation, Measure

_MONEY_NAMES = (
    "revenue turnover sales amount total gross net value spend spent paid charge charged billed "
    "umsatz betrag summe montant chiffre importe ventas ingresos totaal bedrag importo fatturato"
)
_MONEY = frozenset(_MONEY_NAMES.split()) | {"amt", "rev", "sum", "usd", "eur", "gbp", "chf"}
_SECOND_NAMES = (
    "discount tax vat shipping fee cost costs refund refunded tip deposit surcharge rabatt steuer "
    "kosten coupon adjustment commission penalty budget target plan planned forecast"
)
_SECOND = frozenset(_SECOND_NAMES.split())
"""Parts of an amount, and amounts that did not happen: not what "how much" means."""
_QUANTITY_NAMES = (
    "quantity qty units volume kwh mwh weight hours minutes duration clicks impressions menge "
    "anzahl cantidad quantite consumption usage distance seats nights passengers count cnt"
)
_QUANTITIES = frozenset(_QUANTITY_NAMES.split())
_LEVEL_NAMES = (
    "rate pct percent percentage share ratio score rating age latitude longitude lat lon lng "
    "temperature temp humidity pressure probability margin_pct balance altitude rank speed "
    "angle index avg average mean median grade gpa version lvl level prio priority tier stars"
)
_LEVELS = frozenset(_LEVEL_NAMES.split())
"""Numbers that say how high something is: their sum says nothing."""
_ADDITIVE_UNITS = frozenset(("s", "min", "h", "days", "kg", "t", "km", "kWh", "MWh", "l", "m³"))
_WHOLE = frozenset(("total", "revenue", "turnover", "umsatz", "gross"))
_PER_UNIT = frozenset(("unit", "list", "avg", "standard", "std", "per", "einzel"))
_PRICES = frozenset(("price", "prc", "cost", "preis", "precio", "prix", "prezzo"))


def is_level(name: str) -> bool:
    """Whether adding the numbers up says nothing: rates, shares, scores, prices of a unit."""
    words = set(name_words(name))
    return bool(words & _LEVELS) or bool(words & _PER_UNIT and words & _PRICES)


def with_default(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """The sum that "how much" means: the whole amount of money, else the quantity."""
    ranked = sorted(
        (rank, position)
        for position, item in enumerate(measures)
        if item.aggregation is Aggregation.SUM and not item.is_hidden
        if (rank := _rank(item)) is not None
    )
    if not ranked:
        return tuple(measures)
    chosen = ranked[0][1]
    return tuple(
        replace(item, is_default=position == chosen) for position, item in enumerate(measures)
    )


def _rank(measure: Measure) -> tuple[int, int] | None:
    """Money before quantities; whole amounts before their parts; totals before the rest."""
    words = set(name_words(measure.column))
    if words & _MONEY:
        return (2 if words & _SECOND else 0), (0 if words & _WHOLE else 1)
    if words & _PRICES and not is_level(measure.column):
        return (1, 0)
    if words & _QUANTITIES or measure.unit in _ADDITIVE_UNITS:
        return (4 if words & _SECOND else 3), 0
    return None
