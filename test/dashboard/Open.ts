/**
 * A dashboard that stays open: a node on loopback whose peers come and go, whose chain grows, and one page that shows it all the while. Once a
 * minute the page's garbage is collected and what is left is counted.
 *
 * **Verdict.** Lists of the page fill up first, so the most of the last quarter is held against the most of the second: it may be a fifth more
 * (`growthMost`). A page that lost the node, or wrote an error on its console, is not OK either.
 */
import { Console, Effect, Schedule, Stream } from "effect"
import type { CDPSession, Page } from "playwright-core"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import { make } from "../harness/syntheticChain.ts"
import * as Browser from "./Browser.ts"
import * as Stage from "./Stage.ts"

/** What the page holds after a collection. */
export interface Sample {
  /** min since the page was open. */
  readonly at: number
  /** KiB of JavaScript objects. */
  readonly heap: number
  /** DOM nodes, those no longer in the document included. */
  readonly nodes: number
  readonly listeners: number
}

/** × what the second quarter of the time had at most. */
const growthMost = 1.2
const sampleMs = 60_000
/** ms. A visit of the peer that comes and goes, and as long without it. */
const visitMs = 10_000

const figures = ["heap", "nodes", "listeners"] as const

/** What grew; empty: nothing did. At least eight samples, else it says so. */
export const growth = (samples: ReadonlyArray<Sample>): ReadonlyArray<string> => {
  if (samples.length < 8) return [`${samples.length} samples say nothing: 8 at least`]
  const quarter = Math.floor(samples.length / 4)
  const most = (part: ReadonlyArray<Sample>, of: typeof figures[number]) => Math.max(...part.map((each) => each[of]))
  return figures.flatMap((of) => {
    const before = most(samples.slice(quarter, 2 * quarter), of)
    const after = most(samples.slice(-quarter), of)
    return after > growthMost * before ? [`${of} grew from ${before} to ${after}`] : []
  })
}

/** What the page holds now, after a collection. */
export const sample = (session: CDPSession, at: number) =>
  Effect.promise(async (): Promise<Sample> => {
    await session.send("HeapProfiler.collectGarbage")
    const { metrics } = await session.send("Performance.getMetrics")
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
    return {
      at,
      heap: Math.round(of("JSHeapUsedSize") / 1_024),
      nodes: of("Nodes"),
      listeners: of("JSEventListeners")
    }
  })

/** A door to the page's counters. */
export const metered = (page: Page) =>
  Effect.promise(async () => {
    const session = await page.context().newCDPSession(page)
    await session.send("Performance.enable")
    return session
  })

/** One peer comes, is seen, and goes. */
const visit = (hub: Effect.Success<ReturnType<typeof Stage.start>>) =>
  Effect.scoped(Effect.gen(function*() {
    const peer = yield* Stage.start(3, [])
    yield* Effect.orDie(peer.manager.connect(hub.address))
    yield* Effect.sleep(visitMs)
    yield* peer.stop
  }))

/** Opens it for so many minutes and prints what it holds. True: nothing grew. */
export const run = (minutes: number): Effect.Effect<boolean> =>
  Effect.scoped(Effect.gen(function*() {
    const hub = yield* Stage.start(120, yield* make(400))
    const { url } = yield* Stage.serve(hub, 0)
    for (const n of [21, 22, 220]) {
      const peer = yield* Stage.start(n, [])
      yield* Effect.orDie(hub.manager.connect(peer.address))
      yield* Effect.orDie(peer.manager.connect(hub.address))
    }
    const { page, problems } = yield* Browser.open(yield* Browser.launch)
    yield* Effect.promise(() => page.goto(url))
    const session = yield* metered(page)
    yield* Effect.forkScoped(visit(hub).pipe(Effect.repeat(Schedule.spaced(visitMs))))
    const samples: Array<Sample> = []
    yield* Stream.fromSchedule(Schedule.spaced(sampleMs)).pipe(
      Stream.take(minutes),
      Stream.runForEach((n) =>
        Effect.gen(function*() {
          const now = yield* sample(session, n + 1)
          samples.push(now)
          yield* Console.log(`${now.at} min: ${now.heap} KiB, ${now.nodes} DOM nodes, ${now.listeners} listeners`)
        })
      )
    )
    const verdict = yield* Effect.promise(() => page.textContent("#verdict"))
    const wrong = [
      ...growth(samples),
      ...problems,
      ...(verdict === null || verdict.startsWith("No answer") ? [`the page shows: ${verdict}`] : [])
    ]
    yield* Console.log(
      wrong.length === 0 ? `${verdict}\nOK: open for ${minutes} min, nothing grew` : `NOT OK: ${wrong.join("; ")}`
    )
    return wrong.length === 0
  })).pipe(Effect.provide(TcpSocket.layer), Effect.orDie)
