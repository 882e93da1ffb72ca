# In a mount namespace of its own: a node whose data directory is on a small file system that fills up while it syncs, and is made room on again.
# fullDisk.sh NODE MAIN DIRECTORY: prints a JSON line for each thing seen.
set -u
timemesh() { "$node" "$main" "$@"; }
node=$1 main=$2 dir=$3
small=$dir/small
data=$small/data
mkdir "$small" && mount -t tmpfs -o size=8m tmpfs "$small" || exit 1
head -c 5800000 /dev/zero > "$small/ballast"
timemesh chain make --blocks 4000 --leader 192.0.2.1 --address TIME0x --network devnet --out "$dir/blocks" > "$dir/make.log" 2>&1
timemesh chain import "$dir/blocks" --network devnet --data-dir "$dir/source" >> "$dir/make.log" 2>&1

run="run --network devnet --log-format json"
"$node" "$main" $run --listen 127.78.0.1:24460 --data-dir "$dir/source" > "$dir/source.log" 2>&1 & source=$!
"$node" "$main" $run --listen 127.78.0.2:24460 --data-dir "$data" --peer 127.78.0.1:24460 > "$dir/small.log" 2>&1 & full=$!
trap 'kill $source $full 2> /dev/null' EXIT
# A minute at most for each.
until_logged() {
  tries=0
  until grep -q "$1" "$dir/small.log" || [ $tries -ge 240 ]; do sleep 0.25; tries=$((tries + 1)); done
}
said() { timemesh "$@" --json 2> /dev/null | tr '\n' ' '; }
seen() {
  printf '{"step":"%s","status":%s,"check":' "$1" "$(said status --data-dir "$data")"
  timemesh status --check --data-dir "$data" > "$dir/check.log" 2>&1; printf '%s,"doctor":' $?
  said doctor --network devnet --listen 127.78.0.2:24460 --data-dir "$data"
  printf ',"metrics":'
  "$node" -e 'fetch("http://127.78.0.2:24461/metrics").then((r) => r.text()).then((text) => console.log(JSON.stringify(text)))' | tr '\n' ' '
  printf ',"ready":'
  "$node" -e 'fetch("http://127.78.0.2:24461/health/ready").then((r) => console.log(r.status))' | tr '\n' '}'
  echo
}

until_logged '"event":"StoreFailed"'
until_logged 'the bans are not stored'
timemesh ban 203.0.113.9 --data-dir "$data" > "$dir/ban.log" 2>&1
seen full
rm "$small/ballast"
tries=0
until timemesh status --check --data-dir "$data" > "$dir/check.log" 2>&1 || [ $tries -ge 60 ]; do sleep 1; tries=$((tries + 1)); done
seen room
kill -KILL $full; wait $full 2> /dev/null
verified=$(said chain verify --network devnet --data-dir "$data")
"$node" "$main" $run --listen 127.78.0.2:24460 --data-dir "$data" > "$dir/again.log" 2>&1 & full=$!
tries=0
until [ -f "$data/node.json" ] && timemesh bans --data-dir "$data" --json > "$dir/bans.json" 2> /dev/null || [ $tries -ge 40 ]; do sleep 0.5; tries=$((tries + 1)); done
printf '{"step":"again","verified":%s,"bans":%s}\n' "$verified" "$(tr '\n' ' ' < "$dir/bans.json")"
