/** Announces and sends more than the limits allow, or exactly the limit: frames before and after Up, lists within frames. */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import { Kind } from "../../domain/wire/native/NativeLayout.ts"
import { SyncKind } from "../../domain/wire/SyncMessage.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Connection from "./Connection.ts"
import { type Act, converse, greet, type HostilePeer, join, stay, visit } from "./HostilePeer.ts"
import * as Noise from "./Noise.ts"

const words = (...numbers: ReadonlyArray<number>): Uint8Array =>
  Uint8Array.from(numbers.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]))

/** Lengths that no frame may have under this limit. */
const wrong = (self: HostilePeer, limit: number): number =>
  self.random.pick([
    limit + 1,
    limit + self.random.between(1, 1_000),
    2 * limit,
    2 ** 31,
    2 ** 31 - 1,
    2 ** 32 - 1,
    0
  ])

/** Lists longer than a message may have, in otherwise valid bodies. */
const longLists = ({ random }: HostilePeer): Uint8Array => {
  switch (random.below(6)) {
    case 0:
      return Noise.frame(Kind.Peers, new Uint8Array(Limits.peersBodyBytes + 1))
    case 1: {
      const locator = Array.from({ length: Limits.locatorHashes + 1 }, () => random.bytes(32))
      return Connection.encode({ _tag: "GetHeaders", request: 1, locator })
    }
    case 2:
      return Connection.encode({
        _tag: "GetBlocks",
        request: 1,
        from: 1,
        hashes: new Uint8Array(32 * (Limits.blocksPerRequest + 1))
      })
    case 3:
      return Connection.encode({
        _tag: "Blocks",
        request: 1,
        blocks: Array.from({ length: Limits.blocksPerRequest + 1 }, () => new Uint8Array(1)),
        done: false
      })
    case 4:
      // A count too large for the bytes that follow.
      return Connection.encode({
        _tag: "Headers",
        request: 1,
        after: new Uint8Array(32),
        list: words(random.pick([0xffff_ffff, Limits.headersPerMessage + 1, 0x7fff_ffff]), 0, 0),
        more: true
      })
    default:
      return Connection.encode({ _tag: "NewBlock", block: new Uint8Array(Limits.pushBlockBytes + random.below(1_000)) })
  }
}

/** One frame of exactly the maximum size. It uses up minutes of pace, so it is sent in one piece after that wait. */
const greatest = (
  { random }: HostilePeer,
  connection: Connection.Connection
): Effect.Effect<void, Connection.ConnectionEnded> =>
  Effect.suspend(() =>
    connection.send(Frame.allocate(random.pick([Kind.Data, 99, SyncKind.NewBlock]), Limits.frameBytes - 1))
  )

const acts = (self: HostilePeer): readonly [Act, ...ReadonlyArray<Act>] => {
  const { random } = self
  const tail = () => random.bytes(random.below(SimulationLimits.hostileNoiseBytes))
  const tooLong = (connection: Connection.Connection, limit: number) =>
    Effect.andThen(
      connection.send(Noise.head(wrong(self, limit), random.pick(Noise.kinds))),
      Effect.suspend(() => connection.send(tail()))
    )
  /** Announced, then sent at some bytes per second: it does not end in time. */
  const endless = (connection: Connection.Connection, limit: number) =>
    Effect.andThen(
      connection.send(Noise.head(limit - random.below(1_000), random.pick(Noise.kinds))),
      Effect.forever(
        Effect.delay(
          Effect.suspend(() => connection.send(random.bytes(random.between(1, 16)), 0.2)),
          SimulationLimits.hostileDripMs
        )
      )
    )
  const up =
    (speak: (connection: Connection.Connection) => Effect.Effect<void, Connection.ConnectionEnded>): Act =>
    (connection) => Effect.andThen(join(self, connection), converse(connection, speak(connection)))
  return [
    (connection) => tooLong(connection, Limits.frameBeforeUpBytes),
    // As long as allowed before Up, filled with zeros.
    (connection) =>
      connection.send(Noise.frame(random.pick(Noise.kinds), new Uint8Array(Limits.frameBeforeUpBytes - 1))),
    (connection) => Effect.andThen(greet(self, connection), tooLong(connection, Limits.frameBeforeUpBytes)),
    (connection) => Effect.andThen(greet(self, connection), endless(connection, Limits.frameBeforeUpBytes)),
    up((connection) => tooLong(connection, Limits.frameBytes)),
    up((connection) => Effect.suspend(() => connection.send(longLists(self)))),
    // Pings are not answered meanwhile, because a pong would become part of the frame.
    (connection) => Effect.andThen(join(self, connection), endless(connection, Limits.frameBytes)),
    up((connection) => Effect.forever(greatest(self, connection)))
  ]
}

/** The last two need time. */
const lastingActs = 2

export const oversize = (self: HostilePeer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const all = acts(self)
    const i = self.random.below(all.length)
    return visit(
      self,
      (connection) => Effect.andThen((all[i] ?? all[0])(connection), stay(self, connection)),
      i >= all.length - lastingActs ? SimulationLimits.hostileLongVisitMs : undefined
    )
  })
