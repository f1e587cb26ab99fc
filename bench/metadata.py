#!/usr/bin/env python3
"""Measures what requests for metadata cost the server, beside the reference, on SQLite.

    bench/metadata.py [--images 1000,10000,100000] [--reference VENV] [--glint target/release/glint]

For each number of images: makes a database for each server, fills both with the same images (6 properties, 2 tags and
1 location each) and the same 33 metadata namespaces, starts both with the same configuration, and asks both the same requests in turn, round by round.
What is measured is the processor time of the server's processes for each request (utime + stime of /proc), so that the
client's own time, and other programs on the machine, do not matter much. Prints a table of medians and of ratios.

The reference is `glance` and `uwsgi` from PyPI in the virtual environment VENV (without --reference, only glint is
measured):

    python3 -m venv VENV && VENV/bin/pip install glance uwsgi

Both believe the identity headers of a proxy (a pipeline with `context` and without `authtoken`), so no token is checked on
either side. Both listen on 127.0.0.1 only. Standard library only.
"""
import argparse
import datetime
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid

TICKS = os.sysconf("SC_CLK_TCK")
WRITERS = 64
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
CALLER = {"X-Identity-Status": "Confirmed", "X-User-Id": "u", "X-Project-Id": "bench", "X-Roles": "member,reader"}


def main():
    options = arguments()
    for count in options.images:
        folder = tempfile.mkdtemp(prefix="glint-bench-", dir=options.folder)
        servers = []
        try:
            servers = [start(folder, count, options) for start in starters(options)]
            report(count, measure(servers, count, options), servers)
        finally:
            for server in servers:
                server.stop()
            shutil.rmtree(folder)


def arguments(about=__doc__):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default="1000,10000,100000", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="length of one measurement")
    parser.add_argument("--glint", default="target/release/glint", help="the program to measure")
    parser.add_argument("--reference", help="the virtual environment with the reference")
    parser.add_argument("--only", default="", help="only the reading requests whose name has this text")
    parser.add_argument("--folder", default="/var/tmp", help="where to work; the databases are in there")
    return parser.parse_args()


def starters(options):
    return ([start_reference] if options.reference else []) + [start_glint]


# ---- the servers -------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, name, port, process):
        self.name, self.port, self.process, self.failures = name, port, process, {}

    def cpu_seconds(self):
        """The processor time of the process and of all below it, also of those that have ended."""
        return sum(cpu for _, cpu in family(self.process.pid).values()) / TICKS

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def family(top):
    """Every process below `top` and itself: its id, its parent's, its ticks."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            found[int(entry)] = int(fields[1]), sum(map(int, fields[11:15]))
    members = {top}
    while more := {pid for pid, (parent, _) in found.items() if parent in members} - members:
        members |= more
    return {pid: found[pid] for pid in members if pid in found}


def start_reference(folder, count, options):
    port, conf = configure(os.path.join(folder, "reference"))
    home = os.path.dirname(conf)
    program = os.path.join(os.path.abspath(options.reference), "bin")
    with open(os.path.join(home, "log"), "w") as log:
        subprocess.run([f"{program}/glance-manage", "--config-file", conf, "db_sync"], stdout=log, stderr=log, check=True)
        seed(os.path.join(home, "database.sqlite"), count)
        uwsgi = ["--http11-socket", f"127.0.0.1:{port}", "--module", "glance.wsgi.api:application", "--master",
                 "--processes", str(os.cpu_count()), "--lazy-apps", "--enable-threads", "--thunder-lock",
                 "--die-on-term", "--disable-logging", "--buffer-size", "65535", "--http-raw-body", "--need-app",
                 "--virtualenv", os.path.abspath(options.reference)]
        process = subprocess.Popen([f"{program}/uwsgi", *uwsgi], stdout=log, stderr=log,
                                   env={**os.environ, "OS_GLANCE_CONFIG_DIR": home})
    return ready(Server("reference", port, process))


def start_glint(folder, count, options):
    port, conf = configure(os.path.join(folder, "glint"))
    home = os.path.dirname(conf)
    command = [options.glint, "serve", "--config-file", conf, "--listen", f"127.0.0.1:{port}"]
    with open(os.path.join(home, "log"), "w") as log:
        # The first start makes the tables.
        first = ready(Server("glint", port, subprocess.Popen(command, stdout=log, stderr=log)))
        first.stop()
        seed(os.path.join(home, "database.sqlite"), count)
        return ready(Server("glint", port, subprocess.Popen(command, stdout=log, stderr=log)))


def configure(home):
    """Writes the configuration, the same for both but for places; the port and the file."""
    os.makedirs(os.path.join(home, "store"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    files = {
        "glance-api-paste.ini": """
            [pipeline:glance-api]
            pipeline = versionnegotiation context rootapp
            [composite:rootapp]
            paste.composite_factory = glance.api:root_app_factory
            /: apiversions
            /v2: apiv2app
            [app:apiversions]
            paste.app_factory = glance.api.versions:create_resource
            [app:apiv2app]
            paste.app_factory = glance.api.v2.router:API.factory
            [filter:versionnegotiation]
            paste.filter_factory = glance.api.middleware.version_negotiation:VersionNegotiationFilter.factory
            [filter:context]
            paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
            """,
        "glance-api.conf": f"""
            [DEFAULT]
            enabled_backends = fast:file
            [database]
            connection = sqlite:///{home}/database.sqlite
            [glance_store]
            default_backend = fast
            [fast]
            filesystem_store_datadir = {home}/store
            [os_glance_staging_store]
            filesystem_store_datadir = {home}/staging
            [os_glance_tasks_store]
            filesystem_store_datadir = {home}/tasks
            [paste_deploy]
            config_file = {home}/glance-api-paste.ini
            [oslo_concurrency]
            lock_path = {home}
            """,
    }
    for name, text in files.items():
        with open(os.path.join(home, name), "w") as file:
            file.write("\n".join(line.strip() for line in text.splitlines()) + "\n")
    return port, os.path.join(home, "glance-api.conf")


def ready(server):
    end = time.monotonic() + 120
    while time.monotonic() < end and server.process.poll() is None:
        try:
            if Client(server).ask("GET", "/v2/images?limit=1")[0] == 200:
                return server
        except OSError:
            time.sleep(0.05)
    server.stop()
    sys.exit(f"{server.name} did not start")


# ---- the images --------------------------------------------------------------------------------------------------------

DISTROS = ["debian", "ubuntu", "fedora", "centos", "rhel", "alpine", "arch", "suse", "windows", "freebsd"]
INSERTS = [
    "INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format, checksum,"
    " owner, min_disk, min_ram, protected, visibility, virtual_size, os_hidden, os_hash_algo, os_hash_value)"
    " VALUES (?, ?, ?, 'active', ?, ?, 0, 'qcow2', 'bare', ?, ?, 0, 0, 0, ?, ?, 0, 'sha512', ?)",
    "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted) VALUES (?, ?, ?, ?, ?, 0)",
    "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted) VALUES (?, ?, ?, ?, 0)",
    "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted)"
    " VALUES (?, ?, '{\"store\": \"fast\"}', 'active', ?, ?, 0)",
]


def seed(path, count):
    """Fills a database with images. Half of them are the caller's, half are public, a quarter is both."""
    with sqlite3.connect(path) as database:
        for begin in range(0, count, 2000):
            rows = [image(number) for number in range(begin, min(begin + 2000, count))]
            for at, insert in enumerate(INSERTS):
                database.executemany(insert, [row for image in rows for row in image[at]])
        for insert, rows in definitions():
            database.executemany(insert, rows)
    database.close()


def image(number):
    """The rows of one image, which depend on its number only."""
    id = identifier(number)
    at = (datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S.000000")
    size = (number % 4096 + 1) << 20
    owner = "bench" if number % 2 == 0 else f"project-{number % 9}"
    visibility = "public" if (number // 2) % 2 == 0 else "shared"
    hashes = hashlib.md5(id.encode()).hexdigest(), hashlib.sha512(id.encode()).hexdigest()
    properties = {"os_distro": DISTROS[number % 10], "os_version": f"{number % 20}.{number % 7}", "architecture": "x86_64",
                  "hw_disk_bus": "virtio", "hw_vif_model": "virtio", "os_admin_user": f"user{number % 50}"}
    return (
        [(id, f"bench-{number}", size, at, at, hashes[0], owner, visibility, size, hashes[1])],
        [(id, name, value, at, at) for name, value in properties.items()],
        [(id, tag, at, at) for tag in ("all", f"t{number % 100}")],
        [(id, f"file:///store/{id}", at, at)],
    )


def definitions():
    """33 metadata namespaces, which is what clouds have, each with 4 properties, an object of 3 and 2 types of resources."""
    at = "2024-01-01 00:00:00.000000"
    schema = {"title": "A property", "description": "What it means to whom. " * 5, "type": "string", "enum": DISTROS}
    ids = range(1, 34)
    parts = json.dumps({f"part_{part}": schema for part in range(3)})
    return [
        ("INSERT INTO metadef_namespaces (id, namespace, display_name, description, visibility, protected, owner,"
         f" created_at, updated_at) VALUES (?, ?, 'A namespace', ?, 'public', 1, 'admin', '{at}', '{at}')",
         [(id, f"OS::Bench::N{id}", "What it is about. " * 10) for id in ids]),
        (f"INSERT INTO metadef_resource_types (id, name, protected, created_at) VALUES (?, ?, 0, '{at}')",
         [(type, f"OS::Bench::Type{type}") for type in (1, 2, 3)]),
        ("INSERT INTO metadef_namespace_resource_types (resource_type_id, namespace_id, prefix, created_at)"
         f" VALUES (?, ?, 'hw_', '{at}')", [(type, id) for id in ids for type in (id % 3 + 1, (id + 1) % 3 + 1)]),
        (f"INSERT INTO metadef_properties (namespace_id, name, json_schema, created_at) VALUES (?, ?, ?, '{at}')",
         [(id, f"property_{at}", json.dumps(schema)) for id in ids for at in range(4)]),
        (f"INSERT INTO metadef_objects (namespace_id, name, json_schema, created_at) VALUES (?, 'object', ?, '{at}')",
         [(id, parts) for id in ids]),
    ]


def identifier(number):
    return str(uuid.UUID(hashlib.md5(b"bench-%d" % number).hexdigest(), version=4))


# ---- the requests ------------------------------------------------------------------------------------------------------

class Client:
    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)

    def ask(self, method, path, body=None, kind="application/json"):
        headers = CALLER if body is None else {**CALLER, "Content-Type": kind}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            failures = self.server.failures
            failures[answer.status] = failures.get(answer.status, 0) + 1
        return answer.status, data


def measure(servers, count, options):
    """What each request costs each server, in milliseconds, one number a round."""
    costs = {}

    def add(what, server, milliseconds):
        print(f"# {count} images, {what}, {server.name}: {milliseconds:.3f} ms", file=sys.stderr, flush=True)
        costs.setdefault(what, {}).setdefault(server.name, []).append(milliseconds)

    for _ in range(options.rounds):
        for what, paths in readings(count).items():
            for server in servers:
                if options.only in what:
                    add(what, server, read(server, paths, options.seconds))
        for server in servers if not options.only else []:
            for what, milliseconds in write(server, options.seconds).items():
                add(what, server, milliseconds)
    for server in servers if not options.only else []:
        add(f"create, {WRITERS} at once", server, crowd(server, options.seconds))
    return costs


def readings(count):
    """What is read: a name, and the paths to take in turn. Every fourth image is the caller's and not public."""
    ids = [identifier(number) for number in range(0, count, max(1, count // 500) | 1) if number % 4 != 3]
    # Newest first, three of four are seen: this one has nine tenths of them before it.
    deep = identifier(count // 10 // 4 * 4)
    lists = {
        "list of 25": "limit=25",
        "list of 25, by name": f"limit=25&name=bench-{count // 8 * 4}",
        "list of 25, by property": "limit=25&os_distro=debian",
        "list of 25, by tag": "limit=25&tag=t42",
        "list of 25, sorted by name": "limit=25&sort_key=name&sort_dir=asc",
        "list of 25, sorted by size": "limit=25&sort=size:desc",
        "list of 25, deep marker": f"limit=25&marker={deep}",
        "list of 25, sorted by name, deep marker": f"limit=25&sort=name:asc&marker={deep}",
        "list of 1,000": "limit=1000",
    }
    if count > 4 * 25 * 1000 // 3:
        # The last image of page 999: of every four, newest first, the second, third and fourth are seen.
        fours, at = divmod(999 * 25 - 1, 3)
        lists["list of 25, page 1,000"] = f"limit=25&marker={identifier(count - 2 - 4 * fours - at)}"
    found = {"show": [f"/v2/images/{id}" for id in ids]}
    found.update((what, [f"/v2/images?{query}"]) for what, query in lists.items())
    found["list of 25 metadata namespaces"] = ["/v2/metadefs/namespaces"]
    found["a metadata namespace"] = [f"/v2/metadefs/namespaces/OS::Bench::N{id}" for id in range(1, 34)]
    return found


def read(server, paths, seconds):
    client = Client(server)
    client.ask("GET", paths[0])
    cpu, end, asked = server.cpu_seconds(), time.monotonic() + seconds, 0
    while time.monotonic() < end or asked < 3:
        client.ask("GET", paths[asked % len(paths)])
        asked += 1
    return (server.cpu_seconds() - cpu) * 1000 / asked


def new_image(name):
    return json.dumps({"name": name, "disk_format": "qcow2", "container_format": "bare", "os_distro": "debian",
                       "os_version": "12", "architecture": "x86_64", "tags": ["a", "b"]})


def write(server, seconds):
    client, ids, costs = Client(server), [], {}

    def timed(what, requests):
        cpu, asked = server.cpu_seconds(), 0
        for request in requests:
            yield client.ask(*request)
            asked += 1
        costs[what] = (server.cpu_seconds() - cpu) * 1000 / asked

    end = time.monotonic() + seconds
    creations = iter(lambda: ("POST", "/v2/images", new_image("w")) if time.monotonic() < end else None, None)
    for status, data in timed("create", creations):
        if status == 201:
            ids.append(json.loads(data)["id"])
    changes = json.dumps([{"op": "replace", "path": "/name", "value": "p"},
                          {"op": "add", "path": "/os_admin_user", "value": "x"}])
    for what, method, path, body in [
        ("patch", "PATCH", "/v2/images/{}", changes),
        ("tag", "PUT", "/v2/images/{}/tags/x", None),
        ("member", "POST", "/v2/images/{}/members", json.dumps({"member": "other"})),
        ("delete", "DELETE", "/v2/images/{}", None),
    ]:
        kind = PATCH_TYPE if method == "PATCH" else "application/json"
        for _ in timed(what, [(method, path.format(id), body, kind) for id in ids]):
            pass
    return costs


def crowd(server, seconds):
    """Many clients that create images at once; the cost of each image that was created."""
    end, created = time.monotonic() + seconds, []

    def one():
        client = Client(server)
        while time.monotonic() < end:
            if client.ask("POST", "/v2/images", new_image("crowd"))[0] == 201:
                created.append(1)

    cpu, begun = server.cpu_seconds(), time.monotonic()
    threads = [threading.Thread(target=one) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"# {server.name}: {len(created) / (time.monotonic() - begun):.0f} images/s with {WRITERS} clients",
          file=sys.stderr, flush=True)
    return (server.cpu_seconds() - cpu) * 1000 / max(1, len(created))


# ---- the table ---------------------------------------------------------------------------------------------------------

def report(count, costs, servers):
    table(f"{count} images; processor time of the server a request, in ms, median of the rounds", costs, servers)


def table(title, costs, servers):
    print(f"\n{title}\n")
    names = [server.name for server in servers]
    both = len(names) == 2
    print("| Request | " + " | ".join(names) + (" | times |" if both else " |"))
    print("|---" * (len(names) + 1 + both) + "|")
    for what, by_server in costs.items():
        medians = [statistics.median(by_server[name]) for name in names]
        ratio = f" | {medians[0] / medians[1]:.0f}" if both and medians[1] > 0 else ""
        print(f"| {what} | " + " | ".join(f"{ms:.3f}" for ms in medians) + ratio + " |")
    for server in servers:
        print(f"\n{server.name}: answers of 400 and above: {server.failures or 'none'}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
