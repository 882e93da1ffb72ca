/** Connects and says nothing, or a Hello and nothing, or joins and is silent; one by one, in swarms, and for a moment. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { type Act, greet, hello, join, stay, type Stranger, swarm, visit } from "./Stranger.ts"

export const halfOpen = (self: Stranger): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { draw } = self
    const idle: Act = (line) => stay(self, line, 0.5)
    const greeted: Act = (line) => Effect.andThen(line.say(hello(self, line)), idle(line))
    const several = draw.between(2, Limits.hostileLines)
    const crowd = draw.chance(0.4) ? Limits.hostileSwarm : draw.spread(2, Limits.hostileSwarm)
    switch (draw.below(7)) {
      case 0:
        return visit(self, idle)
      case 1:
        return swarm(self, crowd, idle)
      case 2:
        // Gone as soon as they are there.
        return swarm(self, crowd, () => Effect.void)
      case 3:
        return swarm(self, several, greeted)
      case 4:
        return visit(self, (line) => Effect.andThen(greet(self, line), idle(line)))
      case 5:
        return swarm(self, several, (line) => draw.chance(0.5) ? idle(line) : greeted(line))
      default:
        // Up, and then silence: pings are not answered.
        return visit(self, (line) => Effect.andThen(join(self, line), idle(line)), Limits.hostileVisitMaxMs)
    }
  })
