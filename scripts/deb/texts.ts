/** What the Debian package writes itself: its control file, the scripts that dpkg runs, user, directories and settings. */

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

/** `kibibytes`: of what is installed. */
export const control = (
  { architecture, kibibytes, version }: {
    readonly version: string
    readonly architecture: string
    readonly kibibytes: number
  }
): string =>
  `Package: timemesh
Version: ${version}
Architecture: ${architecture}
Maintainer: timemesh <timemesh@localhost>
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
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # An upgrade: restart the node with the new program. A new node starts when its settings are made.
  systemctl try-restart timemesh.service || true
fi
if [ -z "$2" ]; then
  echo "timemesh: write /etc/timemesh/timemesh.env, then: systemctl enable --now timemesh"
fi
`,
  prerm: `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now timemesh.service || true
fi
`,
  postrm: `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
if [ "$1" = purge ]; then
  echo "timemesh: /var/lib/timemesh has the node's keys, chain and peer book, and stays; remove it if you need none of them"
fi
`
}
