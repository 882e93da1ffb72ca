/** Handlers for queries about what a node knows beyond its peers. */
import { Clock, Effect, Option } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { readdirSync } from "node:fs"
import { statfs } from "node:fs/promises"
import * as Limits from "../../domain/Limits.ts"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import { ConnectionManager } from "../../services/ConnectionManager.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import { PeerState } from "../../services/PeerState.ts"
import * as OpenFiles from "../socket/OpenFiles.ts"
import { AdminApi } from "./AdminApi.ts"
import type { Resources } from "./InsightApi.ts"
import { NodeFacts } from "./NodeFacts.ts"
import { syncReport } from "./optionalReports.ts"
import { present } from "./present.ts"
import * as ProcessMemory from "./processMemory.ts"
import { RefusalGroups } from "./RefusalGroups.ts"

const descriptors = (): Resources["descriptors"] => {
  const limit = OpenFiles.read()
  if (limit === undefined) return undefined
  // Subtract the descriptor of the directory being read.
  return { open: readdirSync("/proc/self/fd").length - 1, limit }
}

/** The file system that holds the directory; `undefined` if it cannot be examined. */
export const diskOf = (directory: string | undefined): Effect.Effect<Resources["disk"]> =>
  directory === undefined
    ? Effect.succeed(undefined)
    : Effect.promise(() =>
      statfs(directory).then(
        ({ bavail, blocks, bsize }) => ({ directory, freeBytes: bavail * bsize, totalBytes: blocks * bsize }),
        () => undefined
      )
    )

const wallMs = (at: number): number | undefined => at === 0 ? undefined : at

export const layer = HttpApiBuilder.group(
  AdminApi,
  "insight",
  Effect.fnUntraced(function*(handlers) {
    const [state, manager, events, facts] = [
      yield* PeerState,
      yield* ConnectionManager,
      yield* NodeEvents,
      yield* NodeFacts
    ]
    const sync = yield* syncReport
    const refusals = new RefusalGroups(Limits.refusalGroups)
    yield* events.listen((event) => {
      if (event._tag === "Refused") refusals.add(event.ip, event.reason, event.at)
    })
    return handlers.handleAll({
      own: () =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          return present({ at, listen: PeerAddress.format(manager.address), ...(yield* state.own) })
        }),
      settings: () => Effect.succeed(present({ settings: facts.settings })),
      resources: () =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          const { system, user } = process.cpuUsage()
          const { lagMs, maxLagMs } = yield* events.stats
          return present({
            at,
            memory: ProcessMemory.read(),
            descriptors: descriptors(),
            disk: yield* diskOf(facts.dataDir),
            cpuMs: Math.round((system + user) / 1_000),
            lagMs: Math.round(lagMs),
            maxLagMs: Math.round(maxLagMs)
          })
        }),
      refusals: () =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          const { refused, refusedByReason, turnedAway } = yield* events.stats
          const byNetgroup = refusals.report
          // Of groups no longer kept, and from before this listened: the node's count is the only one.
          const others = byNetgroup.reduce((rest, group) => rest - group.refused, refused)
          return { at, refused, byReason: refusedByReason, byNetgroup, others, turnedAway }
        }),
      clock: () =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          const known = Option.match(yield* sync, { onNone: () => [], onSome: ({ peers }) => peers })
          const peers = known.flatMap(({ clockBehindS, ip }) =>
            clockBehindS === undefined ? [] : [{ ip, behindS: clockBehindS }]
          )
          return { at, behindS: Math.max(0, ...peers.map(({ behindS }) => behindS)), peers, of: known.length }
        }),
      book: ({ query: { count = Limits.bookPageUsual, skip = 0 } }) =>
        Effect.gen(function*() {
          const at = yield* Clock.currentTimeMillis
          const { book } = yield* state.sizes
          // Read one row more than the page shows, to see whether there is a next page.
          const rows = yield* state.book(skip, count + 1)
          return present({
            at,
            tried: book.tried,
            new: book.new,
            addresses: rows.slice(0, count).map((
              { known: { dialledAt, failures, goodAt, ip, port, seenAt, wire }, table }
            ) => ({
              ip,
              port,
              table,
              wire,
              seenAt,
              dialledAt: wallMs(dialledAt),
              goodAt: wallMs(goodAt),
              failures
            })),
            next: rows.length > count && count > 0 ? skip + count : undefined
          })
        })
    })
  })
)
