"""Prints the schema of the database at a URL, a line for each column, key, index, constraint and trigger, in the order of the
alphabet, so that two databases of the same engine can be compared. Names that an engine gives by itself are left out."""

import re
import sys

import sqlalchemy

OWN_NAME = re.compile(r"(CONSTRAINT_\d+|\w+_ibfk_\d+|\w+_chk_\d+)$")


def named(kind, found):
    name = found.get("name") or ""
    return kind if OWN_NAME.match(name) else f"{kind} {name}".rstrip()


def described(inspector, table):
    for column in inspector.get_columns(table):
        null = "null" if column["nullable"] else "not null"
        counts = " counts" if column.get("autoincrement") is True else ""
        yield f"column {column['name']} {column['type']!r} {null} default {column['default']}{counts}"
    key = inspector.get_pk_constraint(table)
    yield f"{named('primary key', key)} {key['constrained_columns']}"
    for index in inspector.get_indexes(table):
        columns = [column or expression for column, expression in zip(index["column_names"], expressions(index))]
        lengths = dict(index.get("dialect_options", {}).get("mysql_length") or {})
        yield f"index {index['name']} {columns} unique {bool(index['unique'])} {lengths or ''}".rstrip()
    for unique in inspector.get_unique_constraints(table):
        yield f"{named('unique', unique)} {unique['column_names']}"
    for foreign in inspector.get_foreign_keys(table):
        there = f"{foreign['referred_table']}{foreign['referred_columns']}"
        yield f"{named('foreign key', foreign)} {foreign['constrained_columns']} {there} {foreign['options']}"
    for check in inspector.get_check_constraints(table):
        yield f"{named('check', check)} {check['sqltext']}"
    options = inspector.get_table_options(table)
    yield f"options { {name: value for name, value in options.items() if 'auto_increment' not in name} }"


def expressions(index):
    return index.get("expressions") or index["column_names"]


def triggers(connection):
    asked = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')",
        "mysql": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
        "mariadb": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
        "postgresql": "SELECT trigger_name FROM information_schema.triggers",
    }
    return connection.execute(sqlalchemy.text(asked[connection.dialect.name])).scalars()


engine = sqlalchemy.create_engine(sys.argv[1])
with engine.connect() as connection:
    inspector = sqlalchemy.inspect(connection)
    lines = [f"{table} {line}" for table in inspector.get_table_names() for line in described(inspector, table)]
    lines += [f"trigger {name}" for name in triggers(connection)]
    if connection.dialect.name == "postgresql":
        lines += [f"type {kind['name']} {kind['labels']}" for kind in inspector.get_enums()]
        lines += [f"sequence {name}" for name in inspector.get_sequence_names()]
    lines += [f"revision {head}" for head in connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars()]
print("\n".join(sorted(lines)))
