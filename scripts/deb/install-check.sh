#!/bin/sh
# Installs the package by dpkg, upgrades, removes and purges it, and compares what must stay. As root, on Debian 12 or later. All of it is in
# namespaces and on an overlay of the root directory that is dropped at the end: the host stays as it is.
# Usage: npm run install-check -- dist/timemesh_VERSION_ARCH.deb
set -eu
. "$(dirname "$0")/overlay.sh"

data=/var/lib/timemesh
wanted=/etc/systemd/system/multi-user.target.wants/timemesh.service
kept() { (cd $data && sha256sum chain.db peers.db admin.token && stat -c '%n %U %a' . admin.token) | sha256sum; }
installed() { dpkg-query -W -f '${db:Status-Status} ${Version}' timemesh; }
answers() { as_node timemesh status --data-dir $data > /tmp/status 2>&1; }
is_gone() { ! kill -0 "$1" 2> /dev/null; }
exists() { if [ -e "$1" ] || [ -h "$1" ]; then echo there; else echo gone; fi; }

inner() {
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
  ip link set lo up
  old=$shared/old.deb new=$shared/new.deb
  dpkg -i $old > /dev/null
  check "installed" "$(installed)" "installed $1"
  check "settings" "$(stat -c '%U:%G %a' /etc/timemesh/timemesh.env)" "root:timemesh 640"
  check "not enabled before its settings are made" "$(exists $wanted)" gone
  echo TIMEMESH_NETWORK=devnet >> /etc/timemesh/timemesh.env
  systemctl enable timemesh 2> /dev/null
  echo 203.0.113.7:24200 > /tmp/peers
  as_node timemesh peers import /tmp/peers --data-dir $data --network devnet > /dev/null
  as_node timemesh chain make --blocks 50 --leader 192.0.2.1 --address TIME0x --network devnet --out /tmp/blocks > /dev/null
  as_node timemesh chain import /tmp/blocks --network devnet --data-dir $data > /dev/null
  as_node timemesh run --network devnet --listen 127.0.0.1:24200 --data-dir $data > /tmp/log 2>&1 &
  await 120 answers || true
  check "the installed program runs" "$(sed -n 's/^tip  .*/it does/p' /tmp/status)" "it does"
  node=$(sed -n 's/^pid  *//p' /tmp/status)
  kill -TERM "$node"
  await 60 is_gone "$node" || true
  before=$(kept)

  dpkg -i --force-confdef $new > /dev/null
  check "upgraded" "$(installed)" "installed $1+upgrade"
  check "chain, peer book and token after the upgrade" "$(kept)" "$before"
  check "settings after the upgrade" "$(tail -n 1 /etc/timemesh/timemesh.env)" TIMEMESH_NETWORK=devnet
  check "enabled after the upgrade" "$(exists $wanted)" there
  check "height after the upgrade" "$(as_node timemesh chain info --data-dir $data | sed -n 's/^height  *//p')" 50
  check "peer book after the upgrade" "$(as_node timemesh peers export --data-dir $data --network devnet)" 203.0.113.7:24200

  dpkg -r timemesh > /dev/null
  check "program after removal" "$(exists /usr/bin/timemesh)" gone
  check "settings after removal" "$(exists /etc/timemesh/timemesh.env)" there
  check "chain, peer book and token after removal" "$(kept)" "$before"
  dpkg --purge timemesh > /tmp/purge
  check "settings after purge" "$(exists /etc/timemesh/timemesh.env)" gone
  check "enabled after purge" "$(exists $wanted)" gone
  check "chain, peer book and token after purge" "$(kept)" "$before"
  check "purge names what stays" "$(grep -c "$data" /tmp/purge)" 1
  [ ! -e $shared/failed ]
}

outer() {
  make_root "$2" "$3"
  exec chroot "$root" /bin/sh "$shared/install-check.sh" inner "$1"
}

case ${1:-} in
  inner) inner "$2" ;;
  outer) outer "$2" "$3" "$4" ;;
  *.deb)
    scratch=$(mktemp -d)
    debs=$(mktemp -d)
    trap 'rm -rf "$scratch" "$debs"' EXIT
    # The same package as an old and as a new version, packed without compression: it is the scripts that are tried.
    version=$(dpkg-deb -f "$1" Version)
    dpkg-deb -R "$1" "$debs/old"
    dpkg-deb -Znone -b "$debs/old" "$debs/old.deb" > /dev/null
    sed -i "s/^Version: .*/&+upgrade/" "$debs/old/DEBIAN/control"
    echo "# A line that is new in this version." >> "$debs/old/etc/timemesh/timemesh.env"
    dpkg-deb -Znone -b "$debs/old" "$debs/new.deb" > /dev/null
    rm -rf "$debs/old"
    unshare --pid --fork --kill-child --mount --uts --ipc --net sh "$0" outer "$version" "$scratch" "$debs"
    ;;
  *) need_package ;;
esac
