/** Joins, claims a chain that does not exist, and delivers nothing or nonsense. */
import { Clock, Effect } from "effect"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import type { Hasher } from "../../domain/chain/Hasher.ts"
import * as Limits from "../../domain/Limits.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { Hello } from "../../domain/wire/Message.ts"
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import * as Connection from "./Connection.ts"
import { type Act, atTimes, converse, type HostilePeer, join } from "./HostilePeer.ts"
import * as Lies from "./Lies.ts"

/** A liar's material, built once. */
export interface Workshop {
  readonly hasher: Hasher
  readonly chain: Lies.MadeUp
}

export const workshop = (self: HostilePeer, hasher: Hasher): Effect.Effect<Workshop> =>
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
export const lying = (self: HostilePeer, { chain, hasher }: Workshop): Act => (connection) =>
  Effect.gen(function*() {
    const { random } = self
    const params = ChainParams.chainParams[self.network.name]
    const real = Effect.sync(() => tipOf(connection.hello, params))
    const first = Lies.tip(random, chain, yield* real)
    yield* join(self, connection, {
      tipHeight: first.height,
      tipHash: Hash.toHex(first.hash),
      capabilities: Handshake.capabilities | Capability.chain | (random.happens(0.3) ? Capability.produces : 0)
    })

    const headers = Lies.headerAnswers(params)
    // Usually it sticks to one kind of lie.
    const ways = { headers: random.pick(headers), blocks: random.pick(Lies.blockAnswers) }
    const sticks = random.happens(0.7)
    const lateMs = random.happens(0.2) ? random.spread(1, 2 * Limits.stallMostMs) : 0
    const trickles = random.happens(0.1)
    const busy = { with: false }

    /** One byte per second, if any: nothing else can be sent meanwhile. */
    const say = (messages: ReadonlyArray<SyncMessage>) =>
      Effect.gen(function*() {
        if (messages.length === 0 || busy.with) return
        if (lateMs > 0) yield* Effect.sleep(lateMs)
        if (!trickles) return yield* connection.say(...messages)
        busy.with = true
        yield* connection.drip(Connection.encode(...messages), 1_000)
        busy.with = false
      })
    const announce = Effect.gen(function*() {
      const message = Lies.announcement(
        random,
        params,
        hasher,
        chain,
        yield* real,
        yield* Clock.currentTimeMillis
      )
      if (!busy.with) yield* connection.say(message)
    })
    const announces = random.happens(0.7)
    yield* converse(connection, announces ? atTimes(self, announce) : Effect.void, (message) => {
      switch (message._tag) {
        case "GetHeaders":
          return say((sticks ? ways.headers : random.pick(headers))(random, chain, message))
        case "GetBlocks":
          return say((sticks ? ways.blocks : random.pick(Lies.blockAnswers))(random, chain, message))
        default:
          return Effect.void
      }
    })
  })
