# SPDX-License-Identifier: Apache-2.0
"""Looks into a database through Glance's SQLAlchemy. Run in Glance's virtual environment:

tables.py upgrade URL REVISION   Glance's own alembic scripts up to a revision
tables.py describe URL           tables, columns, indexes, constraints, without those of Scurry
tables.py dump URL               every row of every table, without those of Scurry
tables.py run URL                statements of standard input: [[sql, {parameter: value}], ...]; gives the rows of the last
"""

import json
import re
import sys

import sqlalchemy
from sqlalchemy import text

MYSQL = {
    "columns": "SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default, extra,"
               " character_set_name, collation_name FROM information_schema.columns"
               " WHERE table_schema = DATABASE() AND column_name NOT LIKE 'scurry%'",
    "indexes": "SELECT table_name, index_name, seq_in_index, column_name, non_unique, index_type"
               " FROM information_schema.statistics WHERE table_schema = DATABASE()"
               " AND index_name NOT LIKE 'scurry%' AND index_name NOT LIKE 'ix_scurry%'",
    "references": "SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name"
                  " FROM information_schema.key_column_usage WHERE table_schema = DATABASE()",
    "rules": "SELECT table_name, constraint_name, delete_rule, update_rule"
             " FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()",
    "checks": "SELECT table_name, check_clause FROM information_schema.check_constraints"
              " WHERE constraint_schema = DATABASE()",
    "tables": "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()",
}
POSTGRES = {
    # A column that was dropped keeps its number.
    "columns": "SELECT table_name, row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position), column_name,"
               " data_type, udt_name, character_maximum_length, is_nullable,"
               " column_default FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
               " AND indexname NOT LIKE 'scurry%' AND indexname NOT LIKE 'ix_scurry%'",
    "constraints": "SELECT c.relname, n.conname, pg_get_constraintdef(n.oid) FROM pg_constraint n"
                   " JOIN pg_class c ON c.oid = n.conrelid WHERE c.relnamespace = 'public'::regnamespace",
    "types": "SELECT t.typname, e.enumsortorder, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid",
    "sequences": "SELECT sequencename, data_type::text, start_value, increment_by, max_value FROM pg_sequences",
}


def rows(connection, sql, **values):
    return [list(row) for row in connection.execute(text(sql), values)]


def describe(engine):
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = sqlite(connection)
        else:
            questions = MYSQL if engine.dialect.name == "mysql" else POSTGRES
            found = {name: rows(connection, sql) for name, sql in questions.items()}
    kept = {name: sorted((row for row in of_kind if not str(row[0]).startswith("scurry_")), key=str)
            for name, of_kind in found.items()}
    return kept | {"heads": sorted(row[0] for row in rows(engine.connect(), "SELECT version_num FROM alembic_version"))}


def sqlite(connection):
    found = {"columns": [], "indexes": [], "references": [], "checks": []}
    for name, sql in rows(connection, "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"):
        found["columns"] += [[name, *row] for row in rows(connection, f"PRAGMA table_info({name})")]
        for _, index, unique, origin, partial in rows(connection, f"PRAGMA index_list({name})"):
            if not index.startswith(("scurry", "ix_scurry")):
                columns = [row[2] for row in rows(connection, f"PRAGMA index_info({index})")]
                # The numbers of indexes without a name come of the order of constraints.
                index = "(automatic)" if index.startswith("sqlite_autoindex") else index
                found["indexes"].append([name, index, unique, origin, partial, columns])
        found["references"] += [[name, *row[1:]] for row in rows(connection, f"PRAGMA foreign_key_list({name})")]
        plain = re.sub(r"\s+", " ", sql)
        found["checks"] += [[name, clause] for clause in re.findall(r"CHECK ?\((.*?\))\)", plain)]
        found["checks"] += [[name, "named", words] for words in re.findall(r"CONSTRAINT (\w+ \w+)", plain)]
    return found


def dump(engine):
    whole = {}
    for table in sqlalchemy.inspect(engine).get_table_names():
        if table.startswith("scurry_"):
            continue
        with engine.connect() as connection:
            result = connection.execute(text(f"SELECT * FROM {table}"))
            names = [name for name in result.keys() if not name.startswith("scurry")]
            whole[table] = sorted((dict(zip(names, map(str, (row._mapping[name] for name in names)))) for row in result), key=str)
    return whole


def run(engine):
    last = []
    with engine.begin() as connection:
        for sql, values in json.load(sys.stdin):
            result = connection.execute(text(sql), values)
            last = [list(map(str, row)) for row in result] if result.returns_rows else []
    return last


def upgrade(url, revision):
    from alembic import command
    from oslo_config import cfg
    from glance.db import migration  # registers the options
    from glance.db.sqlalchemy import alembic_migrations
    del migration
    cfg.CONF([], project="glance", default_config_files=[])
    cfg.CONF.set_override("connection", url, group="database")
    command.upgrade(alembic_migrations.get_alembic_config(), revision)


def main():
    what, url = sys.argv[1:3]
    if what == "upgrade":
        return upgrade(url, sys.argv[3])
    engine = sqlalchemy.create_engine(url)
    print(json.dumps({"describe": describe, "dump": dump, "run": run}[what](engine), default=str))


main()
