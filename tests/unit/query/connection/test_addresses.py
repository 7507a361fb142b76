"""What a connection URL says, and what people are shown of it."""

from __future__ import annotations

import pytest

from aiser_app.errors import InvalidInput
from aiser_app.query.connection import Address, read_address, shown
from aiser_app.query.connection.schemes import SCHEMES


def parts(address: Address) -> tuple[str, str, str, str, int, str, dict[str, str]]:
    return (
        address.engine,
        address.user,
        address.password,
        address.host,
        address.port,
        address.database,
        dict(address.parameters),
    )


@pytest.mark.parametrize(
    ("url", "expected", "seen"),
    [
        (
            "postgresql://ada:p%40ss%2F%25@DB.example.com:5433/shop?sslmode=require&connect_timeout=5",
            (
                *("postgres", "ada", "p@ss/%", "db.example.com", 5433, "shop"),
                {"sslmode": "require", "connect_timeout": "5"},
            ),
            "postgresql://ada@db.example.com:5433/shop?sslmode=require&connect_timeout=5",
        ),
        (
            "postgres://10.0.0.1/shop",
            ("postgres", "", "", "10.0.0.1", 5432, "shop", {}),
            "postgres://10.0.0.1:5432/shop",
        ),
        (
            "POSTGRESQL://u:a:b@[::1]/my-shop_2",
            ("postgres", "u", "a:b", "::1", 5432, "my-shop_2", {}),
            "postgresql://u@[::1]:5432/my-shop_2",
        ),
        (
            " mariadb://us%40er:@db/caf%C3%A9%20bar?charset=utf8mb4&ssl_mode=required\n",
            (
                *("mysql", "us@er", "", "db", 3306, "café bar"),
                {"charset": "utf8mb4", "ssl_mode": "required"},
            ),
            "mariadb://us%40er@db:3306/caf%C3%A9%20bar?charset=utf8mb4&ssl_mode=required",
        ),
        (
            "clickhouse+https://u:s3cret@db?verify=false",
            ("clickhouse", "u", "s3cret", "db", 8443, "", {"verify": "false"}),
            "clickhouse+https://u@db:8443/?verify=false",
        ),
        (
            "sqlite:///shops/north%20east.db",
            ("sqlite", "", "", "", 0, "shops/north east.db", {}),
            "sqlite:///shops/north%20east.db",
        ),
        (
            "trino://u@db:443/hive/default?http_scheme=https",
            ("trino", "u", "", "db", 443, "hive/default", {"http_scheme": "https"}),
            "trino://u@db:443/hive/default?http_scheme=https",
        ),
        (
            "snowflake://u:s3cret@xy12345.eu-central-1/DB/PUBLIC?warehouse=WH&role=READER",
            (
                *("snowflake", "u", "s3cret", "xy12345.eu-central-1", 443, "DB/PUBLIC"),
                {"warehouse": "WH", "role": "READER"},
            ),
            "snowflake://u@xy12345.eu-central-1/DB/PUBLIC?warehouse=WH&role=READER",
        ),
        (
            "bigquery://my-project/sales?location=EU&credentials_base64=c2VjcmV0",
            ("bigquery", "", "c2VjcmV0", "my-project", 443, "sales", {"location": "EU"}),
            "bigquery://my-project/sales?location=EU",
        ),
        (
            "databricks://token:dapi123@host?http_path=/sql/1.0/warehouses/abc&catalog=main",
            (
                *("databricks", "token", "dapi123", "host", 443, ""),
                {"http_path": "/sql/1.0/warehouses/abc", "catalog": "main"},
            ),
            "databricks://token@host:443/?http_path=/sql/1.0/warehouses/abc&catalog=main",
        ),
        (
            "sc://spark:15002/;use_ssl=true;token=s3cret",
            ("spark", "", "s3cret", "spark", 15002, "", {"use_ssl": "true"}),
            "sc://spark:15002/;use_ssl=true",
        ),
        (
            "sc://spark",
            ("spark", "", "", "spark", 15002, "", {}),
            "sc://spark:15002/",
        ),
    ],
)
def test_a_url_is_read_and_shown(url: str, expected: tuple, seen: str) -> None:
    address = read_address(url)
    assert parts(address) == expected
    assert shown(address) == seen
    assert not address.password or address.password not in shown(address)
    assert not address.password or address.password not in repr(address)


def test_what_is_shown_can_be_read_again() -> None:
    address = read_address("postgresql://ada:secret@db:5433/my%20shop?sslmode=require")
    again = read_address(shown(address))
    assert again.password == ""
    assert (again.host, again.database, again.parameters) == (
        address.host,
        address.database,
        address.parameters,
    )


def test_every_scheme_brings_an_example_that_is_allowed() -> None:
    for name, scheme in SCHEMES.items():
        url = scheme.example.replace("…", "abc")
        assert read_address(url).engine == scheme.engine, name


def test_refusals_say_what_to_write_instead() -> None:
    for url, words in {
        "postgresql+psycopg://db/x": "postgresql://",
        "oracle://db/x": "URLs may start with",
        "postgresql://u:a@b@db/x": "%40",
        "postgresql://u:a%@db/x": "%25",
        "postgresql://db/x?options=y": "sslmode, connect_timeout",
        "postgresql://db/x?sslmode=maybe": "disable, prefer, require or verify-full",
        "sqlite:////etc/x.db": "sqlite:///name.db",
        "postgresql://db": "names no database",
        "sqlite:///x.db?mode=rw": "Allowed parameters: none",
        "trino://db/a?http_scheme=x": "http or https",
        "mssql://db/a?charset=x": "must be UTF-8",
        "databricks://db?http_path=x": "/sql/1.0/warehouses/abc",
        "snowflake://a/b?role=%22": "plain name",
        "bigquery://a?credentials_base64=%C3%A9": "base64",
        "sc://a/;token=": "one line",
        "postgresql://db/x?connect_timeout=999": "1 to 120",
    }.items():
        with pytest.raises(InvalidInput) as caught:
            read_address(url)
        assert words in f"{caught.value.message} {caught.value.hint}", url
