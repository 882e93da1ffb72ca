/**
 * What is alive in this process: the figures a leak test compares. Taking a census collects garbage first, so whatever it
 * counts is still referred to.
 *
 * Objects are counted by asking the engine for all that it has, not by asking the node: a connection that was forgotten in a
 * set, a queue or a closure counts, wherever that is.
 */
import { Effect } from "effect"
import { Session } from "node:inspector/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Peer } from "../../src/layers/peer/Peer.ts"
import { PeerConnection } from "../../src/layers/peer/PeerConnection.ts"
import { MemoryEnd } from "../../src/layers/socket/memory/MemoryEnd.ts"
import { TcpEnd } from "../../src/layers/socket/TcpEnd.ts"

/** One figure per thing that must not pile up. */
export interface Census {
  /** bytes. JavaScript heap in use, buffers outside of it not counted. */
  readonly heap: number
  /** bytes. What is outside of the heap: buffers, mostly. */
  readonly external: number
  /** Connections any node holds on to, those that have ended included: `running` is part of it. */
  readonly connections: number
  /** Rows of peer tables, those that a table let go of included. */
  readonly rows: number
  /** Ends of sockets, of either kind. */
  readonly ends: number
  readonly fibers: number
  /** Timers armed in the wheels of all nodes. */
  readonly timers: number
  /** Entries in all sets and maps there are. */
  readonly entries: number
  /** What keeps the event loop busy: sockets, servers, timeouts of the platform. */
  readonly handles: Readonly<Record<string, number>>
}

/** What one collection frees holds what the next one can; the engine lets go of unused code only after several. */
const collections = 12

const collector = (): () => void => {
  if (globalThis.gc !== undefined) return globalThis.gc
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc")
}

/** `Fiber` is an interface; this is what the runtime makes. */
const fiberClass = Effect.runFork(Effect.void).constructor

/** Runs on all objects there are, in the engine's own words: text, so no closures. Some objects throw when looked at. */
const tally = `function(names) {
  const counts = { timers: 0, entries: 0 }
  for (const name of names) counts[name] = 0
  for (const it of this) {
    try {
      const { name } = Object.getPrototypeOf(it).constructor
      if (name in counts) counts[name] += 1
      else if (name === "Set" || name === "Map") counts.entries += it.size
      // the shape of Timer: one that fired or was disarmed has nothing to run.
      else if (Object.hasOwn(it, "dueMs") && Object.hasOwn(it, "seq") && typeof it.run === "function") counts.timers += 1
    } catch {}
  }
  return counts
}`

/** Counts by name of class, and `timers` and `entries`. */
const countObjects: Effect.Effect<(kind: { readonly name: string }) => number> = Effect.scoped(Effect.gen(function*() {
  const session = new Session()
  session.connect()
  yield* Effect.addFinalizer(() => Effect.sync(() => session.disconnect()))
  const kinds = [PeerConnection, Peer, MemoryEnd, TcpEnd, fiberClass]
  const counts: Record<string, number> = yield* Effect.promise(async () => {
    const { result } = await session.post("Runtime.evaluate", { expression: "Object.prototype" })
    const { objects } = await session.post("Runtime.queryObjects", { prototypeObjectId: result.objectId ?? "" })
    const counted = await session.post("Runtime.callFunctionOn", {
      objectId: objects.objectId ?? "",
      functionDeclaration: tally,
      arguments: [{ value: kinds.map(({ name }) => name) }],
      returnByValue: true
    })
    return counted.result.value
  })
  return ({ name }) => counts[name] ?? Number.NaN
}))

const handles = (): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

const collectAll = Effect.gen(function*() {
  const collect = collector()
  for (let i = 0; i < collections; i++) {
    collect()
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
  }
})

/** Takes about half a second. */
export const take: Effect.Effect<Census> = Effect.gen(function*() {
  yield* collectAll
  const busy = handles()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  const count = yield* countObjects
  return {
    heap: heapUsed,
    external: arrayBuffers,
    connections: count(PeerConnection),
    rows: count(Peer),
    ends: count(MemoryEnd) + count(TcpEnd),
    fibers: count(fiberClass),
    timers: count({ name: "timers" }),
    entries: count({ name: "entries" }),
    handles: busy
  }
})
