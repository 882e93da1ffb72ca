/**
 * One state, four faces: what the HTTP API answers, what commands print (with `--json` and without), what the dashboard computes and shows, and `/metrics`
 * are compared at each step while nodes come, sync, get banned, flap and go.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as bansCommand from "../../../src/cli/bans.ts"
import * as Json from "../../../src/cli/json.ts"
import * as peersCommand from "../../../src/cli/peerTable.ts"
import * as statusCommand from "../../../src/cli/status.ts"
import { networks } from "../../../src/domain/Network.ts"
import * as Subnet from "../../../src/domain/peer/Subnet.ts"
import { findAll, textOf } from "../../../web/dom/h.js"
import * as State from "../../../web/model/State.js"
import type { Masternodes, Peers, State as PageState, Status } from "../../../web/types.ts"
import * as chainView from "../../../web/view/chain.js"
import * as downsView from "../../../web/view/downs.js"
import * as peersView from "../../../web/view/peers.js"
import * as verdictView from "../../../web/view/verdict.js"
import { adminOf, byLabel, parse, total } from "../../harness/adminOf.ts"
import { ip, onMesh } from "../../harness/mesh.ts"
import * as otherFaces from "../../harness/otherFaces.ts"
import * as synthetic from "../../harness/syntheticChain.ts"

type Admin = Effect.Success<ReturnType<typeof adminOf>>

/** Asks all four in one moment. */
const ask = Effect.fnUntraced(function*({ client, get }: Admin, page: PageState) {
  const json = {
    status: JSON.parse(yield* get("/status")) as Status,
    peers: JSON.parse(yield* get("/peers")) as Peers,
    bans: JSON.parse(yield* get("/bans")) as { readonly bans: ReadonlyArray<{ readonly subnet: string }> },
    masternodes: JSON.parse(yield* get("/masternodes")) as Masternodes
  }
  return {
    json,
    series: parse(yield* get("/metrics")),
    commands: {
      status: yield* client.status,
      peers: yield* client.peers,
      bans: yield* client.bans,
      masternodes: yield* client.masternodes
    },
    page: State.answered(page, json.status, json.peers, json.peers.at)
  }
})

type Faces = Effect.Success<ReturnType<typeof ask>>

const countBy = <A>(rows: ReadonlyArray<A>, key: (row: A) => string | undefined): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const row of rows) {
    const of = key(row)
    if (of !== undefined) counts[of] = (counts[of] ?? 0) + 1
  }
  return counts
}

/** Without what is 0: a face may leave it out. */
const some = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

/** The part that each face shows in a way of its own. */
const agree = ({ commands, json, page, series }: Faces) => {
  const { bans, masternodes, peers, status } = json
  const { chain, stats } = status
  assert(chain !== undefined && status.verdict !== undefined)
  // Commands print what the API answers, field by field.
  for (const [name, body] of Object.entries(json)) {
    assert.deepStrictEqual(
      JSON.parse(Json.text(commands[name as keyof Faces["commands"]])) as unknown,
      JSON.parse(Json.text(body)) as unknown,
      `--json of ${name}`
    )
  }
  const text = { status: statusCommand.render(commands.status), peers: peersCommand.render(commands.peers) }

  const up = peers.peers.filter(({ connection }) => connection !== undefined)
  const directions = countBy(up, ({ connection }) => connection?.direction)
  const shown = (show: "connected" | "all") =>
    findAll(peersView.view({ ...page, show }), ({ tag }) => tag === "tbody").flatMap((body) => body.children).length
  const tiles = textOf(verdictView.tiles(page) ?? "")
  assert.deepStrictEqual({
    open: peers.open,
    status: status.connected,
    metrics: total(series, "timemesh_peers"),
    command: Number(/^peers +(\d+) connected/m.exec(text.status)?.[1]),
    table: text.peers.split("\n").filter((line) => /  up(?:, .+)?$/.test(line)).length,
    dashboard: shown("connected")
  }, {
    open: up.length,
    status: up.length,
    metrics: up.length,
    command: up.length,
    table: up.length,
    dashboard: up.length
  })
  assert.deepStrictEqual(some(byLabel(series, "timemesh_peers", "direction")), directions)
  assert.include(tiles, `${directions["inbound"] ?? 0} in, ${directions["outbound"] ?? 0} out, ${status.known} known`)
  assert.strictEqual(shown("all"), peers.peers.length)

  // The verdict is one sentence everywhere.
  assert.strictEqual(text.status.split("\n")[0], status.verdict.text)
  assert.strictEqual(verdictView.sentence(page).text, status.verdict.text)

  // Why the others are not connected.
  assert.deepStrictEqual(
    some(byLabel(series, "timemesh_known_peers", "situation")),
    countBy(peers.peers, ({ situation }) => situation)
  )

  // The chain.
  assert.deepStrictEqual({
    height: series.get("timemesh_chain_height"),
    headers: series.get("timemesh_chain_headers_height"),
    synced: series.get("timemesh_chain_synced"),
    reorgs: series.get("timemesh_chain_reorgs_total"),
    added: series.get("timemesh_chain_blocks_added_total")
  }, {
    height: chain.height,
    headers: chain.headers,
    synced: chain.synced ? 1 : 0,
    reorgs: chain.reorgs,
    added: stats.blocksAdded
  })
  assert.include(text.status, `height ${chain.height}`)
  const target = chainView.target(chain)
  assert.strictEqual(series.get("timemesh_chain_behind_blocks"), target - chain.height)
  assert.include(
    chainView.progress(page, chain),
    chain.synced ? `In sync at height ${chain.height}` : `${target - chain.height} of ${target} blocks missing`
  )

  // What happened since the start, from which the page was open.
  assert.deepStrictEqual(byLabel(series, "timemesh_downs_total", "reason"), stats.downsByReason)
  assert.deepStrictEqual(Object.fromEntries(downsView.totals(page.downs)), stats.downsByReason)
  assert.deepStrictEqual(byLabel(series, "timemesh_refused_total", "reason"), stats.refusedByReason)
  assert.strictEqual(series.get("timemesh_ups_total"), stats.ups)
  assert.strictEqual(series.get("timemesh_flaps_total"), stats.flaps)
  assert.include(tiles, `Flaps since start ${stats.flaps}`)
  // Which peers: the answer to "who flapped" after the first.
  const flapped = peers.peers.flatMap(({ flaps = 0, ip }) => flaps > 0 ? [[ip, flaps] as const] : [])
  assert.strictEqual(flapped.reduce((sum, [, flaps]) => sum + flaps, 0), stats.flaps)
  for (const [ip, flaps] of flapped) {
    const words = `${flaps} ${flaps === 1 ? "flap" : "flaps"}`
    assert.match(text.peers, new RegExp(`^${ip.replaceAll(".", "\\.")} .*, ${words}$`, "m"))
    assert.include(textOf(peersView.view({ ...page, show: "all", filter: ip })), words)
  }

  // Bans and masternodes.
  assert.strictEqual(series.get("timemesh_bans"), bans.bans.length)
  const banned = bansCommand.render(commands.bans, 200)
  for (const { subnet } of bans.bans) assert.include(banned, subnet)
  assert.deepStrictEqual(
    some(byLabel(series, "timemesh_masternodes", "state")),
    some(Object.fromEntries(
      Object.entries(masternodes.counts).map((
        [state, tiers]
      ) => [state, Object.values(tiers).reduce((a, b) => a + b, 0)])
    ))
  )
}

describe("CLI, HTTP API, dashboard and metrics", () => {
  it.effect("say the same while nodes come, sync, get banned, flap and go", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(synthetic.startOfTime)
        const [a, b, c, d] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const
        const long = yield* synthetic.make(600)
        const node = yield* start(a, { chain: [], masternodes: true, storeMs: 400 })
        const admin = yield* adminOf(node)
        const before = node.events.length
        let page: PageState = State.initial
        const look = Effect.fnUntraced(function*(connected: number, others = true) {
          const faces = yield* ask(admin, page)
          page = faces.page
          agree(faces)
          if (others) yield* otherFaces.agree(admin, node.events.slice(before), page, [b, c, d])
          assert.strictEqual(faces.json.status.connected, connected)
          return faces.json
        })
        yield* look(0)

        yield* start(b, { peers: [a], chain: long, masternodes: true })
        const syncing: Array<number> = []
        for (let i = 0; i < 60 && (yield* node.sync.report).tip.height < 600; i++) {
          yield* TestClock.adjust("250 millis")
          const { status } = yield* look((yield* node.up).length, i % 8 === 0)
          if (status.chain?.synced === false) syncing.push(status.chain.height)
        }
        assert.isAbove(new Set(syncing).size, 1, "seen in the middle of sync")
        assert.strictEqual((yield* look(1)).status.chain?.height, 600)

        const third = yield* start(c, { peers: [a, b], chain: long, masternodes: true })
        yield* TestClock.adjust("40 seconds")
        yield* look(2)

        // Of another network: it is refused.
        const stranger = yield* start(d, { peers: [a], network: networks.testnet })
        yield* TestClock.adjust("5 seconds")
        yield* look(2)
        yield* stranger.stop

        yield* network.reset(ip(a), ip(b))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* look(2)).status.stats.flaps, 1)

        yield* node.manager.ban(Subnet.fromStringUnsafe(`${c}/32`), { reason: "rude" })
        yield* TestClock.adjust("2 seconds")
        const { bans, peers } = yield* look(1)
        assert.strictEqual(bans.bans.length, 1)
        assert.strictEqual(peers.peers.find((peer) => peer.ip === c)?.situation, "banned-here")
        yield* node.manager.unban(Subnet.fromStringUnsafe(`${c}/32`))
        yield* TestClock.adjust("90 seconds")
        yield* look(2)

        yield* third.stop
        yield* look(1)
        yield* network.crash(ip(b))
        yield* TestClock.adjust("2 minutes")
        const { status } = yield* look(0)
        assert.isFalse(status.verdict?.ok)

        // What was refused before the API was there has no netgroup, and is counted.
        const late = yield* adminOf(node)
        const { byNetgroup, others, refused } = yield* late.client.refusals
        assert.isAbove(refused, 0)
        assert.deepStrictEqual([byNetgroup, others], [[], refused])
      })))
})
