/**
 * The checks of both ends before a socket can become the connection of its pair, and how long a refused peer stays away.
 *
 * Roles follow from the socket: the initiator states the IP it dialled, the acceptor the IP it observed. So a node whose own address is
 * unknown or wrong has the right rank once Hellos are exchanged.
 */
import type { RejectReason } from "../DisconnectReason.ts"
import * as Limits from "../Limits.ts"
import * as PeerIp from "../peer/PeerIp.ts"
import * as TieBreak from "../peer/TieBreak.ts"
import type { Commit, Extension, Hello } from "../wire/Message.ts"
import type { EndId, Role } from "./PairState.ts"

/** Version of the frame layouts. A peer with another version is `incompatible`. */
export const protocolVersion = 1
/** Version of the pair rules and their timers. A peer with another version is `incompatible`. */
export const ruleVersion = 1

/**
 * Bits of `Hello.capabilities`. `peers`: reads `Peers`. `channels`: reads `Data`. `chain`: has a chain and serves it. `produces`: makes
 * blocks on devnet when its turn comes. `masternodes`: reads announcements of masternodes. `dialBack`: dials back on request. `refusals`:
 * reads a `Peers` before a `Reject(full)`. Append only.
 */
export const Capability = {
  peers: 1,
  channels: 2,
  chain: 4,
  produces: 8,
  masternodes: 16,
  dialBack: 32,
  refusals: 64
} as const

/** What this version offers. */
export const capabilities: number = Capability.peers | Capability.channels | Capability.dialBack | Capability.refusals

/** Id of the Hello extension with the sender's number for the socket: u64, at most 2^53 − 1. */
export const orderExtension = 1

/** Id of the Hello extension with the number of connections the sender has up: u16. A full node makes room for peers in need. */
export const peersExtension = 2

/**
 * Contents of a Hello beyond its fixed layout. `order`: the sender's end id, ascending for the life of its process. `peers`: connections it
 * has up.
 */
export const extensions = (order: EndId, peers: number): ReadonlyArray<Extension> => {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(order))
  const count = new Uint8Array(2)
  new DataView(count.buffer).setUint16(0, Math.min(peers, 0xffff))
  return [{ id: orderExtension, bytes }, { id: peersExtension, bytes: count }]
}

/** The connection count that the peer states; `undefined` if it states none. Of several, the first counts. */
export const peersOf = (hello: Pick<Hello, "extensions">): number | undefined => {
  const bytes = hello.extensions.find(({ id }) => id === peersExtension)?.bytes
  return bytes?.length === 2 ? new DataView(bytes.buffer, bytes.byteOffset, 2).getUint16(0) : undefined
}

/** The peer's number for the socket; `undefined` if its Hello has no valid one. Of several, the first counts. */
export const orderOf = (hello: Pick<Hello, "extensions">): number | undefined => {
  const bytes = hello.extensions.find(({ id }) => id === orderExtension)?.bytes
  if (bytes?.length !== 8) return undefined
  const order = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
  return order <= Number.MAX_SAFE_INTEGER ? Number(order) : undefined
}

/** What a peer must share with this node. */
export interface Local {
  readonly protocol: number
  readonly rule: number
  readonly network: string
  /** 64 hex digits. */
  readonly genesis: string
}

/** What is known when a Hello arrives. */
export interface Context {
  readonly local: Local
  readonly dir: "out" | "in"
  /** From the socket: the IP we dialled, or the IP we observed. */
  readonly remote: PeerIp.PeerIp
  /** Whether a nonce belongs to one of our own open dials. */
  readonly isOwnDial: (nonce: bigint) => boolean
  /** Remaining time of the peer's ban, ms. */
  readonly bannedMs: number | undefined
  /** The peer already has a place, so admitting this socket adds no peer. */
  readonly known: boolean
  /** Places taken: peers that are up, or whose Hello was accepted and that are on their way up. */
  readonly placesTaken: number
  readonly maxPeers: number
}

/** Proceeds to arbitration. `self`: our address as the peer named it. */
export interface Accepted {
  readonly _tag: "Accepted"
  readonly role: Role
  readonly tag: string
  readonly self: PeerIp.PeerIp
}

/** To be answered with a `Reject` of this content. `retryAfterMs` also delays our own next dial. */
export interface Refused {
  readonly _tag: "Refused"
  readonly reject: RejectReason
  readonly text: string
  readonly retryAfterMs: number
}

/** Checks a peer's Hello; the first failed check decides. */
export const check = (hello: Hello, context: Context): Accepted | Refused => {
  const { local } = context
  if (hello.protocol !== local.protocol || hello.rule !== local.rule) {
    return refused(
      "incompatible",
      `this node speaks protocol ${local.protocol} rule ${local.rule}, you speak protocol ${hello.protocol} rule ${hello.rule}`
    )
  }
  if (hello.network !== local.network || hello.genesis !== local.genesis) {
    return refused(
      "incompatible",
      `this node is on ${local.network} (genesis ${local.genesis.slice(0, 16)}), ` +
        `you are on ${hello.network} (genesis ${hello.genesis.slice(0, 16)})`
    )
  }
  if (context.dir === "in" && context.isOwnDial(hello.nonce)) {
    return refused("self", "self-connection: that address is this node's")
  }
  // The rank is computed from this address, so an address that no peer can have must not decide it.
  if (PeerIp.classOf(hello.peer) === "special") {
    return refused(
      "protocol",
      `your Hello gives ${hello.peer} as this node's address, which ${
        PeerIp.isLinkLocal(hello.peer) ? "is a link-local address" : "is not a unicast address"
      }`
    )
  }
  const rank = TieBreak.rank(hello.peer, context.remote)
  if (rank === "same") return refused("self", "another node has this node's own address")
  if (context.bannedMs !== undefined) {
    return refused("banned", "this node has banned you", { bannedMs: context.bannedMs })
  }
  if (!context.known && context.placesTaken >= context.maxPeers) {
    return refused("full", `peer limit reached (${context.maxPeers})`)
  }
  return { _tag: "Accepted", role: rank, tag: hello.tag, self: hello.peer }
}

/** Refuses a Hello, and states when its sender may return. */
export const refused = (reject: RejectReason, text: string, facts?: RetryFacts): Refused => ({
  _tag: "Refused",
  reject,
  text,
  retryAfterMs: retryAfterMs(reject, facts)
})

/** The lower peer's Commit. `self`: its address as the higher peer named it. */
export const commit = (self: PeerIp.PeerIp, peer: PeerIp.PeerIp): Commit => ({
  _tag: "Commit",
  lower: self,
  higher: peer
})

/**
 * What is wrong with a received Commit, in words; `undefined` if it is valid. An invalid one ends the socket (`protocol`). `self` and
 * `role` are those of `Accepted`; `peer` comes from the socket.
 */
export const checkCommit = (
  commit: Commit,
  role: Role,
  self: PeerIp.PeerIp,
  peer: PeerIp.PeerIp
): string | undefined =>
  role === "lower"
    ? "Commit received by the lower peer, which alone may send it"
    : commit.lower === peer && commit.higher === self
    ? undefined
    : `Commit names the pair ${commit.lower} / ${commit.higher}, this node sees ${peer} / ${self}`

/** Facts that some retry delays depend on. */
export interface RetryFacts {
  /** `in-use` refusals of this peer in a row, this one included. */
  readonly refusals?: number
  /** Remaining time of the ban, ms. */
  readonly bannedMs?: number
}

/** How long a peer refused for this reason is asked to stay away, ms. Fits the wire's u32. */
export const retryAfterMs = (reason: RejectReason, facts: RetryFacts = {}): number => {
  switch (reason) {
    case "duplicate":
      return Limits.retryDuplicateMs
    case "in-use":
      return Math.min(Limits.retryInUseMs * 2 ** Math.max(0, (facts.refusals ?? 1) - 1), Limits.retryInUseMaxMs)
    case "full":
      return Limits.retryFullMs
    case "banned":
      return Math.ceil(Math.min(Math.max(0, facts.bannedMs ?? Limits.retryMaxMs), Limits.retryMaxMs))
    case "incompatible":
      return Limits.retryIncompatibleMs
    case "alias":
      return Limits.retryAliasMs
    case "self":
      return Limits.retryMaxMs
    case "shutdown":
      return Limits.retryShutdownMs
    case "operator":
      return Limits.retryOperatorMs
    case "evicted":
      return Limits.retryEvictedMs
    case "protocol":
      return Limits.retryProtocolMs
    case "application":
      return Limits.retryApplicationMs
  }
}

/** The wait that a refused node actually keeps: the requested one plus 0–25 % (`jitter` 0…1), then clamped to 0.5 s … 1 h. */
export const clampRetry = (askedMs: number, jitter: number): number =>
  Math.min(Math.max(askedMs * (1 + Limits.retryJitter * jitter), Limits.retryMinMs), Limits.retryMaxMs)

/**
 * Input of the instance tag towards a peer: the 16-byte form of the peer's address. The tag is the first 16 bytes of its HMAC-SHA-256 under
 * the process's secret.
 */
export const instanceTagInput = (peer: PeerIp.PeerIp): Uint8Array => PeerIp.toBytes(peer)
