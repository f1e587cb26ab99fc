"""Loads definition files into databases of the reference's, by its own code, and exports them. Each line of standard input
is, with tabs between,

    URL FOLDER STEP...

Each step is "unload", or a path with options behind colons: /folder:merge:prefer_new. The export goes to FOLDER. In release 33
it fails for want of an argument, and reads rows by names that they do not have any more: here it gets both.
"""
import sys
import warnings

warnings.simplefilter("ignore")

import sqlalchemy
from glance.db.sqlalchemy import metadata
from glance.db.sqlalchemy import models_metadef


class ByName:
    """A connection whose rows have names."""

    def __init__(self, connection):
        self.connection = connection

    def begin(self):
        return self.connection.begin()

    def execute(self, statement):
        return self.connection.execute(statement).mappings()


TABLES = {name: getattr(metadata, name) for name in dir(metadata) if name.startswith("get_metadef_")}


def export(engine, folder):
    with engine.connect() as connection:
        for name, table in TABLES.items():
            setattr(metadata, name, lambda meta, _=None, table=table: table(meta, connection))
        metadata._export_data_to_file(sqlalchemy.MetaData(), ByName(connection), folder + "/")
    for name, table in TABLES.items():
        setattr(metadata, name, table)


def main():
    for line in sys.stdin:
        url, folder, *steps = line.rstrip("\n").split("\t")
        engine = sqlalchemy.create_engine(url)
        models_metadef.register_models(engine)
        for step in steps:
            path, *options = step.split(":")
            if path == "unload":
                metadata.db_unload_metadefs(engine)
            else:
                metadata.db_load_metadefs(engine, path, **{option: True for option in options})
        export(engine, folder)
        engine.dispose()


if __name__ == "__main__":
    main()
