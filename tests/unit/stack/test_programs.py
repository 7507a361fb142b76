from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from aiser_app.config import Settings, SettingsInvalid
from aiser_app.stack.home import Home
from aiser_app.stack.programs import (
    SERVICES,
    STORES,
    EmbeddedStores,
    Program,
    another_database,
    render,
    service_programs,
)

PORTS = {"postgres": 1, "redis": 2, "page-state": 3, "chroma": 4}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "a b")
    home.make()
    return home


def stores(home: Home, **settings: str) -> EmbeddedStores:
    return EmbeddedStores.for_home(home, Settings.model_validate(settings), PORTS)


def parsed(home: Home, text: str) -> ServerOptions:
    """Read by supervisord's own parser."""
    home.supervisor_config.write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(home.supervisor_config)])
    return options


def test_everything_is_embedded_by_default(home: Home) -> None:
    found = stores(home)
    assert [p.name for p in found.programs()] == ["postgres", "redis", "page-state", "chroma"]
    assert set(found.endpoints()) == {"database_url", "redis_url", "chroma_url"}


def test_an_address_of_ones_own_replaces_the_embedded_server(home: Home) -> None:
    found = stores(
        home,
        DATABASE_URL="postgresql://db/x",
        REDIS_URL="redis://cache:6379/0",
        CHROMA_URL="http://chroma:8000",
    )
    assert found.programs() == []
    assert found.endpoints() == {}


def test_workers_never_learn_where_the_page_state_is(home: Home) -> None:
    found = stores(home)
    settings = Settings.model_validate({"AISER_STATE_REDIS_URL": "redis://state/0"})
    for state_url in (found.state_url(Settings()), found.state_url(settings)):
        web, worker, scheduler = service_programs(settings, state_url)
        assert web.environment["AISER_STATE_REDIS_URL"] == state_url
        assert worker.environment["AISER_STATE_REDIS_URL"] == ""
        assert scheduler.environment["AISER_STATE_REDIS_URL"] == ""
    assert found.page_state is not None
    assert found.page_state.password not in str(found.endpoints())
    assert found.redis is not None
    assert found.redis.password != found.page_state.password


def test_page_state_of_an_external_redis_has_a_database_of_its_own(home: Home) -> None:
    settings = Settings.model_validate({"REDIS_URL": "rediss://u:p@cache:6379/0?x=1"})
    found = EmbeddedStores.for_home(home, settings, PORTS)
    assert found.state_url(settings) == "rediss://u:p@cache:6379/1?x=1"
    assert another_database("redis://cache", 1) == "redis://cache/1"


def test_no_secret_of_a_store_is_in_a_command_line(home: Home) -> None:
    found = stores(home)
    commands = " ".join(part for program in found.programs() for part in program.command)
    for server in (found.postgres, found.redis, found.page_state):
        assert server is not None
        assert server.password not in commands


def test_supervisord_reads_what_was_meant(home: Home) -> None:
    environment = {"URL": "redis://:a%2Fb@h/0", "QUOTED": 'say "x", please', "EMPTY": ""}
    program = Program(
        name="odd",
        command=["/bin/echo", "a b", 'c"d', "100%"],
        group=SERVICES,
        stop_signal="INT",
        count=3,
        environment=environment,
    )
    options = parsed(home, render(home, [program]))
    (group,) = options.process_group_configs
    assert [process.name for process in group.process_configs] == ["odd-1", "odd-2", "odd-3"]
    process = group.process_configs[0]
    assert process.command == '"/bin/echo" "a b" "c\\"d" "100%"'
    assert {name: process.environment[name] for name in environment} == environment
    assert (process.autostart, process.autorestart is not False) == (False, True)
    assert int(process.stopsignal) == 2
    assert process.stdout_logfile == str(home.logs / "odd-1.log")


def test_both_kinds_of_quotes_are_refused_with_a_reason(home: Home) -> None:
    program = Program(name="x", command=["x"], group=SERVICES, environment={"A": "\"'"})
    with pytest.raises(SettingsInvalid, match="quotes"):
        render(home, [program])


def test_a_home_that_supervisord_cannot_write_down_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="percent"):
        render(Home(Path("/srv/100%")), [])


def test_stores_stop_after_services(home: Home) -> None:
    programs = [*service_programs(Settings(), "redis://x"), *stores(home).programs()]
    options = parsed(home, render(home, programs))
    groups = sorted(options.process_group_configs, key=lambda group: group.priority)
    assert [group.name for group in groups] == [STORES, SERVICES]  # the last one stops first
    assert {p.name for p in groups[0].process_configs} == {
        "postgres-1",
        "redis-1",
        "page-state-1",
        "chroma-1",
    }


def test_valkey_answers_only_on_loopback_and_keeps_its_data(home: Home) -> None:
    redis = stores(home).redis
    assert redis is not None
    redis.prepare()
    lines = redis.config_file.read_text().splitlines()
    assert "bind 127.0.0.1" in lines
    assert "appendonly yes" in lines
    assert redis.config_file.stat().st_mode & 0o077 == 0


def test_every_section_is_well_formed(home: Home) -> None:
    text = render(home, [*stores(home).programs(), *service_programs(Settings(), "redis://x")])
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    assert "program:web" in parser.sections()
    assert parser["supervisord"]["nodaemon"] == "true"


def test_each_worker_learns_its_number(home: Home) -> None:
    programs = service_programs(Settings(home=home.root, workers=3), "redis://state")
    text = render(home, programs)
    assert 'AISER_WORKER_NUMBER="%(process_num)d"' in text
    assert text.count('process_num)d"') == 1


def test_a_number_alone_is_an_environment_too(home: Home) -> None:
    lonely = Program(name="x", command=["x"], group="services", number_variable="N")
    assert 'environment=N="%(process_num)d"' in render(home, [lonely])
