/** Sends random bytes: from the first, behind a valid Hello, in well-cut frames of every kind, and after Up. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Line from "./Line.ts"
import * as Noise from "./Noise.ts"
import { type Act, atTimes, converse, greet, hello, join, stay, type Stranger, visit } from "./Stranger.ts"

/** What other protocols begin with: TLS, HTTP, SSH. */
const foreign = [
  Uint8Array.of(0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3),
  new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  new TextEncoder().encode("SSH-2.0-OpenSSH_9.6\r\n")
] as const

const acts = (self: Stranger): readonly [Act, ...ReadonlyArray<Act>] => {
  const { draw } = self
  const noise = () => draw.bytes(draw.spread(1, Limits.hostileNoiseBytes))
  const again = (line: Line.Line, what: () => Uint8Array) =>
    atTimes(self, Effect.suspend(() => line.send(what())), draw.pick([200, Limits.hostileBeatMaxMs]))
  const nonsense = () => Noise.nonsense(draw)
  const mutant = (line: Line.Line) => () => Noise.mutated(draw, Line.encode(Noise.message(self, line)))
  const afterUp = (line: Line.Line, what: () => Uint8Array) =>
    Effect.andThen(join(self, line), converse(line, again(line, what)))
  return [
    (line) => again(line, noise),
    (line) => Effect.andThen(line.send(draw.pick(foreign)), again(line, noise)),
    // A length that may be, so that what follows is read as a frame.
    (line) => again(line, nonsense),
    (line) => line.send(Noise.mutated(draw, Line.encode(hello(self, line)))),
    (line) => Effect.andThen(line.say(hello(self, line)), again(line, noise)),
    (line) => Effect.andThen(greet(self, line), again(line, nonsense)),
    (line) => Effect.andThen(greet(self, line), again(line, mutant(line))),
    (line) => afterUp(line, noise),
    (line) => afterUp(line, nonsense),
    (line) => afterUp(line, mutant(line)),
    // Up, in order, but what it says has no place there.
    (line) => afterUp(line, () => Line.encode(Noise.message(self, line))),
    // Valid frames with nonsense between them.
    (line) => afterUp(line, () => draw.chance(0.9) ? Line.encode({ _tag: "Ping", nonce: draw.u64() }) : nonsense())
  ]
}

export const garbage = (self: Stranger): Effect.Effect<void> =>
  Effect.suspend(() => visit(self, (line) => Effect.andThen(self.draw.pick(acts(self))(line), stay(self, line))))
