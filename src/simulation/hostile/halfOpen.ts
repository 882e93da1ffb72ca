/** Connects and stays silent, sends only a Hello, or joins and goes silent; one by one, in swarms, and for a moment. */
import { Effect } from "effect"
import * as SimulationLimits from "../plan/Limits.ts"
import { type Act, greet, hello, type HostilePeer, join, stay, swarm, visit } from "./HostilePeer.ts"

export const halfOpen = (self: HostilePeer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { random } = self
    const idle: Act = (connection) => stay(self, connection, 0.5)
    const greeted: Act = (connection) => Effect.andThen(connection.say(hello(self, connection)), idle(connection))
    const several = random.between(2, SimulationLimits.hostileConnections)
    const crowd = random.happens(0.4) ? SimulationLimits.hostileSwarm : random.spread(2, SimulationLimits.hostileSwarm)
    switch (random.below(7)) {
      case 0:
        return visit(self, idle)
      case 1:
        return swarm(self, crowd, idle)
      case 2:
        // Closed as soon as they are open.
        return swarm(self, crowd, () => Effect.void)
      case 3:
        return swarm(self, several, greeted)
      case 4:
        return visit(self, (connection) => Effect.andThen(greet(self, connection), idle(connection)))
      case 5:
        return swarm(self, several, (connection) => random.happens(0.5) ? idle(connection) : greeted(connection))
      default:
        // Up, then silent: pings are not answered.
        return visit(self, (connection) =>
          Effect.andThen(join(self, connection), idle(connection)), SimulationLimits.hostileVisitMaxMs)
    }
  })
