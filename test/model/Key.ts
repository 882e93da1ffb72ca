/**
 * One short text per class of equal worlds: end ids become positions, nonces become "the running challenge's" or "another",
 * tags become "the peer's process now", "the first earlier one" and so on, numbers of sockets their place among those of live ends, sockets stand in the order of their ends. Ranks
 * are left out: they only choose delays. `worldOf` makes a world of the class again, so that the search keeps texts only.
 */
import type { End, PairState, Probe } from "../../src/domain/pair/PairState.ts"
import type { PeerIp } from "../../src/domain/peer/PeerIp.ts"
import type { Frame, FrameKind, Setting, Socket, World } from "./World.ts"
import { pairOf, pending, tagOf } from "./World.ts"

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

/** Live ends have the ids 8, 16, 24 and 32; between them there is room for the numbers of closed ones. */
const idStep = 8
/** Codes below are positions of live ends; from here on they tell of closed ones. */
const closedCodes = 8

/**
 * What the number of a socket is to the node that gave it: the position of a live end, or of a closed one how many live ends
 * are older, and its place among the closed ones there. Numbers of an earlier process are compared with each other only.
 */
const orderCode = (setting: Setting, world: World, giver: number, tag: number, order: number): number => {
  if (order === 0) return 0
  const current = tag === tagOf(setting, world, giver)
  const live = pairOf(world, giver).ends
  if (current) {
    for (let i = 0; i < live.length; i++) if (live[i]?.id === order) return i + 1
  }
  const gapOf = (value: number): number => current ? live.reduce((n, end) => end.id < value ? n + 1 : n, 0) : 0
  const gap = gapOf(order)
  const older = new Set<number>()
  const compare = (otherTag: number, other: number): void => {
    if (otherTag !== tag || other === 0 || other >= order || gapOf(other) !== gap) return
    if (!current || !live.some((end) => end.id === other)) older.add(other)
  }
  for (const socket of world.sockets) {
    for (let side = 0; side < 2; side++) {
      if (socket.nodes[1 - side] !== giver) continue
      const end = endAt(world, socket, side)
      if (end?.order !== undefined) compare(Number(end.tag), end.order)
      for (const frame of socket.queues[side] ?? []) if (frame.kind === "Hello") compare(frame.arg, frame.order)
    }
  }
  return closedCodes + gap * idStep + older.size
}

const orderOf = (code: number): number => code < closedCodes ? code * idStep : code - closedCodes + 1

const endAt = (world: World, socket: Socket, side: number): End | undefined => {
  const id = socket.ends[side] ?? 0
  return id <= 0 ? undefined : pairOf(world, socket.nodes[side] ?? 0).ends.find((end) => end.id === id)
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
    buffer[n++] = probe === undefined
      ? 0
      : probePhases[probe.phase] + 4 * position(pair, probe.end) + (probe.urgent ? 64 : 0)
    for (const end of pair.ends) {
      buffer[n++] = phases[end.phase] + (end.dir === "out" ? 8 : 0) + (end.commitHeld ? 16 : 0) +
        (end.role === undefined ? 0 : end.role === "lower" ? 32 : 64)
      if (end.tag !== undefined && end.self !== undefined) {
        buffer[n++] = tag(Number(end.tag)) * 8 + selves.indexOf(end.self)
      }
    }
  }
  for (const socket of ordered(world)) {
    buffer[n++] = 224 + (socket.broken ? 1 : 0) + (socket.reaches ? 2 : 0) + (socket.deaf[0] ? 4 : 0) +
      (socket.deaf[1] ? 8 : 0)
    for (let side = 0; side < 2; side++) {
      const node = socket.nodes[side] ?? 0
      const giver = socket.nodes[1 - side] ?? 0
      const queue = socket.queues[side] ?? []
      const end = endAt(world, socket, side)
      buffer[n++] = node * 16 + position(pairOf(world, node), socket.ends[side] ?? 0)
      buffer[n++] = end?.order === undefined ? 0 : orderCode(setting, world, giver, Number(end.tag), end.order)
      buffer[n++] = queue.length
      for (const { arg, kind, order } of queue) {
        let small = 0
        if (kind === "Hello") small = tag(arg)
        else if (kind === "Ping" || kind === "Pong") {
          // A Ping belongs to the node it comes from, a Pong to the one it goes to.
          const owner = kind === "Pong" ? node : socket.nodes[1 - side] ?? 0
          small = Number(pairOf(world, owner).probe?.nonce ?? -1n) === arg ? 1 : 0
        }
        buffer[n++] = kinds[kind] + 8 * small
        if (kind === "Hello") buffer[n++] = orderCode(setting, world, giver, arg, order)
      }
    }
  }
  buffer[n++] = world.faults
  buffer[n++] = world.stalled + 1
  buffer[n++] = world.shut + 1
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
  const orders: Array<readonly [node: number, position: number, order: number]> = []
  const pairs = setting.nodes.map((): PairState => {
    const head = next()
    const probed = next()
    const ends: Array<End> = []
    for (let i = 1; i <= (head & 7); i++) {
      const bits = next()
      const role = (bits & 96) === 0 ? undefined : (bits & 32) !== 0 ? "lower" : "higher"
      const known = role === undefined ? undefined : next()
      ends.push({
        id: i * idStep,
        dir: (bits & 8) !== 0 ? "out" : "in",
        phase: phaseNames[bits & 7] ?? "up",
        role,
        tag: known === undefined ? undefined : String(known >> 3),
        process: known === undefined ? undefined : String(known >> 3),
        self: known === undefined ? undefined : selves[known & 7],
        order: undefined,
        commitHeld: (bits & 16) !== 0
      })
    }
    const probe: Probe | undefined = probed === 0
      ? undefined
      : {
        end: ((probed >> 2) & 7) * idStep,
        nonce: 1n,
        phase: probeNames[probed & 3] ?? "queued",
        urgent: (probed & 64) !== 0
      }
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
    const order = next()
    if (order !== 0) orders.push([place >> 4, place & 15, orderOf(order)])
    const queue: Array<Frame> = []
    for (let left = next(); left > 0; left--) {
      const frame = next()
      const kind = kindNames[frame & 7] ?? "FIN"
      queue.push({ kind, arg: frame >> 3, order: kind === "Hello" ? orderOf(next()) : 0 })
    }
    return { node: place >> 4, end: (place & 15) === 9 ? pending : (place & 15) * idStep, queue }
  }
  while (n < key.length - 3) {
    const bits = next()
    const from = side()
    const to = side()
    sockets.push({
      name: `s${sockets.length}`,
      nodes: [from.node, to.node],
      reaches: (bits & 2) !== 0,
      broken: (bits & 1) !== 0,
      deaf: [(bits & 4) !== 0, (bits & 8) !== 0],
      ends: [from.end, to.end],
      queues: [from.queue, to.queue]
    })
  }
  for (const [node, position, order] of orders) {
    const pair = pairs[node]
    const end = pair?.ends[position - 1]
    if (pair !== undefined && end !== undefined) {
      pairs[node] = { ...pair, ends: pair.ends.with(position - 1, { ...end, order }) }
    }
  }
  const processes = new Set(setting.nodes.map((node) => node.process)).size
  return {
    pairs,
    tags: Array.from({ length: processes }, (_, i) => i),
    sockets,
    faults: next(),
    stalled: next() - 1,
    shut: next() - 1,
    // Greater than every tag and nonce that stands in a key.
    fresh: 64,
    named: 0
  }
}
