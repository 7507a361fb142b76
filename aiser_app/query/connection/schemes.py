"""Which connection URLs may be used: by scheme, and by parameter of each scheme.

An allow-list: whatever a driver understands beyond it (files of keys, options for the server, other
hosts, statements at the start) is refused until somebody adds it here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Check = Callable[[str], str | None]
"""What is wrong with a value, in words that follow the parameter's name; None when it is good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheme:
    """What a URL of one scheme may say."""

    engine: str
    port: int
    """The default; 0 where there is no port."""
    example: str
    parameters: Mapping[str, Check] = field(default_factory=dict)
    path_parts: int = 1
    """How many names the path may have, such as catalog and schema."""
    needs_database: bool = False
    separator: str = "?"
    """What stands before the parameters: Spark Connect writes them after `/;`."""
    secret: str = ""
    """A parameter that is a secret: it becomes the address's password and is never shown."""
    is_file: bool = False
    """The path names a file among the sources; there is no host."""
    host_has_port: bool = True
    """False where the host is an account or a project, whose server the driver knows."""


def one_of(*values: str) -> Check:
    allowed = " or ".join((", ".join(values[:-1]), values[-1])) if len(values) > 1 else values[0]
    return lambda value: None if value in values else f"must be {allowed}"


def seconds(value: str) -> str | None:
    good = value.isascii() and value.isdigit() and len(value) < 4 and 1 <= int(value) <= 120
    return None if good else "must be a whole number of seconds from 1 to 120"


_NAME = re.compile(r"[\w.$ -]{1,128}")
_HTTP_PATH = re.compile(r"/?[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+(?:\.[0-9]+)?){1,6}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{1,16000}={0,2}")
_FLAG = one_of("true", "false")


def a_name(value: str) -> str | None:
    return None if _NAME.fullmatch(value) else "must be a plain name"


def an_http_path(value: str) -> str | None:
    return None if _HTTP_PATH.fullmatch(value) else "must be a path such as /sql/1.0/warehouses/abc"


def base64_text(value: str) -> str | None:
    return None if _BASE64.fullmatch(value) else "must be base64"


def a_token(value: str) -> str | None:
    good = 0 < len(value) <= 4_000 and value.isprintable()
    return None if good else "must be one line of text"


_POSTGRES = Scheme(
    engine="postgres",
    port=5432,
    example="postgresql://user:password@host:5432/database?sslmode=require",
    parameters={
        "sslmode": one_of("disable", "prefer", "require", "verify-full"),
        "connect_timeout": seconds,
    },
    needs_database=True,
)
_MYSQL = Scheme(
    engine="mysql",
    port=3306,
    example="mysql://user:password@host:3306/database?ssl_mode=required",
    parameters={
        "ssl_mode": one_of("disabled", "preferred", "required", "verify_identity"),
        "charset": one_of("utf8mb4", "utf8mb3", "utf8", "latin1"),
        "connect_timeout": seconds,
    },
    needs_database=True,
)


def _clickhouse(port: int, parameters: Mapping[str, Check]) -> Scheme:
    return Scheme(
        engine="clickhouse",
        port=port,
        example="clickhouse+https://user:password@host:8443/database",
        parameters={"connect_timeout": seconds, **parameters},
    )


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "postgresql": _POSTGRES,
        "postgres": _POSTGRES,
        "mysql": _MYSQL,
        "mariadb": _MYSQL,
        "clickhouse": _clickhouse(8123, {"secure": _FLAG}),
        "clickhouse+http": _clickhouse(8123, {}),
        "clickhouse+https": _clickhouse(8443, {"verify": _FLAG}),
        "sqlite": Scheme(
            engine="sqlite", port=0, example="sqlite:///name.db", needs_database=True, is_file=True
        ),
        "mssql": Scheme(
            engine="mssql",
            port=1433,
            example="mssql://user:password@host:1433/database",
            parameters={
                "encryption": one_of("off", "request", "require"),
                "charset": one_of("UTF-8"),
                "connect_timeout": seconds,
            },
            needs_database=True,
        ),
        "trino": Scheme(
            engine="trino",
            port=8080,
            example="trino://user:password@host:443/catalog/schema?http_scheme=https",
            parameters={"http_scheme": one_of("http", "https"), "connect_timeout": seconds},
            path_parts=2,
            needs_database=True,
        ),
        "snowflake": Scheme(
            engine="snowflake",
            port=443,
            example="snowflake://user:password@account/database/schema?warehouse=name&role=name",
            parameters={"warehouse": a_name, "role": a_name, "connect_timeout": seconds},
            path_parts=2,
            needs_database=True,
            host_has_port=False,
        ),
        "bigquery": Scheme(
            engine="bigquery",
            port=443,
            example="bigquery://project/dataset?location=EU&credentials_base64=…",
            parameters={
                "location": a_name,
                "credentials_base64": base64_text,
                "connect_timeout": seconds,
            },
            secret="credentials_base64",  # noqa: S106 - the name of a parameter
            host_has_port=False,
        ),
        "databricks": Scheme(
            engine="databricks",
            port=443,
            example="databricks://token:…@host:443?http_path=/sql/1.0/warehouses/…&catalog=main",
            parameters={
                "http_path": an_http_path,
                "catalog": a_name,
                "schema": a_name,
                "connect_timeout": seconds,
            },
        ),
        "sc": Scheme(
            engine="spark",
            port=15002,
            example="sc://host:15002/;use_ssl=true;token=…",
            parameters={"use_ssl": _FLAG, "user_id": a_name, "token": a_token},
            separator=";",
            secret="token",  # noqa: S106 - the name of a parameter
        ),
    }
)
