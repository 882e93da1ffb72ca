/**
 * What faces of a node say beyond its status, peers and bans, compared in one moment: health, events, one address, refusals, the peer book, the node's own
 * address, its clock, resources, settings, and what doctor makes of them.
 */
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as Doctor from "../../src/cli/doctor/findings.ts"
import * as Json from "../../src/cli/json.ts"
import * as show from "../../src/cli/show/render.ts"
import * as WatchModel from "../../src/cli/watch/Model.ts"
import * as Limits from "../../src/domain/Limits.ts"
import { isHeartbeat, type NodeEvent } from "../../src/domain/NodeEvent.ts"
import * as PairStory from "../../src/domain/pair/PairStory.ts"
import * as PairTraceFile from "../../src/domain/pair/PairTraceFile.ts"
import type { Status } from "../../src/layers/http/AdminApi.ts"
import type { Sent } from "../../src/layers/http/EventsApi.ts"
import type { Verdict } from "../../src/layers/http/HealthApi.ts"
import type { Peers, Why } from "../../src/layers/http/PeerApi.ts"
import * as EventText from "../../src/layers/log/EventText.ts"
import { textOf } from "../../web/dom/h.js"
import * as format from "../../web/model/format.js"
import * as State from "../../web/model/State.js"
import type { State as PageState } from "../../web/types.ts"
import * as bookView from "../../web/view/book.js"
import * as eventsView from "../../web/view/events.js"
import * as ownView from "../../web/view/own.js"
import * as refusalsView from "../../web/view/refusals.js"
import * as resourcesView from "../../web/view/resources.js"
import * as settingsView from "../../web/view/settings.js"
import * as storyView from "../../web/view/story.js"
import * as verdictView from "../../web/view/verdict.js"
import { type adminOf, byLabel, parse, total } from "./adminOf.ts"

type Admin = Effect.Success<ReturnType<typeof adminOf>>

const json = <A>({ get }: Admin, path: string) => Effect.map(get(path), (text) => JSON.parse(text) as A)

/** What a command prints with `--json`, beside what the API answers. */
const same = (printed: unknown, answered: unknown, what: string) =>
  assert.deepStrictEqual(JSON.parse(Json.text(printed)) as unknown, JSON.parse(Json.text(answered)) as unknown, what)

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((all, n) => all + n, 0)

/** `status --check`, /health/ready, the page's colour, doctor and metrics follow one verdict. */
const health = Effect.fnUntraced(function*(admin: Admin, page: PageState, status: Status) {
  const response = yield* admin.answer("/health/ready")
  const body = (yield* Effect.promise(() => response.json())) as Verdict & { readonly verdict?: Verdict }
  const { verdict } = status
  assert.deepStrictEqual(body.verdict ?? body, verdict)
  assert.strictEqual(response.status, verdict?.ready === true ? 200 : 503)
  const series = parse(yield* admin.get("/metrics"))
  assert.strictEqual(series.get("timemesh_ok"), verdict?.ok === true ? 1 : 0)
  assert.strictEqual(series.get("timemesh_ready"), verdict?.ready === true ? 1 : 0)
  assert.strictEqual(
    series.get("timemesh_chain_storing"),
    verdict?.problems.some(({ what }) => what.includes("not storing")) === true ? 0 : 1
  )
  const { level, more } = verdictView.sentence(page)
  assert.strictEqual(level, verdict?.ok !== true ? "bad" : verdict.ready ? "good" : "wait")
  for (const { what } of verdict?.problems.slice(1) ?? []) assert.include(more.join("\n"), what)
  return series
})

/** The latest events, as a reader that opens the stream now gets them. */
const latest = (admin: Admin, most: number) =>
  admin.client.events(undefined, most).pipe(Stream.take(most + 1), Stream.runCollect)

type Message = Extract<Sent, { readonly event: "message" }>

/** The log, the stream, `watch` and the page have the same lines in the same order. */
const events = Effect.fnUntraced(function*(admin: Admin, since: ReadonlyArray<NodeEvent>, page: PageState) {
  const happened = since.filter((event) => !isHeartbeat(event)).slice(-Limits.watchEvents)
  const sent = yield* latest(admin, happened.length)
  const messages = sent.filter((each): each is Message => each.event === "message")
  const lines = happened.map((event) => EventText.describe(event).text)
  assert.deepStrictEqual(messages.map(({ data }) => data.text), lines)
  const watched = sent.reduce(WatchModel.heard, WatchModel.start)
  assert.deepStrictEqual(watched.events.map(({ text }) => text), lines)
  const shown = textOf(eventsView.view(State.happened({ ...page, events: [] }, messages.map(({ data }) => data))))
  for (const line of lines.slice(-20)) assert.include(shown, line)
})

/** `why`, `trace` and the page's story of one address. */
const oneAddress = Effect.fnUntraced(function*(admin: Admin, page: PageState, { peers }: Peers, ip: string) {
  const why = yield* json<Why>(admin, `/why/${ip}`)
  same(yield* admin.client.why(ip), why, "why")
  const row = peers.find((peer) => peer.ip === ip)
  if (row !== undefined) {
    assert.deepStrictEqual([why.situation, why.cause, why.fix], [row.situation, row.cause, row.fix], ip)
  }
  const response = yield* admin.answer(`/story/${ip}`)
  const isTraced = (yield* admin.answer(`/trace/${ip}`)).status === 200
  assert.strictEqual(response.status === 200, isTraced, ip)
  const told = State.selected(page, ip)
  if (!isTraced) return assert.include(textOf(storyView.view(State.explained(told, why, undefined)) ?? ""), why.text)
  const { lines } = (yield* Effect.promise(() => response.json())) as { readonly lines: ReadonlyArray<string> }
  const file = yield* admin.client.trace(ip)
  assert.deepStrictEqual(PairTraceFile.toJson(file), yield* json(admin, `/trace/${ip}`))
  const trace = yield* Effect.fromResult(PairTraceFile.toTrace(file))
  assert.deepStrictEqual(PairStory.lines(trace), lines, "trace prints the story")
  const shown = textOf(storyView.view(State.explained(told, why, lines)) ?? "")
  for (const part of [why.text, why.cause ?? "", lines.join("\n")]) assert.include(shown, part)
})

/** Questions that one command each asks; what metrics count is the same. */
const insight = Effect.fnUntraced(function*(admin: Admin, status: Status, series: ReadonlyMap<string, number>) {
  const { client } = admin
  const [refusals, book, own, clock, settings] = [
    yield* client.refusals,
    yield* client.book(0),
    yield* client.own,
    yield* client.clock,
    yield* client.settings
  ]
  const named = { refusals, book, own, clock, settings }
  for (const [name, answer] of Object.entries(named)) same(answer, yield* json(admin, `/${name}`), name)

  const { stats } = status
  assert.deepStrictEqual([refusals.refused, refusals.byReason], [stats.refused, stats.refusedByReason])
  assert.strictEqual(sum(refusals.byReason), refusals.refused)
  assert.strictEqual(refusals.byNetgroup.reduce((all, { refused }) => all + refused, refusals.others), refusals.refused)
  assert.isAtLeast(refusals.others, 0)
  assert.strictEqual(series.get("timemesh_turned_away_total"), refusals.turnedAway)
  const refused = show.refusals(refusals, undefined)
  for (const { netgroup } of refusals.byNetgroup) assert.include(refused, netgroup)

  assert.deepStrictEqual(byLabel(series, "timemesh_book_addresses", "table"), { new: book.new, tried: book.tried })
  assert.strictEqual(book.addresses.length, book.new + book.tried)
  for (const { ip } of book.addresses) assert.include(show.book(book, undefined), ip)

  const { at: _at, listen, ...address } = own
  assert.deepStrictEqual(address, status.own)
  assert.strictEqual(listen, status.listen)
  assert.include(show.own(own), own.line)

  // Only nodes that `run` starts have any.
  assert.deepStrictEqual(settings, { settings: [] })

  const bans = yield* client.bans
  const page = State.aboutCame(State.initial, { ...named, bans })
  const shown = {
    own: textOf(ownView.view(page) ?? ""),
    refusals: textOf(refusalsView.view(page) ?? ""),
    book: textOf(bookView.view(page) ?? ""),
    settings: textOf(settingsView.view(page) ?? "")
  }
  for (const words of [own.line, own.listen, ...own.notices.map(({ cause }) => cause)]) {
    assert.include(shown.own, words)
  }
  assert.include(shown.own, ownView.clockText(clock))
  assert.include(
    shown.refusals,
    refusals.refused === 0 ? "Nothing was refused" : `${refusals.refused} refused since the start`
  )
  for (const { netgroup } of refusals.byNetgroup) assert.include(shown.refusals, netgroup)
  for (const { subnet } of bans.bans) assert.include(shown.refusals, subnet)
  assert.include(shown.book, `${book.tried} met, ${book.new} known only by gossip`)
  for (const { ip } of book.addresses) assert.include(shown.book, ip)
  assert.include(shown.settings, "None: the node was not started by timemesh run.")
})

const resources = Effect.fnUntraced(function*(admin: Admin, status: Status) {
  const found = yield* admin.client.resources
  assert.deepStrictEqual([found.lagMs, found.maxLagMs], [status.stats.lagMs, status.stats.maxLagMs])
  const series = parse(yield* admin.get("/metrics"))
  // The process works on between two questions.
  assert.closeTo(series.get("timemesh_resident_memory_bytes") ?? 0, found.memory.residentBytes, 1 << 28)
  assert.strictEqual(total(series, "timemesh_loop_lag_max_seconds"), status.stats.maxLagMs / 1_000)
  assert.include(
    textOf(resourcesView.view(State.aboutCame(State.initial, { resources: found })) ?? ""),
    `${format.count(found.lagMs)} ms late in all, at most ${format.count(found.maxLagMs)} ms at once`
  )
  return found
})

/** Compares them. `since`: the node's events since its API was there. `ips`: addresses to ask about. */
export const agree = Effect.fnUntraced(function*(
  admin: Admin,
  since: ReadonlyArray<NodeEvent>,
  page: PageState,
  ips: ReadonlyArray<string>
) {
  const { client } = admin
  const [status, peers] = [yield* client.status, yield* client.peers]
  const now = State.answered(page, status, peers, peers.at)
  const series = yield* health(admin, now, status)
  yield* events(admin, since, now)
  for (const ip of ips) yield* oneAddress(admin, now, peers, ip)
  yield* insight(admin, status, series)

  const answers = { status, resources: yield* resources(admin, status), clock: yield* client.clock }
  const findings = Doctor.judge({
    nodeVersion: process.versions.node,
    now: peers.at,
    settings: undefined,
    directory: undefined,
    ports: [],
    seeds: [],
    starts: 0,
    descriptors: 65_536,
    maxPeers: 125,
    node: answers
  })
  const problems = findings.flatMap(({ check, level, says }) => check === "node" && level === "problem" ? [says] : [])
  assert.deepStrictEqual(problems, status.verdict?.problems.map(({ what }) => what))
  assert.strictEqual(
    findings.some(({ check, level }) => check === "clock" && level === "problem"),
    peers.peers.some(({ situation }) => situation === "clock")
  )
})
