"""Units of numbers, where a description or a suffix of the name says them; never guessed."""

from __future__ import annotations

import re

from aiser_app.domain.catalog import name_words

_WORDS = {
    "seconds": "s",
    "minutes": "min",
    "hours": "h",
    "days": "days",
    "weeks": "weeks",
    "months": "months",
    "years": "years",
    "miles": "miles",
    "kilometers": "km",
    "kilometres": "km",
    "meters": "m",
    "metres": "m",
    "feet": "ft",
    "inches": "in",
    "mph": "mph",
    "miles per hour": "mph",
    "km/h": "km/h",
    "knots": "kn",
    "percent": "%",
    "degrees": "°",
    "°f": "°F",
    "°c": "°C",
    "degrees fahrenheit": "°F",
    "degrees celsius": "°C",
    "millibars": "mbar",
    "hpa": "hPa",
    "kilograms": "kg",
    "kg": "kg",
    "grams": "g",
    "tonnes": "t",
    "pounds": "lb",
    "litres": "l",
    "liters": "l",
    "kwh": "kWh",
    "mwh": "MWh",
    "usd": "USD",
    "us dollars": "USD",
    "dollars": "USD",
    "eur": "EUR",
    "euros": "EUR",
    "gbp": "GBP",
    "chf": "CHF",
    "pounds sterling": "GBP",
    "cents": "cents",
    "euro cents": "cents",
    "pence": "pence",
    "milliseconds": "ms",
    "ms": "ms",
    "km": "km",
    "cubic metres": "m³",
    "cubic meters": "m³",
    "m3": "m³",
    "kw": "kW",
    "watts": "W",
    "bytes": "bytes",
    "mb": "MB",
    "gb": "GB",
    "tons": "t",
    "nights": "nights",
    "minuten": "min",
    "stunden": "h",
    "tagen": "days",
}
_SUFFIXES = {
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "ms": "ms",
    "mins": "min",
    "minutes": "min",
    "hrs": "h",
    "hours": "h",
    "days": "days",
    "miles": "miles",
    "km": "km",
    "kg": "kg",
    "lbs": "lb",
    "mph": "mph",
    "kmh": "km/h",
    "pct": "%",
    "percent": "%",
    "percentage": "%",
    "kwh": "kWh",
    "mwh": "MWh",
    "usd": "USD",
    "eur": "EUR",
    "gbp": "GBP",
    "chf": "CHF",
    "jpy": "JPY",
    "cents": "cents",
    "cent": "cents",
    "pence": "pence",
    "s": "s",
    "h": "h",
    "kw": "kW",
    "mw": "MW",
    "wh": "Wh",
    "mm": "mm",
    "cm": "cm",
    "m2": "m²",
    "sqm": "m²",
    "sqft": "sq ft",
    "m3": "m³",
    "cbm": "m³",
    "litres": "l",
    "liters": "l",
    "ltr": "l",
    "tonnes": "t",
    "lb": "lb",
    "bytes": "bytes",
    "mb": "MB",
    "gb": "GB",
    "weeks": "weeks",
    "months": "months",
    "years": "years",
    "nights": "nights",
    "celsius": "°C",
    "fahrenheit": "°F",
    "bps": "bp",
}
_LASTING = frozenset(
    [
        "duration",
        "dur",
        "dauer",
        "delay",
        "wait",
        "waiting",
        "elapsed",
        "length",
        "lead",
        "response",
        "processing",
        "travel",
        "handling",
        "cycle",
        "run",
        "setup",
        "talk",
        "hold",
        "time",
        "duree",
        "duracion",
        "durata",
    ]
)
_IN_UNIT = re.compile(
    r"\bin ("
    + "|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
    + r")(?![\w])",
    re.IGNORECASE,
)


def unit_of(name: str, description: str) -> str:
    """The unit as written after a number, or an empty text.

    “Departure delay in minutes” and `weight_kg` say theirs, `delay` does not.
    """
    found = _IN_UNIT.search(description)
    if found:
        return _WORDS[found.group(1).casefold()]
    words = name_words(name)
    if len(words) < 2:
        return ""
    if words[-1] == "min":  # else the smallest of something
        return "min" if set(words) & _LASTING else ""
    written = name.casefold().rpartition("_")[2]  # `m2` is two words of a name, and one unit
    return _SUFFIXES.get(written) or _SUFFIXES.get(words[-1], "")
