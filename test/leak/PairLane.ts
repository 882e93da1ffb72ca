/**
 * Two real nodes that connect and part, and a third of another network that is refused: both ends of every cycle are the
 * node's own, dialled by the lower and by the higher.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import { type Stuck, until } from "../../src/testing/Await.ts"
import type { Lane } from "./Lane.ts"
import { sum } from "./Lane.ts"
import { type CountingNode, foreign, isUp, start } from "./Nodes.ts"

interface Pair {
  readonly lower: CountingNode
  readonly higher: CountingNode
}

/** How a connection ends, and what then brings the next one; nothing where the lower redials by itself. */
interface Way {
  readonly end: Effect.Effect<unknown>
  readonly again: Effect.Effect<void>
}

/** A cut without a word that is over at once. */
const flicker = (at: CountingNode, other: CountingNode) =>
  Effect.andThen(at.manager.isolate([other.ip]), at.manager.isolate([]))

const waysOf = ({ higher, lower }: Pair, reset: Effect.Effect<unknown> | undefined): ReadonlyArray<Way> => [
  { end: lower.manager.disconnect(higher.ip), again: Effect.orDie(lower.manager.connect(higher.address)) },
  { end: higher.manager.disconnect(lower.ip), again: Effect.orDie(higher.manager.connect(lower.address)) },
  { end: flicker(lower, higher), again: Effect.void },
  { end: flicker(higher, lower), again: Effect.void },
  ...(reset === undefined ? [] : [{ end: reset, again: Effect.void }])
]

/** How often, in cycles, one is a refused handshake instead. */
const refusedEvery = 7

export interface Options {
  readonly name: string
  /** `IP`s, ascending: the pair, and the stranger. */
  readonly ips: readonly [lower: string, higher: string, stranger: string]
  readonly sockets: (ip: string) => PeerSocket["Service"]
  /** Breaks the pair's connection from outside, where the network can. */
  readonly reset: Effect.Effect<unknown> | undefined
}

export const make = ({ ips, name, reset, sockets }: Options): Effect.Effect<Lane<Stuck>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const lower = yield* start(sockets(ips[0]), ips[0])
    const higher = yield* start(sockets(ips[1]), ips[1])
    const stranger = yield* start(sockets(ips[2]), ips[2], foreign)
    const both = [lower, higher]
    const ways = waysOf({ higher, lower }, reset)
    const first = Effect.orDie(lower.manager.connect(higher.address))
    let again = first

    const refused = (from: CountingNode, to: CountingNode) =>
      Effect.gen(function*() {
        const before = [from.counts.refused, to.counts.refused] as const
        yield* Effect.orDie(from.manager.connect(to.address))
        yield* until(
          `${name}: refusal at both ends`,
          [from, to],
          () => from.counts.refused > before[0] && to.counts.refused > before[1]
        )
        yield* from.manager.disconnect(to.ip)
        yield* to.manager.disconnect(from.ip)
      })

    const meet = (i: number) =>
      Effect.gen(function*() {
        const way = ways[i % ways.length] ?? { end: Effect.void, again: Effect.void }
        yield* again
        yield* until(`${name}: Up at both ends`, both, () => isUp(lower, higher))
        const before = [lower.counts.downs, higher.counts.downs] as const
        yield* way.end
        yield* until(
          `${name}: Down at both ends`,
          both,
          () => lower.counts.downs > before[0] && higher.counts.downs > before[1]
        )
        again = way.again
      })

    return {
      name,
      cycle: (i) => {
        if (i % refusedEvery !== refusedEvery - 1) return meet(i)
        return i % 2 === 0 ? refused(lower, stranger) : refused(stranger, lower)
      },
      rest: Effect.gen(function*() {
        yield* again
        again = first
        yield* until(`${name}: the last Up`, both, () => isUp(lower, higher))
        yield* lower.manager.disconnect(higher.ip)
        yield* until(`${name}: the last Down`, both, () => lower.sockets.size + higher.sockets.size === 0)
      }),
      nodes: 3,
      // Each of the other; the lower and the stranger of each other.
      rows: 4,
      reasons: () => sum([lower.reasons, higher.reasons, stranger.reasons])
    }
  })
