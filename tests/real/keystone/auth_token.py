"""Says whom Keystone's own auth_token takes a caller for: auth_token.py KEYSTONE_URL USER PASSWORD PROJECT
SERVICE_TYPE DELAY.

Serves what oslo.context makes of its headers, in JSON, or null for a caller without a valid token; with false for
DELAY, auth_token answers such a caller itself. Prints its URL when it listens, and ends with its standard input.
"""
import json
import logging
import sys
import threading
import wsgiref.simple_server

from keystonemiddleware.auth_token import AuthProtocol
from oslo_config import cfg
from oslo_context import context


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


def answer(environ, start):
    found = None
    if environ.get("HTTP_X_IDENTITY_STATUS") == "Confirmed":
        found = dict(context.RequestContext.from_environ(environ).to_policy_values())
    body = json.dumps(found).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def main():
    url, user, password, project, service_type, delay = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    cfg.CONF([], project="test", default_config_files=[], default_config_dirs=[])
    options = {
        "auth_url": url,
        "auth_type": "password",
        "username": user,
        "password": password,
        "project_name": project,
        "user_domain_id": "default",
        "project_domain_id": "default",
        "service_type": service_type,
        "delay_auth_decision": delay,
    }
    application = AuthProtocol(answer, options)
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
