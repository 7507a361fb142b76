"""Every error has a code of its own and a status that fits."""

from __future__ import annotations

import importlib
import pkgutil

import aiser_app
from aiser_app.errors import AiserError


def all_errors() -> list[type[AiserError]]:
    for module in pkgutil.iter_modules(aiser_app.__path__, "aiser_app."):
        if module.name in {"aiser_app.errors", "aiser_app.config"}:
            importlib.import_module(module.name)
    found: list[type[AiserError]] = []
    pending = [AiserError]
    while pending:
        error = pending.pop()
        found.append(error)
        pending.extend(error.__subclasses__())
    return found


def test_codes_are_unique() -> None:
    codes = [error.code for error in all_errors()]
    assert len(codes) > 10
    assert sorted(codes) == sorted(set(codes))


def test_statuses_are_errors() -> None:
    assert all(400 <= error.http_status < 600 for error in all_errors())


def test_names_do_not_hide_builtins() -> None:
    builtins = set(dir(__builtins__)) if not isinstance(__builtins__, dict) else set(__builtins__)
    assert not {error.__name__ for error in all_errors()} & builtins
