"""Serves Keystone on SQLite, everything in one folder: serve.py FOLDER TOKEN_LIFE_S [PORT].

Prints its URL when it listens, and ends with its standard input. The first one makes the database; the administrator is
admin, with the password admin.
"""
import os
import pathlib
import socketserver
import sys
import threading
import wsgiref.simple_server

from keystone.cmd import cli

CONFIGURATION = """
[DEFAULT]
log_file = {folder}/keystone-{life}.log
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[token]
expiration = {life}
[identity]
password_hash_rounds = 4
[oslo_policy]
policy_dirs = {folder}/policy.d
"""


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


def make(configuration, url):
    me = ["--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())]
    urls = [f"--bootstrap-{kind}-url={url}" for kind in ("public", "internal", "admin")]
    for command in (
        ["db_sync"],
        ["fernet_setup", *me],
        ["credential_setup", *me],
        ["bootstrap", "--bootstrap-password=admin", "--bootstrap-region-id=RegionOne", *urls],
    ):
        # Each in a process of its own, because each leaves its configuration behind.
        child = os.fork()
        if child == 0:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            cli.main(["keystone-manage", "--config-file", str(configuration), *command])
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0, command


def main():
    folder, life = pathlib.Path(sys.argv[1]), sys.argv[2]
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    configuration = folder / f"keystone-{life}.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, life=life))
    server = Server(("127.0.0.1", port), Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    if not (folder / "keystone.db").exists():
        for name in ("fernet", "credential", "policy.d"):
            (folder / name).mkdir(mode=0o700)
        make(configuration, url)
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = str(configuration)
    sys.argv = sys.argv[:1]
    from keystone.wsgi.api import application

    server.set_app(application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
