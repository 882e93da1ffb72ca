/** Whole nodes that come and go beside one that stays: closed in order, crashed, disconnected, or before they were up. */
import { Effect, Exit, Scope } from "effect"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import { type Stuck, until } from "../../src/testing/Await.ts"
import type { Lane } from "./Lane.ts"
import { isUp, start } from "./Nodes.ts"

export interface Options {
  readonly name: string
  readonly ips: readonly [stays: string, comes: string]
  readonly sockets: (ip: string) => PeerSocket["Service"]
  /** Kills the process that comes. */
  readonly crash: Effect.Effect<void>
}

/** One in so many crashes: closing what hangs takes a node over a second. */
const crashEvery = 8

export const make = (
  { crash, ips, name, sockets }: Options
): Effect.Effect<Lane<Stuck>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const stays = yield* start(sockets(ips[0]), ips[0])
    const cycle = (i: number) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const before = stays.counts.downs
        const comes = yield* start(sockets(ips[1]), ips[1]).pipe(Scope.provide(scope))
        yield* Effect.orDie(
          i % 2 === 0 ? stays.manager.connect(comes.address) : comes.manager.connect(stays.address)
        )
        const close = Scope.close(scope, Exit.void)
        // Closed in the middle of the dial or of the handshake.
        if (i % 4 === 3) return yield* Effect.andThen(close, stays.manager.disconnect(comes.ip))
        yield* until(`${name}: Up at both ends`, [stays, comes], () => isUp(stays, comes))
        if (i % crashEvery === 0) yield* crash
        else if (i % 4 === 1) yield* stays.manager.disconnect(comes.ip)
        else yield* close
        yield* until(`${name}: Down where it stays`, [stays], () => stays.counts.downs > before)
        // It would dial for ever where nobody listens any more.
        yield* stays.manager.disconnect(comes.ip)
        yield* close
      })
    return {
      name,
      cycle,
      rest: until(`${name}: nobody up`, [stays], () => stays.sockets.size === 0),
      nodes: 1,
      rows: 1,
      reasons: () => stays.reasons
    }
  })
