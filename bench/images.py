"""What the databases of a measurement are filled with: images, and metadata definitions, which depend on their number only."""
import datetime
import hashlib
import json
import uuid

DISTROS = ["debian", "ubuntu", "fedora", "centos", "rhel", "alpine", "arch", "suse", "windows", "freebsd"]

IMAGE = ("id", "name", "size", "status", "created_at", "updated_at", "deleted", "disk_format", "container_format",
         "checksum", "owner", "min_disk", "min_ram", "protected", "visibility", "virtual_size", "os_hidden",
         "os_hash_algo", "os_hash_value")


def identifier(number):
    return str(uuid.UUID(hashlib.md5(b"bench-%d" % number).hexdigest(), version=4))


def tables(numbers):
    """The images of these numbers: of each table its name, its columns, and its rows. Half of the images are the caller's,
    half are public, a quarter is both."""
    return [
        ("images", IMAGE, map(image, numbers)),
        ("image_properties", ("image_id", "name", "value", "created_at", "updated_at", "deleted"),
         (row for number in numbers for row in properties(number))),
        ("image_tags", ("image_id", "value", "created_at", "updated_at", "deleted"),
         (row for number in numbers for row in tags(number))),
        ("image_locations", ("image_id", "value", "meta_data", "status", "created_at", "updated_at", "deleted"),
         map(location, numbers)),
    ]


def at(number):
    return (datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.000000")


def image(number):
    id, size, time = identifier(number), (number % 4096 + 1) << 20, at(number)
    owner = "bench" if number % 2 == 0 else f"project-{number % 9}"
    visibility = "public" if (number // 2) % 2 == 0 else "shared"
    return (id, f"bench-{number}", size, "active", time, time, 0, "qcow2", "bare", hashlib.md5(id.encode()).hexdigest(), owner,
            0, 0, 0, visibility, size, 0, "sha512", hashlib.sha512(id.encode()).hexdigest())


def properties(number):
    id, time = identifier(number), at(number)
    values = {"os_distro": DISTROS[number % 10], "os_version": f"{number % 20}.{number % 7}", "architecture": "x86_64",
              "hw_disk_bus": "virtio", "hw_vif_model": "virtio", "os_admin_user": f"user{number % 50}"}
    return [(id, name, value, time, time, 0) for name, value in values.items()]


def tags(number):
    id, time = identifier(number), at(number)
    return [(id, tag, time, time, 0) for tag in ("all", f"t{number % 100}")]


def location(number):
    id, time = identifier(number), at(number)
    return id, f"file:///store/{id}", '{"store": "fast"}', "active", time, time, 0


def definitions():
    """33 metadata namespaces, which is what clouds have, each with 4 properties, an object of 3 and 2 types of resources."""
    at = "2024-01-01 00:00:00.000000"
    schema = {"title": "A property", "description": "What it means to whom. " * 5, "type": "string", "enum": DISTROS}
    ids = range(1, 34)
    parts = json.dumps({f"part_{part}": schema for part in range(3)})
    return [
        ("metadef_namespaces", ("id", "namespace", "display_name", "description", "visibility", "protected", "owner",
                                "created_at", "updated_at"),
         [(id, f"OS::Bench::N{id}", "A namespace", "What it is about. " * 10, "public", 1, "admin", at, at) for id in ids]),
        ("metadef_resource_types", ("id", "name", "protected", "created_at"),
         [(type, f"OS::Bench::Type{type}", 0, at) for type in (1, 2, 3)]),
        ("metadef_namespace_resource_types", ("resource_type_id", "namespace_id", "prefix", "created_at"),
         [(type, id, "hw_", at) for id in ids for type in (id % 3 + 1, (id + 1) % 3 + 1)]),
        ("metadef_properties", ("namespace_id", "name", "json_schema", "created_at"),
         [(id, f"property_{part}", json.dumps(schema), at) for id in ids for part in range(4)]),
        ("metadef_objects", ("namespace_id", "name", "json_schema", "created_at"), [(id, "object", parts, at) for id in ids]),
    ]
