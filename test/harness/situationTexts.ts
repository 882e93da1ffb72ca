/** Every situation of a peer with its text, and what is known of the peer for it. */
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../src/domain/peer/PeerRecord.ts"
import type { BannedFact, Situation } from "../../src/domain/peer/Situation.ts"
import type * as SituationText from "../../src/domain/peer/SituationText.ts"
import * as TransportText from "../../src/domain/TransportText.ts"
import { row } from "./adminNode.ts"

export const ip = PeerIp.fromStringUnsafe("203.0.113.7")
export const bare: PeerRecord = {
  ...row,
  ip,
  dialPort: 9_000,
  connection: undefined,
  last: undefined,
  lastDown: undefined,
  lastAttempt: undefined
}
export const nothing: SituationText.Details = {
  record: bare,
  address: ip,
  impossible: undefined,
  own: undefined,
  movedTo: undefined,
  full: undefined,
  clockBehindS: undefined,
  usualPort: 24_100,
  banned: undefined
}
export const recordOf = (change: Partial<PeerRecord>): Partial<SituationText.Details> => ({
  record: { ...bare, ...change }
})
export const ended = (reason: DisconnectReason.DisconnectReason) =>
  recordOf({
    last: { at: 5, reason, wasUp: false },
    lastAttempt: { at: 5, reason, direction: "outbound", reached: "socket" }
  })
export const code = (text: string) => ended(DisconnectReason.remote("dial-failed", text))
export const quiet = (lastByteMs: number, pingUnansweredMs: number | undefined) =>
  recordOf({
    connection: row.connection === undefined ? undefined : { ...row.connection, lastByteMs, pingUnansweredMs }
  })
export const ban = (change: Partial<BannedFact>): Partial<SituationText.Details> => ({
  banned: { by: "operator", forMs: 7_200_000, reason: "", subnet: ip, ...change }
})

export const firewalls = "check that the host is up, and the firewalls on the way"
export const usually = "check the port (--peer IP:PORT, usually 24100)"

export type Row = readonly [
  situation: Situation,
  details: Partial<SituationText.Details>,
  cause: string,
  fix?: string | undefined
]

export const cases: ReadonlyArray<Row> = [
  ["connected", {}, "the connection is up"],
  [
    "quiet",
    quiet(12_340, 9_100),
    "no byte for 12.3 s, and the ping sent 9.1 s ago is unanswered",
    "the connection ends as \"silent\" if that lasts (--dead); check the path to the peer, and whether the peer hangs"
  ],
  [
    "clock",
    { clockBehindS: 42 },
    "its next block is 42 s ahead of this node's clock, so sync does not use it",
    "set the clock of this host (NTP); if that is right, the peer's is wrong"
  ],
  [
    "alias",
    recordOf({ aliasOf: PeerIp.fromStringUnsafe("203.0.113.9") }),
    "the same process is connected as 203.0.113.9: one connection is enough"
  ],
  ["moved", { movedTo: PeerIp.fromStringUnsafe("203.0.113.8") }, "the process that was here is now at 203.0.113.8"],
  [
    "no-family",
    {},
    "this host has no IPv4 address, so it cannot reach it",
    "nothing, if that is intended: it does not count as a missing peer"
  ],
  [
    "no-family",
    { address: "2001:db8::7" },
    "this host has no IPv6 address, so it cannot reach it",
    "nothing, if that is intended: it does not count as a missing peer"
  ],
  [
    "impossible",
    { impossible: "is a multicast address" },
    "this address is a multicast address",
    "use the IP of one host"
  ],
  [
    "unknown",
    { record: undefined },
    "this address is not known: it is not configured, no peer has gossiped it, and it was never connected",
    "add it with --peer, if a node runs there"
  ],
  [
    "isolated",
    {},
    "this node is isolated from it (isolate, for drills)",
    "end the isolation with an empty list"
  ],
  [
    "operator-here",
    {},
    "it was disconnected by hand here, so this node does not dial it; it may dial this node",
    "connect to it again: timemesh connect 203.0.113.7"
  ],
  [
    "operator-there",
    {},
    "the peer's operator disconnected this node",
    "ask the peer's operator; this node dials again when the wait that the peer asked for is over"
  ],
  [
    "full-here",
    { full: 125 },
    "all 125 places for peers of this node are taken",
    "raise --max-peers, if it should have more"
  ],
  [
    "full-there",
    {},
    "the peer's places are all taken",
    "wait for a free place, or have its operator raise --max-peers; any other peer will do as well"
  ],
  [
    "banned-there",
    ended(DisconnectReason.rejected("banned", "remote", "rude")),
    "the peer has banned this node (\"rude\")",
    "ask its operator why; the ban ends by itself"
  ],
  [
    "other-key",
    { pin: { state: "other-key" } },
    "it shows another key than the one that this node knows it by, and is refused",
    "if the node there was set up anew: timemesh peers trust 203.0.113.7; if not, another host answers there"
  ],
  [
    "other-key",
    { pin: { state: "no-key" } },
    "it connects without the key that this node knows it by, and is refused",
    "if the node there was set up anew: timemesh peers trust 203.0.113.7; if not, another host answers there"
  ],
  [
    "second-node-here",
    {},
    "another node behind this node's public address is connected to the peer: a peer is its IP",
    "run one node per public IP: stop the other one, or give this one a public address of its own"
  ],
  [
    "second-node-there",
    recordOf({ inUseRefusals: 3 }),
    "a second process came from this address, and was refused 3×",
    "its operator must run one node per public IP"
  ],
  [
    "second-node-there",
    recordOf({ inUseRefusals: 0 }),
    "a second process came from this address, and was refused",
    "its operator must run one node per public IP"
  ],
  [
    "incompatible",
    ended(DisconnectReason.rejected("incompatible", "remote", "rule 2")),
    "the peer is on another network, or speaks another version of the protocol (\"rule 2\")",
    "start both with the same --network and a version of the same protocol"
  ],
  [
    "self-claimed",
    ended(DisconnectReason.rejected("self", "remote", "same IP")),
    "the peer says that it and this node have one address (\"same IP\")",
    "check --advertise and --listen of both nodes, and address translation between them"
  ],
  ["stopped", {}, "the peer was stopped or is restarting", "start it again, if it should run"],
  [
    "evicted",
    ended(DisconnectReason.rejected("evicted", "local")),
    "this node was full and gave its place to another peer",
    "raise --max-peers, or name it with --peer"
  ],
  [
    "evicted",
    ended(DisconnectReason.rejected("evicted", "remote")),
    "the peer gave this node's place to another",
    "nothing: this node dials again later"
  ],
  [
    "protocol",
    ended(DisconnectReason.rejected("protocol", "local", "second Hello")),
    "the peer sent what the protocol does not allow (\"second Hello\")",
    "compare the versions of both nodes (timemesh peers), and report it"
  ],
  [
    "protocol",
    ended({ ...DisconnectReason.rejected("protocol", "remote"), detail: "" }),
    "this node, as the peer says, sent what the protocol does not allow",
    "compare the versions of both nodes (timemesh peers), and report it"
  ],
  [
    "application",
    {},
    "the application at one end failed on a message",
    "read the log of the node whose application failed"
  ],
  [
    "refused",
    {},
    "the host refuses connections at port 9000 (ECONNREFUSED): no program listens there",
    "start the node there, and check its port (--peer IP:PORT) and firewall"
  ],
  [
    "no-answer",
    code("ETIMEDOUT"),
    "nothing answers at port 9000 (ETIMEDOUT): the host is down, or a firewall drops the dial",
    `${firewalls}; a node behind NAT needs a forwarded port, or must dial itself`
  ],
  [
    "unreachable",
    code("EHOSTUNREACH"),
    "no host or router on the way answers for it (EHOSTUNREACH)",
    `${firewalls}, and the route to it (ip route get 203.0.113.7)`
  ],
  [
    "no-route",
    code("ENETUNREACH"),
    "this host has no route to it (ENETUNREACH), though it reaches other peers",
    "check the route (ip route get 203.0.113.7)"
  ],
  [
    "network-down",
    code("ENETDOWN"),
    "this host has no network (ENETDOWN): it reaches no peer",
    "check the cable or Wi-Fi, the address and the default route of this host (ip address, ip route); the node dials " +
    "again within seconds of the network's return"
  ],
  [
    "firewall",
    code("EPERM"),
    "a firewall or route of this host forbids the dial (EPERM)",
    "allow outgoing TCP to 203.0.113.7 port 9000 (nft list ruleset, iptables -L OUTPUT, ip route get 203.0.113.7)"
  ],
  [
    "resources",
    code("EMFILE"),
    "this host has no file descriptor, port, address or memory left for a socket (EMFILE)",
    "raise the limit of open files (ulimit -n), see what holds sockets (ss -s), and check that the host still has the " +
    "--listen address"
  ],
  ["system", code("EIO"), "this host's system refuses the dial (EIO)", "see why with: ip route get 203.0.113.7"],
  [
    "not-timemesh",
    ended(DisconnectReason.local("bad-frame", "frame length 1347375956 exceeds limit 4096")),
    "the program at port 9000 does not speak the protocol (\"frame length 1347375956 exceeds limit 4096\"): it is not a " +
    "timemesh node",
    "correct the port with --peer IP:PORT; this network's usual port is 24100"
  ],
  [
    "transport",
    code(TransportText.noTlsThere),
    "port 9000 accepts connections, but not over TLS as this node needs it (the endpoint does not speak TLS)",
    `start both nodes with the same --transport; if they have, another program answers there: ${usually}`
  ],
  [
    "transport",
    { ...code(TransportText.noTlsThere), pin: { state: "pinned", key: "ab", since: 0 } },
    "port 9000 accepts connections, but not over TLS as this node needs it (the endpoint does not speak TLS); this node " +
    "knows the node there by its key, and never falls back to plain",
    "start both nodes with the same --transport; if they have, another host answers there"
  ],
  [
    "transport",
    { ...code(TransportText.noTlsThere), pin: { state: "not-pinned" } },
    "port 9000 accepts connections, but not over TLS as this node needs it (the endpoint does not speak TLS)",
    `start both nodes with the same --transport; if they have, another program answers there: ${usually}`
  ],
  [
    "transport",
    recordOf({
      lastAttempt: {
        at: 5,
        reason: DisconnectReason.local("protocol", TransportText.noTlsArrived),
        direction: "inbound",
        reached: "socket"
      }
    }),
    "it connects without TLS, which this node requires, and is refused",
    `start both nodes with the same --transport; if they have, another program answers there: ${usually}`
  ],
  [
    "transport",
    ended(DisconnectReason.rejected("incompatible", "local", TransportText.tlsThere)),
    "it speaks TLS, and this node does not",
    `start both nodes with the same --transport; if they have, another program answers there: ${usually}`
  ],
  [
    "silent-refusal",
    ended(DisconnectReason.local("no-ack")),
    "the daemon at port 9000 did not accept this node: it refuses silently an address that it has banned, or any when it " +
    "has no place",
    "look for this node's address in its getbanlist; the node dials again by itself, rarely enough not to be banned"
  ],
  [
    "says-nothing",
    {},
    "port 9000 accepts connections, but says nothing: another program listens there, or the node hangs",
    `${usually}; if it is right, look at that node`
  ],
  [
    "closes",
    {},
    "port 9000 accepts the connection and closes it without a word: another program, a node that just ends, or one that " +
    "refuses this address (banned, isolated, known by another key, no file descriptors)",
    `${usually}, and the log of the node there; if this node was set up anew, that node must trust its new key: timemesh ` +
    "peers trust"
  ],
  [
    "handshake",
    ended(DisconnectReason.local("no-ack")),
    "the connection ended during the handshake (no-ack)",
    "nothing, if it happens once: both ends try again; otherwise check the path between them"
  ],
  [
    "restarts",
    recordOf({ shortUps: 4, restarts: 3 }),
    "the peer's process restarts again and again: the last 4 connections were lost within a minute, 3 of them to a new " +
    "process",
    "look at the log of that node, or of its service manager"
  ],
  [
    "flaps",
    recordOf({ shortUps: 4, lastDown: { at: 5, upMs: 3, reason: DisconnectReason.remote("reset", "ECONNRESET") } }),
    "the connection comes up and is lost again within a minute, 4 times in a row (\"ECONNRESET\")",
    "look at the logs of both ends, and at what lies between them (NAT, firewall, load)"
  ],
  ["lost", {}, "the connection was lost, and the next dial is scheduled"],
  [
    "lost",
    recordOf({ lastDown: { at: 5, upMs: 180_000, reason: DisconnectReason.local("unused") } }),
    "the daemon no longer used the connection, so this node ended it; the next dial is scheduled"
  ],
  ["waiting-for-it", {}, "the peer, whose IP is lower, is expected to dial first"],
  [
    "waiting-for-it",
    recordOf({ mayDial: false }),
    "it does not say where it listens, so only it can dial",
    "name its address and port with --peer, if it can be dialled"
  ],
  [
    "in-book",
    {},
    "the peer book holds it, and it is not dialled now",
    "nothing, it has its turn; to have it dialled now, add it with --peer"
  ],
  ["not-tried", {}, "its first dial is scheduled"]
]

/** What is said where the value is not known. */
export const unknown: ReadonlyArray<readonly [Situation, string]> = [
  ["transport", "port 24100 accepts connections, but not over TLS as this node needs it (no code)"],
  ["lost", "the connection was lost, and the next dial is scheduled"],
  ["quiet", "no byte for 0.0 s, and the ping sent 0.0 s ago is unanswered"],
  ["clock", "its next block is 0 s ahead of this node's clock, so sync does not use it"],
  [
    "own-address",
    "it is this node's own address: an interface of this host has it, and this node listens on all of them"
  ],
  ["alias", "the same process is connected as another address: one connection is enough"],
  ["moved", "the process that was here is now at another address"],
  ["impossible", "this address cannot be a peer's"],
  ["full-here", "all places for peers that dial this node were taken; it keeps some for those that it dials"],
  ["banned-here", "this node has banned it"],
  ["other-key", "it shows another key than the one that this node knows it by, and is refused"],
  ["second-node-there", "a second process came from this address, and was refused"],
  ["incompatible", "the peer is on another network, or speaks another version of the protocol"],
  ["evicted", "the peer gave this node's place to another"],
  ["protocol", "this node, as the peer says, sent what the protocol does not allow"],
  ["refused", "the host refuses connections at port 24100 (ECONNREFUSED): no program listens there"],
  ["no-answer", "nothing answers at port 24100 (no code): the host is down, or a firewall drops the dial"],
  ["handshake", "the connection ended during the handshake (?)"],
  [
    "restarts",
    "the peer's process restarts again and again: the last 0 connections were lost within a minute, 0 of them to a new process"
  ],
  ["flaps", "the connection comes up and is lost again within a minute, 0 times in a row"],
  ["waiting-for-it", "the peer, whose IP is lower, is expected to dial first"]
]
