"""Loads definition files into a database of the reference's, by its own code, and exports them.

    definition_files.py DATABASE FOLDER STEP...

Each step is a path, with options behind colons: /folder:merge:prefer_new. The export goes to FOLDER. In release 33 it fails
for want of an argument, and reads rows by names that they do not have any more: here it gets both.
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


def export(engine, folder):
    with engine.connect() as connection:
        for name in dir(metadata):
            if name.startswith("get_metadef_"):
                table = getattr(metadata, name)
                setattr(metadata, name, lambda meta, _=None, table=table: table(meta, connection))
        metadata._export_data_to_file(sqlalchemy.MetaData(), ByName(connection), folder + "/")


def main():
    database, folder, *steps = sys.argv[1:]
    engine = sqlalchemy.create_engine("sqlite:///" + database)
    models_metadef.register_models(engine)
    for step in steps:
        path, *options = step.split(":")
        metadata.db_load_metadefs(engine, path, **{option: True for option in options})
    export(engine, folder)


if __name__ == "__main__":
    main()
