"""What a query may be made of: an allow-list, so that whatever is new or unknown is refused."""

from __future__ import annotations

from sqlglot import exp


def _classes(names: str) -> frozenset[type[exp.Expr]]:
    """Classes by name; a name that this sqlglot does not know raises at import."""
    return frozenset(getattr(exp, name) for name in names.split())


_NODES = """
Select SetOperation Union Except Intersect Subquery With CTE From Join Where PreWhere Group Having
Qualify Order Ordered Limit LimitOptions Fetch Offset Distinct Window WindowSpec Filter WithinGroup
Values Table TableAlias Alias Final Column Identifier Star Literal Boolean Null Paren Tuple Var
Interval IntervalSpan DataType DataTypeParam National HexString BitString RawString
Add Sub Mul Div IntDiv Mod Neg Pow DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
BitwiseLeftShift BitwiseRightShift
And Or Xor Not EQ NEQ NullSafeEQ NullSafeNEQ GT GTE LT LTE Is In Between Like ILike SimilarTo Escape
Glob Overlaps Exists Any All Case If Cast TryCast Bracket Slice Dot PropertyEQ Kwarg Lambda
JSONKeyValue GroupingSets Rollup Cube AtTimeZone Lateral Unnest TableSample IgnoreNulls RespectNulls
"""

_FUNCTIONS = """
Abs Acos Acosh AddMonths AnyValue ApproxDistinct ApproxQuantile ApproxQuantiles ApproxTopK ArgMax
ArgMin Array ArrayAgg ArrayAll ArrayAny ArrayAppend ArrayCompact ArrayConcat ArrayConcatAgg
ArrayContainedBy ArrayContains ArrayContainsAll ArrayDistinct ArrayExcept ArrayFilter ArrayFirst
ArrayInsert ArrayIntersect ArrayLast ArrayMax ArrayMin ArrayOverlaps ArrayPosition ArrayPrepend
ArrayRemove ArrayRemoveAt ArrayReverse ArraySize ArraySlice ArraySort ArraySum ArrayToString
ArrayUnionAgg ArrayUniqueAgg ArraysZip Ascii Asin Asinh Atan Atan2 Atanh Avg
Base64DecodeString Base64Encode BitLength BitwiseAndAgg BitwiseCount BitwiseOrAgg BitwiseXorAgg
Booland Boolnot Boolor BoolxorAgg ByteLength CastToStrType Cbrt Ceil Chr CityHash64 Coalesce
Collate Columns Concat ConcatWs Contains Convert ConvertTimezone Corr Cos Cosh CosineDistance Cot
Coth Count CountIf CovarPop CovarSamp Csc Csch CumeDist CurrentDate CurrentDatetime CurrentTime
CurrentTimestamp CurrentTimestampLTZ
Date DateAdd DateBin DateDiff DateFromParts DateFromUnixDate DateStrToDate DateSub DateToDateStr
DateToDi DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub DatetimeTrunc Day DayOfMonth
DayOfWeek DayOfWeekIso DayOfYear Dayname Decode DecodeCase Degrees DenseRank DiToDate DotProduct
Elt Encode EndsWith EqualNull EuclideanDistance Exp Explode ExplodingGenerateSeries
Extract Factorial FarmFingerprint First
FirstValue Flatten Float64 Floor FromBase64 FromISO8601Date FromISO8601Timestamp GenerateSeries
Getbit Greatest GroupConcat Grouping GroupingId Hex Hll Host Hour Initcap Int64 IsArray IsAscii
IsInf IsNan IsNullValue
JSONArray JSONArrayAgg JSONArrayContains JSONBContains JSONBExists JSONBExtract JSONBExtractScalar
JSONBObjectAgg JSONBool JSONExists JSONExtract JSONExtractArray JSONExtractScalar JSONFormat
JSONKeys JSONObject JSONObjectAgg JSONPath JSONPathKey JSONPathRoot JSONPathSlice
JSONPathSubscript JSONPathUnion JSONPathWildcard JSONStripNulls JSONType JSONValueArray
JarowinklerSimilarity JustifyDays JustifyHours JustifyInterval Kurtosis
Lag Last LastDay LastValue LaxBool LaxFloat64 LaxInt64 LaxString Lead Least Left Length Levenshtein
List Ln Localtime Localtimestamp Log LogicalAnd LogicalOr Lower LowerHex MD5 MD5Digest
MD5NumberLower64 MD5NumberUpper64 MakeInterval ManhattanDistance Map MapCat MapContainsKey
MapFromEntries MapKeys MapSize Max Median Min Minute Mode Month Monthname MonthsBetween Nanvl
Negative NextDay Normalize NthValue Ntile Nullif NumberToStr Nvl2 ObjectAgg Overlay
Pad ParseDatetime ParseJSON ParseNumeric ParseTime ParseUrl PercentRank PercentileCont
PercentileDisc Pi Posexplode PosexplodeOuter PreviousDay Quantile Quarter
Radians Rand RangeBucket Rank Reduce RegexpCount RegexpExtract RegexpExtractAll RegexpFullMatch
RegexpILike RegexpInstr RegexpLike RegexpReplace RegexpSplit RegexpSubstr RegrAvgx RegrAvgy RegrCount
RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy Replace Reverse Right Rint Round RowNumber
RtrimmedLength SHA SHA1Digest SHA2 SHA2Digest SafeAdd SafeDivide SafeFunc
SafeMultiply SafeNegate
SafeSubtract Sec Sech Second Sign Sin Sinh Skewness Soundex Split SplitPart Sqrt StDistance StPoint
StandardHash StarMap StartsWith Stddev StddevPop StddevSamp StrPosition StrToDate StrToMap
StrToTime StrToUnix String StringToArray StripNullValue Strtok StrtokToArray Struct StructExtract
Stuff Substring SubstringIndex Sum
Tan Tanh Time TimeAdd TimeDiff TimeFromParts TimeSlice TimeStrToDate TimeStrToTime TimeStrToUnix
TimeSub TimeToStr TimeToTimeStr TimeToUnix TimeTrunc Timestamp TimestampAdd TimestampDiff
TimestampFromParts TimestampLtzFromParts TimestampSub TimestampTrunc TimestampTzFromParts ToArray
ToBase64 ToBoolean ToChar ToCodePoints ToDays ToDouble ToMap ToNumber ToVariant Transform Translate
Trim Trunc Try TryBase64DecodeString TsOrDiToDi TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr
TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp Typeof Unhex Unicode UnixDate UnixMicros UnixMillis
UnixSeconds UnixToStr UnixToTime UnixToTimeStr Upper UtcDate UtcTime UtcTimestamp VarMap Variance
VariancePop Week WeekOfYear WeekStart WidthBucket Year YearOfWeek YearOfWeekIso
"""

_PSEUDO_COLUMNS = """
current_account current_catalog current_database current_path current_role current_schema
current_schemas current_user current_warehouse session_user system_user user
_metadata _table_suffix
"""

PSEUDO_COLUMNS = frozenset(_PSEUDO_COLUMNS.split())
"""Names that a database evaluates as functions although they are written like columns."""

_TYPES = """
ARRAY BIGDECIMAL BIGINT BIGNUM BINARY BIT BLOB BOOLEAN BPCHAR CHAR DATE DATE32 DATETIME DATETIME2
DATETIME64 DECIMAL DECIMAL32 DECIMAL64 DECIMAL128 DECIMAL256 DECFLOAT DOUBLE FIXEDSTRING FLOAT
GEOGRAPHY GEOMETRY POINT INET INT INT128 INT256 INTERVAL IPADDRESS IPV4 IPV6 JSON JSONB LIST
LONGTEXT LOWCARDINALITY MAP MEDIUMINT MEDIUMTEXT MONEY NAME NCHAR NULL NVARCHAR OBJECT
SMALLDATETIME SMALLINT SMALLMONEY STRUCT SUPER TEXT TIME TIMETZ TIME_NS TIMESTAMP TIMESTAMPNTZ
TIMESTAMPLTZ TIMESTAMPTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS TINYINT TINYTEXT UBIGINT UINT
UINT128 UINT256 UMEDIUMINT UDECIMAL UDOUBLE USMALLINT UTINYINT UUID VARBINARY VARCHAR VARIANT
VECTOR YEAR
"""

TYPES = frozenset(exp.DataType.Type[name] for name in _TYPES.split())
"""Types that a value may be cast to: none that looks things up, parses XML, or is user-defined."""

NODES = _classes(_NODES)
FUNCTIONS = _classes(_FUNCTIONS)
AGGREGATES = _classes("AnonymousAggFunc CombinedAggFunc ParameterizedAgg CombinedParameterizedAgg")
"""Aggregates that sqlglot knows by name only; they are compared with the names of the dialect."""

_ARGUMENTS = {
    exp.Select: "expressions from_ joins laterals where prewhere group having qualify windows order "
    "limit offset distinct with_ sample",
    exp.SetOperation: "this expression distinct by_name side kind on with_ order limit offset",
    exp.Subquery: "this alias with_ joins laterals order limit offset where sample",
    exp.Table: "this db catalog alias joins laterals sample only ordinality pivots when version",
    exp.Join: "this on side kind using method global_ expressions",
    exp.With: "expressions recursive",
    exp.CTE: "this alias materialized scalar",
    exp.Limit: "this expression offset limit_options expressions",
}

ARGUMENTS = {kind: frozenset(words.split()) for kind, words in _ARGUMENTS.items()}
"""What the parts of a query may say of themselves. Settings, hints, locks, formats and options are
kept by the parser as arguments, sometimes as plain text, so that their kinds alone tell nothing."""
