#!/bin/sh
# The package under Debian's own systemd: unit, readiness, watchdog, stop, and what is not restarted. As root, on a host with systemd 252 or
# later installed (it need not run). All of it is in namespaces and on an overlay of the root directory that is dropped at the end: the host
# stays as it is. Usage: npm run unit-check -- dist/timemesh_VERSION_ARCH.deb
set -eu

inner() {
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin
  systemd-sysusers timemesh.conf
  systemd-tmpfiles --create timemesh.conf
  printf 'TIMEMESH_NETWORK=devnet\nTIMEMESH_LISTEN=127.0.0.1:24200\n' > /etc/timemesh/timemesh.env
  printf '[Unit]\nDefaultDependencies=no\nAfter=systemd-journald.service\n[Service]\nType=oneshot\nExecStart=/bin/sh /unit-check.sh probe\n' \
    > /etc/systemd/system/unit-check.service
  # What systemd itself prints is of no use here, and there may be no console.
  mount --bind /dev/null /dev/console 2> /dev/null || true
  exec env -i PATH="$PATH" container=other /lib/systemd/systemd --system --unit=unit-check.service
}

value() { systemctl show -P "$1" timemesh; }
check() {
  if [ "$2" = "$3" ]; then echo "ok      $1: $2"; else echo "NOT OK  $1: $2, not $3"; echo failed > /unit-check/failed; fi
}
# Until the property has the value, or 120 s are over.
await() {
  left=120
  while [ "$(value "$1")" != "$2" ] && [ $left -gt 0 ]; do sleep 1; left=$((left - 1)); done
}
override() {
  mkdir -p /run/systemd/system/timemesh.service.d
  printf '[Service]\n%s\n' "$1" > /run/systemd/system/timemesh.service.d/check.conf
  systemctl daemon-reload
}

probe() {
  exec > /unit-check/report 2>&1
  set +e
  systemctl start timemesh
  check "start waits for the node's word" "$(value ActiveState)/$(value SubState)" active/running
  check "user" "$(ps -o user= -p "$(value MainPID)")" timemesh
  # Read in a shell of the node's user, whose directory no other may enter.
  says=$(setpriv --reuid=timemesh --regid=timemesh --clear-groups timemesh status --data-dir /var/lib/timemesh | sed -n 's/^state  *//p')
  check "status answers" "$says" "No peers known: use --peer IP:PORT, or wait for an inbound connection"
  override "WatchdogSec=10
RestartSec=1"
  systemctl restart timemesh
  sleep 25
  check "restarts in two and a half watchdog times" "$(value NRestarts)" 0
  kill -STOP "$(value MainPID)"
  await NRestarts 1
  await ActiveState active
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
  touch /unit-check/end
}

outer() {
  mount --make-rprivate /
  mount -t tmpfs tmpfs "$2"
  mkdir "$2/up" "$2/work" "$2/root"
  root=$2/root
  mount -t overlay overlay -o "lowerdir=/,upperdir=$2/up,workdir=$2/work" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/unit-check"
  mount --bind "$3" "$root/unit-check"
  dpkg-deb -x "$1" "$root"
  cp "$0" "$root/unit-check.sh"
  rm -f "$root"/etc/systemd/system/*.wants/*
  exec chroot "$root" /bin/sh /unit-check.sh inner
}

case ${1:-} in
  inner) inner ;;
  probe) probe ;;
  outer) outer "$2" "$3" "$4" ;;
  *.deb)
    scratch=$(mktemp -d)
    shared=$(mktemp -d)
    unshare --pid --fork --kill-child --mount --cgroup --uts --ipc --net sh "$0" outer "$(realpath "$1")" "$scratch" "$shared" &
    spaces=$!
    left=400
    while [ ! -e "$shared/end" ] && kill -0 $spaces 2> /dev/null && [ $left -gt 0 ]; do sleep 1; left=$((left - 1)); done
    kill -KILL $spaces 2> /dev/null || true
    cat "$shared/report" 2> /dev/null || echo "systemd could not be started in namespaces here"
    code=1
    [ -e "$shared/end" ] && [ ! -e "$shared/failed" ] && code=0
    rm -rf "$scratch" "$shared"
    exit $code
    ;;
  *)
    echo "which package? npm run unit-check -- dist/timemesh_VERSION_ARCH.deb" >&2
    exit 2
    ;;
esac
