#!/bin/bash
# A PostgreSQL of a test's own: on loopback, with a port of its own and all it has in one folder.
#   postgres.sh start FOLDER    starts it and prints the URL of its empty database, in SQLAlchemy's form
#   postgres.sh stop FOLDER     stops it; the folder is the caller's to remove
# DURABLE=1 waits for the disk at each commit, as in production. OPTIONS are further options of the server.
set -euo pipefail
. "$(dirname "$0")/server.sh"

PROGRAMS=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)

# It refuses to run as root.
as_server() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

client() { psql --host=127.0.0.1 --port="$port" --username=glance --quiet --tuples-only postgres "$@"; }

start() {
  local port durable=off
  port=$(own_port)
  [ -z "${DURABLE:-}" ] || durable=on
  if [ ! -f "$FOLDER/data/PG_VERSION" ]; then
    mkdir -p "$FOLDER/data"
    if [ "$(id -u)" = 0 ]; then
      chmod o+x "$FOLDER"
      chown postgres "$FOLDER/data"
    fi
    chmod 700 "$FOLDER/data"
    (cd / && as_server "$PROGRAMS/initdb" -D "$FOLDER/data" --username=glance --auth=trust --encoding=UTF8 \
      --locale=C.UTF-8 --no-sync) >"$FOLDER/install.log" 2>&1
  fi
  cd /
  detached as_server "$PROGRAMS/postgres" -D "$FOLDER/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=$durable -c synchronous_commit=$durable -c full_page_writes=$durable \
    -c max_connections=300 ${OPTIONS:-}
  wait_for head -1 "$FOLDER/data/postmaster.pid"
  head -1 "$FOLDER/data/postmaster.pid" >"$FOLDER/pid"
  wait_for pg_isready --quiet --host=127.0.0.1 --port="$port" --username=glance
  [ -n "$(client -c "SELECT 1 FROM pg_database WHERE datname = 'glance'")" ] || client -c "CREATE DATABASE glance"
  echo "postgresql+psycopg2://glance:glance@127.0.0.1:$port/glance"
}

# INT is its fast shutdown: who is connected is not waited for.
stop() { end_process "$FOLDER/pid" INT; }

serve_command "$@"
