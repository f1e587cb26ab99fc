"""What the takeover tests do to the database at a URL by the reference's own models: `fill FOLDER` puts rows of every kind into
it, with the bytes of images in a folder; `rows` prints every row of the reference's tables, a line each."""

import datetime
import hashlib
import itertools
import json
import pathlib
import sys

import sqlalchemy
from sqlalchemy.orm import Session

from glance.db.sqlalchemy import models
from glance.db.sqlalchemy import models_metadef

DELETIONS = itertools.count()
BEGIN = datetime.datetime(2024, 1, 1, 12, 0, 0)
STATES = ["queued", "saving", "active", "killed", "deleted", "pending_delete", "deactivated", "uploading", "importing"]
VISIBILITIES = ["private", "public", "shared", "community"]
TASKS = ["pending", "processing", "success", "failure"]


def identified(kind, number):
    return f"{kind:08d}-0000-4000-8000-{number:012d}"


def times(number, deleted=False):
    created = BEGIN + datetime.timedelta(seconds=number)
    # No two are deleted in one second: which is the oldest is nothing that a database may choose.
    gone = BEGIN + datetime.timedelta(days=1, seconds=next(DELETIONS)) if deleted else None
    return {"created_at": created, "updated_at": created, "deleted_at": gone, "deleted": deleted}


def images(folder):
    for number in range(len(STATES) * len(VISIBILITIES) * 2):
        status = STATES[number % len(STATES)]
        deleted = status in ("deleted", "pending_delete")
        id = identified(1, number)
        data = f"the bytes of image {number}".encode()
        has_data = status in ("active", "deactivated", "deleted", "pending_delete")
        yield models.Image(
            id=id,
            name=None if number % 7 == 0 else f"Bild {number % 5} ü",
            status=status,
            visibility=VISIBILITIES[number % len(VISIBILITIES)],
            owner=["p1", "p2", "adm"][number % 3],
            disk_format=None if status == "queued" and number % 2 else "raw",
            container_format=None if status == "queued" and number % 2 else "bare",
            size=len(data) if has_data else None,
            virtual_size=number if number % 4 == 0 and has_data else None,
            checksum=hashlib.md5(data).hexdigest() if has_data else None,
            os_hash_algo="sha512" if has_data else None,
            os_hash_value=hashlib.sha512(data).hexdigest() if has_data else None,
            min_disk=number,
            min_ram=2 * number,
            protected=number % 5 == 0 and not deleted,
            os_hidden=number % 6 == 0,
            **times(number, deleted),
        )
        for name, value in [("os_distro", "debian"), ("leer", ""), ("größe", "1 ü"), ("viel", "x" * 3000)]:
            yield models.ImageProperty(image_id=id, name=name, value=value, **times(number, deleted))
        yield models.ImageProperty(image_id=id, name="gone", value="v", **times(number, True))
        for tag in ["a", "b c", "ü"][: number % 4]:
            yield models.ImageTag(image_id=id, value=tag, **times(number, deleted))
        yield models.ImageTag(image_id=id, value="gone", **times(number, True))
        if has_data:
            file = folder / id
            if not deleted:
                file.write_bytes(data)
            state = {"deleted": "deleted", "pending_delete": "pending_delete"}.get(status, "active")
            meta = {"store": "store1"} if number % 2 else {}
            yield models.ImageLocation(image_id=id, value=f"file://{file}", meta_data=meta, status=state, **times(number, deleted))
        for member, answer in [("p1", "accepted"), ("p2", "pending"), ("p3", "rejected")][: number % 4]:
            yield models.ImageMember(image_id=id, member=member, can_share=False, status=answer, **times(number, deleted))
        yield models.ImageMember(image_id=id, member="gone", can_share=False, status="pending", **times(number, True))


def tasks():
    for number in range(12):
        id, status = identified(2, number), TASKS[number % len(TASKS)]
        yield models.Task(
            id=id,
            type="import",
            status=status,
            owner=["p1", "p2"][number % 2],
            expires_at=BEGIN + datetime.timedelta(days=20000) if status in ("success", "failure") else None,
            image_id=identified(1, number),
            request_id=f"req-{number}",
            user_id="somebody",
            **times(number, number > 9),
        )
        result = {"image_id": identified(1, number)} if status == "success" else None
        yield models.TaskInfo(task_id=id, input={"import_from": "x", "ü": [1]}, result=result, message="m" * number)


def catalogue():
    stamp = {"created_at": BEGIN, "updated_at": BEGIN}
    schema = {"title": "T", "type": "string", "enum": ["a", "ü"]}
    yield models_metadef.MetadefResourceType(id=1, name="OS::Glance::Image", protected=True, **stamp)
    for number, visibility in enumerate(["public", "private"], start=1):
        yield models_metadef.MetadefNamespace(
            id=number, namespace=f"N{number}", display_name="D", description="ü", visibility=visibility, protected=True,
            owner="p1", **stamp)
    for number in (1, 2):
        yield models_metadef.MetadefObject(
            id=number, namespace_id=number, name="O", description="o", required="p", json_schema={"p": schema}, **stamp)
        yield models_metadef.MetadefProperty(id=number, namespace_id=number, name="P", json_schema=schema, **stamp)
        yield models_metadef.MetadefTag(id=number, namespace_id=number, name="T", **stamp)
        yield models_metadef.MetadefNamespaceResourceType(
            resource_type_id=1, namespace_id=number, properties_target="image", prefix="hw_", **stamp)


def caches():
    yield models.NodeReference(node_reference_id=1, node_reference_url="http://node1:9292")
    for number in range(3):
        yield models.CachedImages(
            id=number + 1, image_id=identified(1, number), last_accessed=BEGIN, last_modified=BEGIN, size=number, hits=7,
            checksum="c" * 32, node_reference_id=1)


def fill(engine, folder):
    folder.mkdir(parents=True, exist_ok=True)
    with Session(engine) as session:
        for rows in (images(folder), tasks(), catalogue(), caches()):
            for row in rows:
                session.add(row)
                session.flush()
        session.commit()
    if engine.dialect.name == "postgresql":
        count_on(engine)


def count_on(engine):
    """The next ids come behind those that the rows have brought along: the sequences have not seen these."""
    inspector = sqlalchemy.inspect(engine)
    with engine.begin() as connection:
        for table in inspector.get_table_names():
            for column in inspector.get_columns(table):
                if "nextval" in (column["default"] or ""):
                    name = column["name"]
                    connection.execute(sqlalchemy.text(
                        f"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), "
                        f"(SELECT COALESCE(MAX({name}), 0) + 1 FROM {table}), false)"))


def print_rows(engine):
    inspector = sqlalchemy.inspect(engine)
    tables = [table for table in inspector.get_table_names() if not table.startswith("glint_")]
    with engine.connect() as connection:
        for table in tables:
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            for line in sorted(json.dumps(dict(row), default=str, sort_keys=True) for row in rows):
                print(table, line)


engine = sqlalchemy.create_engine(sys.argv[1])
if sys.argv[2] == "fill":
    fill(engine, pathlib.Path(sys.argv[3]))
else:
    print_rows(engine)
