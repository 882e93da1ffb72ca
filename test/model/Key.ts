/**
 * One short text per class of equal worlds: end ids become positions, nonces become "the running challenge's" or "another",
 * tags become "the peer's process now", "the first earlier one" and so on, sockets stand in the order of their ends. Ranks
 * are left out: they only choose delays. `worldOf` makes a world of the class again, so that the search keeps texts only.
 */
import type { End, PairState, Probe } from "../../src/domain/pair/PairState.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import type { Frame, FrameKind, Setting, Socket, World } from "./World.ts"
import { pairOf, pending } from "./World.ts"

const phaseNames = ["dialing", "hello", "candidate", "committing", "up"] as const
const phases = { dialing: 0, hello: 1, candidate: 2, committing: 3, up: 4 }
const probeNames = ["queued", "queued", "sent", "late"] as const
const probePhases = { queued: 1, sent: 2, late: 3 }
const kindNames = ["Hello", "Commit", "Ack", "Ping", "Pong", "Reject", "Reject(alias)", "FIN"] as const
const kinds: Readonly<Record<FrameKind, number>> = {
  Hello: 0,
  Commit: 1,
  Ack: 2,
  Ping: 3,
  Pong: 4,
  Reject: 5,
  "Reject(alias)": 6,
  FIN: 7
}
const buffer = Buffer.alloc(1_024)

/** 1 … n for a live end, 0 closed, 9 pending. */
const position = (pair: PairState, end: number): number => {
  if (end <= 0) return end < 0 ? 9 : 0
  for (let i = 0; i < pair.ends.length; i++) if (pair.ends[i]?.id === end) return i + 1
  return 0
}

/** Numbers of the addresses of a setting. They never change, so all its worlds share them. */
const addresses = new WeakMap<Setting, ReadonlyArray<PeerIp>>()
const addressesOf = (setting: Setting): ReadonlyArray<PeerIp> => {
  const known = addresses.get(setting)
  if (known !== undefined) return known
  const all = new Set<PeerIp>()
  const nodes = [...setting.nodes.keys()]
  for (const i of nodes) for (const j of nodes) if (i !== j) all.add(setting.self(i, j))
  const made = [...all]
  addresses.set(setting, made)
  return made
}

export const keyOf = (setting: Setting, world: World): string => {
  const selves = addressesOf(setting)
  const tags = world.tags.slice()
  const tag = (raw: number): number => {
    const known = tags.indexOf(raw)
    return known >= 0 ? known : tags.push(raw) - 1
  }

  let n = 0
  for (const pair of world.pairs) {
    buffer[n++] = pair.ends.length + (pair.spacing ? 8 : 0) + (pair.dialable ? 16 : 0) + (pair.redial ? 32 : 0) +
      (pair.grace ? 64 : 0) + (pair.barred ? 128 : 0)
    const { probe } = pair
    buffer[n++] = probe === undefined ? 0 : probePhases[probe.phase] + 4 * position(pair, probe.end)
    for (const end of pair.ends) {
      buffer[n++] = phases[end.phase] + (end.dir === "out" ? 8 : 0) + (end.commitHeld ? 16 : 0) +
        (end.role === undefined ? 0 : end.role === "lower" ? 32 : 64)
      if (end.tag !== undefined && end.self !== undefined) {
        buffer[n++] = tag(Number(end.tag)) * 8 + selves.indexOf(end.self)
      }
    }
  }
  for (const socket of ordered(world)) {
    buffer[n++] = 240 + (socket.broken ? 1 : 0) + (socket.reaches ? 2 : 0)
    for (let side = 0; side < 2; side++) {
      const node = socket.nodes[side] ?? 0
      const queue = socket.queues[side] ?? []
      buffer[n++] = node * 16 + position(pairOf(world, node), socket.ends[side] ?? 0)
      buffer[n++] = queue.length
      for (const { arg, kind } of queue) {
        let small = 0
        if (kind === "Hello") small = tag(arg)
        else if (kind === "Ping" || kind === "Pong") {
          // A Ping belongs to the node it comes from, a Pong to the one it goes to.
          const owner = kind === "Pong" ? node : socket.nodes[1 - side] ?? 0
          small = Number(pairOf(world, owner).probe?.nonce ?? -1n) === arg ? 1 : 0
        }
        buffer[n++] = kinds[kind] + 8 * small
      }
    }
  }
  buffer[n++] = world.faults
  return buffer.toString("latin1", 0, n)
}

/** Sockets by the nodes and positions of their ends, which no two with a live end share. */
const ordered = (world: World): ReadonlyArray<Socket> => {
  if (world.sockets.length < 2) return world.sockets
  const rank = ({ ends, nodes }: Socket): number =>
    nodes[0] * 1_000 + nodes[1] * 100 + position(pairOf(world, nodes[0]), ends[0]) * 10 +
    position(pairOf(world, nodes[1]), ends[1])
  return world.sockets.map((socket) => ({ socket, rank: rank(socket) })).toSorted((a, b) => a.rank - b.rank)
    .map(({ socket }) => socket)
}

export const worldOf = (setting: Setting, key: string): World => {
  const selves = addressesOf(setting)
  let n = 0
  const next = (): number => key.charCodeAt(n++)
  const pairs = setting.nodes.map((): PairState => {
    const head = next()
    const probed = next()
    const ends: Array<End> = []
    for (let id = 1; id <= (head & 7); id++) {
      const bits = next()
      const role = (bits & 96) === 0 ? undefined : (bits & 32) !== 0 ? "lower" : "higher"
      const known = role === undefined ? undefined : next()
      ends.push({
        id,
        dir: (bits & 8) !== 0 ? "out" : "in",
        phase: phaseNames[bits & 7] ?? "up",
        role,
        tag: known === undefined ? undefined : String(known >> 3),
        process: known === undefined ? undefined : String(known >> 3),
        self: known === undefined ? undefined : selves[known & 7],
        commitHeld: (bits & 16) !== 0
      })
    }
    const probe: Probe | undefined = probed === 0
      ? undefined
      : { end: probed >> 2, nonce: 1n, phase: probeNames[probed & 3] ?? "queued" }
    return {
      ends,
      probe,
      spacing: (head & 8) !== 0,
      dialable: (head & 16) !== 0,
      redial: (head & 32) !== 0,
      grace: (head & 64) !== 0,
      rank: undefined,
      barred: (head & 128) !== 0
    }
  })
  const sockets: Array<Socket> = []
  const side = (): { readonly node: number; readonly end: number; readonly queue: ReadonlyArray<Frame> } => {
    const place = next()
    const queue: Array<Frame> = []
    for (let left = next(); left > 0; left--) {
      const frame = next()
      queue.push({ kind: kindNames[frame & 7] ?? "FIN", arg: frame >> 3 })
    }
    return { node: place >> 4, end: (place & 15) === 9 ? pending : place & 15, queue }
  }
  while (n < key.length - 1) {
    const bits = next()
    const from = side()
    const to = side()
    sockets.push({
      name: `s${sockets.length}`,
      nodes: [from.node, to.node],
      reaches: (bits & 2) !== 0,
      broken: (bits & 1) !== 0,
      ends: [from.end, to.end],
      queues: [from.queue, to.queue]
    })
  }
  const processes = new Set(setting.nodes.map((node) => node.process)).size
  return {
    pairs,
    tags: Array.from({ length: processes }, (_, i) => i),
    sockets,
    faults: next(),
    // Greater than every tag and nonce that stands in a key.
    fresh: 64,
    named: 0
  }
}
