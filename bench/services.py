"""The services that are measured: the reference and Glint, with the same configuration and databases with the same rows.
Both believe the identity headers of a proxy (a pipeline with `context` and without `authtoken`), so no token is checked on
either side. Both listen on 127.0.0.1 only."""
import http.client
import os
import signal
import socket
import subprocess
import sys
import time

import databases
import processes

CALLER = {"X-Identity-Status": "Confirmed", "X-User-Id": "u", "X-Project-Id": "bench", "X-Roles": "member,reader"}
# Indexes over a million images take their time.
PATIENCE_SECONDS = 1200


class Service:
    def __init__(self, name, port, process, database):
        self.name, self.port, self.process, self.database, self.failures = name, port, process, database, {}

    def cpu_seconds(self):
        return processes.cpu_seconds(self.process.pid)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.database.stop()


def start(names, count, folder, options):
    """Starts the services of these names on databases that have `count` images each."""
    database, started = filled(options.database, count, folder, options.glint), []
    try:
        for name in names:
            home = os.path.join(folder, name)
            os.makedirs(home)
            started.append(STARTERS[name](home, database.copy(os.path.join(home, "database")), options))
    except BaseException:
        stop(started)
        raise
    return started


def filled(kind, count, folder, glint):
    """A database with `count` images, to be copied. It is not running."""
    # A server may run as somebody else, who has to find its folder.
    os.chmod(folder, 0o711)
    begun, database = time.monotonic(), databases.make(kind, os.path.join(folder, "filled"))
    try:
        make_tables(folder, database.url, glint)
        database.fill(count)
    finally:
        database.stop()
    print(f"# {count} images are there after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    return database


def stop(services):
    for service in services:
        service.stop()


def make_tables(folder, url, glint):
    """Makes the reference's tables, which are the same whoever makes them, without the indexes that Glint adds: it does so
    when it starts, as on a database that the reference has left."""
    _, conf = configure(os.path.join(folder, "tables"), url)
    for step in ("expand", "contract"):
        subprocess.run([glint, "db", "--config-file", conf, step], stdout=subprocess.DEVNULL, check=True)


def start_reference(home, database, options):
    port, conf = configure(home, database.url)
    command = [f"{os.path.abspath(options.reference)}/bin/uwsgi", "--http11-socket", f"127.0.0.1:{port}",
               "--module", "glance.wsgi.api:application", "--master", "--processes", str(os.cpu_count()), "--lazy-apps",
               "--enable-threads", "--thunder-lock", "--die-on-term", "--disable-logging", "--buffer-size", "65535",
               "--http-raw-body", "--need-app", "--virtualenv", os.path.abspath(options.reference)]
    return ready(launch("reference", port, command, database, home, {"OS_GLANCE_CONFIG_DIR": home}))


def start_glint(home, database, options):
    port, conf = configure(home, database.url)
    command = [options.glint, "serve", "--config-file", conf, "--listen", f"127.0.0.1:{port}"]
    return ready(launch("glint", port, command, database, home))


STARTERS = {"reference": start_reference, "glint": start_glint}


def launch(name, port, command, database, home, environment=()):
    with open(os.path.join(home, "log"), "a") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **dict(environment)})
    return Service(name, port, process, database)


def configure(home, url):
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
            connection = {url}
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


def ready(service):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and service.process.poll() is None:
        try:
            if Client(service).ask("GET", "/v2/images?limit=1")[0] == 200:
                return service
        except OSError:
            time.sleep(0.05)
    service.stop()
    sys.exit(f"{service.name} did not start")


class Client:
    def __init__(self, service):
        self.service = service
        self.connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=300)

    def ask(self, method, path, body=None, kind="application/json"):
        headers = CALLER if body is None else {**CALLER, "Content-Type": kind}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            failures = self.service.failures
            failures[answer.status] = failures.get(answer.status, 0) + 1
        return answer.status, data
