/**
 * The wording of each situation: its cause, and what to do. The table of docs/OPERATIONS.md has the same rows; a test compares them.
 */
import { fineDuration } from "../Durations.ts"
import * as TransportText from "../TransportText.ts"
import type { PeerRecord } from "./PeerRecord.ts"
import type { PinReport } from "./Pins.ts"
import type { BannedFact, OwnAddress, Situation } from "./Situation.ts"

/** `fix`: absent if nothing needs to be done. Neither ends with a full stop. */
export interface Words {
  readonly cause: string
  readonly fix?: string
}

/** Values used in the text. */
export interface Details {
  readonly record: PeerRecord | undefined
  readonly address: string
  readonly impossible: string | undefined
  readonly own: OwnAddress | undefined
  readonly ownNotice?: Words | undefined
  readonly movedTo: string | undefined
  readonly full: number | undefined
  readonly clockBehindS: number | undefined
  readonly usualPort: number
  readonly banned: BannedFact | undefined
  readonly pin?: PinReport | undefined
}

const ownWords: Readonly<Record<OwnAddress, string>> = {
  listen: "this node listens on it (--listen)",
  advertise: "this node is announced by it (--advertise)",
  host: "an interface of this host has it, and this node listens on all of them",
  former: "an interface of this host had it while this node ran",
  dialled: "a dial to it reached this node itself",
  seen: "connected peers see this node at it"
}

/** Text that a peer sent, or a code of the system. */
const quoted = (record: PeerRecord | undefined, which: "lastAttempt" | "lastDown" | "last"): string => {
  const detail = record?.[which]?.reason.detail
  return detail === undefined || detail === "" ? "" : ` ("${detail}")`
}

/** The port of the attempt that the text is of: the next dial may be to another. */
const portOf = ({ record, usualPort }: Details): number => record?.lastAttempt?.port ?? record?.dialPort ?? usualPort

const code = (record: PeerRecord | undefined): string => record?.lastAttempt?.reason.detail ?? "no code"

const network =
  "check the cable or Wi-Fi, the address and the default route of this host (ip address, ip route); the node " +
  "dials again within seconds of the network's return"

/** One end speaks TLS and the other does not. */
const transport = (details: Details): Words => {
  const { pin, record, usualPort } = details
  const { direction, reason } = record?.lastAttempt ?? {}
  const known = pin?.key === undefined
    ? ""
    : "; this node knows the node there by its key, and never falls back to plain"
  const what = reason?.detail === TransportText.tlsThere
    ? "it speaks TLS, and this node does not"
    : direction === "inbound"
    ? "it connects without TLS, which this node requires, and is refused"
    : `port ${portOf(details)} accepts connections, but not over TLS as this node needs it (${code(record)})`
  const fix = "start both nodes with the same --transport"
  return {
    cause: `${what}${known}`,
    fix: known === ""
      ? `${fix}; if they have, another program answers there: check the port (--peer IP:PORT, usually ${usualPort})`
      : `${fix}; if they have, another host answers there`
  }
}

const firewalls = "check that the host is up, and the firewalls on the way"

const banned = (ban: BannedFact | undefined): Words =>
  ban === undefined ? { cause: "this node has banned it", fix: "lift the ban, or wait for its end" } : {
    cause: `this node has banned ${ban.subnet.includes("/") ? `${ban.subnet}, which it is in,` : "it"} for ${
      left(ban.forMs)
    } more, by ${ban.by === "score" ? "the score of its offences" : "the operator's command"}${
      ban.reason === "" ? "" : ` (${ban.reason})`
    }`,
    fix: `wait for the end of the ban, or lift it: timemesh unban ${ban.subnet}`
  }

/** `45 s`, `12 min`, `3 h`. */
const left = (ms: number): string => {
  const minutes = ms / 60_000
  return minutes < 2
    ? `${Math.ceil(ms / 1_000)} s`
    : minutes < 120
    ? `${Math.round(minutes)} min`
    : `${Math.round(minutes / 60)} h`
}

/** Cause and fix. */
export const of = (situation: Situation, details: Details): Words => {
  const { address, record } = details
  const port = portOf(details)
  switch (situation) {
    case "connected":
      return { cause: "the connection is up" }
    case "quiet":
      return {
        cause: `no byte for ${fineDuration(record?.connection?.lastByteMs ?? 0)}, and the ping sent ${
          fineDuration(record?.connection?.pingUnansweredMs ?? 0)
        } ago is unanswered`,
        fix:
          "the connection ends as \"silent\" if that lasts (--dead); check the path to the peer, and whether the peer hangs"
      }
    case "clock":
      return {
        cause: `its next block is ${details.clockBehindS ?? 0} s ahead of this node's clock, so sync does not use it`,
        fix: "set the clock of this host (NTP); if that is right, the peer's is wrong"
      }
    case "own-address":
      return {
        cause: `it is this node's own address: ${ownWords[details.own ?? "host"]}${
          details.ownNotice === undefined ? "" : `; ${details.ownNotice.cause}`
        }`,
        fix: `a peer is its IP: to connect to another node, name that node's address${
          details.ownNotice?.fix === undefined ? "" : `; ${details.ownNotice.fix}`
        }`
      }
    case "alias":
      return {
        cause: `the same process is connected as ${record?.aliasOf ?? "another address"}: one connection is enough`
      }
    case "moved":
      return { cause: `the process that was here is now at ${details.movedTo ?? "another address"}` }
    case "no-family":
      return {
        cause: `this host has no ${address.includes(":") ? "IPv6" : "IPv4"} address, so it cannot reach it`,
        fix: "nothing, if that is intended: it does not count as a missing peer"
      }
    case "impossible":
      return { cause: `this address ${details.impossible ?? "cannot be a peer's"}`, fix: "use the IP of one host" }
    case "unknown":
      return {
        cause: "this address is not known: it is not configured, no peer has gossiped it, and it was never connected",
        fix: "add it with --peer, if a node runs there"
      }
    case "isolated":
      return {
        cause: "this node is isolated from it (isolate, for drills)",
        fix: "end the isolation with an empty list"
      }
    case "operator-here":
      return {
        cause: "it was disconnected by hand here, so this node does not dial it; it may dial this node",
        fix: `connect to it again: timemesh connect ${address}`
      }
    case "operator-there":
      return {
        cause: "the peer's operator disconnected this node",
        fix: "ask the peer's operator; this node dials again when the wait that the peer asked for is over"
      }
    case "full-here":
      return {
        cause: details.full === undefined
          ? "all places for peers that dial this node were taken; it keeps some for those that it dials"
          : `all ${details.full} places for peers of this node are taken`,
        fix: "raise --max-peers, if it should have more"
      }
    case "full-there":
      return {
        cause: "the peer's places are all taken",
        fix: "wait for a free place, or have its operator raise --max-peers; any other peer will do as well"
      }
    case "banned-here":
      return banned(details.banned)
    case "banned-there":
      return {
        cause: `the peer has banned this node${quoted(record, "last")}`,
        fix: "ask its operator why; the ban ends by itself"
      }
    case "other-key":
      return {
        cause: details.pin?.state === "no-key"
          ? "it connects without the key that this node knows it by, and is refused"
          : "it shows another key than the one that this node knows it by, and is refused",
        fix: `if the node there was set up anew: timemesh peers trust ${address}; if not, another host answers there`
      }
    case "second-node-here":
      return {
        cause: "another node behind this node's public address is connected to the peer: a peer is its IP",
        fix: "run one node per public IP: stop the other one, or give this one a public address of its own"
      }
    case "second-node-there":
      return {
        cause: `a second process came from this address, and was refused${times(record?.inUseRefusals)}`,
        fix: "its operator must run one node per public IP"
      }
    case "incompatible":
      return {
        cause: `the peer is on another network, or speaks another version of the protocol${quoted(record, "last")}`,
        fix: "start both with the same --network and a version of the same protocol"
      }
    case "self-claimed":
      return {
        cause: `the peer says that it and this node have one address${quoted(record, "last")}`,
        fix: "check --advertise and --listen of both nodes, and address translation between them"
      }
    case "stopped":
      return { cause: "the peer was stopped or is restarting", fix: "start it again, if it should run" }
    case "evicted":
      return record?.last?.reason.by === "local"
        ? {
          cause: "this node was full and gave its place to another peer",
          fix: "raise --max-peers, or name it with --peer"
        }
        : { cause: "the peer gave this node's place to another", fix: "nothing: this node dials again later" }
    case "protocol":
      return {
        cause: `${
          record?.last?.reason.by === "local" ? "the peer" : "this node, as the peer says,"
        } sent what the protocol does not allow${quoted(record, "last")}`,
        fix: "compare the versions of both nodes (timemesh peers), and report it"
      }
    case "application":
      return {
        cause: "the application at one end failed on a message",
        fix: "read the log of the node whose application failed"
      }
    case "refused":
      return {
        cause: `the host refuses connections at port ${port} (ECONNREFUSED): no program listens there`,
        fix: "start the node there, and check its port (--peer IP:PORT) and firewall"
      }
    case "no-answer":
      return {
        cause: `nothing answers at port ${port} (${code(record)}): the host is down, or a firewall drops the dial`,
        fix: `${firewalls}; a node behind NAT needs a forwarded port, or must dial itself`
      }
    case "unreachable":
      return {
        cause: `no host or router on the way answers for it (${code(record)})`,
        fix: `${firewalls}, and the route to it (ip route get ${address})`
      }
    case "no-route":
      return {
        cause: `this host has no route to it (${code(record)}), though it reaches other peers`,
        fix: `check the route (ip route get ${address})`
      }
    case "network-down":
      return { cause: `this host has no network (${code(record)}): it reaches no peer`, fix: network }
    case "firewall":
      return {
        cause: `a firewall or route of this host forbids the dial (${code(record)})`,
        fix:
          `allow outgoing TCP to ${address} port ${port} (nft list ruleset, iptables -L OUTPUT, ip route get ${address})`
      }
    case "resources":
      return {
        cause: `this host has no file descriptor, port, address or memory left for a socket (${code(record)})`,
        fix:
          "raise the limit of open files (ulimit -n), see what holds sockets (ss -s), and check that the host still has the --listen address"
      }
    case "system":
      return {
        cause: `this host's system refuses the dial (${code(record)})`,
        fix: `see why with: ip route get ${address}`
      }
    case "not-timemesh":
      return {
        cause: `the program at port ${port} does not speak the protocol${
          quoted(record, "lastAttempt")
        }: it is not a timemesh node`,
        fix: `correct the port with --peer IP:PORT; this network's usual port is ${details.usualPort}`
      }
    case "transport":
      return transport(details)
    case "silent-refusal":
      return {
        cause:
          `the daemon at port ${port} did not accept this node: it refuses silently an address that it has banned, or ` +
          "any when it has no place",
        fix:
          `look for this node's address in its getbanlist; the node dials again by itself, rarely enough not to be banned`
      }
    case "says-nothing":
      return {
        cause: `port ${port} accepts connections, but says nothing: another program listens there, or the node hangs`,
        fix: `check the port (--peer IP:PORT, usually ${details.usualPort}); if it is right, look at that node`
      }
    case "closes":
      return {
        cause:
          `port ${port} accepts the connection and closes it without a word: another program, a node that just ends, or ` +
          "one that refuses this address (banned, isolated, known by another key, no file descriptors)",
        fix:
          `check the port (--peer IP:PORT, usually ${details.usualPort}), and the log of the node there; if this node was ` +
          "set up anew, that node must trust its new key: timemesh peers trust"
      }
    case "handshake":
      return {
        cause: `the connection ended during the handshake (${record?.lastAttempt?.reason.kind ?? "?"})`,
        fix: "nothing, if it happens once: both ends try again; otherwise check the path between them"
      }
    case "restarts":
      return {
        cause:
          `the peer's process restarts again and again: the last ${
            record?.shortUps ?? 0
          } connections were lost within ` +
          `a minute, ${record?.restarts ?? 0} of them to a new process`,
        fix: "look at the log of that node, or of its service manager"
      }
    case "flaps":
      return {
        cause: `the connection comes up and is lost again within a minute, ${record?.shortUps ?? 0} times in a row${
          quoted(record, "lastDown")
        }`,
        fix: "look at the logs of both ends, and at what lies between them (NAT, firewall, load)"
      }
    case "lost":
      return {
        cause: record?.lastDown?.reason.kind === "unused"
          ? "the daemon no longer used the connection, so this node ended it; the next dial is scheduled"
          : "the connection was lost, and the next dial is scheduled"
      }
    case "waiting-for-it":
      return {
        cause: record?.mayDial === false
          ? "it does not say where it listens, so only it can dial"
          : "the peer, whose IP is lower, is expected to dial first",
        ...(record?.mayDial === false ? { fix: "name its address and port with --peer, if it can be dialled" } : {})
      }
    case "in-book":
      return {
        cause: "the peer book holds it, and it is not dialled now",
        fix: "nothing, it has its turn; to have it dialled now, add it with --peer"
      }
    case "not-tried":
      return { cause: "its first dial is scheduled" }
  }
}

const times = (count: number | undefined): string => count === undefined || count === 0 ? "" : ` ${count}×`
