/**
 * What the handlers make of the node's own values fits the API's schemas and loses nothing, with every optional field there and with none: answers of
 * many rows are written without the API's encoder (`jsonAnswer`), so nothing else would see a field that does not fit.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { HttpRouter } from "effect/http"
import type { Explanation } from "../../../src/domain/peer/Explanation.ts"
import type { OwnReport } from "../../../src/domain/peer/OwnAddressText.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { PeerConnectionInfo, PeerRecord } from "../../../src/domain/peer/PeerRecord.ts"
import { Status } from "../../../src/layers/http/AdminApi.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import * as InsightApi from "../../../src/layers/http/InsightApi.ts"
import { Bans, type Peer, Peers, Why } from "../../../src/layers/http/PeerApi.ts"
import { PeerState } from "../../../src/services/PeerState.ts"
import { Sync, type SyncReport } from "../../../src/services/Sync.ts"
import * as node from "../../harness/adminNode.ts"
import { webAnswer } from "../../harness/webAnswer.ts"

/** As `GET /own` has it. */
const Own = Schema.Struct({ at: Schema.Int, listen: Schema.String, ...InsightApi.OwnAddress.fields })

const ip = PeerIp.fromStringUnsafe("2001:db8::7")
const huge = Number.MAX_SAFE_INTEGER
const count = { sent: huge, received: 0 }
const reason = { kind: "bad-frame", by: "remote", detail: "frame \u0000 \ud83d\ude00" } as const

const connection: Required<PeerConnectionInfo> = {
  id: 1,
  direction: "outbound",
  wire: "time",
  transport: "TLSv1.3",
  role: "higher",
  socket: "[2001:db8::7]:24100",
  ephemeralPort: 65_535,
  since: huge,
  upMs: 0,
  lastByteMs: 0,
  pingUnansweredMs: 3,
  rtt: { smoothedMs: 0.123_456, leastMs: 0.1, lastMs: 7.9 },
  bytes: count,
  messages: count,
  pings: count,
  pongs: count,
  queuedBytes: huge
}

/** Every field there. `Required`: a new one is missed by the compiler. */
const filled: Required<PeerRecord> = {
  ip,
  port: 0,
  source: "gossip",
  connection,
  attempts: 2,
  expected: "either",
  nextAttemptAt: 1,
  last: { at: 1, reason, wasUp: false },
  lastDown: { at: 1, reason, upMs: 0 },
  lastAttempt: { at: 1, reason, direction: "inbound", reached: "hello" },
  shortUps: 1,
  restarts: 1,
  flaps: 0,
  inUseRefusals: 1,
  mayDial: false,
  speaks: "time",
  pin: { state: "pinned", key: "00ff", since: 5 },
  isStopped: true,
  dialPort: 65_535,
  failures: huge,
  software: "\"</script>\u2028",
  tip: { height: huge, hash: "ab" },
  capabilities: 4_294_967_295,
  aliasOf: ip,
  ups: huge,
  lastGoodAt: 9
}

const empty: PeerRecord = {
  ...filled,
  port: undefined,
  connection: undefined,
  nextAttemptAt: undefined,
  last: undefined,
  lastDown: undefined,
  lastAttempt: undefined,
  pin: undefined,
  software: undefined,
  tip: undefined,
  aliasOf: undefined,
  lastGoodAt: undefined
}

/** A connection before its first ping. */
const fresh: PeerRecord = { ...filled, connection: { ...connection, pingUnansweredMs: undefined, rtt: undefined } }

const explanationOf = (record: PeerRecord, fix: string | undefined): Explanation => ({
  ip,
  state: "connected",
  situation: "flaps",
  cause: "it flaps",
  ...(fix === undefined ? {} : { fix, offences: [{ kind: "false-block", detail: "d", times: 2, agoMs: 3.7 }] }),
  text: "it flaps",
  record
})

const report: SyncReport = {
  tip: { height: huge, hash: "ab" },
  headers: huge,
  synced: false,
  mayProduce: false,
  target: huge,
  line: "height",
  peers: [{ ip, height: huge, blocks: 5, use: "sends blocks", clockBehindS: 12.5 }],
  reorgs: 1,
  waiting: { blocks: 1, bytes: 2 },
  requests: 3
}

/** What the API answers of a node with these peers, and with a chain or without. */
const answers = (explanation: Explanation, sync: SyncReport | undefined) =>
  Effect.gen(function*() {
    const services = Layer.merge(
      node.services(() => Effect.void),
      Layer.mock(PeerState, {
        explained: () => Effect.succeed([explanation]),
        why: () => Effect.succeed(explanation),
        trace: () => Effect.succeedNone,
        unsaved: Effect.undefined,
        own: Effect.succeed<OwnReport>({
          ip: undefined,
          port: 0,
          isConfirmed: false,
          reachable: "unknown",
          seen: [],
          notices: [{ notice: "unseen", cause: "no peer is connected" }],
          line: "not known yet"
        }),
        sizes: Effect.succeed({ book: { new: 0, tried: 0 }, tracedPairs: 0, traceBytes: 0 }),
        book: () => Effect.succeed([])
      })
    )
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(
        Layer.provide(
          sync === undefined ? services : Layer.merge(services, Layer.mock(Sync, { report: Effect.succeed(sync) }))
        )
      )
    )
    return <A>(path: string, schema: Schema.Codec<A>) =>
      Effect.gen(function*() {
        const response = yield* webAnswer(app, path)
        const body: unknown = yield* Effect.promise(() => response.json())
        assert.notInclude(JSON.stringify(body), "null", path)
        // A field that the schema does not have is a field that no client can read.
        return yield* Effect.fromResult(Schema.decodeUnknownResult(schema, { onExcessProperty: "error" })(body))
      })
  })

/** The row that a record must become. */
const rowOf = ({ isStopped: _isStopped, ...record }: PeerRecord, fix: string | undefined, sync: boolean): Peer =>
  JSON.parse(JSON.stringify({
    ...record,
    connection: record.connection === undefined ? undefined : {
      ...record.connection,
      rtt: record.connection.rtt === undefined
        ? undefined
        : { smoothedMs: 0, leastMs: 0, lastMs: 8, smoothedMicros: 123 }
    },
    situation: "flaps",
    cause: "it flaps",
    fix,
    sync: sync ? { height: huge, blocks: 5, use: "sends blocks" } : undefined
  })) as Peer

describe("the API's answers", () => {
  const cases = [["every field there", filled, "do it"], ["none there", empty, undefined], [
    "a fresh connection",
    fresh,
    undefined
  ]] as const
  for (const [what, record, fix] of cases) {
    for (const sync of [report, undefined]) {
      it.effect(`fit their schemas and lose nothing: ${what}, ${sync === undefined ? "without" : "with"} a chain`, () =>
        Effect.gen(function*() {
          const get = yield* answers(explanationOf(record, fix), sync)
          const { peers } = yield* get("/peers", Peers)
          assert.deepStrictEqual(peers, [rowOf(record, fix, sync !== undefined)])
          const why = yield* get(`/why/${ip}`, Why)
          assert.deepStrictEqual([why.ip, why.situation, why.fix], [ip, "flaps", fix])
          assert.strictEqual(why.record === undefined, false)
          const status = yield* get("/status", Status)
          assert.strictEqual(status.chain?.height, sync === undefined ? undefined : huge)
          yield* get("/own", Own)
          yield* get("/bans", Bans)
          yield* get("/resources", InsightApi.Resources)
          yield* get("/refusals", InsightApi.Refusals)
          yield* get("/clock", InsightApi.ClockReport)
          yield* get("/book", InsightApi.Book)
        }).pipe(Effect.scoped, Effect.provide(NodeHttpServer.layerHttpServices)))
    }
  }
})
