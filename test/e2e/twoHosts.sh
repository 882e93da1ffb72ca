#!/bin/sh
# Two hosts on one cable, each with IPv4 and IPv6: this network namespace, which must be a new one, and another. A node on each
# is told of one address of the other, and that of another family. Prints what both say of their peers, one JSON object a line, once
# each has lost a connection, or after a minute.
# Arguments: the program that runs TypeScript, src/main.ts, an empty directory.
set -eu
node=$1 main=$2 dir=$3
unshare -n sh -c "touch '$dir/ready'; exec sleep 110" &
other=$!
nodes=
trap 'kill $nodes $other 2>/dev/null || true; wait' EXIT
until test -e "$dir/ready"; do sleep 0.05; done
there() { nsenter -t "$other" -n "$@"; }

ip link add one type veth peer name two
ip link set two netns "$other"
for host in 1 2; do
  if test $host = 1; then name=one where=; else name=two where=there; fi
  $where ip address add 10.55.0.$host/24 dev $name
  $where ip -6 address add fd55::$host/64 dev $name nodad
  $where ip link set lo up
  $where ip link set $name up
done

run="run --network devnet --listen [::]:24200"
"$node" "$main" $run --data-dir "$dir/one" --peer '[fd55::2]:24200' >"$dir/one.log" 2>&1 &
nodes=$!
there "$node" "$main" $run --data-dir "$dir/two" --peer 10.55.0.1 >"$dir/two.log" 2>&1 &
nodes="$nodes $!"
for _ in $(seq 600); do
  if grep -q '"event":"Down"' "$dir/one.log" && grep -q '"event":"Down"' "$dir/two.log"; then break; fi
  sleep 0.1
done
"$node" "$main" peers --json --data-dir "$dir/one"
there "$node" "$main" peers --json --data-dir "$dir/two"
