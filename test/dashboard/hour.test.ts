/**
 * An hour of a dashboard in a minute: the page's timers run two hundred times as fast, and each answer is two seconds later than the one before. Part
 * of `npm run dashboard-check`; `-- --minutes 60` keeps a page open for a real hour.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import * as sample from "../web/sample.ts"
import * as Browser from "./Browser.ts"
import { crowd } from "./crowd.ts"
import * as Open from "./Open.ts"
import * as Stage from "./Stage.ts"

/** Answers of an hour at one every two seconds, and how many are between two looks at what the page holds. */
const answers = 1_800
const between = 100

/** Ten events each time that the page asks for them: what it lists is renewed a hundred times over. */
const events = (asked: number): string =>
  Array.from(
    { length: 10 },
    (_, i) =>
      `id: a-${asked * 10 + i}\nevent: message\ndata: ${
        JSON.stringify({ at: sample.at + asked * 2_000, event: "Up", level: "Info", text: `event ${asked * 10 + i}` })
      }\n\n`
  ).join("")

describe("the dashboard over an hour", () => {
  it.live(
    "holds no more at its end than after its first quarter",
    (context) =>
      Effect.scoped(Effect.gen(function*() {
        if (Browser.missing !== undefined) return context.skip(Browser.missing)
        if (!Browser.isCheck) return context.skip("a minute of processor time: npm run dashboard-check")
        const hub = yield* Stage.start(140, [])
        const { url } = yield* Stage.serve(hub, 0)
        const { page, problems } = yield* Browser.open(yield* Browser.launch)
        // Of 60 peers a tenth is away at any time, each at another.
        const answerOf = crowd(60)
        let asked = 0
        yield* Effect.promise(async () => {
          await page.addInitScript("{ const later = setTimeout; setTimeout = (f, ms) => later(f, ms / 200) }")
          await page.route("**/peers", (route) => {
            asked += 1
            return route.fulfill({
              json: answerOf((peers, answer) => peers.filter((_, i) => (i + answer) % 10 !== 0))
            })
          })
          await page.route(/\/events\?/, (route) =>
            route.fulfill({ contentType: "text/event-stream", body: events(asked) }))
          await page.goto(url)
        })
        const session = yield* Open.metered(page)
        const samples: Array<Open.Sample> = []
        for (let minutes = between / 30; samples.length < answers / between; minutes += between / 30) {
          yield* Browser.counted(() =>
            asked, (samples.length + 1) * between)
          samples.push(yield* Open.sample(session, minutes))
        }
        const last = samples.at(-1)
        yield* Effect.logInfo(
          `${asked} answers: ${last?.heap} KiB, ${last?.nodes} DOM nodes, ${last?.listeners} listeners`
        )
        assert.deepStrictEqual(Open.growth(samples), [])
        assert.deepStrictEqual(problems.filter((problem) => !problem.includes("404")), [])
      })).pipe(Effect.provide(TcpSocket.layer)),
    1_800_000
  )
})
