/**
 * The dashboard in a real Chromium, over a real node on loopback: it shows what the API says while peers come, sync, go and get banned.
 *
 * `npm run dashboard-check` runs it with `DASHBOARD_CHECK=1`: then first paint has its bound, and README's picture is made anew.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"
import * as Subnet from "../../src/domain/peer/Subnet.ts"
import { Status } from "../../src/layers/http/AdminApi.ts"
import { Book, Own } from "../../src/layers/http/InsightApi.ts"
import { Peers } from "../../src/layers/http/PeerApi.ts"
import * as TcpSocket from "../../src/layers/socket/TcpSocket.ts"
import { make } from "../harness/syntheticChain.ts"
import * as sample from "../web/sample.ts"
import * as Browser from "./Browser.ts"
import { crowd } from "./crowd.ts"
import * as Stage from "./Stage.ts"

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
/** The picture of README. */
const image = fileURLToPath(new URL("../../docs/images/dashboard.png", import.meta.url))
/** ms. A guard against what never ends: a browser on a machine with other work takes many times as long. */
const timeout = 600_000
const hostile = "<img src=x onerror=\"window.hacked=1\">"

const answer = <A>(url: string, path: string, schema: Schema.Decoder<A>) =>
  Effect.promise(() => fetch(`${url}${path}`).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(schema)),
    Effect.orDie
  )

/** Cells of a column of the peer table, by row. */
const cells = (page: Page, columnIndex: number) =>
  Effect.promise(() =>
    page.$$eval(
      "#peers tbody tr",
      (rows, index) => rows.map((row) => row.children[index]?.textContent ?? ""),
      columnIndex
    )
  )

const text = (page: Page, selector: string) => Effect.promise(() => page.textContent(selector))

/** Violations that axe-core finds, one line each. */
const violations = (page: Page) =>
  Effect.promise(async () => {
    // The page's policy lets in no script of ours: Chromium's own door does.
    await page.evaluate(axe)
    const { violations } = await page.evaluate("axe.run(document)") as {
      readonly violations: ReadonlyArray<
        {
          readonly id: string
          readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary: string }>
        }
      >
    }
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ failureSummary, html }) => `${id}: ${html} ${failureSummary}`)
    )
  })

/** Waits for exactly these peers in the table. */
const rowsAre = (page: Page, ips: ReadonlyArray<string>) =>
  Browser.until(
    page,
    `[...document.querySelectorAll("#peers tbody th")].map((cell) => cell.textContent).toSorted().join() === ${
      JSON.stringify(ips.toSorted().join())
    }`
  )

const shows = (page: Page, selector: string, words: string) =>
  Browser.until(
    page,
    `document.querySelector(${JSON.stringify(selector)})?.textContent.includes(${JSON.stringify(words)}) === true`
  )

describe("the dashboard in Chromium", () => {
  it.live(
    "with a thousand peers builds one page of rows, and draws again only what has changed",
    (context) =>
      Effect.scoped(Effect.gen(function*() {
        if (Browser.missing !== undefined) return context.skip(Browser.missing)
        const hub = yield* Stage.start(130, [])
        const { url } = yield* Stage.serve(hub, 0)
        const { page, problems } = yield* Browser.open(yield* Browser.launch)
        const answerOf = crowd(1_000)
        let asked = 0
        // From then on the fifth peer has another state; nothing else changes.
        let isQuiet = false
        yield* Effect.promise(() =>
          page.route("**/peers", (route) => {
            asked += 1
            return route.fulfill({
              json: answerOf((peers) =>
                isQuiet ? peers.map((peer, i) => i === 4 ? { ...peer, situation: "quiet" } : peer) : peers
              )
            })
          })
        )
        // Events that come while an answer is awaited do not end the asking.
        yield* Effect.promise(() =>
          page.route(/\/events\?/, (route) =>
            route.fulfill({
              contentType: "text/event-stream",
              body:
                `id: a-${asked}\nevent: message\ndata: {"at":${sample.at},"event":"Up","level":"Info","text":"up"}\n\n`
            }))
        )
        yield* Effect.promise(() => page.goto(url))
        yield* Browser.until(page, "document.querySelector('#events, [aria-label=Events]') !== null")
        const elements = yield* Effect.promise(() =>
          page.evaluate("document.getElementsByTagName('*').length") as Promise<number>
        )
        assert.isAtMost(elements, 3_000)
        assert.strictEqual((yield* cells(page, 0)).length, 100)

        // By keyboard to the next page, and to the last by Enter on a button that keeps the focus.
        yield* Effect.promise(() => page.focus("nav button[data-arg='peers:1']"))
        yield* Effect.promise(() => page.keyboard.press("Enter"))
        yield* shows(page, "nav", "101 to 200 of 1,000")
        yield* Effect.promise(() => page.keyboard.press("Enter"))
        yield* shows(page, "nav", "201 to 300 of 1,000")
        if (Browser.isCheck) assert.deepStrictEqual(yield* violations(page), [])
        yield* Effect.promise(() => page.fill("[aria-label='Filter peers']", "10.3.231.7"))
        yield* rowsAre(page, ["10.3.231.7"])
        yield* Effect.promise(() => page.fill("[aria-label='Filter peers']", ""))
        yield* shows(page, "nav", "1 to 100 of 1,000")

        // What is not drawn again is not touched: of the picture and the table, only what shows the fifth peer.
        yield* Effect.promise(() =>
          page.evaluate(`window.touched = new Set()
            new MutationObserver((records) => {
              for (const { target } of records) touched.add((target.nodeType === 1 ? target : target.parentElement).closest("tr, #mesh circle, section"))
            }).observe(document.querySelector(".cards"), { attributes: true, childList: true, characterData: true, subtree: true })
            undefined`)
        )
        isQuiet = true
        yield* Browser.until(
          page,
          "document.querySelector('#peers tbody tr:nth-child(5)').textContent.includes('quiet')"
        )
        const before = asked
        yield* Browser.reached(() => asked > before + 1)
        const touched = yield* Effect.promise(() =>
          page.evaluate(
            "[...touched].filter((e) => e.matches('tr, circle')).map((e) => e.getAttribute('data-arg') ?? e.querySelector('th')?.textContent)"
          ) as Promise<ReadonlyArray<string>>
        )
        assert.deepStrictEqual([...new Set(touched)].toSorted(), ["10.0.4.7"])
        assert.deepStrictEqual(problems.filter((problem) => !problem.includes("404")), [])
      })).pipe(Effect.provide(TcpSocket.layer)),
    timeout
  )

  it.live(
    "shows what the API says while peers come, sync, go and get banned",
    (context) =>
      Effect.scoped(Effect.gen(function*() {
        if (Browser.missing !== undefined) return context.skip(Browser.missing)
        const blocks = yield* make(400)
        const hub = yield* Stage.start(100, [])
        const { port, stop, url } = yield* Stage.serve(hub, 0)
        const browser = yield* Browser.launch
        const { page, problems } = yield* Browser.open(browser)
        yield* Effect.promise(() => page.goto(url))
        yield* shows(page, "#verdict", "no peers known")

        // Peers come, one with a chain and one with a name that is markup.
        const source = yield* Stage.start(1, blocks)
        const rude = yield* Stage.start(2, [], { software: hostile })
        const higher = yield* Stage.start(200, [])
        for (const peer of [source, rude, higher]) {
          yield* Effect.orDie(hub.manager.connect(peer.address))
          yield* Effect.orDie(peer.manager.connect(hub.address))
        }
        yield* rowsAre(page, [source.ip, rude.ip, higher.ip])
        yield* shows(page, "#verdict", "OK: 3 peers (2 in, 1 out), height 400 = best peer")
        const said = yield* answer(url, "peers", Peers)
        const by = new Map(said.peers.map((peer) => [peer.ip, peer]))
        const shownIps = yield* cells(page, 0)
        assert.deepStrictEqual(shownIps, [source.ip, rude.ip, higher.ip])
        assert.deepStrictEqual(
          yield* cells(page, 2),
          shownIps.map((ip) => by.get(ip)?.connection?.direction === "outbound" ? "us (out)" : "it (in)")
        )
        assert.deepStrictEqual(yield* cells(page, 3), shownIps.map((ip) => by.get(ip)?.connection?.wire))
        const { chain } = yield* answer(url, "status", Status)
        assert.include(yield* text(page, "#tip"), `400 ${chain?.hash.slice(0, 16)}`)
        assert.include(yield* text(page, "#mesh ~ p"), "Arrows point away")

        // What a peer calls itself is text.
        assert.include((yield* cells(page, 9)).join(), hostile)
        assert.deepStrictEqual(
          yield* Effect.promise(() => page.evaluate("[document.images.length, window.hacked]")),
          [0, undefined]
        )

        // By keyboard: sort, open a peer's story, close it.
        yield* Effect.promise(() => page.focus("#peers thead button[data-arg=peer]"))
        yield* Effect.promise(() => page.keyboard.press("Enter"))
        yield* Browser.until(page, "document.querySelector('[aria-sort=descending]') !== null")
        assert.deepStrictEqual(yield* cells(page, 0), [higher.ip, rude.ip, source.ip])
        yield* Effect.promise(() => page.focus(`#peers tbody tr:last-child button`))
        yield* Effect.promise(() => page.keyboard.press("Enter"))
        yield* shows(page, "#trace", `${source.ip} on devnet`)
        yield* shows(page, "#story", "the connection is up")
        assert.deepStrictEqual(yield* violations(page), [])
        yield* Effect.promise(() => page.keyboard.press("Escape"))
        yield* Browser.until(page, "document.querySelector('#story') === null")

        // Beyond its peers: address, resources, book and settings, as the API has them.
        const own = yield* answer(url, "own", Own)
        yield* shows(page, "#own-line", own.line)
        yield* shows(page, "#resources", "Open files")
        const book = yield* answer(url, "book", Book)
        yield* Browser.until(
          page,
          `document.querySelectorAll("#book tbody tr").length === ${book.addresses.length} && ${book.addresses.length} >= 3`
        )
        yield* shows(page, "#refused", "Nothing was refused since the start.")
        yield* shows(page, "#settings", "None: the node was not started by timemesh run.")

        // One goes, one gets banned.
        yield* higher.stop
        yield* rowsAre(page, [source.ip, rude.ip])
        yield* hub.manager.ban(Subnet.ofOne(rude.ip), { reason: hostile })
        yield* rowsAre(page, [source.ip])
        yield* shows(page, "#downs-legend", "banned")
        yield* shows(page, "#downs-legend", "shutdown")
        yield* shows(page, "#bans", rude.ip)
        yield* shows(page, "#bans", hostile)
        yield* Effect.promise(() => page.click("button[data-arg=missing]"))
        yield* shows(page, "#peers", "banned-here")
        const now = new Map((yield* answer(url, "peers", Peers)).peers.map((peer) => [peer.ip, peer]))
        const missing = yield* cells(page, 0)
        assert.deepStrictEqual(missing.toSorted(), [higher.ip, rude.ip].toSorted())
        assert.deepStrictEqual(yield* cells(page, 1), missing.map((ip) => now.get(ip)?.situation))
        assert.deepStrictEqual(yield* cells(page, 3), missing.map((ip) => now.get(ip)?.fix ?? "nothing"))
        assert.deepStrictEqual(yield* violations(page), [])

        // The node stops, and another takes its place at the same address.
        yield* Effect.promise(() => page.click("button[data-arg=connected]"))
        yield* rude.stop
        yield* stop
        yield* hub.stop
        yield* shows(page, "#verdict", "No answer from the node since")
        const next = yield* Stage.start(100, blocks)
        yield* Effect.orDie(next.manager.connect(source.address))
        yield* Stage.serve(next, port)
        yield* shows(page, "#verdict", "OK: 1 peer (")
        yield* rowsAre(page, [source.ip])
        assert.deepStrictEqual(
          problems.filter((problem) => !/ERR_CONNECTION_REFUSED|Failed to load resource/.test(problem)),
          []
        )
      })).pipe(Effect.provide(TcpSocket.layer)),
    timeout
  )

  it.live(
    "fits a phone and a dark room without a violation, and paints at once",
    (context) =>
      Effect.scoped(Effect.gen(function*() {
        if (Browser.missing !== undefined) return context.skip(Browser.missing)
        const hub = yield* Stage.start(110, yield* make(40))
        const { url } = yield* Stage.serve(hub, 0)
        const peers = yield* Effect.forEach(
          Browser.isCheck ? [11, 12, 13, 14, 210, 211, 212] : [11, 210],
          (n) => Stage.start(n, [])
        )
        for (const peer of peers) {
          yield* Effect.orDie(hub.manager.connect(peer.address))
          yield* Effect.orDie(peer.manager.connect(hub.address))
        }
        const browser = yield* Browser.launch
        // The narrowest that is common.
        const phone = { width: 360, height: 740 }
        const looks = [
          ...(Browser.isCheck ? [{ isPicture: true, look: {} }, { look: { ...phone, dark: true } }] : []),
          { look: { dark: true } },
          { look: phone }
        ]
        for (const { isPicture = false, look } of looks) {
          const { page, problems } = yield* Browser.open(browser, look)
          yield* Effect.promise(() => page.goto(url))
          yield* rowsAre(page, peers.map(({ ip }) => ip))
          assert.deepStrictEqual(yield* violations(page), [], JSON.stringify(look))
          // Nothing is wider than the screen.
          const [wide, screen] = yield* Effect.promise(() =>
            page.evaluate("[document.documentElement.scrollWidth, innerWidth]") as Promise<[number, number]>
          )
          assert.isAtMost(wide, screen, JSON.stringify(look))
          if (isPicture) {
            yield* Effect.promise(async () => {
              await page.setViewportSize({ width: 1_280, height: 1_000 })
              await page.screenshot({ path: image })
            })
            // The best of a few: the browser's own start, and other work of the machine, are not the page's.
            const paints = yield* Effect.forEach([1, 2, 3], () =>
              Effect.promise(async () => {
                await page.reload()
                return page.evaluate(
                  "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity"
                ) as Promise<number>
              }))
            const paint = Math.min(...paints)
            yield* Effect.logInfo(`first paint after ${Math.round(paint)} ms`)
            assert.isAtMost(paint, 1_000)
          }
          assert.deepStrictEqual(problems.filter((problem) => !problem.includes("404")), [])
        }
      })).pipe(Effect.provide(TcpSocket.layer)),
    timeout
  )
})
