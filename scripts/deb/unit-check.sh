#!/bin/sh
# The package under Debian's own systemd: unit, readiness, watchdog, stop, what is restarted and what is not. As root, on a host with systemd 252 or
# later installed (it need not run). All of it is in namespaces and on an overlay of the root directory that is dropped at the end: the host
# stays as it is. Usage: npm run unit-check -- dist/timemesh_VERSION_ARCH.deb
set -eu
. "$(dirname "$0")/overlay.sh"

inner() {
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin
  systemd-sysusers timemesh.conf
  systemd-tmpfiles --create timemesh.conf
  printf 'TIMEMESH_NETWORK=devnet\nTIMEMESH_LISTEN=127.0.0.1:24200\n' > /etc/timemesh/timemesh.env
  printf '[Unit]\nDefaultDependencies=no\nAfter=systemd-journald.service\n[Service]\nType=oneshot\nExecStart=/bin/sh %s/unit-check.sh probe\n' $shared \
    > /etc/systemd/system/unit-check.service
  # What systemd itself prints is of no use here, and there may be no console.
  mount --bind /dev/null /dev/console 2> /dev/null || true
  exec env -i PATH="$PATH" container=other /lib/systemd/systemd --system --unit=unit-check.service
}

value() { systemctl show -P "$1" timemesh; }
has() { [ "$(value "$1")" = "$2" ]; }
listens() { ss -Hltn | grep -q :24200; }
override() {
  mkdir -p /run/systemd/system/timemesh.service.d
  printf '[Service]\n%s\n' "$1" > /run/systemd/system/timemesh.service.d/check.conf
  systemctl daemon-reload
}

probe() {
  exec > $shared/report 2>&1
  set +e
  systemctl start timemesh
  check "start waits for the node's word" "$(value ActiveState)/$(value SubState)" active/running
  check "user" "$(ps -o user= -p "$(value MainPID)")" timemesh
  # Read in a shell of the node's user, whose directory no other may enter.
  says=$(as_node timemesh status --data-dir /var/lib/timemesh | sed -n 's/^state  *//p')
  check "status answers" "$says" "No peers known: use --peer IP:PORT, or wait for an inbound connection"
  override "WatchdogSec=10
RestartSec=1"
  systemctl restart timemesh
  sleep 25
  check "restarts in two and a half watchdog times" "$(value NRestarts)" 0
  kill -STOP "$(value MainPID)"
  await 120 has NRestarts 1
  await 120 has ActiveState active
  check "a process that hangs is restarted" "$(value NRestarts)/$(value ActiveState)" 1/active
  systemctl stop timemesh
  check "stop" "$(value Result)/$(value ActiveState)" success/inactive
  echo TIMEMESH_PEER=1.2.3 >> /etc/timemesh/timemesh.env
  systemctl start timemesh 2> /dev/null
  sleep 5
  check "a wrong setting is not restarted" "$(value ExecMainStatus)/$(value ActiveState)/$(value NRestarts)" 78/failed/0
  sed -i /PEER/d /etc/timemesh/timemesh.env
  systemctl reset-failed timemesh
  override "ExecStart=
ExecStart=/usr/bin/timemesh run --data-dir /var/lib/timemesh --no-such-flag"
  systemctl start timemesh 2> /dev/null
  sleep 5
  check "an unknown flag is not restarted" "$(value ExecMainStatus)/$(value ActiveState)/$(value NRestarts)" 78/failed/0
  check "the journal has its last words" "$(journalctl -u timemesh -o cat --no-pager | grep -c 'Unrecognized flag')" 1
  override "RestartSec=1"
  systemctl reset-failed timemesh
  /usr/lib/timemesh/node -e 'net.createServer().listen(24200, "127.0.0.1")' &
  holder=$!
  await 60 listens
  systemctl start --no-block timemesh
  await 120 has NRestarts 1
  check "a port in use is tried again" "$(value NRestarts)" 1
  kill $holder
  await 120 has ActiveState active
  check "until it is free" "$(value ActiveState)" active
  check "exposure of at most 2.0" "$(systemd-analyze security --no-pager --threshold=20 timemesh > /dev/null && echo yes)" yes
  touch $shared/end
}

outer() {
  make_root "$2" "$3"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  dpkg-deb -x "$1" "$root"
  rm -f "$root"/etc/systemd/system/*.wants/*
  exec chroot "$root" /bin/sh "$shared/unit-check.sh" inner
}

case ${1:-} in
  inner) inner ;;
  probe) probe ;;
  outer) outer "$2" "$3" "$4" ;;
  *.deb)
    scratch=$(mktemp -d)
    given=$(mktemp -d)
    unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net sh "$0" outer "$(realpath "$1")" "$scratch" "$given" &
    spaces=$!
    left=400
    while [ ! -e "$given/end" ] && kill -0 $spaces 2> /dev/null && [ $left -gt 0 ]; do sleep 1; left=$((left - 1)); done
    kill -KILL $spaces 2> /dev/null || true
    cat "$given/report" 2> /dev/null || echo "systemd could not be started in namespaces here"
    code=1
    [ -e "$given/end" ] && [ ! -e "$given/failed" ] && code=0
    rm -rf "$scratch" "$given"
    exit $code
    ;;
  *) need_package ;;
esac
