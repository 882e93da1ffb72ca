/**
 * Peers that hold up sync with a chain that they never deliver. They show valid headers of a chain better than any other, then send
 * one byte per second, stay silent, or leave and return. A single one costs a node the wait for one late answer; they come in twenties.
 */
import { Effect } from "effect"
import * as ChainParams from "../../domain/chain/ChainParams.ts"
import * as Hash from "../../domain/chain/Hash.ts"
import * as Handshake from "../../domain/pair/Handshake.ts"
import type { GetBlocks } from "../../domain/wire/SyncMessage.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import * as Connection from "./Connection.ts"
import { type Act, converse, type HostilePeer, join } from "./HostilePeer.ts"
import type { Workshop } from "./liar.ts"
import * as Lies from "./Lies.ts"

const { Capability, capabilities } = Handshake

/** Its reaction to a request for blocks whose headers it has shown. */
type Withholding = (self: HostilePeer, connection: Connection.Connection, ask: GetBlocks) => Effect.Effect<
  void,
  Connection.ConnectionEnded
>

/** An endless answer: its frame announces this many bytes, and one comes per second. Pings go unanswered: a pong would be part of the frame. */
const drips: Withholding = (_, connection, { request }) =>
  connection.drip(
    Connection.encode({
      _tag: "Blocks",
      request,
      blocks: [new Uint8Array(SimulationLimits.hostileDripBytes)],
      done: true
    }),
    1_000
  )

const isSilent: Withholding = () => Effect.void

/** Ends the connection, at once or after some seconds. */
const leaves: Withholding = ({ random }) =>
  Effect.andThen(
    Effect.sleep(random.spread(1, SimulationLimits.hostileBeatMaxMs)),
    Effect.fail(new Connection.ConnectionEnded({ detail: "it has claimed enough" }))
  )

const holding = (withholds: Withholding) => (self: HostilePeer, { chain }: Workshop): Act => (connection) =>
  Effect.gen(function*() {
    const params = ChainParams.chainParams[self.network.name]
    const last = chain.at(-1)
    yield* join(self, connection, {
      tipHeight: chain.length,
      tipHash: last === undefined ? self.network.genesis : Hash.toHex(last.hash),
      capabilities: capabilities | Capability.chain
    })
    const headers = Lies.validHeaders(params)
    yield* converse(connection, Effect.void, (message) => {
      switch (message._tag) {
        case "GetHeaders":
          return connection.say(...headers(self.random, chain, message))
        case "GetBlocks":
          return withholds(self, connection, message)
        default:
          return Effect.void
      }
    })
  })

export const drip = holding(drips)
export const withhold = holding(isSilent)
export const claim = holding(leaves)
