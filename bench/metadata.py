#!/usr/bin/env python3
"""Measures what requests for metadata cost, beside the reference, on SQLite, MariaDB or PostgreSQL.

    bench/metadata.py [--database sqlite] [--images 1000,10000,100000] [--reference VENV] [--glint target/release/glint]

For each number of images: fills a database with them (6 properties, 2 tags and 1 location each, and 33 metadata
namespaces), and starts both services on a copy of it each, with the same configuration. Then asks all of them the same
requests in turn, round by round. What is measured is the processor time of the service's processes for each request
(utime + stime of /proc), so that the client's own time, and other programs on the machine, do not matter much; that of
the database server; and the time to the answer, in which they do matter. Prints tables of medians and of ratios, in
markdown.

The reference is `glance` and `uwsgi` from PyPI, with the drivers of the servers, in the virtual environment VENV (without
--reference, only glint is measured, and with --reference-most only it where there are more images):

    python3 -m venv VENV && VENV/bin/pip install -r tests/real/requirements-reference.txt

Needs python3, for the servers what tests/servers needs (Debian: mariadb-server, postgresql), and with a million images 15
GiB of room in the folder.
"""
import argparse
import collections
import json
import os
import signal
import statistics
import sys
import tempfile
import threading
import time

import databases
import services
from images import identifier

PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
# Milliseconds a request: of the service's processor time, of the database server's, and to the answer.
Cost = collections.namedtuple("Cost", "service database time")


def main():
    options, started = arguments(), {}
    # Whoever ends this early ends what it has started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended early"))
    with tempfile.TemporaryDirectory(prefix="glint-bench-", dir=options.folder) as folder:
        # A server may run as somebody else, who has to find its folder.
        os.chmod(folder, 0o711)
        try:
            for count in options.images:
                with_reference = options.reference and count <= (options.reference_most or count)
                names, home = ["reference", "glint"] if with_reference else ["glint"], os.path.join(folder, str(count))
                os.mkdir(home)
                started[count] = services.start(names, count, home, options)
            found = measure(started, options)
            for count, those in started.items():
                print(f"\n{count:,} images, {options.database}\n")
                table(found[count], [service.name for service in those])
                for service in those:
                    print(f"\n{service.name}: answers of 400 and above: {service.failures or 'none'}", flush=True)
        finally:
            for those in started.values():
                services.stop(those)
    if len(found) > 1:
        growth(found)


def arguments(about=__doc__):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=databases.KINDS, default="sqlite")
    parser.add_argument("--images", default="1000,10000,100000", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2, help="length of one measurement")
    parser.add_argument("--clients", type=int, default=16, help="how many clients ask at once, after one alone")
    parser.add_argument("--glint", default="target/release/glint", help="the program to measure")
    parser.add_argument("--reference", help="the virtual environment with the reference")
    parser.add_argument("--reference-most", type=int, help="the most images with which the reference is measured")
    parser.add_argument("--only", default="", help="only the reading requests whose name has this text")
    parser.add_argument("--folder", default="/var/tmp", help="where to work; the databases are in there")
    return parser.parse_args()


# ---- the requests ------------------------------------------------------------------------------------------------------

def measure(started, options):
    """What each request costs each service, by the number of images: a list of costs, one a round. All numbers of images are
    asked for in turn, so that the machine is the same for all of them."""
    asked = {count: readings(count, options.clients) for count in started}
    costs = {count: {} for count in started}

    def add(count, what, service, cost):
        told = ", ".join(f"{name} {ms:.3f}" for name, ms in cost._asdict().items())
        print(f"# {count} images, {what}, {service.name}: {told} ms", file=sys.stderr, flush=True)
        costs[count].setdefault(what, {}).setdefault(service.name, []).append(cost)

    for _ in range(options.rounds):
        for what in dict.fromkeys(what for those in asked.values() for what in those if options.only in what):
            for count in (count for count in started if what in asked[count]):
                for service in started[count]:
                    add(count, what, service, read(service, *asked[count][what], options.seconds))
        for clients in (1, options.clients) if not options.only else ():
            for count, those in started.items():
                for service in those:
                    for what, cost in write(service, clients, options.seconds).items():
                        add(count, what if clients == 1 else f"{what}, {clients} at once", service, cost)
    return costs


def readings(count, clients):
    """What is read: a name, how many clients ask at once, and the paths that each takes in turn. Every fourth image is the
    caller's and not public."""
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
    at_once = ["show", "list of 25", "list of 25, by property", "list of 25, sorted by name"]
    return {**{what: (1, paths) for what, paths in found.items()},
            **{f"{what}, {clients} at once": (clients, found[what]) for what in at_once}}


def read(service, clients, paths, seconds):
    services.Client(service).ask("GET", paths[0])

    def work(ask):
        end, asked = time.monotonic() + seconds, 0
        while time.monotonic() < end or asked < 3:
            ask("GET", paths[asked % len(paths)])
            asked += 1
    return at_once(service, [work] * clients)


def write(service, clients, seconds):
    """Creates images for a time, and then changes all of them; each client those that it made."""
    changes = json.dumps([{"op": "replace", "path": "/name", "value": "p"},
                          {"op": "add", "path": "/os_admin_user", "value": "x"}])
    made = [[] for _ in range(clients)]
    costs = {"create": at_once(service, [creations(ids, seconds) for ids in made])}
    for what, method, path, body in [
        ("patch", "PATCH", "/v2/images/{}", changes),
        ("tag", "PUT", "/v2/images/{}/tags/x", None),
        ("member", "POST", "/v2/images/{}/members", json.dumps({"member": "other"})),
        ("delete", "DELETE", "/v2/images/{}", None),
    ]:
        kind = PATCH_TYPE if method == "PATCH" else "application/json"
        costs[what] = at_once(service, [each(ids, method, path, body, kind) for ids in made])
    return costs


def creations(ids, seconds):
    image = json.dumps({"name": "w", "disk_format": "qcow2", "container_format": "bare", "os_distro": "debian",
                        "os_version": "12", "architecture": "x86_64", "tags": ["a", "b"]})

    def work(ask):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status, data = ask("POST", "/v2/images", image)
            if status == 201:
                ids.append(json.loads(data)["id"])
    return work


def each(ids, method, path, body, kind):
    def work(ask):
        for id in ids:
            ask(method, path.format(id), body, kind)
    return work


def at_once(service, pieces):
    """Does pieces of work, each with a client of its own; what one request cost that succeeded."""
    meter = Meter(service)

    def one(work):
        client = services.Client(service)
        work(lambda *request: meter.ask(client, *request))

    threads = [threading.Thread(target=one, args=(work,)) for work in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return meter.cost()


class Meter:
    """What requests cost from now on."""

    def __init__(self, service):
        self.service, self.times = service, []
        self.begun = self.spent()

    def spent(self):
        return self.service.cpu_seconds(), self.service.database.cpu_seconds()

    def ask(self, client, *request):
        begun = time.monotonic()
        answer = client.ask(*request)
        if answer[0] < 400:
            self.times.append(time.monotonic() - begun)
        return answer

    def cost(self):
        asked = max(1, len(self.times))
        service, database = [(now - then) * 1000 / asked for now, then in zip(self.spent(), self.begun)]
        return Cost(service, database, statistics.median(self.times or [0]) * 1000)


# ---- the tables --------------------------------------------------------------------------------------------------------

TITLES = {"service": "processor", "database": "database's", "time": "time"}


def table(costs, names):
    """A row a request: what it costs each service, and how many times as much it costs the first."""
    units = [unit for unit in Cost._fields if any(medians(cost, unit)[name] for cost in costs.values() for name in names)]
    both = len(names) == 2
    titles = [f"{name}, {TITLES[unit]}" for unit in units for name in names]
    titles += [f"times, {TITLES[unit]}" for unit in units if both]
    print("| Request, ms | " + " | ".join(titles) + " |")
    print("|---" * (1 + len(titles)) + "|")
    for what, cost in costs.items():
        cells = [number(medians(cost, unit)[name]) for unit in units for name in names]
        cells += [ratio(*medians(cost, unit).values()) for unit in units if both]
        print(f"| {what} | " + " | ".join(cells) + " |")
    sys.stdout.flush()


def growth(found):
    """All numbers of images beside each other: what a request takes of processors, whoever's, and Glint's time to the answer."""
    counts = sorted(found)
    rows = [what for what in found[counts[0]] if all(what in found[count] for count in counts)]
    titles = [f"{count:,}: {title}" for count in counts for title in ("reference", "Glint", "times")]
    print("\n| Service and database, ms | " + " | ".join(titles) + " | grows |")
    print("|---" * (len(titles) + 2) + "|")
    for what in rows:
        both = [together(found[count][what]) for count in counts]
        cells = [cell for cost in both for cell in (
            number(cost["reference"]) if "reference" in cost else "–", number(cost["glint"]),
            ratio(cost["reference"], cost["glint"]) if "reference" in cost else "–")]
        print(f"| {what} | " + " | ".join(cells) + f" | {grown(both[0]['glint'], both[-1]['glint'])} |")
    print("\n| Time to Glint's answer, ms | " + " | ".join(f"{count:,} images" for count in counts) + " | grows |")
    print("|---" * (len(counts) + 2) + "|")
    for what in rows:
        times = [medians(found[count][what], "time")["glint"] for count in counts]
        print(f"| {what} | " + " | ".join(map(number, times)) + f" | {grown(times[0], times[-1])} |")


def together(cost):
    service, database = medians(cost, "service"), medians(cost, "database")
    return {name: service[name] + database[name] for name in cost}


def grown(first, last):
    return f"{last / first:.1f}" if first else "–"


def medians(cost, unit):
    return {name: statistics.median(getattr(one, unit) for one in rounds) for name, rounds in cost.items()}


def number(milliseconds):
    """With three digits, and no more than three behind the point."""
    decimals = 3 if milliseconds < 1 else max(0, 3 - len(str(int(milliseconds))))
    return f"{milliseconds:.{decimals}f}"


def ratio(first, second):
    return f"{first / second:.0f}" if second else "–"


if __name__ == "__main__":
    main()
