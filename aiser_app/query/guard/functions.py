"""Functions that sqlglot has no class for, by dialect.

Nothing here reads files, the network, settings, catalogs or variables, has a side effect, waits,
takes a format width or a count of repetitions, or calls another function by its name in a string.
"""

from __future__ import annotations

from aiser_app.query.guard.functions_warehouse import (
    BIGQUERY,
    CLICKHOUSE,
    CLICKHOUSE_AGGREGATES,
    SNOWFLAKE,
    SPARK,
    TRINO,
    TSQL,
)

_DUCKDB = """
age arbitrary array_length array_to_json bit_count cardinality century damerau_levenshtein date_add
date_part date_sub datepart datesub days_in_month decade element_at entropy epoch_ns epoch_us era
even favg fdiv fmod fsum gamma gcd geomean geometric_mean greatest_common_divisor hamming hash
histogram isfinite isoyear jaccard jaro_similarity json_array json_array_length json_contains
json_exists json_group_array json_group_object json_object json_valid json_value julian kahan_sum
kurtosis_pop lcm least_common_multiple lgamma list_any_value list_avg list_cat list_count
list_element list_extract list_first list_has_all list_indexof list_intersect list_last list_mad
list_median list_mode list_position list_product list_reduce list_reverse list_slice list_sum list_unique
list_zip mad make_timestamp_ms map_contains map_entries map_extract map_values mean microsecond
millennium millisecond nanosecond nfc_normalize now octet_length ord prefix product
reservoir_quantile round_even sem signbit strip_accents strlen suffix sumkahan timezone
timezone_hour timezone_minute to_hours to_json to_microseconds to_milliseconds to_minutes to_months
to_quarters to_seconds to_weeks to_years transaction_timestamp try_strptime url_decode url_encode
wavg weekday weighted_avg yearweek
"""

_POSTGRES = """
age array_dims array_lower array_ndims array_positions array_replace array_upper
ascii bit_count btrim cardinality clock_timestamp date_part div enum_range every gcd
isempty isfinite json_agg json_array_elements json_array_elements_text
json_array_length json_build_array json_build_object json_each json_each_text json_extract_path
json_extract_path_text json_object json_object_agg json_object_keys json_typeof jsonb_agg
jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text
jsonb_object jsonb_object_agg jsonb_object_keys jsonb_pretty jsonb_strip_nulls jsonb_typeof lcm
lower_inc lower_inf make_date make_time make_timestamp make_timestamptz min_scale num_nonnulls
num_nulls octet_length power regexp_count regexp_matches regexp_match regexp_split_to_array
regexp_split_to_table row row_to_json scale sha224 sha256 sha384 sha512 similarity sind cosd tand
st_area st_astext st_centroid st_contains st_distance st_dwithin st_intersects st_length
st_makepoint st_point st_setsrid st_within st_x st_y starts_with statement_timestamp string_to_table
substr timezone to_ascii to_date to_json to_jsonb transaction_timestamp trim_scale unaccent
upper_inc upper_inf word_similarity date_bin
"""

_MYSQL = """
acos adddate addtime bin bit_count char_length character_length conv convert_tz crc32 curdate
curtime date_format datediff day dayname dayofmonth dayofweek dayofyear field
find_in_set format from_days from_unixtime hex hour inet6_aton inet6_ntoa inet_aton inet_ntoa
is_ipv4 is_ipv6 isnull json_arrayagg json_contains json_contains_path json_depth json_extract
json_keys json_length json_objectagg json_overlaps json_pretty json_quote json_search json_type
json_unquote json_valid json_value last_day lcase locate log10 log2 makedate maketime microsecond
mid minute mod month monthname now oct octet_length ord period_add period_diff position pow power
quarter rlike sec_to_time second st_area st_astext st_contains st_distance st_distance_sphere
st_intersects st_within st_x st_y std strcmp subdate subtime time_format time_to_sec timediff to_seconds
truncate ucase unhex unix_timestamp var_pop week weekday weekofyear yearweek
"""

_SQLITE = """
concat_ws datetime glob hex ifnull instr json json_array json_array_length json_each
json_extract json_group_array json_group_object json_object json_quote json_tree json_type
json_valid julianday like likelihood likely median octet_length percentile percentile_cont
percentile_disc substr time timediff total unixepoch unlikely date strftime log2 log10
"""

_DIALECTS = {
    "duckdb": _DUCKDB,
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "sqlite": _SQLITE,
    "clickhouse": CLICKHOUSE,
    "snowflake": SNOWFLAKE,
    "bigquery": BIGQUERY,
    "tsql": TSQL,
    "trino": TRINO,
    "spark": SPARK,
    "databricks": SPARK,
}

NAMED_FUNCTIONS = {dialect: frozenset(words.split()) for dialect, words in _DIALECTS.items()}
"""By dialect, in small letters."""

AGGREGATES = frozenset(CLICKHOUSE_AGGREGATES.split())
"""Aggregates of ClickHouse, in small letters, without their combinators."""

COMBINATORS = (
    "if", "array", "map", "distinct", "ornull", "ordefault", "foreach", "state", "merge",
)  # fmt: skip
"""What ClickHouse lets people write after the name of an aggregate: `sumIf`, `uniqArrayIf`."""

_POSTGRES_ROWS = """
json_array_elements json_array_elements_text json_each json_each_text json_object_keys
jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys
regexp_matches regexp_split_to_table string_to_table
"""

ROW_FUNCTIONS = {
    "postgres": frozenset(_POSTGRES_ROWS.split()),
    "sqlite": frozenset({"json_each", "json_tree"}),
}
"""Functions that may stand in FROM: they make rows out of the values that they are given."""


def is_aggregate(name: str) -> bool:
    """Whether `name` is an aggregate of ClickHouse, with combinators or without."""
    left = name.casefold()
    while left not in AGGREGATES:
        ending = next((word for word in COMBINATORS if left.endswith(word)), None)
        if ending is None:
            return False
        left = left[: -len(ending)]
    return True
