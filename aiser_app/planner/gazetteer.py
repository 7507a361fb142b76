"""Countries by name, adjective and code, and everyday words for common states: values' other names."""

from __future__ import annotations

from collections.abc import Iterator

from aiser_app.domain.semantic_model import Dimension
from aiser_app.planner.words import split_name, word_set

_COUNTRIES = """
AT AUT Austria austrian|AU AUS Australia australian|AE ARE United_Arab_Emirates emirati uae|AR ARG Argentina argentinian argentine
BE BEL Belgium belgian|BG BGR Bulgaria bulgarian|BR BRA Brazil brazilian|CA CAN Canada canadian|CH CHE Switzerland swiss
CL CHL Chile chilean|CN CHN China chinese|CO COL Colombia colombian|CY CYP Cyprus cypriot|CZ CZE Czech_Republic czech czechia
DE DEU Germany german|DK DNK Denmark danish|EE EST Estonia estonian|EG EGY Egypt egyptian|ES ESP Spain spanish|FI FIN Finland finnish
FR FRA France french|GB GBR United_Kingdom british uk britain england english great_britain|GR GRC Greece greek|HK HKG Hong_Kong
HR HRV Croatia croatian|HU HUN Hungary hungarian|ID IDN Indonesia indonesian|IE IRL Ireland irish|IL ISR Israel israeli|IN IND India indian
IS ISL Iceland icelandic|IT ITA Italy italian|JP JPN Japan japanese|KE KEN Kenya kenyan|KR KOR South_Korea korean|LT LTU Lithuania lithuanian
LU LUX Luxembourg luxembourgish|LV LVA Latvia latvian|MA MAR Morocco moroccan|MT MLT Malta maltese|MX MEX Mexico mexican|MY MYS Malaysia malaysian
NG NGA Nigeria nigerian|NL NLD Netherlands dutch holland|NO NOR Norway norwegian|NZ NZL New_Zealand|PE PER Peru peruvian|PH PHL Philippines filipino
PL POL Poland polish|PT PRT Portugal portuguese|RO ROU Romania romanian|RS SRB Serbia serbian|RU RUS Russia russian|SA SAU Saudi_Arabia saudi
SE SWE Sweden swedish|SG SGP Singapore singaporean|SI SVN Slovenia slovenian|SK SVK Slovakia slovak|TH THA Thailand thai|TR TUR Turkey turkish
XS SCO Scotland scottish scots|XW WAL Wales welsh|TW TWN Taiwan taiwanese|UA UKR Ukraine ukrainian|US USA United_States american america usa|VN VNM Vietnam vietnamese|ZA ZAF South_Africa south_african
"""
_MOST_STATES = 30
_ANSWERS = word_set("yes no true false")
_STATE_NAMES = word_set("""status state stage phase result outcome stat disposition condition res progress
    decision""")
_PLACES = word_set("country nation land market ctry cntry origin region nationality location state")
_CODES: dict[str, tuple[str, ...]] = {}
for _entry in _COUNTRIES.replace("\n", "|").split("|"):
    if _entry.strip():
        _parts = tuple(p.replace("_", " ") for p in _entry.split())
        for _part in _parts:
            _CODES[_part.lower()] = _parts
_NOT_WORDS = word_set("in is it at be no de es us co me so id my pe ma to")
"""Codes that are English words are no names of countries in a question."""

_STATES = (
    "open offen active running live ongoing current",
    "in_progress in_process ongoing processing in_arb in_arbeit",
    "completed complete done finished closed fulfilled fert fertig erledigt",
    "cancelled canceled cancellation cancellations void voided storno storniert",
    "failed failure failures nok unsuccessful fail rejected", "passed ok pass successful success",
    "paid settled", "unpaid outstanding open", "overdue late past_due", "terminated left resigned former",
    "inactive disabled deactivated", "returned return returns sent_back", "delivered arrived",
    "shipped dispatched sent", "refunded refund refunds", "pending waiting open", "won successful",
    "lost unsuccessful", "churned lost cancelled", "trial trialing trialling", "no_show noshow no_shows",
    "draft drafts", "approved accepted", "on_hold paused suspended", "resolved solved closed",
    "expired lapsed", "approved granted", "checked_out checkedout",
)  # fmt: skip
_KIND_WORDS = (
    "mobile phone phones smartphone smartphones cell", "desktop computer pc", "male man men m",
    "female woman women f", "high h severe critical", "low l minor", "medium m moderate",
    "online web internet", "full_time fulltime", "part_time parttime", "credit_card card", "premium vip",
    "monthly month", "annual yearly annually", "cash cash_payment", "retail private",
    "residential household households", "commercial business", "video videos", "business corporate company",
    "leisure vacation holiday",
)  # fmt: skip


def _by_word(groups: tuple[str, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in groups:
        words = {w.replace("_", " ") for w in group.split()}
        for word in words:
            found.setdefault(word, set()).update(words - {word})
    return found


_SAME = _by_word(_STATES)
_KINDS = _by_word(_KIND_WORDS)


def other_names(dimension: Dimension) -> Iterator[tuple[str, str, str, float]]:
    """(value, other words for it, how, score) for the values of a column."""
    known = {" ".join(split_name(v)) for v in dimension.values}
    is_place = bool(_PLACES & set(split_name(f"{dimension.name} {dimension.title}")))
    is_place = is_place or _looks_like_countries(dimension)
    for value in dimension.values:
        if is_place:
            yield from _place_names(value)
        if len(dimension.values) <= _MOST_STATES:
            yield from _state_names(value, value, dimension, known)
    for code, title in dimension.value_titles:
        if title.lower() not in _ANSWERS:
            yield code, title, "value", 0.97
        yield from _state_names(code, title, dimension, known)


def _place_names(value: str) -> Iterator[tuple[str, str, str, float]]:
    for name in _CODES.get(value.strip().lower(), ()):
        if name.lower() != value.lower() and name.lower() not in _NOT_WORDS:
            yield value, name, "value", 0.93


def _state_names(
    value: str, said: str, dimension: Dimension, known: set[str]
) -> Iterator[tuple[str, str, str, float]]:
    for word in sorted(_synonyms(said, dimension) - known):
        if len(word) > 1:
            yield value, word, "synonym", 0.86


def _synonyms(value: str, dimension: Dimension) -> set[str]:
    """Words for states mean a state only in columns that hold one."""
    key = " ".join(split_name(value))
    is_state = bool(_STATE_NAMES & set(split_name(f"{dimension.name} {dimension.title}")))
    return (_SAME.get(key, set()) if is_state else set()) | _KINDS.get(key, set())


def _looks_like_countries(dimension: Dimension) -> bool:
    values = [v.strip().lower() for v in dimension.values]
    hits = sum(v in _CODES for v in values)
    return len(values) >= 3 and hits >= 0.8 * len(values)


_TRUE_VALUES = ({"y", "n"}, {"yes", "no"}, {"t", "f"}, {"true", "false"}, {"1", "0"}, {"j", "n"})
_TRUE = word_set("y yes t true 1 j")


def true_value(dimension: Dimension) -> str:
    """What a yes/no column kept as text or number holds for yes; empty when it is none."""
    values = {v.strip().lower() for v in dimension.values}
    if 0 < len(values) <= 2 and any(values <= known for known in _TRUE_VALUES):
        return next((v for v in dimension.values if v.strip().lower() in _TRUE), "")
    flagged = split_name(dimension.name)[:1] in (("is",), ("has",), ("was",))
    if (
        flagged
        and dimension.distinct_count == 2
        and (dimension.minimum, dimension.maximum) in (("0", "1"), ("", ""))
    ):
        return "1" if not values else ""
    return ""
