/**
 * The world around the production reducer, for the exhaustive search: nodes, and sockets with two FIFO queues. Here stands
 * what it is and how one node takes one event; what can happen next stands in Network.ts.
 */
import type * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { End, EndId, PairEvent, PairState, Role } from "../../src/domain/pair/PairState.ts"
import { empty } from "../../src/domain/pair/PairState.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"

/** One pair state: a node, seen from one peer's address. Two of one `process` are a node with two addresses. */
export interface NodeSpec {
  readonly name: string
  readonly process: number
  /** Knows an address to dial from its configuration, also after a restart. */
  readonly knows: boolean
  /** Where a dial may lead; `reaches` false: such a dial always fails. */
  readonly targets: ReadonlyArray<{ readonly node: number; readonly reaches: boolean }>
}

export interface Setting {
  readonly name: string
  readonly nodes: ReadonlyArray<NodeSpec>
  readonly role: (node: number, peer: number) => Role
  /** The address of `node` as `peer` names it. */
  readonly self: (node: number, peer: number) => PeerIp
  /** K: sockets that can exist at once. */
  readonly slots: number
  readonly faults: number
  /** Every timer may fire at any moment; else only when the other end can no longer answer. */
  readonly anyTimer: boolean
  /** What can go wrong, each at the cost of one of `faults`. */
  readonly kinds: ReadonlyArray<FaultKind>
  /** Whether Hellos number their sockets. `false`: the lower peer is of a version that does not. */
  readonly numbers: boolean
  /** After it stood still, a process's timers blame its peers for what it has not read yet. Wrong, and shown to be. */
  readonly forgetsLag: boolean
  /**
   * `process`: two nodes. `processes`: several compete for one place for ever. `addresses`: one process has two. What must
   * hold in each: Search.ts.
   */
  readonly kind: "process" | "processes" | "addresses"
  /** Of two connections between the same two processes the first process closes one. */
  readonly merges: boolean
  readonly step: Pair.Step
}

/**
 * `break`: both directions of a socket are dead and nobody is told. `deaf`: one direction is. `reject-lost`: a reset destroys
 * a Reject. `crash`: a process is killed and starts again, with or without a FIN. `refuse`: a node has no place for the
 * peer. `stop`: an operator disconnects the peer, for a time or until told otherwise. `stall`: a process stands still. `ban`, `evict`, `full`: a
 * node keeps its peer out until it lets it in again; the first two end its connection.
 */
export const faultKinds = [
  "break",
  "deaf",
  "reject-lost",
  "crash",
  "refuse",
  "stop",
  "stall",
  "ban",
  "evict",
  "full"
] as const
export type FaultKind = (typeof faultKinds)[number]

export type FrameKind = "Hello" | "Commit" | "Ack" | "Ping" | "Pong" | "Reject" | "Reject(alias)" | "FIN"
/** `arg`: the nonce of a ping or pong, the tag of a hello. `order`: what a Hello says of its socket's age; 0: nothing. */
export interface Frame {
  readonly kind: FrameKind
  readonly arg: number
  readonly order: EndId
}

/** `closed`: no end there (any more). `pending`: connected by the kernel, not accepted yet. */
export const closed = 0
export const pending = -1

/** Side 0 dialled, side 1 accepts; `queues[s]` holds the frames on their way to side `s`. */
export interface Socket {
  readonly name: string
  readonly nodes: readonly [number, number]
  readonly reaches: boolean
  broken: boolean
  /** Nothing reaches that side any more. */
  readonly deaf: [boolean, boolean]
  readonly ends: [EndId, EndId]
  readonly queues: [ReadonlyArray<Frame>, ReadonlyArray<Frame>]
}

export interface World {
  readonly pairs: Array<PairState>
  /** The tag of each process now. */
  readonly tags: Array<number>
  sockets: Array<Socket>
  faults: number
  /** The process that stands still; -1: none. */
  stalled: number
  /** The node that keeps its peer out, twice its number, and 1 more if by a ban; -1: none. */
  shut: number
  /** Names, nonces and tags come from here. Not part of what makes two worlds equal. */
  fresh: number
  named: number
}

export type Side = 0 | 1
export const other = (side: Side): Side => side === 0 ? 1 : 0
export const sides: ReadonlyArray<Side> = [0, 1]

export const pairOf = (world: World, node: number): PairState => world.pairs[node] ?? empty
export const tagOf = (setting: Setting, world: World, node: number): number =>
  world.tags[setting.nodes[node]?.process ?? 0] ?? 0

export const clone = (world: World): World => ({
  pairs: [...world.pairs],
  tags: [...world.tags],
  sockets: world.sockets.map((socket) => ({
    ...socket,
    deaf: [socket.deaf[0], socket.deaf[1]],
    ends: [socket.ends[0], socket.ends[1]],
    queues: [socket.queues[0], socket.queues[1]]
  })),
  faults: world.faults,
  stalled: world.stalled,
  shut: world.shut,
  fresh: world.fresh,
  named: world.named
})

export const boot = (setting: Setting, spec: NodeSpec): PairState =>
  spec.knows
    ? setting.step(empty, { _tag: "Learned", rank: undefined }, { id: 1, nonce: 0n, backoffMs: 0, fallbackMs: 0 })[0]
    : empty

export const start = (setting: Setting): World => {
  const processes = new Set(setting.nodes.map((node) => node.process)).size
  return {
    pairs: setting.nodes.map((spec) => boot(setting, spec)),
    tags: Array.from({ length: processes }, (_, i) => i),
    sockets: [],
    faults: setting.faults,
    stalled: -1,
    shut: -1,
    fresh: processes,
    named: 0
  }
}

// --- one step of one node ---------------------------------------------------------

/** What happened in a move, gathered while it is carried out. */
export interface Notes {
  down: boolean
  flap: DisconnectReason.Kind | undefined
  fault: string | undefined
}

export const push = (socket: Socket, to: Side, kind: FrameKind, arg = 0, order = 0): void => {
  if (socket.broken || socket.deaf[to] || socket.ends[to] === closed) return
  socket.queues[to] = [...socket.queues[to], { kind, arg, order }]
}

/** Nothing is lost on it, either way. */
export const isWhole = ({ broken, deaf }: Socket): boolean => !broken && !deaf[0] && !deaf[1]

/** The socket is closed at `side`: what was on its way there is lost. */
export const shut = (socket: Socket, side: Side): void => {
  socket.ends[side] = closed
  socket.queues[side] = []
}

export const locate = (world: World, node: number, end: EndId): readonly [Socket, Side] | undefined => {
  for (const socket of world.sockets) {
    for (const side of sides) if (socket.nodes[side] === node && socket.ends[side] === end) return [socket, side]
  }
  return undefined
}

/** Whether the node keeps its peer out; one that is past the Hello has its place. */
export const isShut = (world: World, node: number): boolean =>
  world.shut >> 1 === node && world.shut >= 0 && pairOf(world, node).ends.every(({ role }) => role === undefined)

export const isBanned = (world: World, node: number): boolean => world.shut === 2 * node + 1

export const phaseAt = (world: World, socket: Socket, side: Side): End["phase"] | undefined =>
  socket.ends[side] > 0 ? Pair.phaseOf(pairOf(world, socket.nodes[side]), socket.ends[side]) : undefined

/** Greater than every id, nonce and tag so far. */
export const fresh = (world: World): number => world.fresh++

/** It is up here, or will be as soon as the Ack is read that has come. */
const isAgreed = (end: End, socket: Socket, side: Side): boolean =>
  end.phase === "up" || (end.phase === "committing" && socket.queues[side].some(({ kind }) => kind === "Ack"))

/** Lets one node take one event, and the network do its actions. `target`: where a dial would lead. */
export const take = (
  setting: Setting,
  world: World,
  notes: Notes,
  node: number,
  event: PairEvent,
  target = 0
): void => {
  const before = pairOf(world, node)
  const id = fresh(world)
  const nonce = fresh(world)
  const [after, actions] = setting.step(before, event, {
    id,
    nonce: BigInt(nonce),
    backoffMs: 0,
    fallbackMs: 0
  })
  world.pairs[node] = after
  const gaveUp = new Set<EndId>()
  for (const action of actions) {
    if (action._tag === "Arm" || action._tag === "Disarm" || action._tag === "Up" || action._tag === "Aliased") continue
    if (action._tag === "Dial") {
      const to = setting.nodes[node]?.targets[target]
      world.named += 1
      world.sockets.push({
        name: `s${world.named}`,
        nodes: [node, to?.node ?? 0],
        reaches: to?.reaches ?? false,
        broken: false,
        deaf: [false, false],
        ends: [action.end, pending],
        queues: [[], []]
      })
      continue
    }
    const found = locate(world, node, action.end)
    if (found === undefined) {
      // A Down follows the Close that shut the socket.
      if (action._tag === "Down") notes.down = true
      continue
    }
    const [socket, side] = found
    const there = other(side)
    switch (action._tag) {
      case "SendHello":
        push(socket, there, "Hello", tagOf(setting, world, node), setting.numbers ? action.end : 0)
        break
      case "SendCommit":
        push(socket, there, "Commit")
        break
      case "SendAck":
        push(socket, there, "Ack")
        break
      case "SendPing":
        push(socket, there, "Ping", nonce)
        break
      case "Down":
        notes.down = true
        break
      case "Close": {
        if (action.reason.kind === "protocol") notes.fault = action.reason.detail ?? "protocol"
        if (
          action.reason.by === "local" && isWhole(socket) && phaseAt(world, socket, there) === "up" &&
          before.ends.some((end) => end.id === action.end && isAgreed(end, socket, side))
        ) {
          notes.flap = action.reason.kind
        }
        push(
          socket,
          there,
          action.reject === undefined ? "FIN" : action.reject === "alias" ? "Reject(alias)" : "Reject"
        )
        shut(socket, side)
        gaveUp.add(action.end)
      }
    }
  }
  for (const end of before.ends) {
    if (gaveUp.has(end.id) || after.ends.some((still) => still.id === end.id)) continue
    const found = locate(world, node, end.id)
    if (found === undefined) continue
    push(found[0], other(found[1]), "FIN")
    shut(found[0], found[1])
  }
}

/** Forgets sockets that concern nobody any more. */
export const sweep = (world: World): void => {
  world.sockets = world.sockets.filter(({ broken, ends, reaches }) =>
    ends[0] > 0 || ends[1] > 0 || (ends[1] === pending && reaches && !broken)
  )
}
