"""MySQL and MariaDB, over pymysql."""

from aiser_app.query.engines.mysql.engine import MySQLEngine

__all__ = ["MySQLEngine"]
