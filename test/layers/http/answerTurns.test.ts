/**
 * How many turns of the event loop an answer takes: a node that syncs has a step of sync in every one of them. Counted by the loop itself, so that a slow
 * machine changes nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { get, type ServerResponse } from "node:http"
import { performance } from "node:perf_hooks"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { row, services } from "../../harness/adminNode.ts"

/** As many as a node has by default. */
const rows = Array.from({ length: 125 }, (_, i) => ({
  ip: PeerIp.fromStringUnsafe(`10.0.0.${i + 1}`),
  state: "connected" as const,
  situation: "connected" as const,
  cause: "the connection is up",
  text: "Connected",
  record: row
}))

const crowded = Layer.effect(
  PeerState,
  Effect.map(PeerState, (state) => ({ ...state, explained: () => Effect.succeed(rows) }))
)

const turn = () => performance.nodeTiming.uvMetricsInfo.loopCount

/** Turns that began between the question's arrival and the moment when all of its answer was written. */
const turnsOf = (url: string) =>
  Effect.callback<number>((resume) => {
    let turns = Number.NaN
    const asked = (message: unknown) => {
      const began = turn()
      const { response } = message as { readonly response: ServerResponse }
      response.once("prefinish", () => turns = turn() - began)
    }
    subscribe("http.server.request.start", asked)
    get(url, (response) => {
      response.resume().once("end", () => {
        unsubscribe("http.server.request.start", asked)
        resume(Effect.succeed(turns))
      })
    })
  })

describe("an answer about 125 peers", () => {
  it.live("is written in the turn in which its question was read, or in the next one", () =>
    Effect.scoped(Effect.gen(function*() {
      const of = services(() => Effect.void)
      const server = AdminServer.layer(PeerAddress.make(PeerIp.fromStringUnsafe("127.0.0.1"), 0)).pipe(
        Layer.provide(Layer.merge(of, Layer.provide(crowded, of)))
      )
      const { address } = Context.get(yield* Layer.build(server), AdminServer.AdminServer)
      for (const path of ["/status", "/peers", "/metrics", "/health/ready"]) {
        const turns: Array<number> = []
        for (let i = 0; i < 3; i++) turns.push(yield* turnsOf(`http://${PeerAddress.format(address)}${path}`))
        assert.isAtMost(Math.max(...turns), 1, path)
      }
    })))
})
