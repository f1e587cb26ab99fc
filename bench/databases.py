"""The database of a service that is measured: a SQLite file, or a MariaDB or PostgreSQL of its own on 127.0.0.1."""
import os
import shutil
import sqlite3
import subprocess
import urllib.parse

import images
import processes

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "servers")
# Where all indexes of a million images have room.
OPTIONS = {
    "mariadb": "--innodb-buffer-pool-size=3G --innodb-log-file-size=1G",
    "postgres": "-c shared_buffers=2GB -c max_wal_size=4GB -c maintenance_work_mem=512MB",
}
KINDS = ["sqlite", *OPTIONS]


def make(kind, folder):
    """An empty database in `folder`, which is made."""
    os.makedirs(folder)
    return File(folder) if kind == "sqlite" else Server(kind, folder)


class File:
    def __init__(self, folder):
        self.path = os.path.join(folder, "database.sqlite")
        self.url = f"sqlite:///{self.path}"

    def cpu_seconds(self):
        """Whoever reads and writes it does all the work."""
        return 0

    def fill(self, count):
        with sqlite3.connect(self.path) as database:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            for table, columns, rows in contents(range(count)):
                places = ", ".join("?" * len(columns))
                database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)
        database.close()

    def copy(self, folder):
        """Another one with the same rows."""
        copy = make("sqlite", folder)
        if os.path.exists(self.path):
            shutil.copy(self.path, copy.path)
        return copy

    def stop(self):
        pass


class Server:
    """A server that waits for the disk at each commit, as in production, but for the time in which it is filled."""

    def __init__(self, kind, folder, durable=False):
        self.kind, self.folder = kind, folder
        self.url = self.control("start", {"OPTIONS": OPTIONS[kind], **({"DURABLE": "1"} if durable else {})}).strip()
        with open(os.path.join(folder, "pid")) as file:
            self.pid = int(file.read())

    def control(self, verb, environment):
        script = os.path.join(SCRIPTS, f"{self.kind}.sh")
        return subprocess.run([script, verb, self.folder], env={**os.environ, **environment}, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def cpu_seconds(self):
        return processes.cpu_seconds(self.pid)

    def fill(self, count):
        numbers = range(count)
        if self.kind == "mariadb":
            # Its tables are in the order of their keys.
            numbers = sorted(numbers, key=images.identifier)
        for table, columns, rows in contents(numbers):
            self.load(table, columns, rows)
        # What the servers do by themselves some time later.
        names = [table for table, _, _ in contents(())]
        self.run({"mariadb": f"ANALYZE TABLE {', '.join(names)}", "postgres": f"VACUUM ANALYZE {', '.join(names)}"}[self.kind])

    def load(self, table, columns, rows):
        statement = {
            "mariadb": "SET foreign_key_checks = 0, unique_checks = 0; LOAD DATA LOCAL INFILE '/dev/stdin' "
                       f"INTO TABLE {table} ({', '.join(columns)})",
            "postgres": f"COPY {table} ({', '.join(columns)}) FROM STDIN",
        }[self.kind]
        with subprocess.Popen(self.client(statement), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as client:
            for row in rows:
                client.stdin.write("\t".join(map(str, row)) + "\n")
        if client.returncode:
            raise SystemExit(f"{table} cannot be filled")

    def run(self, statement):
        subprocess.run(self.client(statement), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)

    def client(self, statement):
        at = urllib.parse.urlsplit(self.url)
        return {
            "mariadb": ["mariadb", "--no-defaults", "--local-infile", "--protocol=tcp", "--host=127.0.0.1",
                        f"--port={at.port}", "--user=glance", "--password=glance", "-e", statement, "glance"],
            # Nobody has to ask for each row whether its image is there.
            "postgres": ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--host=127.0.0.1", f"--port={at.port}",
                         "--username=glance", "-c", "SET session_replication_role = replica", "-c", statement, "glance"],
        }[self.kind]

    def copy(self, folder):
        """Another one with the same rows. This one has to be stopped."""
        # What is whose matters to PostgreSQL. The other has a port of its own.
        subprocess.run(["cp", "-a", self.folder, folder], check=True)
        os.remove(os.path.join(folder, "port"))
        return Server(self.kind, folder, durable=True)

    def stop(self):
        self.control("stop", {})


def contents(numbers):
    return [*images.tables(numbers), *images.definitions()]
