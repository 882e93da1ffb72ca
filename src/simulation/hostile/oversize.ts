/** Announces and sends more than the limits allow, or exactly as much: frames before and after Up, lists within frames. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import { Kind } from "../../domain/wire/native/NativeLayout.ts"
import { SyncKind } from "../../domain/wire/SyncMessage.ts"
import * as Line from "./Line.ts"
import * as Noise from "./Noise.ts"
import { type Act, converse, greet, join, stay, type Stranger, visit } from "./Stranger.ts"

const words = (...numbers: ReadonlyArray<number>): Uint8Array =>
  Uint8Array.from(numbers.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]))

/** Lengths that no frame has under this limit. */
const wrong = (self: Stranger, limit: number): number =>
  self.draw.pick([
    limit + 1,
    limit + self.draw.between(1, 1_000),
    2 * limit,
    2 ** 31,
    2 ** 31 - 1,
    2 ** 32 - 1,
    0
  ])

/** Lists longer than a message may have, in bodies that are valid otherwise. */
const longLists = ({ draw }: Stranger): Uint8Array => {
  switch (draw.below(6)) {
    case 0:
      return Noise.frame(Kind.Peers, new Uint8Array(Limits.peersBodyBytes + 1))
    case 1: {
      const locator = Array.from({ length: Limits.locatorHashes + 1 }, () => draw.bytes(32))
      return Line.encode({ _tag: "GetHeaders", request: 1, locator })
    }
    case 2:
      return Line.encode({
        _tag: "GetBlocks",
        request: 1,
        from: 1,
        hashes: new Uint8Array(32 * (Limits.blocksPerRequest + 1))
      })
    case 3:
      return Line.encode({
        _tag: "Blocks",
        request: 1,
        blocks: Array.from({ length: Limits.blocksPerRequest + 1 }, () => new Uint8Array(1)),
        done: false
      })
    case 4:
      // So many headers in so few bytes.
      return Line.encode({
        _tag: "Headers",
        request: 1,
        after: new Uint8Array(32),
        list: words(draw.pick([0xffff_ffff, Limits.headersPerMessage + 1, 0x7fff_ffff]), 0, 0),
        more: true
      })
    default:
      return Line.encode({ _tag: "NewBlock", block: new Uint8Array(Limits.pushBlockBytes + draw.below(1_000)) })
  }
}

/** One frame of exactly the greatest size. It costs minutes of pace, so it comes in one piece at the end of them. */
const greatest = ({ draw }: Stranger, line: Line.Line): Effect.Effect<void, Line.LineEnded> =>
  Effect.suspend(() => line.send(Frame.allocate(draw.pick([Kind.Data, 99, SyncKind.NewBlock]), Limits.frameBytes - 1)))

const acts = (self: Stranger): readonly [Act, ...ReadonlyArray<Act>] => {
  const { draw } = self
  const tail = () => draw.bytes(draw.below(Limits.hostileNoiseBytes))
  const tooLong = (line: Line.Line, limit: number) =>
    Effect.andThen(
      line.send(Noise.head(wrong(self, limit), draw.pick(Noise.kinds))),
      Effect.suspend(() => line.send(tail()))
    )
  /** Announced, and then some bytes a second: it does not end in time. */
  const endless = (line: Line.Line, limit: number) =>
    Effect.andThen(
      line.send(Noise.head(limit - draw.below(1_000), draw.pick(Noise.kinds))),
      Effect.forever(Effect.delay(Effect.suspend(() => line.send(draw.bytes(draw.between(1, 16)), 0.2)), "1 second"))
    )
  const up = (speak: (line: Line.Line) => Effect.Effect<void, Line.LineEnded>): Act => (line) =>
    Effect.andThen(join(self, line), converse(line, speak(line)))
  return [
    (line) => tooLong(line, Limits.frameBeforeUpBytes),
    // As long as can be before Up, full of nothing.
    (line) => line.send(Noise.frame(draw.pick(Noise.kinds), new Uint8Array(Limits.frameBeforeUpBytes - 1))),
    (line) => Effect.andThen(greet(self, line), tooLong(line, Limits.frameBeforeUpBytes)),
    (line) => Effect.andThen(greet(self, line), endless(line, Limits.frameBeforeUpBytes)),
    up((line) => tooLong(line, Limits.frameBytes)),
    up((line) => Effect.suspend(() => line.send(longLists(self)))),
    // Pings are not answered meanwhile, because that would end up inside the frame.
    (line) => Effect.andThen(join(self, line), endless(line, Limits.frameBytes)),
    up((line) => Effect.forever(greatest(self, line)))
  ]
}

/** The last two need time. */
const lastingActs = 2

export const oversize = (self: Stranger): Effect.Effect<void> =>
  Effect.suspend(() => {
    const all = acts(self)
    const i = self.draw.below(all.length)
    return visit(
      self,
      (line) => Effect.andThen((all[i] ?? all[0])(line), stay(self, line)),
      i >= all.length - lastingActs ? Limits.hostileLongVisitMs : undefined
    )
  })
