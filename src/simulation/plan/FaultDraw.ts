/** Draws single faults: target, severity, duration. `FaultPlan.ts` decides which may coincide, and when. */
import { type Fault, type FaultKind, hostilities, isUnaware } from "./Fault.ts"
import * as SimulationLimits from "./Limits.ts"
import type { Range, Rng } from "./Rng.ts"

/** A fault without its index in the plan. */
export type Drawn = Fault extends infer F ? F extends Fault ? Omit<F, "id"> : never : never

/** Time and place of a fault to draw. */
export interface Place {
  readonly atMs: number
  /** The node that the last fault hit, if this one is to hit the same node; for a pair, it and another node. */
  readonly near: number | undefined
  readonly nodes: ReadonlyArray<number>
}

const target = (random: Rng, { near, nodes }: Place): number => near ?? random.some(nodes, 1)[0] ?? 0

const pair = (random: Rng, place: Place): readonly [a: number, b: number] => {
  const first = target(random, place)
  const second = random.some(place.nodes.filter((node) => node !== first), 1)[0] ?? first
  return random.happens(0.5) ? [first, second] : [second, first]
}

const lasting = (random: Rng, { atMs }: Place, range: Range) => ({ atMs, endMs: atMs + random.spread(...range) })

const killMs = (random: Rng): number => {
  if (random.happens(SimulationLimits.atOnceKills)) return 0
  const range: Range = random.happens(SimulationLimits.longKills)
    ? SimulationLimits.longKillMs
    : SimulationLimits.faults.kill.ms
  return random.spread(...range)
}

/** At most a third of all links, so that the network stays connected. Each is stopped in the first half and restored in the last. */
const swizzle = (random: Rng, place: Place): Drawn => {
  const { endMs } = lasting(random, place, SimulationLimits.faults.swizzle.ms)
  const { atMs, nodes } = place
  const all = nodes.flatMap((a, i) => nodes.slice(i + 1).map((b) => ({ a, b })))
  const links = random.some(all, random.between(1, Math.max(1, Math.floor(all.length / 3))))
  const middle = Math.floor((atMs + endMs) / 2)
  return {
    kind: "swizzle",
    atMs,
    endMs,
    links: links.map(({ a, b }, i) => ({
      a,
      b,
      stopMs: i === 0 ? atMs : random.between(atMs, middle),
      restoreMs: i === 0 ? endMs : random.between(middle, endMs)
    }))
  }
}

/** A single node, half of the nodes, or any number between. */
const partitionSize = (random: Rng, nodes: number): number => {
  const half = Math.max(1, Math.floor(nodes / 2))
  if (random.happens(0.35)) return 1
  return random.happens(0.5) ? half : random.between(1, half)
}

/** Ups shorter than a challenge of the previous connection (`probeMinMs`, `challengeSpacingMs`), and longer than a handshake. */
const crashLoop = (random: Rng, place: Place): Drawn => {
  let ms = place.atMs
  const reboots = Array.from({ length: random.between(...SimulationLimits.reboots) }, () => {
    const downMs = ms
    const upMs = downMs + random.spread(...SimulationLimits.rebootDownMs)
    ms = upMs + random.spread(...SimulationLimits.rebootUpMs)
    return { downMs, upMs }
  })
  return {
    kind: "crash-loop",
    node: target(random, place),
    atMs: place.atMs,
    endMs: reboots.at(-1)?.upMs ?? ms,
    reboots
  }
}

/** One of the nodes with a second address; another node learns that address, or all do. */
const alias = (random: Rng, { atMs, nodes }: Place): Drawn => {
  const node = random.some(nodes.filter(isUnaware), 1)[0] ?? 1
  const others = nodes.filter((other) => other !== node)
  const told = random.some(others, random.between(1, others.length)).toSorted((a, b) => a - b)
  return { kind: "alias", node, atMs, endMs: atMs, told }
}

const signed = (random: Rng, size: number): number => random.happens(0.5) ? size : -size

const driftRate = (random: Rng): number => {
  const most = random.happens(SimulationLimits.greatDrifts) ? SimulationLimits.greatDriftPpm : SimulationLimits.driftPpm
  return (1_000_000 + random.between(-most, most)) / 1_000_000
}

/** One way to draw each kind. `Place.nodes` holds at least two. */
export const drawn: { readonly [K in FaultKind]: (random: Rng, place: Place) => Drawn } = {
  kill: (random, place) => {
    const node = target(random, place)
    const endMs = place.atMs + killMs(random)
    const keepsState = !random.happens(SimulationLimits.lostDisks)
    const inWrite = keepsState && random.happens(SimulationLimits.killsInWrite)
      ? { inWrite: random.between(...SimulationLimits.killStatement), endMs: endMs + SimulationLimits.writeWaitMs }
      : {}
    return { kind: "kill", atMs: place.atMs, node, endMs, keepsState, ...inWrite }
  },
  pause: (random, place) => ({
    kind: "pause",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults.pause.ms)
  }),
  stall: (random, place) => {
    const [node, peer] = pair(random, place)
    const { atMs, endMs } = lasting(random, place, SimulationLimits.faults.stall.ms)
    return node !== peer && random.happens(SimulationLimits.stallsInChallenge)
      ? {
        kind: "stall",
        node,
        atMs,
        endMs: endMs + SimulationLimits.challengeWaitMs,
        challenge: { peer, ms: endMs - atMs }
      }
      : { kind: "stall", node, atMs, endMs }
  },
  vanish: (random, place) => ({
    kind: "vanish",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults.vanish.ms)
  }),
  "crash-loop": crashLoop,
  cut: (random, place) => {
    const [a, b] = pair(random, place)
    const oneWay = random.happens(SimulationLimits.oneWay)
    return { kind: "cut", a, b, oneWay, ...lasting(random, place, SimulationLimits.faults.cut.ms) }
  },
  partition: (random, place) => ({
    kind: "partition",
    side: random.some(place.nodes, partitionSize(random, place.nodes.length)).toSorted((a, b) => a - b),
    way: random.happens(SimulationLimits.oneWay) ? random.happens(0.5) ? "out" : "in" : "both",
    ...lasting(random, place, SimulationLimits.faults.partition.ms)
  }),
  clog: (random, place) => {
    const [a, b] = pair(random, place)
    const latencyMs = random.spread(...SimulationLimits.clogMs)
    return { kind: "clog", a, b, latencyMs, ...lasting(random, place, SimulationLimits.faults.clog.ms) }
  },
  swizzle,
  storm: (random, place) => {
    const latencyMs = random.spread(...SimulationLimits.stormMs)
    const jitterMs = random.between(0, latencyMs)
    return { kind: "storm", latencyMs, jitterMs, ...lasting(random, place, SimulationLimits.faults.storm.ms) }
  },
  narrow: (random, place) => ({
    kind: "narrow",
    node: target(random, place),
    bandwidth: random.spread(...SimulationLimits.narrowBytes),
    ...lasting(random, place, SimulationLimits.faults.narrow.ms)
  }),
  reset: (random, place) => {
    const [a, b] = pair(random, place)
    const most = random.happens(SimulationLimits.resetsInHandshake)
      ? SimulationLimits.resetHandshakeBytes
      : SimulationLimits.resetBytes
    return {
      kind: "reset",
      a,
      b,
      bytes: random.between(0, most),
      ...lasting(random, place, SimulationLimits.faults.reset.ms)
    }
  },
  refuse: (random, place) => ({
    kind: "refuse",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults.refuse.ms)
  }),
  jump: (random, place) => {
    const range: Range = random.happens(SimulationLimits.farJumps)
      ? SimulationLimits.farJumpMs
      : SimulationLimits.jumpMs
    const size = random.spread(...range)
    return {
      kind: "jump",
      node: target(random, place),
      ms: signed(random, size),
      ...lasting(random, place, SimulationLimits.faults.jump.ms)
    }
  },
  drift: (random, place) => ({
    kind: "drift",
    node: target(random, place),
    rate: driftRate(random),
    ...lasting(random, place, SimulationLimits.faults.drift.ms)
  }),
  "slow-reader": (random, place) => ({
    kind: "slow-reader",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults["slow-reader"].ms)
  }),
  flood: (random, place) => {
    const [from, to] = pair(random, place)
    const bytes = random.between(...SimulationLimits.floodBytes)
    return { kind: "flood", from, to, bytes, ...lasting(random, place, SimulationLimits.faults.flood.ms) }
  },
  readdress: (random, place) => ({
    kind: "readdress",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults.readdress.ms)
  }),
  twin: (random, place) => ({
    kind: "twin",
    node: target(random, place),
    ...lasting(random, place, SimulationLimits.faults.twin.ms)
  }),
  hostile: (random, place) => ({
    kind: "hostile",
    node: target(random, place),
    how: random.some(hostilities, 1)[0] ?? "garbage",
    ...lasting(random, place, SimulationLimits.faults.hostile.ms)
  }),
  fork: (random, place) => ({
    kind: "fork",
    node: target(random, place),
    atMs: place.atMs,
    endMs: place.atMs,
    depth: random.between(
      1,
      random.happens(SimulationLimits.deepForks) ? SimulationLimits.deepForkDepth : SimulationLimits.forkDepth
    )
  }),
  alias
}
