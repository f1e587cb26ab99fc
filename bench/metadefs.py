#!/usr/bin/env python3
"""Measures what the catalogue of metadata definitions costs, beside the reference.

    bench/metadefs.py [--database sqlite] [--reference VENV] [--glint target/release/glint] [--rounds 3]

Both load the same files into a new database with their own command, those of the reference if it is there, and then answer
the same requests in turn, as bench/metadata.py measures them: processor time, of the command or of the server a request.
"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import metadata
import services

NAMESPACE = "OS::Compute::LibvirtImage"
REQUESTS = {
    "list of namespaces": "/v2/metadefs/namespaces",
    "list of namespaces for images": "/v2/metadefs/namespaces?resource_types=OS::Glance::Image",
    "one namespace": f"/v2/metadefs/namespaces/{NAMESPACE}",
    "one namespace, for images": f"/v2/metadefs/namespaces/{NAMESPACE}?resource_type=OS::Glance::Image",
    "properties of one namespace": f"/v2/metadefs/namespaces/{NAMESPACE}/properties",
    "one property": f"/v2/metadefs/namespaces/{NAMESPACE}/properties/hw_disk_bus",
    "objects of one namespace": "/v2/metadefs/namespaces/OS::Software::DBMS/objects",
    "resource types": "/v2/metadefs/resource_types",
}


def main():
    options = metadata.arguments(__doc__)
    files = os.path.join(os.path.abspath(options.reference), "etc/glance/metadefs") if options.reference else "metadefs"
    folder = tempfile.mkdtemp(prefix="glint-bench-", dir=options.folder)
    servers, costs = [], {}
    try:
        servers = services.start(["reference", "glint"] if options.reference else ["glint"], 0, folder, options)
        for _ in range(options.rounds):
            for server in servers:
                add(costs, "load all files", server, load(server, folder, files, options))
            for what, path in REQUESTS.items():
                for server in servers:
                    add(costs, what, server, metadata.read(server, 1, [path], options.seconds))
        metadata.table(costs, [server.name for server in servers])
    finally:
        services.stop(servers)
        shutil.rmtree(folder)


def load(server, folder, files, options):
    """Empties the catalogue and fills it again; what filling took."""
    conf = os.path.join(folder, server.name, "glance-api.conf")
    program = [options.glint] if server.name == "glint" else [f"{options.reference}/bin/glance-manage"]
    own = [] if server.name == "glint" else ["--config-file", conf]
    after = ["--config-file", conf] if server.name == "glint" else []
    command = [*program, *own, "db", *after]
    with open(os.path.join(folder, "log"), "a") as log:
        subprocess.run([*command, "unload_metadefs"], stdout=log, stderr=log, check=True)
        begun, before, database = time.monotonic(), children(), server.database.cpu_seconds()
        subprocess.run([*command, "load_metadefs", "--path", files], stdout=log, stderr=log, check=True)
    took = children() - before, server.database.cpu_seconds() - database, time.monotonic() - begun
    return metadata.Cost(*(seconds * 1000 for seconds in took))


def children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def add(costs, what, server, cost):
    print(f"# {what}, {server.name}: {cost.service:.3f} ms", file=sys.stderr, flush=True)
    costs.setdefault(what, {}).setdefault(server.name, []).append(cost)


if __name__ == "__main__":
    main()
