#!/usr/bin/env python3
"""Measures what the check of a token that is known costs a request.

    bench/tokens.py [--images 1000] [--rounds 20] [--seconds 0.5] [--glint target/release/glint]

Starts two services with the same images: one believes tokens of a Keystone (which is a few lines of this file, and is
asked once), one the headers of a proxy in front. Has each show the same images, in turn, round by round, and prints the
median of the processor time of a request (utime + stime of /proc), and the median of what it is beside the headers in the
same round. Listens on 127.0.0.1 only. Standard library only.
"""
import argparse
import datetime
import http.server
import json
import os
import shutil
import statistics
import tempfile
import threading

import metadata
import services

PIPELINES = {"a proxy's headers": "context", "Keystone's tokens": "authtoken context"}
TOKEN = "a-token-of-some-length-" * 8


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="glint-bench-", dir=options.folder)
    keystone = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keystone)
    threading.Thread(target=keystone.serve_forever, daemon=True).start()
    servers = []
    try:
        database = services.filled("sqlite", options.images, folder, options.glint)
        for number, (name, filters) in enumerate(PIPELINES.items()):
            home = os.path.join(folder, str(number))
            own = database.copy(os.path.join(home, "database"))
            servers.append(start(home, own, name, filters, keystone.server_address[1], options))
        report(measure(servers, options))
    finally:
        services.stop(servers)
        keystone.shutdown()
        shutil.rmtree(folder)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement")
    parser.add_argument("--glint", default="target/release/glint", help="the program to measure")
    parser.add_argument("--folder", default="/var/tmp", help="where to work; the databases are in there")
    return parser.parse_args()


class Keystone(http.server.BaseHTTPRequestHandler):
    """Logs everybody in, and knows every token."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, {"token": self.token()} if "/auth/tokens" in self.path else {"version": {"id": "v3.14"}})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, {"token": self.token()})

    def token(self):
        domain, now = {"id": "default", "name": "Default"}, datetime.datetime.now(datetime.timezone.utc)
        at = lambda hours: (now + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        here = {"interface": "internal", "url": f"http://127.0.0.1:{self.server.server_address[1]}"}
        return {"user": {"id": "u", "name": "u", "domain": domain}, "methods": ["password"],
                "project": {"id": "bench", "name": "bench", "domain": domain},
                "roles": [{"id": role, "name": role} for role in ("member", "reader")],
                "catalog": [{"type": "identity", "endpoints": [here]}], "issued_at": at(0), "expires_at": at(8)}

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Subject-Token", "ours")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start(home, database, name, filters, keystone_port, options):
    port, conf = services.configure(home, database.url)
    paste = os.path.join(home, "glance-api-paste.ini")
    with open(paste) as file:
        text = file.read().replace("versionnegotiation context rootapp", f"versionnegotiation {filters} rootapp")
    text += "\n[filter:authtoken]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n"
    with open(paste, "w") as file:
        file.write(text)
    with open(conf, "a") as file:
        file.write(f"[keystone_authtoken]\nauth_url = http://127.0.0.1:{keystone_port}\nauth_type = password\n"
                   "username = glance\npassword = secret\nproject_name = service\nuser_domain_id = default\n"
                   "project_domain_id = default\n")
    command = [options.glint, "serve", "--config-file", conf, "--listen", f"127.0.0.1:{port}"]
    # The token for those who ask for one, and the headers for those who believe them.
    services.CALLER["X-Auth-Token"] = TOKEN
    return services.ready(services.launch(name, port, command, database, home))


def measure(servers, options):
    (_, paths), costs = metadata.readings(options.images, 1)["show"], {}
    for turn in range(options.rounds):
        # Whoever comes second finds the machine in another state: each is second as often.
        for server in servers[:: 1 if turn % 2 else -1]:
            costs.setdefault(server.name, []).append(metadata.read(server, 1, paths, options.seconds).service)
    return costs


def report(costs):
    print("Processor time of the server for a show, in ms, and beside the first, medians of the rounds\n")
    first, *_ = PIPELINES
    for name in PIPELINES:
        ratios = [cost / beside for cost, beside in zip(costs[name], costs[first])]
        print(f"{name:20} {statistics.median(costs[name]):.4f}  {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
