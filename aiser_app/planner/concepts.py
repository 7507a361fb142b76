"""What business words ask for (revenue, spend, units, duration …) and which columns supply it."""

from __future__ import annotations

from collections.abc import Iterator

from aiser_app.domain.semantic_model import Cube, Dimension, DimensionType
from aiser_app.domain.semantic_query import ColumnTerm, Operator, RowArithmetic, RowExpression
from aiser_app.planner.measuring import name_words
from aiser_app.planner.words import word_set

_WORDS = {
    "money": """revenue revenues turnover sale sales taking takings income earning earnings value money proceeds
        gross worth billing billings receipts volume""",
    "spend": "bill bills spend spending spent expenditure expenditures cost costs expense expenses outlay outlays",
    "quantity": "unit units piece pieces quantity quantities item items",
    "duration": "duration time length hour hours minute minutes lasted last lasting long",
    "price": "price prices priced",
    "profit": "profit profits earnings",
    "salary": "salary salaries pay wage wages compensation",
    "weight": "weight heavy kilos kilo kilograms kilogram kg tonnes tons tonne",
    "distance": "distance far kilometres kilometers km miles mileage",
    "volume": "litres liters litre liter gallons",
    "energy": "kwh mwh energy consumption",
    "payout": "payout payouts paid pay",
    "currency": "euro euros eur usd dollar dollars gbp pound pounds",
}
CONCEPT_WORDS: dict[str, str] = {
    word: concept for concept, text in _WORDS.items() for word in text.split()
}
CONCEPT_PHRASES: dict[tuple[str, ...], str] = {
    ("how", "much", "money"): "money", ("take", "from"): "money", ("sold", "for"): "money",
    ("units", "sold"): "quantity", ("unit", "sales"): "quantity", ("items", "sold"): "quantity",
    ("sales", "volume"): "money", ("sales", "value"): "money", ("sales", "revenue"): "money",
    ("total", "sales"): "money", ("cost", "us"): "spend", ("did", "we", "spend"): "spend",
    ("did", "we", "pay"): "spend", ("pieces", "sold"): "quantity", ("quantity", "sold"): "quantity",
    ("money", "spent"): "spend", ("media", "money"): "spend", ("sales", "amount"): "money",
}  # fmt: skip
"""Several words for one concept."""

_FITS: dict[str, dict[str, float]] = {
    "money": {
        "revenue": 5, "sale": 4, "turnover": 5, "total": 3, "amount": 2, "net": 0.5, "gross": 1,
        "value": 2, "paid": 2.5, "payment": 2, "income": 4, "grand": 2, "line": 1, "charge": 2,
        "fare": 2, "subtotal": 2, "billed": 2.5, "invoice": 1.5, "charged": 4, "price": 1, "fee": 0.8, "rent": 1,
        "usd": 1.5, "eur": 1.5, "gbp": 1.5, "premium": 1, "order": 0.5, "mrr": 1.5, "extended": 1,
    },
    "spend": {
        "spend": 5, "spent": 5, "cost": 4, "expense": 4, "expenditure": 5, "amount": 1.5, "total": 2,
        "paid": 2, "charge": 1.5, "value": 1, "price": 0.5, "purchase": 1,
    },
    "quantity": {"quantity": 4, "unit": 3, "piece": 3, "item": 1.5, "sold": 2, "count": 1, "ordered": 1},
    "duration": {"duration": 4, "minute": 3, "hour": 3, "second": 2, "time": 2, "length": 2, "elapsed": 2, "day": 2},
    "price": {"price": 4, "list": 1, "cost": 1, "rate": 1.5, "fare": 2, "unit": 0.5, "fee": 1, "tariff": 1},
    "profit": {"profit": 5, "margin": 3, "earning": 2},
    "salary": {"salary": 5, "wage": 4, "pay": 3, "compensation": 4, "gross": 1},
    "weight": {"weight": 4, "mass": 3, "kg": 3, "lb": 3, "ton": 2, "tonne": 3},
    "distance": {"distance": 4, "km": 3, "mile": 3, "mileage": 2},
    "volume": {"litre": 4, "liter": 4, "gallon": 4, "volume": 2.5},
    "energy": {"kwh": 4, "mwh": 4, "energy": 3, "consumption": 3},
    "payout": {"paid": 4, "payout": 4, "payment": 2, "amount": 1.5},
    "height": {"height": 4, "altitude": 2, "elevation": 2},
    "temperature": {"temperature": 4, "temp": 4},
}  # fmt: skip
_AGAINST: dict[str, frozenset[str]] = {
    "money": word_set("""discount tax vat shipping freight budget limit refund refunded cost unit tip target
        credit deposit id count quantity list rate minute hour second percent pct tare weight plan
        planned balance fee adjustment reduction commission redeemed standard std daily due items
        number duration day"""),
    "spend": word_set("unit budget standard std list planned quantity count rate id daily limit"),
    "quantity": word_set(
        "price amount cost id rate sample returned scrap scrapped planned reserved minimum revenue damaged per value"
    ),
    "duration": word_set("wait waiting late lead response planned estimated standard price amount id start started ended at delay"),
    "weight": word_set("capacity limit price tariff rate max maximum empty"),
    "distance": word_set("price rate cost limit per"),
    "volume": word_set("price rate cost capacity per"),
    "energy": word_set("price rate cost capacity per"),
    "price": word_set("amount total quantity id change discount days lead"),
}  # fmt: skip
_UNITS_OF = {"duration": frozenset(["min", "h", "s", "d", "hour", "day", "minute", "second"])}
_ENOUGH = 2.0
_MONEY_MOVED = word_set("charged billed collected invoiced")
_WAITING = word_set("wait waiting delay lateness lead response")
_PAYMENTS = word_set("payment transaction receipt payout settlement")
_SALE_TABLES = word_set("""order sale invoice booking transaction payment purchase receipt ticket item line
    bill charge subscription reservation shipment trip rental contract""")


def concept_columns(cube: Cube, concept: str) -> list[tuple[Dimension, float]]:
    """Number columns of a cube that supply a concept, with a fit from 0 to 1, best first."""
    found: list[tuple[Dimension, float]] = []
    for dimension in cube.dimensions:
        if dimension.type is not DimensionType.NUMBER or dimension.is_key or dimension.is_hidden:
            continue
        points = _points(cube, dimension, concept)
        if points >= _ENOUGH:
            found.append((dimension, min(1.0, 0.55 + points / 12)))
    found.sort(key=lambda hit: (-hit[1], hit[0].name))
    return found


def _points(cube: Cube, dimension: Dimension, concept: str) -> float:
    words = name_words(dimension.name, dimension.title)
    if concept == "duration" and words & _WAITING:
        return 0.0
    points = sum(weight for word, weight in _FITS.get(concept, {}).items() if word in words)
    against = _AGAINST.get(concept, frozenset())
    if words & _MONEY_MOVED:
        against -= {"rate", "unit", "price", "fee"}
    points -= 3.0 * len(words & against)
    if dimension.unit in _UNITS_OF.get(concept, ()):
        points += 3.0
    if points > 0 and concept == "money" and name_words(cube.name, cube.title) & _SALE_TABLES:
        points += 1.0
    if points > 0 and concept == "payout" and name_words(cube.name, cube.title) & _PAYMENTS:
        points += 2.0
    return points


def product_of(cube: Cube, concept: str) -> RowExpression | None:
    """Quantity times price, where a table holds both and no amount."""
    if concept not in ("money", "spend") or concept_columns(cube, concept):
        return None
    quantities = concept_columns(cube, "quantity")
    taken = {dimension.name for dimension, _ in quantities}
    prices = [hit for hit in concept_columns(cube, "price") if hit[0].name not in taken]
    if not quantities or not prices:
        return None
    gross = RowArithmetic(
        operator=Operator.MULTIPLY,
        row_left=ColumnTerm(member=f"{cube.name}.{quantities[0][0].name}"),
        row_right=ColumnTerm(member=f"{cube.name}.{prices[0][0].name}"),
    )
    discount = next((d for d in cube.dimensions if _is_discount(d)), None)
    if discount is None:
        return gross
    less = ColumnTerm(member=f"{cube.name}.{discount.name}")
    return RowArithmetic(operator=Operator.SUBTRACT, row_left=gross, row_right=less)


def _is_discount(dimension: Dimension) -> bool:
    """An amount that was taken off the line, no rate."""
    words = name_words(dimension.name, dimension.title)
    is_rate = bool(words & {"percent", "rate", "pct"}) or dimension.unit == "%"
    return dimension.type is DimensionType.NUMBER and "discount" in words and not is_rate


NAMED_RATIOS: dict[tuple[str, ...], tuple[str, str, float]] = {
    # words: (numerator word, denominator word, factor)
    ("click", "through", "rate"): ("clicks", "impressions", 100), ("ctr",): ("clicks", "impressions", 100),
    ("clickthrough", "rate"): ("clicks", "impressions", 100),
    ("cost", "per", "click"): ("spend", "clicks", 1), ("cpc",): ("spend", "clicks", 1),
    ("cost", "per", "conversion"): ("spend", "conversions", 1),
    ("cpm",): ("spend", "impressions", 1000), ("open", "rate"): ("opens", "recipients", 100),
    ("roas",): ("revenue", "spend", 1), ("unsubscribe", "rate"): ("unsubscribes", "recipients", 100),
    ("profit", "margin"): ("profit", "revenue", 100), ("gross", "margin"): ("profit", "revenue", 100),
    ("load", "factor"): ("passengers", "seats", 100), ("occupancy", "rate"): ("occupied", "capacity", 100),
    ("utilization", "rate"): ("used", "capacity", 100), ("on", "time", "rate"): ("on time", "all", 100),
}  # fmt: skip
"""Ratios that have a name of their own in business: of columns that the data must have."""


def phrases_of(stems: tuple[str, ...]) -> Iterator[str]:
    """Concepts that exactly these words name."""
    found = CONCEPT_PHRASES.get(stems)
    if found:
        yield found
    elif len(stems) == 1 and stems[0] in CONCEPT_WORDS:
        yield CONCEPT_WORDS[stems[0]]
