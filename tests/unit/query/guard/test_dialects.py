"""Ordinary analytical SQL of every dialect may run, and what is written may run again."""

from __future__ import annotations

import pytest

from aiser_app.query.guard import DIALECTS, judge
from aiser_app.query.guard.functions import NAMED_FUNCTIONS, is_aggregate
from tests.unit.query.guard.asking import CLAIMS, allow, deny, flat

TABLES = ("t", "u", "s.o")

QUERIES = {
    "postgres": [
        "SELECT date_trunc('month', d), d + interval '1 day', extract(epoch from d), to_char(d,'YYYY'), a ~ 'x', a->>'b', a #>> '{b}', a @> b, array_agg(x ORDER BY y), percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM t",
        "SELECT x FROM (t JOIN u ON true) JOIN s.o ON true",
        "SELECT DISTINCT ON (a) a, b FROM public.t ORDER BY a, b DESC NULLS LAST",
        "SELECT count(*) FILTER (WHERE a > 1), sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        "SELECT a::numeric(10,2), CAST(b AS date), a::text[] FROM t",
        "SELECT * FROM t, jsonb_each(t.a) AS e(k,v)",
        "SELECT string_agg(a, ',' ORDER BY a), bool_and(b), now(), current_date, age(d), date_part('year', d), make_date(2020,1,1) FROM t",
        "SELECT a FROM t WHERE a ILIKE 'x%' AND b SIMILAR TO 'x' AND c = ANY(ARRAY[1,2]) AND d IS DISTINCT FROM e",
        "SELECT regexp_replace(a,'x','y','g'), split_part(a,',',1), left(a,1), lpad(a,5,'0'), concat_ws(',',a,b), md5(a), to_timestamp(1) FROM t",
        "SELECT a, b FROM t GROUP BY GROUPING SETS ((a),(b),())",
        "SELECT * FROM t FETCH FIRST 5 ROWS ONLY",
        "SELECT a FROM t EXCEPT SELECT a FROM u",
        "SELECT (a).b, t.* FROM t",
        "SELECT a AT TIME ZONE 'UTC', timezone('UTC', a) FROM t",
        'SELECT a COLLATE "C" FROM t',
        "SELECT jsonb_build_object('a', 1), row_to_json(t), to_jsonb(a) FROM t",
        "SELECT CASE a WHEN 1 THEN 'x' END, coalesce(a,b), nullif(a,b), greatest(a,b) FROM t",
        "SELECT corr(a,b), stddev_pop(a), var_samp(a), mode() WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT interval '1 month', d - interval '3' month, date '2020-01-01' FROM t",
        "SELECT overlay(a placing 'x' from 1), position('a' in b), trim(both 'x' from a), substring(a from 'x') FROM t",
        "SELECT lag(a,1) OVER (ORDER BY b), first_value(a) OVER (ORDER BY b), ntile(4) OVER (ORDER BY a) FROM t",
    ],
    "mysql": [
        "SELECT DATE_FORMAT(d,'%Y-%m'), IFNULL(a,b), IF(a,b,c), GROUP_CONCAT(DISTINCT x ORDER BY x SEPARATOR ','), DATE_ADD(d, INTERVAL 1 DAY), STR_TO_DATE('a','%Y'), TIMESTAMPDIFF(DAY,a,b), a DIV b, a XOR b, SUBSTRING_INDEX(a,'.',1), CONCAT(a,b), x REGEXP 'a', UNIX_TIMESTAMP(d), FIELD(x,'a'), a->>'$.b' FROM t",
        "SELECT `a` FROM `t` LIMIT 5, 10",
        "SELECT YEAR(d), MONTH(d), DAYOFWEEK(d), WEEK(d), QUARTER(d), LAST_DAY(d), DATEDIFF(a,b), CURDATE(), NOW(), FROM_UNIXTIME(a) FROM t",
        "SELECT a, COUNT(*) FROM t GROUP BY a WITH ROLLUP",
        "SELECT a FROM t WHERE a <=> b AND c LIKE 'x%' AND d BETWEEN 1 AND 2",
        "SELECT JSON_EXTRACT(a,'$.b'), JSON_UNQUOTE(a), JSON_LENGTH(a) FROM t",
        "SELECT a, ROW_NUMBER() OVER (PARTITION BY b ORDER BY c) FROM t",
        "SELECT CAST(a AS CHAR), CAST(a AS SIGNED), CAST(a AS DECIMAL(10,2)), CONVERT(a, DATE), a <> b, !a, a && b, a || b FROM t",
        "SELECT INTERVAL 1 DAY + d, d - INTERVAL 1 MONTH, EXTRACT(YEAR FROM d) FROM t",
        "SELECT LPAD(a,5,'0'), TRUNCATE(a,2), MOD(a,2), RAND(), ROUND(a), LOCATE('a',b), INSTR(a,b), LEFT(a,1), UPPER(a), CHAR_LENGTH(a) FROM t",
        "SELECT * FROM s.o",
    ],
    "sqlite": [
        "SELECT strftime('%Y', d), julianday(d), ifnull(a,b), iif(a,b,c), total(x), group_concat(x,','), date('now','-1 day'), instr(a,b), x GLOB 'a*', json_extract(a,'$.b'), substr(a,1,2), typeof(x), round(x,2) FROM t",
        "SELECT datetime(d), time(d), unixepoch(d), a IS NOT b, a || b, a % 2 FROM t",
        "SELECT * FROM t, json_each(t.a)",
        "SELECT count(*) FILTER (WHERE a), sum(a) OVER (ORDER BY b) FROM t",
        "SELECT a->>'$.b', a->'b' FROM t",
        "SELECT CAST(a AS INTEGER), CAST(a AS REAL), min(a,b), max(a) FROM t",
        "SELECT * FROM t LIMIT 5 OFFSET 2",
        "SELECT * FROM main.t",
        "SELECT rowid, * FROM t",
        "SELECT abs(a), upper(a), trim(a), replace(a,'x','y'), coalesce(a,b), hex(a), random() FROM t",
        "SELECT date(d, 'start of month', '+1 month') FROM t",
    ],
    "clickhouse": [
        "SELECT quantile(0.9)(x), sumIf(x, y>1), uniq(x), sumOrNullIf(x,y), toYear(d), topK(3)(x), quantilesIf(0.1,0.2)(x, y) FROM t",
        "SELECT toStartOfMonth(d), formatDateTime(d,'%Y'), dateDiff('day',a,b), multiIf(a,b,c), arrayJoin([1,2]), groupArray(x), argMax(a,b), count(), uniqExact(x), now(), today() FROM t FINAL",
        "SELECT quantileExactInclusive(0.5)(x), makeDate32(y, m, d) FROM t GROUP BY y, m, d",
        "SELECT a FROM t PREWHERE a > 1 WHERE b = 2 LIMIT 2 BY a",
        "SELECT arrayMap(x -> x + 1, a), arrayFilter(x -> x > 1, a) FROM t",
        "SELECT toString(a), toInt32(a), toFloat64(a), a::String, CAST(a AS Nullable(String)), toDate('2020-01-01') FROM t",
        "SELECT * FROM t ARRAY JOIN a AS b",
        "WITH 1 AS k SELECT k + a FROM t",
        "SELECT a, count() FROM t GROUP BY a WITH TOTALS",
        "SELECT * FROM t ANY LEFT JOIN u USING (a)",
        "SELECT * FROM t ASOF JOIN u ON t.a = u.a AND t.b >= u.b",
        "SELECT if(a, b, c), a ? b : c, intDiv(a,2), a % 2, [1,2][1], tuple(1,2).1, map('a',1)['a'] FROM t",
        "SELECT * FROM default.t",
        "SELECT t.a, sum(b) AS s FROM t GROUP BY ALL ORDER BY s DESC LIMIT 10 OFFSET 5",
        "SELECT toIntervalDay(1), d + INTERVAL 1 DAY, dateTrunc('month', d), toStartOfInterval(d, INTERVAL 1 HOUR) FROM t",
        "SELECT JSONExtractString(a,'b'), match(a,'x'), extract(a,'x'), replaceRegexpAll(a,'x','y'), splitByChar(',',a), lower(a), lengthUTF8(a), position(a,'b') FROM t",
        "SELECT a FROM t SAMPLE 0.1",
        "SELECT median(a), stddevPop(a), varSamp(a), any(a), anyLast(a), min(a), avg(a), countIf(a>1), avgIf(a,b) FROM t",
        "SELECT DISTINCT a FROM t ORDER BY a NULLS FIRST",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b), lagInFrame(a) OVER (ORDER BY b) FROM t",
    ],
    "snowflake": [
        "SELECT DATE_TRUNC('month', d), DATEADD(day,1,d), DATEDIFF('day',a,b), IFF(a,b,c), NVL(a,b), TO_DATE(a), TO_VARCHAR(a), a:b.c::string, LISTAGG(a, ',') WITHIN GROUP (ORDER BY a), ARRAY_AGG(a), MEDIAN(a), ZEROIFNULL(a), COUNT_IF(a) FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1",
        "SELECT * FROM t, LATERAL FLATTEN(input => a) f",
        "SELECT a, SUM(b) FROM PUBLIC.T GROUP BY ALL",
        "SELECT TRY_TO_NUMBER(a), TRY_CAST(a AS INT), PARSE_JSON(a), OBJECT_CONSTRUCT('a',1), GET_PATH(a,'b'), DIV0(a,b), APPROX_COUNT_DISTINCT(a), SPLIT_PART(a,',',1), REGEXP_SUBSTR(a,'x'), CONTAINS(a,'b'), CURRENT_DATE, CURRENT_TIMESTAMP(), DAYNAME(d), MONTHNAME(d), LAST_DAY(d) FROM t",
        "SELECT a FROM t SAMPLE (10)",
        "SELECT TOP 5 a FROM t",
        "SELECT * EXCLUDE (a), * REPLACE (1 AS b) FROM t",
        "SELECT CONVERT_TIMEZONE('UTC', d), TO_TIMESTAMP_NTZ(a), YEAR(d), WEEK(d), HOUR(d), EXTRACT(year FROM d) FROM t",
        "SELECT a ILIKE ANY ('x%','y%'), a RLIKE 'x', EQUAL_NULL(a,b), RATIO_TO_REPORT(a) OVER () FROM t",
    ],
    "bigquery": [
        "SELECT DATE_TRUNC(d, MONTH), DATE_ADD(d, INTERVAL 1 DAY), DATE_DIFF(a,b,DAY), IF(a,b,c), IFNULL(a,b), SAFE_CAST(a AS INT64), SAFE_DIVIDE(a,b), FORMAT_DATE('%Y', d), PARSE_DATE('%Y',a), APPROX_COUNT_DISTINCT(a), ARRAY_AGG(a IGNORE NULLS LIMIT 1), STRING_AGG(a, ','), COUNTIF(a), EXTRACT(YEAR FROM d), TIMESTAMP_TRUNC(d, HOUR), REGEXP_CONTAINS(a, r'x'), JSON_VALUE(a,'$.b'), STRUCT(1 AS a), GENERATE_ARRAY(1,5) FROM t",
        "SELECT x FROM t, UNNEST(a) AS x",
        "SELECT * EXCEPT (a) FROM `s.o`",
        "SELECT a FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1",
        "SELECT APPROX_QUANTILES(a, 100)[OFFSET(50)], a[SAFE_OFFSET(0)], TO_JSON_STRING(a), SPLIT(a,','), CURRENT_DATE(), TIMESTAMP('2020-01-01'), DATETIME(a), UNIX_SECONDS(a), FARM_FINGERPRINT(a) FROM t",
        "SELECT a FROM t WHERE a IN UNNEST([1,2])",
        "SELECT t.a.b FROM t",
        "SELECT SAFE.SUBSTR(a,1) FROM t",
        "SELECT COUNT(DISTINCT a), ANY_VALUE(a), LOGICAL_OR(a), CORR(a,b), PERCENTILE_CONT(a, 0.5) OVER () FROM t",
    ],
    "tsql": [
        "SELECT TOP 10 a FROM t ORDER BY a DESC",
        "SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 10 ROWS ONLY",
        "SELECT a FROM t UNION ALL SELECT b FROM u ORDER BY 1",
        "SELECT YEAR(d), MONTH(d), DAY(d), ROUND(a,2), CEILING(a), COALESCE(a,b), CAST(a AS DECIMAL(10,2)), SUM(a) OVER (PARTITION BY b), ROW_NUMBER() OVER (ORDER BY a), STDEV(a), VAR(a), COUNT_BIG(*) FROM t",
        "SELECT a FROM t OUTER APPLY (SELECT TOP 1 b FROM u WHERE u.a = t.a ORDER BY b) AS x",
        "SELECT a, COUNT(*) FROM t GROUP BY ROLLUP(a)",
        "SELECT JSON_VALUE(a,'$.b'), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER (PARTITION BY b), DATEFROMPARTS(2020,1,1), DATETRUNC(month, d), SYSDATETIME(), CHOOSE(1,'a','b'), LEFT(a,1), REPLACE(a,'x','y'), SUBSTRING(a,1,2), a + 'x' FROM t",
    ],
    "trino": [
        "SELECT date_trunc('month', d), date_add('day',1,d), date_diff('day',a,b), if(a,b,c), coalesce(a,b), try_cast(a AS integer), approx_distinct(a), array_agg(a), listagg(a, ',') WITHIN GROUP (ORDER BY a), count_if(a), format_datetime(d,'yyyy'), date_format(d,'%Y'), json_extract_scalar(a,'$.b'), regexp_like(a,'x'), max_by(a,b), approx_percentile(a,0.5), current_date, now(), year(d), cardinality(a), element_at(a,1), d + interval '1' day FROM t",
        "SELECT x FROM t CROSS JOIN UNNEST(a) AS z(x)",
        "SELECT transform(a, x -> x + 1), filter(a, x -> x > 1), reduce(a, 0, (s, x) -> s + x, s -> s) FROM t",
        "SELECT * FROM t OFFSET 5 LIMIT 10",
        "SELECT * FROM t FETCH FIRST 5 ROWS ONLY",
        "SELECT split(a,','), from_unixtime(a), to_unixtime(d), at_timezone(d,'UTC'), d AT TIME ZONE 'UTC', histogram(a), map_agg(a,b) FROM t TABLESAMPLE BERNOULLI (10)",
        "SELECT grouping(a), count(*) FROM t GROUP BY CUBE(a)",
    ],
    "databricks": [
        "SELECT date_trunc('month', d), date_add(d,1), datediff(a,b), if(a,b,c), nvl(a,b), try_cast(a AS int), approx_count_distinct(a), collect_list(a), collect_set(a), count_if(a), date_format(d,'yyyy'), get_json_object(a,'$.b'), a:b.c, a rlike 'x', percentile_approx(a,0.5), current_date(), now(), year(d), explode(a), size(a), transform(a, x -> x+1), to_date(a), from_unixtime(a), months_between(a,b), add_months(d,1) FROM t",
        "SELECT x FROM t LATERAL VIEW explode(a) z AS x",
        "SELECT * EXCEPT (a) FROM t",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1",
        "SELECT * FROM default.t",
        "SELECT a FROM t GROUP BY ALL",
        "SELECT * FROM t TABLESAMPLE (10 PERCENT)",
        "SELECT a FROM t LEFT ANTI JOIN u ON t.a = u.a",
        "SELECT d + INTERVAL 1 DAY, date_sub(d,1), last_day(d), trunc(d,'MM'), struct(1 AS a), named_struct('a',1), map('a',1)['a'], array(1,2)[0] FROM t",
    ],
    "duckdb": [
        "SELECT COLUMNS(*) FROM t",
        "SELECT min(COLUMNS('a.*')) FROM t",
        "SELECT sum(x) OVER (ORDER BY y GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
        "SELECT a FROM t ASOF JOIN u ON t.a >= u.a",
        "SELECT * FROM t POSITIONAL JOIN u",
        "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)",
        "FROM t SELECT a",
        "SELECT * REPLACE (1 AS a) FROM t",
        "SELECT * RENAME (a AS b) FROM t",
        "SELECT a FROM t USING SAMPLE 10",
        "SELECT t.a FROM t SEMI JOIN u ON t.a=u.a",
        "SELECT * FROM t ORDER BY ALL",
        "SELECT max(a, 3), arg_max(a,b,3) FROM t",
        "SELECT * FROM t UNION BY NAME SELECT * FROM u",
        "SELECT date '2020-01-01' + 3, interval 3 days, INTERVAL (a) DAY FROM t",
        "SELECT histogram(a), quantile_cont(a,[0.1,0.9]), approx_count_distinct(a), epoch(d), time_bucket(interval '1 day', d), date_diff('day',a,b), make_date(2020,1,1) FROM t",
        "SELECT a LIKE ANY (['x']) FROM t",
        "SELECT count(*) FROM t TABLESAMPLE 10%",
    ],
    "spark": [
        "SELECT date_trunc('month', d), date_add(d,1), datediff(a,b), if(a,b,c), nvl(a,b), try_cast(a AS int), approx_count_distinct(a), collect_list(a), collect_set(a), count_if(a), date_format(d,'yyyy'), get_json_object(a,'$.b'), a rlike 'x', percentile_approx(a,0.5), current_date(), now(), year(d), explode(a), size(a), transform(a, x -> x+1), to_date(a), from_unixtime(a), months_between(a,b), add_months(d,1) FROM t",
        "SELECT x FROM t LATERAL VIEW explode(a) z AS x",
        "SELECT * EXCEPT (a) FROM t",
        "SELECT a FROM t",
        "SELECT * FROM default.t",
        "SELECT a FROM t GROUP BY ALL",
        "SELECT * FROM t TABLESAMPLE (10 PERCENT)",
        "SELECT a FROM t LEFT ANTI JOIN u ON t.a = u.a",
        "SELECT d + INTERVAL 1 DAY, date_sub(d,1), last_day(d), trunc(d,'MM'), struct(1 AS a), named_struct('a',1), map('a',1)['a'], array(1,2)[0] FROM t",
    ],
}


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [(dialect, sql) for dialect, queries in QUERIES.items() for sql in queries],
)
def test_may_run(dialect: str, sql: str) -> None:
    verdict = allow(sql, dialect, tables=TABLES)
    assert verdict.tables
    again = allow(verdict.statement.sql, dialect, tables=TABLES)
    assert again.tables == verdict.tables


def test_every_dialect_is_tried() -> None:
    assert set(QUERIES) == set(DIALECTS)
    assert set(NAMED_FUNCTIONS) == set(DIALECTS)


@pytest.mark.parametrize("dialect", ["oracle", "", "no-such"])
def test_what_is_not_known_cannot_run(dialect: str) -> None:
    verdict = judge("SELECT 1", dialect=dialect, tables=(), claims=CLAIMS, limit=1)
    assert "cannot be checked" in getattr(verdict, "reason", "")


def test_mariadb_is_read_as_mysql() -> None:
    assert allow("SELECT `a` FROM `t`", "mariadb", tables=TABLES).tables == ("t",)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */ FROM t",
        "SELECT 1 /*M! , sleep(10) */ FROM t",
        "SELECT 1 # INTO OUTFILE\n FROM t",
    ],
)
def test_comments_that_a_server_would_run_are_gone(sql: str) -> None:
    text = flat(allow(sql, "mysql", tables=TABLES).statement.sql)
    assert text == "SELECT 1 FROM t LIMIT 101"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("sum", True),
        ("sumIf", True),
        ("uniqArrayIf", True),
        ("quantilesTDigestOrNull", True),
        ("quantileExactInclusive", True),
        ("if", False),
        ("sleepIf", False),
        ("evil", False),
        ("", False),
    ],
)
def test_aggregates_of_clickhouse(name: str, known: bool) -> None:
    assert is_aggregate(name) is known


@pytest.mark.parametrize(
    ("dialect", "sql", "words"),
    [
        ("postgres", "SELECT 'users'::regclass FROM t", "catalog"),
        ("postgres", "SELECT '<a/>'::xml FROM t", "The type XML"),
        ("postgres", "SELECT lower.f(1) FROM t", "without the name of a schema"),
        ("postgres", 'SELECT "a\\b" FROM t', "backslash"),
        ("postgres", "SELECT a FROM t FOR UPDATE", "Locking"),
        ("mysql", "SELECT @@version FROM t", "Variables"),
        ("mysql", "SELECT /*+ MAX_EXECUTION_TIME(0) */ a FROM t", "HINT is not allowed in a query"),
        ("mysql", "SELECT SQL_NO_CACHE a FROM t", "OPERATION MODIFIERS"),
        ("tsql", "SELECT a FROM t WITH (NOLOCK)", "HINTS is not allowed on a table"),
        ("tsql", "SELECT a FROM t FOR XML PATH('')", "FOR is not allowed"),
        ("clickhouse", "SELECT a FROM t SETTINGS max_threads = 1", "SETTINGS"),
        ("clickhouse", "SELECT a FROM t FORMAT CSV", "FORMAT"),
        ("clickhouse", "SELECT evil(1)(a) FROM t", "not allowed"),
        ("clickhouse", "SELECT groupBitmap(a) FROM t", "groupBitmap is not allowed"),
        ("duckdb", "SELECT sumIf(a)(b) FROM t", "not allowed"),
        ("snowflake", "SELECT s.nextval FROM t", "Sequences"),
        ("sqlite", "SELECT a FROM t WHERE a IN u", "IN in parentheses"),
        ("clickhouse", "SELECT a FROM t WHERE a IN ((u))", "IN in parentheses"),
        ("duckdb", "SELECT COLUMNS(t.a) FROM t", "COLUMNS"),
        ("duckdb", "SELECT a FROM t AT (VERSION => 1)", "as they are now"),
    ],
)
def test_refused_in_words(dialect: str, sql: str, words: str) -> None:
    assert words in deny(sql, dialect, tables=TABLES).reason


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELECT a,\n  read_text('x')\nFROM t", 2, 3),
        ("SELECT a\nFROM t, users", 2, 9),
        ("SELECT a FROM t\nWHERE b = :missing", 2, 7),
        ("SELECT a FROM\n WHERE", 2, 2),
        ("WITH t AS (SELECT 1) SELECT * FROM t", 1, 6),
        ("DROP TABLE t", 1, 12),
        ("SELECT 'open", None, None),
        ("", None, None),
        ("SELECT 1; SELECT 2", None, None),
    ],
)
def test_a_refusal_says_where(sql: str, line: int | None, column: int | None) -> None:
    verdict = deny(sql, tables=TABLES)
    assert (verdict.line, verdict.column) == (line, column)
