"""Closed word classes and business words: English only, nothing of any particular database."""

from __future__ import annotations

from aiser_app.domain.semantic_model import Aggregation
from aiser_app.domain.semantic_query import Granularity
from aiser_app.planner.words import word_set

FUNCTION_WORDS = word_set("""a an the of in on at for to from with by is are was were be been being do does did has
    have had having there it its their our my me we us i you your this that these those which what
    who whose whom where when how much give show list find get tell display see return please can
    could would like want need know let as than then only just into when if each every all any per
    here s am also so show me visualize visualise plot chart graph draw table named called
    during within through respective pls plz currently overall ever altogether get gets got placed made recorded registered happened occurred""")
FUNCTION_PHRASES = (
    ("in", "total"), ("all", "together"), ("so", "far"), ("at", "all"), ("took", "place"),
    ("take", "place"), ("right", "now"), ("as", "well"), ("on", "record"),
)  # fmt: skip
"""Several words that add nothing together, though one of them alone would."""
PREPOSITIONS = word_set("from to into in on at for of with by during via between")
CONJUNCTIONS = {"and": "and", "or": "or", ",": "and", "plus": "and", "&": "and"}
IGNORED_SYMBOLS = frozenset("$€£.?!*/^~|{}[]\\+=")
GENERIC_NOUNS = word_set("row record entry value data result")
"""Nouns that name no entity: "how many rows", "sorted by value"."""

AGGREGATES: dict[tuple[str, ...], Aggregation] = {
    ("average",): Aggregation.AVG,
    ("avg",): Aggregation.AVG,
    ("mean",): Aggregation.AVG,
    ("typical",): Aggregation.MEDIAN,
    ("median",): Aggregation.MEDIAN,
    ("sum",): Aggregation.SUM,
    ("total",): Aggregation.SUM,
    ("combined",): Aggregation.SUM,
    ("minimum",): Aggregation.MIN,
    ("min",): Aggregation.MIN,
    ("maximum",): Aggregation.MAX,
    ("max",): Aggregation.MAX,
    ("count",): Aggregation.COUNT,
    ("counts",): Aggregation.COUNT,
    ("number", "of"): Aggregation.COUNT,
    ("numbers", "of"): Aggregation.COUNT,
    ("total", "number", "of"): Aggregation.COUNT,
    ("overall", "number", "of"): Aggregation.COUNT,
    ("total", "count", "of"): Aggregation.COUNT,
    ("count", "of"): Aggregation.COUNT,
    ("how", "many"): Aggregation.COUNT,
    ("no", "of"): Aggregation.COUNT,
    ("no", ".", "of"): Aggregation.COUNT,
    ("nr", "of"): Aggregation.COUNT,
    ("#", "of"): Aggregation.COUNT,
    ("how", "much"): Aggregation.SUM,
    ("sum", "of"): Aggregation.SUM,
    ("sum", "total", "of"): Aggregation.SUM,
    ("amount", "of"): Aggregation.COUNT,
    ("volume", "of"): Aggregation.COUNT,
}
DISTINCT_WORDS = frozenset(("distinct", "unique", "different"))
AGGREGATE_WORDS: dict[Aggregation, str] = {
    Aggregation.COUNT: "number of",
    Aggregation.COUNT_DISTINCT: "number of different",
    Aggregation.SUM: "total",
    Aggregation.AVG: "average",
    Aggregation.MIN: "minimum",
    Aggregation.MAX: "maximum",
    Aggregation.MEDIAN: "median",
}

EXTREMES: dict[str, tuple[str, str]] = {
    # word: (direction, what it can stand before)
    "most": ("high", "count"),
    "least": ("low", "count"),
    "fewest": ("low", "count"),
    "highest": ("high", "number"),
    "largest": ("high", "number"),
    "biggest": ("high", "number"),
    "greatest": ("high", "number"),
    "longest": ("high", "number"),
    "lowest": ("low", "number"),
    "smallest": ("low", "number"),
    "shortest": ("low", "number"),
    "top": ("high", "pick"),
    "bottom": ("low", "pick"),
    "best": ("best", "pick"),
    "worst": ("worst", "pick"),
}
SUPERLATIVE_FOR = {True: "highest", False: "lowest"}

COMPARISONS: dict[tuple[str, ...], str] = {
    (">",): "gt",
    (">=",): "gte",
    ("<",): "lt",
    ("<=",): "lte",
    ("=",): "equals",
    ("!=",): "notEquals",
    ("<>",): "notEquals",
    ("more", "than"): "gt",
    ("greater", "than"): "gt",
    ("higher", "than"): "gt",
    ("larger", "than"): "gt",
    ("bigger", "than"): "gt",
    ("longer", "than"): "gt",
    ("over",): "gt",
    ("above",): "gt",
    ("exceeding",): "gt",
    ("at", "least"): "gte",
    ("no", "less", "than"): "gte",
    ("not", "less", "than"): "gte",
    ("minimum", "of"): "gte",
    ("less", "than"): "lt",
    ("fewer", "than"): "lt",
    ("lower", "than"): "lt",
    ("smaller", "than"): "lt",
    ("shorter", "than"): "lt",
    ("under",): "lt",
    ("below",): "lt",
    ("at", "most"): "lte",
    ("not", "over"): "lte",
    ("not", "above"): "lte",
    ("not", "under"): "gte",
    ("not", "below"): "gte",
    ("no", "more", "than"): "lte",
    ("not", "more", "than"): "lte",
    ("up", "to"): "lte",
    ("exactly",): "equals",
    ("equal", "to"): "equals",
    ("equals",): "equals",
}
NEGATIONS = (
    ("other", "than"), ("except", "for"), ("but", "not"), ("aside", "from"), ("apart", "from"),
    ("excluding",), ("leave", "out"), ("leaving", "out"), ("leaves", "out"), ("ignore",),
    ("no", "longer"), ("omit",), ("omitting",), ("skip",), ("skipping",), ("disregard",), ("disregarding",), ("except",), ("not",), ("exclude",), ("excludes",), ("ignoring",),
)  # fmt: skip
GROUP_CUES = (
    ("broken", "down", "by"), ("grouped", "by"), ("group", "by"), ("split", "by"),
    ("breakdown", "by"), ("for", "each"), ("for", "every"), ("in", "each"), ("of", "each"),
    ("at", "each"), ("from", "each"), ("to", "each"), ("by", "each"), ("on", "each"),
    ("depending", "on"), ("across",), ("per",), ("by",), ("each",), ("every",),
)  # fmt: skip
ORDER_CUES = (
    ("ordered", "by"), ("order", "by"), ("sorted", "by"), ("sort", "by"), ("ranked", "by"),
    ("rank", "by"), ("in", "order", "of"), ("ordered", "on"),
)  # fmt: skip
DIRECTIONS: dict[tuple[str, ...], bool] = {
    ("in", "ascending", "order"): False,
    ("in", "descending", "order"): True,
    ("from", "highest", "to", "lowest"): True,
    ("from", "lowest", "to", "highest"): False,
    ("from", "high", "to", "low"): True,
    ("from", "low", "to", "high"): False,
    ("highest", "first"): True,
    ("largest", "first"): True,
    ("most", "first"): True,
    ("lowest", "first"): False,
    ("smallest", "first"): False,
    ("ascending",): False,
    ("asc",): False,
    ("descending",): True,
    ("desc",): True,
    ("alphabetically",): False,
}
GRAINS = {
    "hour": Granularity.HOUR, "day": Granularity.DAY, "date": Granularity.DAY,
    "week": Granularity.WEEK, "month": Granularity.MONTH, "quarter": Granularity.QUARTER,
    "year": Granularity.YEAR,
}  # fmt: skip
GRAIN_ADVERBS = {
    "hourly": Granularity.HOUR, "daily": Granularity.DAY, "weekly": Granularity.WEEK,
    "monthly": Granularity.MONTH, "quarterly": Granularity.QUARTER, "yearly": Granularity.YEAR,
    "annually": Granularity.YEAR, "annual": Granularity.YEAR,
}  # fmt: skip
CALENDAR_WORDS = frozenset((*GRAINS, "time", "minute"))

UNSUPPORTED: dict[tuple[str, ...], str] = {
    ("why",): "reasons (why)", ("explain",): "reasons (explain)", ("reason", "for"): "reasons",
    ("reasons", "for"): "reasons",
    ("cause",): "causes", ("because",): "causes", ("driver", "of"): "causes",
    ("forecast",): "forecasts", ("predict",): "forecasts", ("prediction",): "forecasts",
    ("expected",): "forecasts", ("will",): "the future", ("next",): "the future",
    ("correlation",): "correlations", ("correlate",): "correlations",
    ("correlated",): "correlations", ("relationship",): "correlations",
    ("affect",): "causes", ("impact",): "causes", ("depend",): "causes",
    ("ratio",): "ratios", ("share",): "shares", ("percent",): "percentages", ("%",): "percentages",
    ("percentage",): "percentages", ("proportion",): "shares", ("fraction",): "shares",
    ("rate",): "rates", ("growth",): "growth", ("grow",): "growth", ("grew",): "growth",
    ("change",): "changes", ("changed",): "changes", ("increase",): "changes",
    ("decrease",): "changes", ("increased",): "changes", ("decreased",): "changes",
    ("difference",): "differences", ("compare",): "comparisons", ("compared",): "comparisons",
    ("comparison",): "comparisons", ("versus",): "comparisons", ("vs",): "comparisons",
    ("rolling",): "rolling figures", ("cumulative",): "running totals",
    ("running",): "running totals", ("moving",): "rolling figures",
    ("without",): "things that are missing", ("never",): "things that never happened",
    ("no",): "things that are missing", ("none",): "things that are missing",
    ("neither",): "combined conditions", ("both",): "combined conditions",
    ("either",): "combined conditions", ("same",): "sameness", ("first",): "the first or last",
    ("last",): "the first or last", ("latest",): "the first or last",
    ("earliest",): "the first or last", ("newest",): "the first or last",
    ("oldest",): "the first or last", ("outlier",): "outliers", ("anomaly",): "outliers",
    ("trend",): "trends", ("variance",): "spread", ("deviation",): "spread",
    ("distribution",): "distributions", ("percentile",): "percentiles",
    ("consecutive",): "sequences", ("average", "number", "of"): "averages of counts",
    ("average", "count", "of"): "averages of counts", ("before",): "before and after",
    ("after",): "before and after", ("until",): "before and after", ("since",): "before and after",
    ("between",): "comparisons between two things", ("weekend",): "weekdays", ("weekday",): "weekdays",
    ("day", "of", "the", "week"): "weekdays", ("day", "of", "week"): "weekdays",
    ("and", "not"): "combined conditions", ("who", "not"): "things that never happened",
}  # fmt: skip
"""Operators that the narrow grammar does not compute: said by name instead of being dropped."""
WIDELY_COMPUTED = frozenset((
    "ratios", "shares", "percentages", "rates", "growth", "changes", "differences", "comparisons",
    "rolling figures", "running totals", "things that are missing", "things that never happened",
    "weekdays", "averages of counts", "before and after", "comparisons between two things",
))  # fmt: skip
"""Those of them that the wide grammar knows."""

GRAMMAR_NOUNS = word_set(
    "breakdown amount volume order group rank sum total count high low split sort row"
)
"""Words of the grammar that columns are often called: they may bind, as a second choice."""

RESERVED = frozenset(
    word
    for phrase in (*AGGREGATES, *COMPARISONS, *NEGATIONS, *GROUP_CUES, *ORDER_CUES, *DIRECTIONS)
    for word in phrase
) | frozenset((*EXTREMES, *DISTINCT_WORDS, *FUNCTION_WORDS, *GRAIN_ADVERBS, "number"))
RESERVED -= GRAMMAR_NOUNS
"""Words of the grammar: none of them alone may bind to a value or to a one-word name."""

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "fifty": 50, "hundred": 100, "dozen": 12,
}  # fmt: skip
UNITS: dict[str, tuple[str, float]] = {
    # word: (kind of quantity and its base unit, factor to the base)
    "second": ("s", 1), "sec": ("s", 1), "s": ("s", 1), "minute": ("s", 60), "min": ("s", 60),
    "hour": ("s", 3600), "hr": ("s", 3600), "h": ("s", 3600), "day": ("s", 86_400), "d": ("s", 86_400),
    "ms": ("s", 0.001), "millisecond": ("s", 0.001), "week": ("s", 604_800),
    "meter": ("m", 1), "metre": ("m", 1), "m": ("m", 1), "km": ("m", 1000), "kilometer": ("m", 1000),
    "kilometre": ("m", 1000), "mile": ("m", 1609.344), "mi": ("m", 1609.344),
    "foot": ("m", 0.3048), "feet": ("m", 0.3048), "ft": ("m", 0.3048), "inch": ("m", 0.0254),
    "gram": ("g", 1), "g": ("g", 1), "kg": ("g", 1000), "kilogram": ("g", 1000),
    "ton": ("g", 1e6), "tonne": ("g", 1e6), "t": ("g", 1e6), "lb": ("g", 453.592),
    "pound": ("g", 453.592), "dollar": ("USD", 1), "usd": ("USD", 1), "euro": ("EUR", 1),
    "eur": ("EUR", 1), "gbp": ("GBP", 1),
}  # fmt: skip
SCALE_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "mio": 1e6, "mn": 1e6}
UNIT_SYMBOLS = {"$": "usd", "€": "eur", "£": "gbp"}

FROM_WORDS = word_set(
    "origin from source departure depart departing start starting pickup sender src begin"
)
TO_WORDS = word_set(
    "dest destination to target arrival arrive arriving end ending dropoff receiver recipient"
)
"""Words in names of roles that agree with the prepositions `from` and `to`."""
