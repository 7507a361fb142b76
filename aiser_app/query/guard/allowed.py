"""What a query may be made of: an allow-list, so that whatever is new or unknown is refused."""

from __future__ import annotations

from sqlglot import exp


def _classes(names: str) -> frozenset[type[exp.Expr]]:
    """Classes by name; a name that this sqlglot does not know raises at import."""
    return frozenset(getattr(exp, name) for name in names.split())


_NODES = """
Select SetOperation Union Except Intersect Subquery With CTE From Join Where Group Having Qualify
Order Ordered Limit Offset Distinct Window WindowSpec Filter WithinGroup Values Table TableAlias Alias
Column Identifier Star Literal Boolean Null Paren Tuple Var Interval DataType DataTypeParam
Add Sub Mul Div IntDiv Mod Neg Pow DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
BitwiseLeftShift BitwiseRightShift
And Or Not EQ NEQ NullSafeEQ NullSafeNEQ GT GTE LT LTE Is In Between Like ILike SimilarTo Escape
Exists Any All Case If Cast TryCast Bracket Slice Dot PropertyEQ RawString
GroupingSets Rollup Cube AtTimeZone Lateral Unnest TableSample IgnoreNulls RespectNulls
"""

_FUNCTIONS = """
Abs Acos Acosh AnyValue ApproxDistinct ApproxQuantile ApproxTopK ArgMax ArgMin Array ArrayAgg
ArrayAppend ArrayConcat ArrayContains ArrayContainsAll ArrayDistinct ArrayIntersect ArrayMax ArrayMin
ArrayOverlaps ArrayPosition ArrayPrepend ArrayReverse ArraySize ArraySlice ArraySort ArrayToString
Ascii Asin Asinh Atan Atan2 Atanh Avg BitLength BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Cbrt Ceil
Chr Coalesce Concat ConcatWs Contains Corr Cos Cosh Cot Count CountIf CovarPop CovarSamp CumeDist
CurrentDate CurrentTime CurrentTimestamp Date DateAdd DateBin DateDiff DateFromParts DateSub DateTrunc
Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Degrees DenseRank EndsWith Exp Explode Extract
Factorial First FirstValue Flatten Floor GenerateSeries Greatest GroupConcat Grouping GroupingId
Hour IsInf IsNan JSONExtract JSONExtractScalar JSONKeys JSONPath JSONPathKey JSONPathRoot
JSONPathSubscript JSONPathWildcard JSONType JarowinklerSimilarity Kurtosis Lag Last LastDay LastValue
Lead Least Left Length Levenshtein Ln Localtimestamp Log LogicalAnd LogicalOr Lower MD5 MapKeys Max
Median Min Minute Mode Month Monthname Ntile NthValue Nullif Pad ParseJSON PercentRank PercentileCont
PercentileDisc Pi Quantile Quarter Radians Rand Rank RegexpExtract RegexpExtractAll RegexpFullMatch
RegexpILike RegexpLike RegexpReplace RegexpSplit RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2
RegrSlope RegrSxx RegrSxy RegrSyy Replace Reverse Right Round RowNumber SHA SHA2 Second Sign Sin Sinh
Skewness Split SplitPart Sqrt StartsWith Stddev StddevPop StddevSamp StrPosition StrToDate StrToTime
Struct StructExtract Substring Sum Tan Tanh TimeFromParts TimeToStr TimeToUnix TimestampAdd
TimestampDiff TimestampFromParts TimestampSub TimestampTrunc ToDays ToMap Translate Trim Trunc
TsOrDsToDate Typeof Unicode UnixToTime Upper Variance VariancePop Week WeekOfYear Year
"""

_NAMED_FUNCTIONS = """
age arbitrary bit_count cardinality century damerau_levenshtein date_part date_sub datepart
datesub days_in_month decade element_at entropy epoch_ns epoch_us era even favg fdiv fmod fsum
gamma gcd geomean geometric_mean greatest_common_divisor hamming hash histogram isfinite isoyear
jaccard jaro_similarity json_array_length json_contains json_exists json_valid json_value julian
kahan_sum kurtosis_pop lcm least_common_multiple lgamma list_any_value list_avg list_cat list_count
list_element list_extract list_first list_has_all list_indexof list_intersect list_last list_mad
list_median list_mode list_position list_product list_reverse list_slice list_sum list_unique
list_zip mad make_timestamp_ms map_contains map_entries map_extract map_values mean microsecond
millennium millisecond nanosecond nfc_normalize now octet_length ord prefix product
reservoir_quantile round_even sem signbit strip_accents strlen suffix sumkahan timezone
timezone_hour timezone_minute to_hours to_microseconds to_milliseconds to_minutes to_months
to_quarters to_seconds to_weeks to_years transaction_timestamp try_strptime url_decode url_encode
wavg weekday weighted_avg yearweek
"""

NAMED_FUNCTIONS = frozenset(_NAMED_FUNCTIONS.split())
"""DuckDB functions that sqlglot has no class for. Nothing here reads files, settings, catalogs
or variables, has a side effect, takes a format width, or calls another function by name."""

_PSEUDO_COLUMNS = """
current_catalog current_database current_role current_schema current_schemas current_user
session_user user
"""

PSEUDO_COLUMNS = frozenset(_PSEUDO_COLUMNS.split())
"""Names that a database evaluates as functions although they are written like columns."""

NODES = _classes(_NODES)
FUNCTIONS = _classes(_FUNCTIONS)
