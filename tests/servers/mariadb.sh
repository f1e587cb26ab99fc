#!/bin/bash
# A MariaDB of a test's own: on loopback, with a port of its own and all it has in one folder.
#   mariadb.sh start FOLDER    starts it and prints the URL of its empty database, in SQLAlchemy's form
#   mariadb.sh stop FOLDER     stops it; the folder is the caller's to remove
# DURABLE=1 waits for the disk at each commit, as in production. OPTIONS are further options of the server.
set -euo pipefail
. "$(dirname "$0")/server.sh"

# The server of root is the user mysql, and its folder, too.
if [ "$(id -u)" = 0 ]; then AS=(--user=mysql); else AS=(); fi

client() { mariadb --no-defaults --socket="$FOLDER/sock" --user=root "$@"; }

start() {
  local port flush=0
  port=$(own_port)
  [ -z "${DURABLE:-}" ] || flush=1
  # When it starts, it removes the temporary tables of others that are in the same place.
  export TMPDIR="$FOLDER/temporary"
  mkdir -p "$TMPDIR"
  [ ${#AS[@]} = 0 ] || chown mysql "$TMPDIR"
  if [ ! -d "$FOLDER/data/mysql" ]; then
    mkdir -p "$FOLDER/data"
    [ ${#AS[@]} = 0 ] || chown mysql "$FOLDER" "$FOLDER/data"
    mariadb-install-db --no-defaults "${AS[@]}" --datadir="$FOLDER/data" --skip-test-db \
      --auth-root-authentication-method=normal >"$FOLDER/install.log" 2>&1
  fi
  detached mariadbd --no-defaults "${AS[@]}" --datadir="$FOLDER/data" --bind-address=127.0.0.1 --port="$port" \
    --socket="$FOLDER/sock" --pid-file="$FOLDER/pid" --innodb-flush-log-at-trx-commit="$flush" \
    --innodb-buffer-pool-size=64M --max-connections=300 ${OPTIONS:-}
  wait_for client -e "SELECT * FROM mysql.db"
  client -e "
    CREATE DATABASE IF NOT EXISTS glance CHARACTER SET utf8;
    CREATE USER IF NOT EXISTS glance@'127.0.0.1' IDENTIFIED BY 'glance';
    GRANT ALL ON *.* TO glance@'127.0.0.1' WITH GRANT OPTION;"
  echo "mysql+pymysql://glance:glance@127.0.0.1:$port/glance"
}

stop() { end_process "$FOLDER/pid"; }

serve_command "$@"
