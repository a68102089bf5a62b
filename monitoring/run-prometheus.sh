#!/usr/bin/env bash
# A private Prometheus for one run, on the host of rank 0, until the run's job ends it or Ctrl-C does.
#   run-prometheus.sh RUN [--port P] [--data DIR] [--keep DIR]
#     --port P     to listen at, on loopback (9090)
#     --data DIR   where it works: a new folder on a disk of this host, never a network file system (one in $TMPDIR)
#     --keep DIR   where its data goes at the end (RUN/prometheus; none: nowhere)
# In a batch script, beside the run:
#   monitoring/run-prometheus.sh RUN & prometheus=$!
#   spcnet-launch -- spcnet train ... --run RUN
#   kill $prometheus; wait $prometheus
# To look at a run that has ended:   prometheus --config.file=/dev/null --storage.tsdb.path=RUN/prometheus --storage.tsdb.retention.time=10y
set -euo pipefail

die() {
  echo "run-prometheus: $*" >&2
  exit "${2:-1}"
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run=
port=9090
data=
keep=
while [ $# -gt 0 ]; do
  case $1 in
    --port | --data | --keep)
      [ $# -ge 2 ] || { echo "run-prometheus: $1 needs a value" >&2; exit 2; }
      declare "${1#--}=$2"
      shift 2
      ;;
    -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) echo "run-prometheus: unknown option $1; --help lists them" >&2; exit 2 ;;
    *)
      [ -z "$run" ] || { echo "run-prometheus: one run at a time: $run or $1?" >&2; exit 2; }
      run=$1
      shift
      ;;
  esac
done
[ -n "$run" ] || { echo "run-prometheus: which run? run-prometheus.sh RUN; --help tells more" >&2; exit 2; }
command -v prometheus >/dev/null || die "there is no prometheus on PATH; on Debian: apt-get install prometheus"

# The run makes its folder itself, if this is here before it; a name mistyped would wait for ever.
[ -d "$run" ] || [ -d "$(dirname "$run")" ] || die "there is neither $run nor a folder to make it in"
mkdir -p "$run/targets"
run=$(cd "$run" && pwd)
keep=${keep:-$run/prometheus}
if [ -n "$data" ]; then
  mkdir -p "$(dirname "$data")"
  mkdir "$data" || die "--data $data is there already; name a new folder"
else
  data=$(mktemp -d "${TMPDIR:-/tmp}/spcnet-prometheus-XXXXXX")
fi
# A run that goes on, goes on with its history.
if [ -d "$keep/wal" ]; then cp -r "$keep" "$data/tsdb"; fi
for file in prometheus.yml recording.yml alerts.yml; do cp "$here/prometheus/$file" "$data/"; done
ln -sfn "$run/targets" "$data/targets"

log=$data/prometheus.log
prometheus --config.file="$data/prometheus.yml" --storage.tsdb.path="$data/tsdb" --storage.tsdb.retention.time=1y \
  --web.listen-address="127.0.0.1:$port" --log.level=warn >"$log" 2>&1 &
server=$!

end() {
  trap - INT TERM EXIT
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  if [ "$keep" != none ] && [ -d "$data/tsdb" ]; then
    mkdir -p "$keep"
    cp -r "$data/tsdb/." "$keep/" || die "its data could not be copied to $keep; it is still in $data/tsdb"
    rm -f "$keep/lock"
    rm -rf "$data"
    echo "run-prometheus: its data is in $keep"
  fi
}
trap 'end; exit 0' INT TERM
trap end EXIT

for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || break
  if command -v curl >/dev/null && curl -fsS "http://127.0.0.1:$port/-/ready" >/dev/null 2>&1; then break; fi
  sleep 0.1
done
if ! kill -0 "$server" 2>/dev/null; then
  keep=none
  reason=$(tail -n 1 "$log")
  rm -rf "$data"
  die "it did not start: $reason"
fi
echo "run-prometheus: http://127.0.0.1:$port   ssh -L $port:127.0.0.1:$port $(hostname) brings it to your own machine"
wait "$server"
