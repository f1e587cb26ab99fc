# What the scripts beside this one have in common; they read it, nobody runs it. Whatever they start is known by its pid in
# the folder, and ended by that.

# How long a server may take to start or to stop.
PATIENCE_SECONDS=${PATIENCE_SECONDS:-120}

# A port of 127.0.0.1 on which nobody listens now.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The port of the server in the folder: that which it had before, if it had one.
own_port() {
  [ -f "$FOLDER/port" ] || free_port >"$FOLDER/port"
  cat "$FOLDER/port"
}

# detached COMMAND…: runs it on, whatever becomes of the caller's terminal and pipes.
detached() { ("$@" </dev/null >>"$FOLDER/log" 2>&1 &) 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; }

# wait_for COMMAND…: until it succeeds.
wait_for() {
  local end=$((SECONDS + PATIENCE_SECONDS))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "it does not start; its log ends so:" >&2
      tail -20 "$FOLDER/log" >&2
      exit 1
    fi
    sleep 0.1
  done
}

# Whether the process runs. One that has ended, and that nobody has asked about, does not.
runs() { grep -qs "^State:[[:space:]]*[^Z[:space:]]" "/proc/$1/status"; }

# end_process FILE [SIGNAL]: ends the process whose pid is in FILE, and waits until it has gone.
end_process() {
  local pid end=$((SECONDS + PATIENCE_SECONDS))
  [ -f "$1" ] || return 0
  pid=$(cat "$1")
  kill -"${2:-TERM}" "$pid" 2>/dev/null || return 0
  while runs "$pid"; do
    [ $SECONDS -lt $end ] || kill -KILL "$pid"
    sleep 0.05
  done
  rm -f "$1"
}

# The last line of each script: what it is told to do.
serve_command() {
  if [ $# != 2 ]; then
    echo "usage: $0 start|stop FOLDER" >&2
    exit 2
  fi
  FOLDER=$(realpath -m "$2")
  mkdir -p "$FOLDER"
  case $1 in
    start)
      # One that does not come up does not stay half up.
      trap 'if [ $? != 0 ]; then stop; fi' EXIT
      start
      ;;
    stop) stop ;;
    *) echo "usage: $0 start|stop FOLDER" >&2; exit 2 ;;
  esac
}
