/**
 * Hostile peers, as programs. Each misbehaves towards one node through the services that every peer has (`PeerSocket`,
 * `Clock`, `Random`), in one of the ways of `Hostility`, and in a different variant on every connection.
 *
 * **Bounds**: a hostile peer's average rate and its number of connections are in `Limits`. **Ordering**: with the
 * same `Random`, `Clock` and scheduling, it repeats itself exactly.
 */
import { Effect } from "effect"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as HasherLive from "../../layers/chain/HasherLive.ts"
import type { Hostility } from "../plan/Fault.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Connection from "./Connection.ts"
import { garbage } from "./garbage.ts"
import { halfOpen } from "./halfOpen.ts"
import * as holdUp from "./holdUp.ts"
import * as HostilePeer from "./HostilePeer.ts"
import { lying, type Workshop, workshop } from "./liar.ts"
import { oversize } from "./oversize.ts"
import { spamming } from "./spam.ts"
import { stall } from "./stall.ts"

export type { HostileOptions } from "./HostilePeer.ts"

/** The ways that need their own program: a `foreign` peer is a node. */
export type Misbehaviour = Exclude<Hostility, "foreign">

/** Visits for ever, with waits between. */
const visits = (
  self: HostilePeer.HostilePeer,
  once: (self: HostilePeer.HostilePeer) => Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.forever(Effect.andThen(
    Effect.suspend(() => once(self)),
    Effect.suspend(() =>
      Effect.sleep(self.random.spread(SimulationLimits.hostileWaitMinMs, SimulationLimits.hostileWaitMaxMs))
    )
  ))

/** Accepts connections for ever and does the same on each. Without a port to listen on it does nothing. */
const listening = (self: HostilePeer.HostilePeer, act: HostilePeer.Act): Effect.Effect<void> =>
  Effect.gen(function*() {
    const listener = yield* self.sockets.listen(PeerAddress.make(self.own, self.network.port))
    let connections = 0
    return yield* listener.run(({ remote, socket }) => {
      if (connections >= SimulationLimits.hostileConnections) return Effect.void
      connections += 1
      return Connection.open(socket, remote.ip, self.random, self.pace).pipe(
        Effect.flatMap(act),
        Effect.scoped,
        Effect.timeoutOption(
          self.random.spread(SimulationLimits.hostileVisitMinMs, SimulationLimits.hostileVisitMaxMs)
        ),
        Effect.ignore,
        Effect.ensuring(Effect.sync(() => connections -= 1))
      )
    })
  }).pipe(Effect.scoped, Effect.ignore)

/** Dials, and listens if it is a listening peer, with the same behaviour. */
const joins = (self: HostilePeer.HostilePeer, act: HostilePeer.Act): Effect.Effect<never> => {
  const dialling = visits(self, (self) => HostilePeer.visit(self, act))
  return self.listens ? Effect.raceFirst(Effect.andThen(listening(self, act), Effect.never), dialling) : dialling
}

/** Reconnects for ever, at once. */
const visitsSoon = (self: HostilePeer.HostilePeer, act: HostilePeer.Act): Effect.Effect<never> =>
  Effect.forever(Effect.andThen(
    Effect.suspend(() => HostilePeer.visit(self, act, SimulationLimits.hostileVisitMaxMs)),
    Effect.sleep(SimulationLimits.hostileWaitMinMs)
  ))

/** Provides a made-up chain. */
const made = (self: HostilePeer.HostilePeer, f: (tools: Workshop) => Effect.Effect<never>): Effect.Effect<never> =>
  HasherLive.make.pipe(Effect.flatMap((hasher) => workshop(self, hasher)), Effect.flatMap(f))

const program = (how: Misbehaviour, self: HostilePeer.HostilePeer): Effect.Effect<never> => {
  switch (how) {
    case "garbage":
      return visits(self, garbage)
    case "oversize":
      return visits(self, oversize)
    case "half-open":
      return visits(self, halfOpen)
    case "stall":
      return visits(self, stall)
    case "liar":
      return made(self, (tools) => joins(self, lying(self, tools)))
    case "drip":
      return made(self, (tools) => visitsSoon(self, holdUp.drip(self, tools)))
    case "withhold":
      return made(self, (tools) => visitsSoon(self, holdUp.withhold(self, tools)))
    case "claim":
      return made(self, (tools) => visits(self, (self) => HostilePeer.visit(self, holdUp.claim(self, tools))))
    case "spam":
      return joins(self, spamming(self))
  }
}

/** Misbehaves until interrupted: never ends by itself, never fails, and returns after a wait when it was disconnected. */
export const run = (how: Misbehaviour, options: HostilePeer.HostileOptions): Effect.Effect<never> =>
  Effect.flatMap(
    HostilePeer.make(options, how === "liar" || how === "spam"),
    (self) => program(how, self)
  )
