#!/usr/bin/env python3
"""Measures how fast image data goes in and out, beside what the machine can do.

    bench/data.py [--mib 1024] [--rounds 5] [--glint target/release/glint]

Starts a stand-alone glint in a folder of its own and, in turn, round by round: hashes the same bytes with MD5 and with
SHA-512 alone (one thread each, `openssl speed`), uploads them, downloads them, and has nginx send the same file with
sendfile. Prints a table of medians and ratios. Only the ratios of one run mean anything: machines differ, and so do hours.

Needs python3, openssl and nginx (Debian: nginx-light). Listens on 127.0.0.1 only.
"""
import argparse
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

MIB = 1 << 20


def main():
    options = arguments()
    folder = tempfile.mkdtemp(prefix="glint-bench-", dir=options.folder)
    started = []
    try:
        body = make_body(os.path.join(folder, "body"), options.mib)
        glint, url = start_glint(options.glint, folder)
        started.append(glint)
        nginx, nginx_url = start_nginx(folder)
        started.append(nginx)
        token = log_in(url, os.path.join(folder, "data", "clouds.yaml"))
        rows = {}
        for _ in range(options.rounds):
            for name, rate in hashes().items():
                rows.setdefault(name, []).append(rate)
            image = new_image(url, token)
            rows.setdefault("upload", []).append(upload(url, token, image, body))
            rows.setdefault("download", []).append(download(url, f"/v2/images/{image}/file", token))
            rows.setdefault("nginx", []).append(download(nginx_url, "/body", None))
            request(url, token, "DELETE", f"/v2/images/{image}")
        report(rows, options, peak(glint.pid))
    finally:
        for process in started:
            process.terminate()
            process.wait()
        shutil.rmtree(folder)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the image in MiB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--glint", default="target/release/glint", help="the program to measure")
    parser.add_argument("--folder", default=None, help="where to work; the store is in there")
    return parser.parse_args()


def make_body(path, mib):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    return path


def start_glint(program, folder):
    process = subprocess.Popen(
        [program, "serve", "--data-dir", os.path.join(folder, "data"), "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        if line.startswith("image service:"):
            return process, line.split()[-1]
    sys.exit("glint did not start")


def start_nginx(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conf = os.path.join(folder, "nginx.conf")
    temp = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                    ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(conf, "w") as file:
        file.write(f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
                   f"{'user root;' if os.getuid() == 0 else ''} events {{}}\n"
                   f"http {{ access_log off; sendfile on; tcp_nopush on; {temp}\n"
                   f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n")
    process = subprocess.Popen(["nginx", "-c", conf, "-e", f"{folder}/nginx.log"])
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    sys.exit("nginx did not start")


def log_in(url, clouds):
    with open(clouds) as file:
        text = file.read()
    password = re.search(r"^  glint:$.*?^      password: (\S+)$", text, re.M | re.S).group(1).strip("'\"")
    user = {"name": "demo", "domain": {"id": "default"}, "password": password}
    project = {"name": "demo", "domain": {"id": "default"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": project}}
    answer, _ = request(url, None, "POST", "/identity/v3/auth/tokens", {"auth": auth})
    return answer.headers["X-Subject-Token"]


def request(url, token, method, path, body=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    headers = {"X-Auth-Token": token} if token else {}
    text = None
    if body is not None:
        text = json.dumps(body)
        headers["Content-Type"] = "application/json"
    connection.request(method, path, text, headers)
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 400:
        sys.exit(f"{method} {path}: {answer.status} {data}")
    return answer, data


def new_image(url, token):
    image = {"name": "bench", "disk_format": "raw", "container_format": "bare"}
    return json.loads(request(url, token, "POST", "/v2/images", image)[1])["id"]


def upload(url, token, image, body):
    """MiB a second, to the answer: the data is on the disk then. The kernel copies file to socket."""
    size = os.path.getsize(body)
    with socket.create_connection(tuple(address(url))) as connection, open(body, "rb") as file:
        head = (f"PUT /v2/images/{image}/file HTTP/1.1\r\nHost: bench\r\nX-Auth-Token: {token}\r\n"
                f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n")
        begun = time.perf_counter()
        connection.sendall(head.encode())
        connection.sendfile(file)
        status = connection.recv(4096).split(b" ")[1]
        seconds = time.perf_counter() - begun
    if status != b"204":
        sys.exit(f"upload: {status}")
    return size / MIB / seconds


def download(url, path, token):
    """MiB a second, read into a buffer and forgotten."""
    buffer = bytearray(MIB)
    with socket.create_connection(tuple(address(url))) as connection:
        auth = f"X-Auth-Token: {token}\r\n" if token else ""
        begun = time.perf_counter()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{auth}\r\n".encode())
        taken = 0
        while count := connection.recv_into(buffer):
            taken += count
        return taken / MIB / (time.perf_counter() - begun)


def address(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def hashes():
    speed = subprocess.run(["openssl", "speed", "-seconds", "1", "-bytes", str(MIB), "md5", "sha512"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    found = re.findall(r"^(md5|sha512)\s+([\d.]+)k", speed, re.M)
    return {f"{name} alone": float(rate) * 1000 / MIB for name, rate in found}


def peak(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024


def report(rows, options, peak_mib):
    print(f"{options.mib} MiB, {options.rounds} rounds, MiB/s: median (lowest - highest)")
    median = {name: statistics.median(rates) for name, rates in rows.items()}
    for name, rates in rows.items():
        print(f"  {name:<14} {median[name]:7.0f} ({min(rates):.0f} - {max(rates):.0f})")
    slower = min(median["md5 alone"], median["sha512 alone"])
    print(f"upload / slower hash alone  {median['upload'] / slower:.2f}")
    print(f"download / nginx            {median['download'] / median['nginx']:.2f}")
    print(f"peak resident memory        {peak_mib:.1f} MiB")


if __name__ == "__main__":
    main()
