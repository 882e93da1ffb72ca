/** What the Debian package writes itself: its control file, the scripts that dpkg runs, user, directories and settings. */
import { DateTime } from "effect"

/** Finds its Node beside the program, wherever the package was unpacked. */
export const wrapper = `#!/bin/sh
# timemesh, with the Node that came with it.
lib=$(dirname "$(readlink -f "$0")")/../lib/timemesh
exec "$lib/node" "$lib/bin.js" "$@"
`

/** sysusers.d(5). */
export const sysusers = `u timemesh - "timemesh node" /var/lib/timemesh\n`

/** tmpfiles.d(5): settings may name a key or a token, so others do not read them. */
export const tmpfiles = `d /etc/timemesh 0750 root timemesh -
z /etc/timemesh/timemesh.env 0640 root timemesh -
d /var/lib/timemesh 0700 timemesh timemesh -
`

/** A configuration file: dpkg keeps what an operator wrote there. */
export const settings =
  `# Settings of the node, read by timemesh.service; a change takes effect with: systemctl restart timemesh
# All names: timemesh run --help

#TIMEMESH_NETWORK=testnet
#TIMEMESH_LISTEN=0.0.0.0:24100
#TIMEMESH_ADVERTISE=203.0.113.7
# Several peers: separate them with commas.
#TIMEMESH_PEER=198.51.100.4
`

/** What lintian reports and is as it should be, each with its reason. */
export const overrides = `# The builder is the maintainer; DEBFULLNAME and DEBEMAIL name another.
timemesh: bogus-mail-host
timemesh: bogus-mail-host-in-debian-changelog
# Settings may name a token, which other users must not read.
timemesh: non-standard-file-perm 0640 != 0644 [etc/timemesh/timemesh.env]
# Node as its project builds it, so that its checksum can be compared: Debian's own is too old.
timemesh: embedded-library zlib [usr/lib/timemesh/node]
timemesh: unstripped-binary-or-object [usr/lib/timemesh/node]
timemesh: hardening-no-pie [usr/lib/timemesh/node]
`

/** Version and date, in Debian's format. */
export const changelog = (
  { date, maintainer, version }: {
    readonly version: string
    readonly maintainer: string
    readonly date: DateTime.DateTime
  }
): string =>
  `timemesh (${version}) unstable; urgency=medium

  * Built from the sources of this version.

 -- ${maintainer}  ${DateTime.toDateUtc(date).toUTCString().replace("GMT", "+0000")}
`

/** `kibibytes`: of what is installed. */
export const control = (
  { architecture, kibibytes, maintainer, version }: {
    readonly version: string
    readonly maintainer: string
    readonly architecture: string
    readonly kibibytes: number
  }
): string =>
  `Package: timemesh
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.28), libstdc++6 (>= 9), systemd (>= 252) | systemd-standalone-sysusers
Section: net
Priority: optional
Description: peer-to-peer node of the TIME network
 Exactly one connection per pair of peers, which lives until something breaks,
 and a record of why each connection ended. The Node that it runs on is part of
 the package.
`

/** Maintainer scripts, by name. They do without systemd, as in a container. */
export const scripts: Readonly<Record<string, string>> = {
  postinst: `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
systemd-sysusers timemesh.conf
systemd-tmpfiles --create timemesh.conf || true
deb-systemd-helper update-state timemesh.service || true
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  # An upgrade: restart the node with the new program. A new node starts when its settings are made.
  if [ -n "$2" ]; then deb-systemd-invoke restart timemesh.service || true; fi
fi
if [ -z "$2" ]; then
  echo "timemesh: write /etc/timemesh/timemesh.env, then: systemctl enable --now timemesh"
fi
`,
  prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop timemesh.service || true
fi
`,
  postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
if [ "$1" = purge ]; then
  deb-systemd-helper purge timemesh.service || true
  echo "timemesh: /var/lib/timemesh has the node's keys, chain and peer book, and stays; remove it if you need none of them"
fi
`
}
