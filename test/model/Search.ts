/**
 * The exhaustive search: every world that can be reached in one setting, and what must hold in it (docs/model.md).
 *
 * - P0: no honest frame is taken for a protocol error.
 * - P1: a world in which nothing more can happen is settled, or empty with nobody who could dial.
 * - P2: from every world a settled one can be reached without faults and without false timeouts.
 * - P3: a settled world stays settled; a connection alive at both ends is never given up; without any fault none comes down.
 * - P4: no node ever has two connections up.
 * - P5: no cycle of unsettled worlds without a failed dial.
 *
 * P2, P3 and P5 are about moves that are neither faults nor false timeouts. Two kinds of setting ask for less. Where
 * several processes compete for one place for ever, P1, P5 and the first part of P3 do not apply, and P2 asks for one
 * connection up at both ends. Where one process has two addresses, P5 does not apply: its two pairs dial independently, so
 * while a dead connection is challenged each may replace the other as challenger, at most once per `retryAfter`, until the
 * probe time ends it; the search has no time to say so.
 */
import type { PairState } from "../../src/domain/pair/PairState.ts"
import { keyOf, worldOf } from "./Key.ts"
import type { Move } from "./Move.ts"
import { moves } from "./Network.ts"
import type { Setting, World } from "./World.ts"
import { isWhole, pairOf, start } from "./World.ts"

export const properties = ["P0", "P1", "P2", "P3", "P4", "P5"] as const
export type Property = (typeof properties)[number]

export interface Violation {
  readonly property: Property
  /** Index of the world, for P3 and P0 of the one before the bad move. */
  readonly at: number
  /** Key of the world after the bad move. */
  readonly next: number | undefined
  /** P5: the worlds of the cycle, from `at` back to `at`. */
  readonly cycle: ReadonlyArray<number>
}

export interface Result {
  readonly setting: Setting
  readonly states: number
  readonly edges: number
  readonly seconds: number
  /** How many worlds (P0, P3: moves) violate each property. */
  readonly counts: Readonly<Record<Property, number>>
  /** The one with the shortest trace, per violated property. */
  readonly first: ReadonlyArray<Violation>
  readonly keys: ReadonlyArray<string>
  readonly parents: Int32Array
}

const isUp = (world: World, node: number, end: number): boolean =>
  pairOf(world, node).ends.some((e) => e.id === end && e.phase === "up")

/** An operator disconnected the peer and will have it dialled again. */
const isDialledLater = (setting: Setting, node: number, pair: PairState): boolean =>
  pair.ends.length === 0 && !pair.dialable && setting.nodes[node]?.knows === true

/** Exactly one socket, up at both ends, nothing on its way, nobody else alive or about to dial. */
const isSettled = (setting: Setting, world: World): boolean => {
  if (setting.kind === "processes") {
    return world.stalled < 0 && world.shut < 0 &&
      world.sockets.some((socket) =>
        isWhole(socket) && isUp(world, socket.nodes[0], socket.ends[0]) && isUp(world, socket.nodes[1], socket.ends[1])
      )
  }
  const [socket] = world.sockets
  return socket !== undefined && world.sockets.length === 1 && isWhole(socket) && world.stalled < 0 &&
    world.shut < 0 &&
    isUp(world, socket.nodes[0], socket.ends[0]) && isUp(world, socket.nodes[1], socket.ends[1]) &&
    socket.queues[0].length === 0 && socket.queues[1].length === 0 &&
    world.pairs.reduce((n, pair) => n + pair.ends.length, 0) === 2 &&
    world.pairs.every((pair, node) => !pair.redial && !isDialledLater(setting, node, pair))
}

const hasTwoUp = (world: World): boolean =>
  world.pairs.some((pair) => pair.ends.filter((end) => end.phase === "up").length > 1)

const isEmpty = (world: World): boolean =>
  world.sockets.length === 0 && world.pairs.every((pair) => pair.ends.length === 0 && (!pair.dialable || pair.barred))

/** A list of 32-bit numbers that grows. */
const growing = () => {
  let data = new Int32Array(1 << 14)
  let length = 0
  return {
    push: (value: number): void => {
      if (length === data.length) {
        const larger = new Int32Array(length * 2)
        larger.set(data)
        data = larger
      }
      data[length++] = value
    },
    at: (index: number): number => data[index] ?? 0,
    size: (): number => length,
    toArray: (): Int32Array => data.slice(0, length)
  }
}

/** Searches one setting. Throws when it has more than `most` worlds: a search that gives up must not look like a proof. */
export const search = (setting: Setting, most = 8_000_000): Result => {
  const began = performance.now()
  const competes = setting.kind === "processes"
  const index = new Map<string, number>()
  const keys: Array<string> = []
  const parents = growing()
  const settled: Array<boolean> = []
  // Plain moves, as target × 2 + failedDial; those of world i stand from offsets[i] to offsets[i + 1].
  const edges = growing()
  const offsets = growing()
  const counts: Record<Property, number> = { P0: 0, P1: 0, P2: 0, P3: 0, P4: 0, P5: 0 }
  const first = new Map<Property, Violation>()
  const report = (property: Property, at: number, next?: number, cycle: ReadonlyArray<number> = []): void => {
    counts[property] += 1
    if (!first.has(property)) first.set(property, { property, at, next, cycle })
  }

  const add = (key: string, parent: number): number => {
    const known = index.get(key)
    if (known !== undefined) return known
    const id = keys.length
    if (id >= most) throw new Error(`${setting.name}: more than ${most} worlds`)
    index.set(key, id)
    keys.push(key)
    parents.push(parent)
    return id
  }

  add(keyOf(setting, start(setting)), -1)
  // Worlds get their numbers in the order in which they are found, so counting up is a breadth-first search.
  for (let at = 0; at < keys.length; at++) {
    const world = worldOf(setting, keys[at] ?? "")
    const calm = isSettled(setting, world)
    settled.push(calm)
    offsets.push(edges.size())
    if (hasTwoUp(world)) report("P4", at)
    let steps = 0
    const untouched = !setting.anyTimer && world.faults === setting.faults
    moves(setting, world, (move: Move) => {
      const next = add(keyOf(setting, move.world), at)
      if (move.fault !== undefined) report("P0", at, next)
      if (move.kind !== "step") return
      steps += 1
      edges.push(next * 2 + (move.failedDial ? 1 : 0))
      if (
        (move.flap !== undefined && (move.flap !== "replaced" || setting.numbers)) || (move.down && untouched) ||
        (calm && !competes && !isSettled(setting, move.world))
      ) {
        report("P3", at, next)
      }
    })
    if (steps === 0 && !competes && !calm && !isEmpty(world)) report("P1", at)
  }
  offsets.push(edges.size())
  const graph: Graph = { size: keys.length, offsets: offsets.toArray(), edges: edges.toArray(), settled }
  for (const state of unreaching(graph)) report("P2", state)
  if (setting.kind === "process") {
    for (const component of cycles(graph)) {
      const lowest = component.reduce((a, b) => Math.min(a, b))
      const known = first.get("P5")
      counts.P5 += component.length
      if (known === undefined || lowest < known.at) {
        first.set("P5", {
          property: "P5",
          at: lowest,
          next: undefined,
          cycle: around(graph, new Set(component), lowest)
        })
      }
    }
  }
  return {
    setting,
    states: keys.length,
    edges: graph.edges.length,
    seconds: (performance.now() - began) / 1_000,
    counts,
    first: [...first.values()],
    keys,
    parents: parents.toArray()
  }
}

interface Graph {
  readonly size: number
  readonly offsets: Int32Array
  readonly edges: Int32Array
  readonly settled: ReadonlyArray<boolean>
}

/** The worlds from which no settled one can be reached, in the order of their distance from the start. */
const unreaching = ({ edges, offsets, settled, size }: Graph): ReadonlyArray<number> => {
  // The reversed graph, in the same form.
  const starts = new Int32Array(size + 1)
  for (const edge of edges) starts[(edge >> 1) + 1] = (starts[(edge >> 1) + 1] ?? 0) + 1
  for (let i = 0; i < size; i++) starts[i + 1] = (starts[i + 1] ?? 0) + (starts[i] ?? 0)
  const sources = new Int32Array(edges.length)
  const fill = starts.slice()
  for (let from = 0; from < size; from++) {
    for (let e = offsets[from] ?? 0; e < (offsets[from + 1] ?? 0); e++) {
      const to = (edges[e] ?? 0) >> 1
      const slot = fill[to] ?? 0
      sources[slot] = from
      fill[to] = slot + 1
    }
  }
  const reaches = new Uint8Array(size)
  const stack: Array<number> = []
  for (let i = 0; i < size; i++) {
    if (settled[i] === true) {
      reaches[i] = 1
      stack.push(i)
    }
  }
  for (let to = stack.pop(); to !== undefined; to = stack.pop()) {
    for (let e = starts[to] ?? 0; e < (starts[to + 1] ?? 0); e++) {
      const from = sources[e] ?? 0
      if (reaches[from] === 1) continue
      reaches[from] = 1
      stack.push(from)
    }
  }
  const lost: Array<number> = []
  for (let i = 0; i < size; i++) if (reaches[i] === 0) lost.push(i)
  return lost
}

/** Strongly connected components with a cycle among unsettled worlds, over moves that are no failed dials (Tarjan). */
const cycles = ({ edges, offsets, settled, size }: Graph): ReadonlyArray<ReadonlyArray<number>> => {
  const found: Array<ReadonlyArray<number>> = []
  const order = new Int32Array(size)
  const low = new Int32Array(size)
  const onStack = new Uint8Array(size)
  const cursor = new Int32Array(size)
  const stack: Array<number> = []
  let counter = 0
  for (let root = 0; root < size; root++) {
    if (settled[root] === true || order[root] !== 0) continue
    const path = [root]
    while (path.length > 0) {
      const v = path.at(-1) ?? 0
      if (order[v] === 0) {
        counter += 1
        order[v] = counter
        low[v] = counter
        onStack[v] = 1
        stack.push(v)
        cursor[v] = offsets[v] ?? 0
      }
      const e = cursor[v] ?? 0
      if (e < (offsets[v + 1] ?? 0)) {
        cursor[v] = e + 1
        const edge = edges[e] ?? 0
        const w = edge >> 1
        if ((edge & 1) === 1 || settled[w] === true) continue
        if (order[w] === 0) path.push(w)
        else if (onStack[w] === 1) low[v] = Math.min(low[v] ?? 0, order[w] ?? 0)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent !== undefined) low[parent] = Math.min(low[parent] ?? 0, low[v] ?? 0)
      if (low[v] !== order[v]) continue
      const component: Array<number> = []
      for (let w = stack.pop(); w !== undefined; w = stack.pop()) {
        onStack[w] = 0
        component.push(w)
        if (w === v) break
      }
      const loops = component.length > 1 || hasLoop({ edges, offsets }, v)
      if (loops) found.push(component)
    }
  }
  return found
}

const hasLoop = ({ edges, offsets }: Pick<Graph, "edges" | "offsets">, v: number): boolean => {
  for (let e = offsets[v] ?? 0; e < (offsets[v + 1] ?? 0); e++) if (edges[e] === v * 2) return true
  return false
}

/** A shortest way from `home` back to it inside one component. */
const around = ({ edges, offsets }: Graph, inside: ReadonlySet<number>, home: number): ReadonlyArray<number> => {
  const came = new Map<number, number>()
  let wave = [home]
  while (wave.length > 0) {
    const next: Array<number> = []
    for (const v of wave) {
      for (let e = offsets[v] ?? 0; e < (offsets[v + 1] ?? 0); e++) {
        const edge = edges[e] ?? 0
        const w = edge >> 1
        if ((edge & 1) === 1 || !inside.has(w) || came.has(w)) continue
        came.set(w, v)
        if (w === home) {
          const way = [home]
          for (let back = v; back !== home; back = came.get(back) ?? home) way.unshift(back)
          return [home, ...way]
        }
        next.push(w)
      }
    }
    wave = next
  }
  return []
}
