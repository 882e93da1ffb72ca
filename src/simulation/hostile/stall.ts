/** Stops in the middle of the handshake, drips it, or says its parts at the wrong time; and toys with pings once it is up. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { Message } from "../../domain/wire/Message.ts"
import * as Line from "./Line.ts"
import * as Noise from "./Noise.ts"
import {
  type Act,
  atTimes,
  commit,
  converse,
  greet,
  hello,
  isLower,
  join,
  serve,
  type Stranger,
  swarm,
  visit
} from "./Stranger.ts"

const wait = (line: Line.Line): Effect.Effect<never, Line.LineEnded> => Effect.forever(line.next)

/** What it has to say to come up, when it should have said it. */
const dueMessage = (self: Stranger, line: Line.Line): Message =>
  isLower(self, line) ? commit(self, line) : { _tag: "Ack" }

const wrongCommit = (self: Stranger, line: Line.Line): Message => {
  const { draw, own } = self
  const right = commit(self, line)
  const stranger = PeerIp.fromStringUnsafe("203.0.113.7")
  return draw.pick([
    { ...right, lower: right.higher, higher: right.lower },
    { ...right, higher: stranger },
    { ...right, lower: stranger },
    { ...right, lower: own, higher: own },
    { ...right, lower: line.remote, higher: line.remote }
  ])
}

const handshakes = (self: Stranger): readonly [Act, ...ReadonlyArray<Act>] => {
  const { draw } = self
  const then = (line: Line.Line, ...messages: ReadonlyArray<Message>) =>
    Effect.andThen(greet(self, line), Effect.andThen(line.say(...messages), wait(line)))
  return [
    // Around the time that a Hello may take.
    (line) =>
      Effect.suspend(() => {
        const bytes = Line.encode(hello(self, line))
        const ms = Limits.helloMs * (0.5 + draw.below(100) / 100) / bytes.length
        return Effect.andThen(line.drip(bytes, ms), serve(line))
      }),
    (line) => Effect.andThen(greet(self, line), wait(line)),
    (line) => then(line, wrongCommit(self, line)),
    (line) => then(line, { _tag: "Ack" }, commit(self, line)),
    (line) => then(line, commit(self, line), commit(self, line)),
    (line) => then(line, hello(self, line)),
    (line) => then(line, { _tag: "Pong", nonce: draw.u64() }, { _tag: "Ping", nonce: draw.u64() }),
    (line) => then(line, Noise.reject(self, line)),
    (line) => then(line, Noise.message(self, line)),
    // All at once, without waiting for anything.
    (line) => Effect.andThen(line.say(hello(self, line), dueMessage(self, line)), serve(line)),
    // The last word comes around the time that it may take.
    (line) =>
      Effect.gen(function*() {
        yield* greet(self, line)
        yield* Effect.sleep((isLower(self, line) ? Limits.waitMs : Limits.commitMs) * (0.8 + draw.below(40) / 100))
        yield* line.say(dueMessage(self, line))
        return yield* serve(line)
      })
  ]
}

/** Once it is up. */
const games = (self: Stranger): readonly [Act, ...ReadonlyArray<Act>] => {
  const { draw } = self
  const up = (speak: (line: Line.Line) => Effect.Effect<void, Line.LineEnded>): Act => (line) =>
    Effect.andThen(join(self, line), converse(line, speak(line)))
  const pings = (count: number) => Array.from({ length: count }, (): Message => ({ _tag: "Ping", nonce: draw.u64() }))
  return [
    up((line) => atTimes(self, Effect.suspend(() => line.say({ _tag: "Pong", nonce: draw.u64() })))),
    up((line) => atTimes(self, Effect.suspend(() => line.say(...pings(draw.between(1, 300)))))),
    // The pongs pile up.
    (line) =>
      Effect.andThen(
        join(self, line),
        atTimes(self, Effect.suspend(() => line.say(...pings(draw.between(1, 300)))), 1_000)
      ),
    up((line) => Effect.suspend(() => line.say(hello(self, line)))),
    up((line) => Effect.suspend(() => line.say(commit(self, line)))),
    up((line) => line.say({ _tag: "Ack" })),
    up((line) => Effect.delay(Effect.suspend(() => line.say(Noise.reject(self, line))), draw.below(20_000))),
    // Every ping is answered with something else.
    (line) =>
      Effect.andThen(
        join(self, line),
        Effect.forever(Effect.flatMap(line.next, (message) =>
          message._tag === "Ping"
            ? line.reply({ _tag: "Pong", nonce: message.nonce + 1n & 0xffff_ffff_ffff_ffffn })
            : Effect.void))
      ),
    // Alive by a drop of a frame now and then.
    (line) => Effect.andThen(join(self, line), Effect.forever(line.drip(Line.encode(...pings(1)), 10_000)))
  ]
}

/** Several at once that all want to be the connection of the pair, as one process or as many. */
const rivals = (self: Stranger): Effect.Effect<void> => {
  const { draw } = self
  const many = draw.chance(0.5)
  return swarm(self, draw.between(2, Limits.hostileLines), (line) =>
    Effect.gen(function*() {
      yield* Effect.sleep(draw.below(Limits.hostileBeatMaxMs))
      yield* join(self, line, { tag: many ? draw.hex(16) : self.tag })
      return yield* draw.chance(0.5) ? serve(line) : wait(line)
    }))
}

export const stall = (self: Stranger): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { draw } = self
    if (draw.chance(0.2)) return rivals(self)
    return visit(self, draw.pick(draw.chance(0.5) ? handshakes(self) : games(self)))
  })
