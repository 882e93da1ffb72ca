# What install-check.sh and unit-check.sh share: a root directory whose changes are dropped, and how a check is printed. Both source it.

# Where the scripts and what they write are, inside the overlay.
shared=/check

# An overlay of the root directory, in the mount namespace of the caller; its place is $root. $1: an empty directory for what changes; $2: the
# directory that the overlay has as $shared, these scripts with it.
make_root() {
  mount --make-rprivate /
  mount -t tmpfs tmpfs "$1"
  mkdir "$1/up" "$1/work" "$1/root"
  root=$1/root
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$root"
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mount --rbind /dev "$root/dev"
  mkdir "$root$shared"
  mount --bind "$2" "$root$shared"
  cp "$(dirname "$0")"/*.sh "$root$shared/"
}

# One line: what is checked, what was found, what it must be.
check() {
  if [ "$2" = "$3" ]; then echo "ok      $1: $2"; else echo "NOT OK  $1: $2, not $3"; touch $shared/failed; fi
}

# Runs a command as the node's user.
as_node() { setpriv --reuid=timemesh --regid=timemesh --clear-groups env HOME=/var/lib/timemesh "$@"; }

# Waits until the command succeeds. $1: at most so many seconds.
await() {
  left=$1
  shift
  until "$@"; do
    [ "$left" -gt 0 ] || return 1
    sleep 1
    left=$((left - 1))
  done
}

need_package() {
  echo "which package? npm run $(basename "$0" .sh) -- dist/timemesh_VERSION_ARCH.deb" >&2
  exit 2
}
