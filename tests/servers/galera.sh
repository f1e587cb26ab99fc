#!/bin/bash
# A Galera cluster of a test's own: three MariaDB servers on loopback that are one database, with all they have in one folder.
#   galera.sh start FOLDER    starts it and prints the URLs of its empty database, one a node, in SQLAlchemy's form
#   galera.sh stop FOLDER     stops it; the folder is the caller's to remove
# FOLDER/node-N has what mariadb.sh keeps of node N.
set -euo pipefail
. "$(dirname "$0")/server.sh"

NODES=(1 2 3)
SERVERS=$(realpath "$(dirname "$0")")
# Who has not been heard for four seconds is thought dead, and the others go on without them. With less, servers on a busy machine think
# the same of each other, and none goes on.
PATIENCE="evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.5S;evs.suspect_timeout=PT4S;evs.inactive_timeout=PT12S"

# The first node makes the cluster, and the others are sent what it has.
start_node() {
  local group peers provider
  group=$(cat "$FOLDER/node-$1/group-port")
  peers=$(cat "$FOLDER"/node-*/group-port | sed 's/^/127.0.0.1:/' | paste -sd,)
  [ "$1" != 1 ] || peers=
  provider="base_host=127.0.0.1;base_port=$group;gmcast.listen_addr=tcp://127.0.0.1:$group;gcache.size=16M;$PATIENCE"
  OPTIONS="--binlog-format=ROW --innodb-autoinc-lock-mode=2 --wsrep-on=ON --wsrep-provider=/usr/lib/galera/libgalera_smm.so
    --wsrep-provider-options=$provider --wsrep-cluster-name=$FOLDER --wsrep-cluster-address=gcomm://$peers
    --wsrep-node-name=$1 --wsrep-node-address=127.0.0.1 --wsrep-sst-method=rsync
    --wsrep-sst-receive-address=127.0.0.1:$(free_port)" "$SERVERS/mariadb.sh" start "$FOLDER/node-$1"
}

start() {
  local node
  chmod o+x "$FOLDER"
  for node in "${NODES[@]}"; do
    mkdir -p "$FOLDER/node-$node"
    free_port >"$FOLDER/node-$node/group-port"
  done
  for node in "${NODES[@]}"; do start_node "$node"; done
}

stop() {
  local node
  for node in "${NODES[@]}"; do
    [ ! -d "$FOLDER/node-$node" ] || "$SERVERS/mariadb.sh" stop "$FOLDER/node-$node"
  done
}

serve_command "$@"
