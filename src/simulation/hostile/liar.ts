/** Joins, tells of a chain that does not exist, and does not deliver it, or delivers nonsense. */
import { Clock, Effect } from "effect"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { Hello } from "../../domain/wire/Message.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import * as Lies from "./Lies.ts"
import * as Line from "./Line.ts"
import { type Act, atTimes, converse, join, type Stranger } from "./Stranger.ts"

/** What a liar has at hand: built once. */
export interface Workshop {
  readonly hasher: Hasher
  readonly chain: Lies.MadeUp
}

export const workshop = (self: Stranger, hasher: Hasher): Effect.Effect<Workshop> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    hasher,
    chain: Lies.makeUp(ChainParams.chainParams[self.network.name], hasher, self.own, now)
  }))

const { Capability } = Handshake

const tipOf = (hello: Hello | undefined, params: ChainParams.ChainParams): Lies.Tip =>
  hello === undefined
    ? { height: 0, hash: params.genesisHash }
    : { height: hello.tipHeight, hash: Hash.fromHexUnsafe(hello.tipHash) }

/** On one connection, dialled or accepted. */
export const lying = (self: Stranger, { chain, hasher }: Workshop): Act => (line) =>
  Effect.gen(function*() {
    const { draw } = self
    const params = ChainParams.chainParams[self.network.name]
    const real = Effect.sync(() => tipOf(line.hello, params))
    const first = Lies.tip(draw, chain, yield* real)
    yield* join(self, line, {
      tipHeight: first.height,
      tipHash: Hash.toHex(first.hash),
      capabilities: Handshake.capabilities | Capability.chain | (draw.chance(0.3) ? Capability.produces : 0)
    })

    const headers = Lies.headerAnswers(params)
    // Mostly it sticks to one way to lie.
    const ways = { headers: draw.pick(headers), blocks: draw.pick(Lies.blockAnswers) }
    const sticks = draw.chance(0.7)
    const lateMs = draw.chance(0.2) ? draw.spread(1, 2 * Limits.stallMostMs) : 0
    const trickles = draw.chance(0.1)
    const busy = { with: false }

    /** One byte a second, if at all: nothing else can be said then. */
    const say = (messages: ReadonlyArray<SyncMessage>) =>
      Effect.gen(function*() {
        if (messages.length === 0 || busy.with) return
        if (lateMs > 0) yield* Effect.sleep(lateMs)
        if (!trickles) return yield* line.say(...messages)
        busy.with = true
        yield* line.drip(Line.encode(...messages), 1_000)
        busy.with = false
      })
    const announce = Effect.gen(function*() {
      const message = Lies.announcement(
        draw,
        params,
        hasher,
        chain,
        yield* real,
        yield* Clock.currentTimeMillis
      )
      if (!busy.with) yield* line.say(message)
    })
    const announces = draw.chance(0.7)
    yield* converse(line, announces ? atTimes(self, announce) : Effect.void, (message) => {
      switch (message._tag) {
        case "GetHeaders":
          return say((sticks ? ways.headers : draw.pick(headers))(draw, chain, message))
        case "GetBlocks":
          return say((sticks ? ways.blocks : draw.pick(Lies.blockAnswers))(draw, chain, message))
        default:
          return Effect.void
      }
    })
  })
