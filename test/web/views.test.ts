/** What the dashboard shows, as plain data: no browser. */
import { assert, describe, it } from "@effect/vitest"
import { findAll, textOf } from "../../web/dom/h.js"
import * as bounds from "../../web/model/bounds.js"
import * as State from "../../web/model/State.js"
import type { State as PageState, VNode } from "../../web/types.ts"
import * as chain from "../../web/view/chain.js"
import * as mesh from "../../web/view/mesh.js"
import * as own from "../../web/view/own.js"
import * as pageView from "../../web/view/page.js"
import * as peersView from "../../web/view/peers.js"
import * as story from "../../web/view/story.js"
import * as verdict from "../../web/view/verdict.js"
import { about, at, connection, page, peer, status } from "./sample.ts"

const hostile = "<img src=x onerror=alert(1)>\"'&<script>"

const rows = [
  peer("10.0.0.10", {
    connection: connection({ direction: "inbound", lastByteMs: 50 }),
    tip: { height: 9, hash: "ab" }
  }),
  peer("10.0.0.9", { connection: connection({ lastByteMs: 4_000, upMs: 1_000 }), software: hostile }),
  peer("10.0.0.7", {
    situation: "refused",
    cause: `the host refuses connections ${hostile}`,
    fix: "start the node there",
    nextAttemptAt: at + 5_000,
    failures: 3
  }),
  peer("10.0.0.8", { situation: "alias", aliasOf: "10.0.0.9" })
]

const column = (view: VNode, index: number) =>
  findAll(view, ({ tag }) => tag === "tbody").flatMap((body) =>
    body.children.map((row) => typeof row === "string" ? row : textOf(row.children[index] ?? ""))
  )

describe("the dashboard's views", () => {
  it("every text of a peer is text, and every attribute a plain value: nothing can become markup", () => {
    const chainOf = { ip: "10.0.0.9", height: 3, blocks: 1, use: hostile }
    const state = page(
      rows,
      {
        show: "all",
        selected: "10.0.0.7",
        why: {
          ip: "10.0.0.7",
          state: "waiting",
          text: hostile,
          cause: hostile,
          fix: hostile,
          past: [{
            at,
            what: "down",
            connection: 1,
            direction: "inbound",
            reason: { kind: hostile, by: "remote", detail: hostile }
          }],
          offences: [{ kind: hostile, detail: hostile, times: 2, agoMs: 5 }]
        },
        story: [hostile],
        about: about(hostile),
        events: [{ at, event: hostile, level: "Warn", text: hostile }]
      },
      status({
        state: hostile,
        verdict: {
          ok: false,
          ready: false,
          text: hostile,
          problems: [{ what: hostile }, { what: hostile, fix: hostile }]
        },
        chain: {
          height: 1,
          hash: "00",
          headers: 3,
          synced: false,
          line: hostile,
          reorgs: 0,
          waiting: { blocks: 0, bytes: 0 },
          peers: [chainOf]
        }
      })
    )
    const tree = pageView.view(state)
    const words = tree.map(textOf).join(" ")
    assert.isAbove(words.split(hostile).length, 12)
    const tags = new Set(tree.flatMap((node) => findAll(node, () => true)).map(({ tag }) => tag))
    for (const tag of ["script", "img", "a", "iframe", "style"]) assert.isFalse(tags.has(tag), tag)
    for (const node of tree.flatMap((node) => findAll(node, () => true))) {
      for (const name of Object.keys(node.attrs)) assert.notMatch(name, /^on|^style$|^href$|^src$|html/i)
    }
  })

  it("shows who is connected, sorted by any column in both ways", () => {
    const view = (change: object) => peersView.view(page(rows, change))
    assert.deepStrictEqual(column(view({}), 0), ["10.0.0.9", "10.0.0.10"])
    assert.deepStrictEqual(column(view({}), 2), ["us (out)", "it (in)"])
    // Heights are what sync knows of a peer; its Hello is as old as the connection.
    const grown = rows.map((row) => row.ip === "10.0.0.10" ? { ...row, sync: { height: 40, blocks: 0, use: "" } } : row)
    assert.deepStrictEqual(column(view({}), 5), ["–", "9"])
    assert.deepStrictEqual(column(peersView.view(page(grown)), 5), ["–", "40"])
    const byAge = { sort: { column: "lastByte", descending: false } }
    assert.deepStrictEqual(column(view(byAge), 0), ["10.0.0.10", "10.0.0.9"])
    assert.deepStrictEqual(column(view({ sort: { column: "lastByte", descending: true } }), 0), [
      "10.0.0.9",
      "10.0.0.10"
    ])
    const [heading] = findAll(view(byAge), ({ attrs }) => attrs["aria-sort"] === "ascending")
    assert.strictEqual(heading === undefined ? "" : textOf(heading), "Last byte")
    assert.deepStrictEqual(State.sorted(State.sorted(State.initial, "rtt"), "rtt").sort, {
      column: "rtt",
      descending: true
    })
  })

  it("lists who is not connected with cause and fix, and filters by any word", () => {
    const missing = peersView.view(page(rows, { show: "missing" }))
    assert.deepStrictEqual(column(missing, 0), ["10.0.0.7", "10.0.0.8"])
    assert.include(column(missing, 2)[0], "the host refuses connections")
    assert.deepStrictEqual(column(missing, 3)[0], "start the node there")
    assert.strictEqual(column(missing, 4)[0], "in 5.0 s")
    const found = (filter: string) => peersView.rowsOf(page(rows, { show: "all", filter })).map(({ ip }) => ip)
    assert.deepStrictEqual(found("REFUSED host"), ["10.0.0.7"])
    assert.deepStrictEqual(found("inbound"), ["10.0.0.10"])
    assert.deepStrictEqual(found("nothing like it"), [])
  })

  it("a table of thousands shows a page of them, and its place among all to a screen reader too", () => {
    const many = Array.from(
      { length: 3_000 },
      (_, i) => peer(`10.1.${Math.floor(i / 250)}.${i % 250}`, { situation: "no-answer" })
    )
    const at = (peers: number) => peersView.view(page(many, { show: "missing", pages: { peers } }))
    const [first, last] = [at(0), at(29)]
    assert.deepStrictEqual([column(first, 0).length, column(first, 0)[0]], [bounds.rows, "10.1.0.0"])
    assert.include(textOf(first), "1 to 100 of 3,000")
    assert.deepStrictEqual([column(last, 0).length, column(last, 0).at(-1)], [bounds.rows, "10.1.11.249"])
    assert.include(textOf(last), "2,901 to 3,000 of 3,000")
    // Rows went while the last page was shown.
    assert.deepStrictEqual(column(at(1_000), 0), column(last, 0))

    const [table] = findAll(last, ({ tag }) => tag === "table")
    assert.strictEqual(table?.attrs["aria-rowcount"], 3_001)
    assert.deepStrictEqual(
      findAll(last, ({ attrs }) => attrs["aria-rowindex"] !== undefined).map(({ attrs }) => attrs["aria-rowindex"]),
      Array.from({ length: bounds.rows }, (_, i) => 2_902 + i)
    )
    const buttons = (view: VNode) =>
      findAll(view, ({ attrs }) => attrs["data-do"] === "page").map(({ attrs }) => [
        attrs["data-arg"],
        attrs["aria-disabled"]
      ])
    assert.deepStrictEqual(buttons(first), [["peers:-1", "true"], ["peers:1", "false"]])
    assert.deepStrictEqual(buttons(last), [["peers:28", "false"], ["peers:30", "true"]])
    assert.deepStrictEqual(buttons(peersView.view(page(many.slice(0, bounds.rows), { show: "missing" }))), [])
    // What is sorted or found anew is read from its beginning.
    const turned = State.turned(State.initial, "peers", 7)
    for (const next of [State.sorted(turned, "ip"), State.filtered(turned, "a"), State.shown(turned, "all")]) {
      assert.strictEqual(next.pages["peers"], 0)
    }
  })

  it("of a thousand peers a browser builds no more than of a few hundred", () => {
    const many = Array.from(
      { length: 1_000 },
      (_, i) => peer(`10.1.${Math.floor(i / 250)}.${i % 250}`, { connection: connection() })
    )
    const elements = pageView.view(page(many)).flatMap((node) => findAll(node, () => true)).length
    assert.isAtMost(elements, 2_700)
    const dots = findAll(mesh.view(page(many)), ({ attrs }) => attrs["class"] === "dot")
    assert.deepStrictEqual([dots.length, dots.filter(({ children }) => children.length > 0).length], [1_000, 0])
    assert.include(textOf(mesh.view(page(many))), "on the inner ring those that this node dialled")
  })

  it("a card is made again when something that it shows has changed, and only then", () => {
    const syncing = {
      height: 1,
      hash: "00",
      headers: 3,
      synced: false,
      line: "",
      reorgs: 0,
      waiting: { blocks: 0, bytes: 0 },
      peers: []
    }
    const none = { free: 0, bronze: 0, silver: 0, gold: 0 }
    const counts = { known: none, live: none, expired: none }
    const masternodes = { at, conflicts: [], counts, masternodes: [] }
    const whole = page(rows, { selected: "10.0.0.7", masternodes }, status({ chain: syncing }))
    const read = (look: (state: PageState) => unknown) => {
      const names = new Set<string>()
      look(
        new Proxy(whole, {
          get: (state, name) => {
            names.add(String(name))
            return Reflect.get(state, name)
          }
        })
      )
      return [...names].toSorted()
    }
    for (const { shows, view } of pageView.cards) assert.deepStrictEqual(read(shows), read(view))
    const state = page(rows)
    const [header, main] = [pageView.view(state), pageView.view({ ...state, filter: "10" })]
    const cardsOf = (tree: ReadonlyArray<VNode>) =>
      tree.flatMap((node) =>
        findAll(node, ({ attrs }) => String(attrs["class"]).startsWith("card ") || attrs["class"] === "card")
      )
    const [before, after] = [cardsOf(header), cardsOf(main)]
    assert.deepStrictEqual(
      after.filter((card, i) => card !== before[i]).map(({ attrs }) => attrs["key"]),
      ["peers"]
    )
  })

  it("draws who dialled whom, and says it in words", () => {
    const view = mesh.view(page(rows))
    const [picture] = findAll(view, ({ attrs }) => attrs["role"] === "img")
    assert.strictEqual(
      picture?.attrs["aria-label"],
      "This node in the middle, 2 peers around it: 1 dialled by this node, 1 that dialled it; 2 addresses not connected"
    )
    const edges = findAll(view, ({ attrs }) => attrs["class"] === "edge")
    assert.deepStrictEqual(edges.map(({ attrs }) => attrs["key"]), ["10.0.0.9", "10.0.0.10"])
    const [out, inward] = edges
    // The middle is (320, 190): an arrow starts near it if this node dialled, and ends near it if the peer did.
    const near = (x: unknown, y: unknown) => Math.hypot(Number(x) - 320, Number(y) - 190) < 20
    assert.isTrue(near(out?.attrs["x1"], out?.attrs["y1"]))
    assert.isTrue(near(inward?.attrs["x2"], inward?.attrs["y2"]))
    assert.strictEqual(findAll(view, ({ attrs }) => attrs["class"] === "alias").length, 1)
  })

  it("the verdict is the node's own, or says since when there is no answer", () => {
    const state = page(rows)
    assert.deepStrictEqual(verdict.sentence(state), { level: "good", text: "OK: 1 peer (0 in, 1 out)", more: [] })
    const lost = verdict.sentence(State.lost(state, "it may be stopped or restarting"))
    assert.deepStrictEqual([lost.level, lost.text], ["bad", "No answer from the node since 12:00:00 UTC"])
    const two = {
      ok: false,
      ready: false,
      text: "PROBLEM: a; b",
      problems: [{ what: "a", fix: "b" }, { what: "c", fix: "d" }]
    }
    assert.deepStrictEqual(verdict.sentence(page(rows, {}, status({ verdict: two }))), {
      level: "bad",
      text: "PROBLEM: a; b",
      more: ["c; d"]
    })
  })

  it("asks for a token in a field that no browser keeps, and shows nothing else then", () => {
    const tree = pageView.view(State.tokenWanted(State.initial, "wrong token"))
    const [field] = tree.flatMap((node) => findAll(node, ({ tag }) => tag === "input"))
    assert.deepStrictEqual([field?.attrs["type"], field?.attrs["autocomplete"]], ["password", "off"])
    assert.include(tree.map(textOf).join(" "), "wrong token")
    assert.strictEqual(tree.flatMap((node) => findAll(node, ({ tag }) => tag === "table")).length, 0)
  })

  it("sync says how much is missing, how fast and how long", () => {
    const of = {
      height: 1_000,
      hash: "00",
      headers: 3_000,
      synced: false,
      line: "",
      reorgs: 0,
      waiting: { blocks: 0, bytes: 0 },
      peers: [{ ip: "10.0.0.9", height: 5_000, blocks: 900, use: "sends blocks" }]
    }
    const slow = { ...page([]), growth: [{ at: 0, blocks: 0 }, { at: 10_000, blocks: 1_000 }] }
    assert.strictEqual(chain.progress(slow, of), "4,000 of 5,000 blocks missing, 100 blocks per second, 40 s left")
    assert.strictEqual(chain.progress(slow, { ...of, synced: true }), "In sync at height 1,000")
  })

  it("shows what the node knows beyond its peers, what an operator has set first, and nothing for what it does not answer", () => {
    const keys = (state: PageState) =>
      pageView.view(state).flatMap((node) => findAll(node, ({ tag }) => tag === "section")).map(({ attrs }) =>
        attrs["key"]
      )
    const beyond = ["own", "resources", "refusals", "book", "settings"]
    const before = keys(page(rows))
    assert.deepStrictEqual(beyond.filter((key) => before.includes(key)), [])
    const state = page(rows, { about: about("x") })
    assert.deepStrictEqual(keys(state).filter((key) => beyond.includes(String(key))), beyond)
    const textOfCard = (key: string) =>
      pageView.view(state).flatMap((node) =>
        findAll(node, ({ attrs, tag }) => tag === "section" && attrs["key"] === key)
      )
        .map(textOf).join()
    assert.include(textOfCard("own"), "10.0.0.100, by 2 of 3 netgroups; also 10.9.9.9")
    assert.include(textOfCard("own"), "unreachable  x; x")
    assert.include(textOfCard("resources"), "55 of at most 1,024")
    assert.include(textOfCard("resources"), "5.0 GB free of 100 GB at x")
    assert.include(textOfCard("refusals"), "12 refused since the start: 9 full, 3 x")
    assert.include(textOfCard("refusals"), "2 sockets of banned addresses")
    assert.match(textOfCard("refusals"), /203\.0\.113\.0\/24 operator x 60 min/)
    assert.match(textOfCard("settings"), /max-peers 50 TIMEMESH_MAX_PEERS network devnet default/)
    assert.strictEqual(
      own.clockText({ at, behindS: 0, of: 1, peers: [] }),
      "no block of 1 peer is ahead of this node's clock"
    )
    assert.include(
      own.clockText({ at, behindS: 70, of: 3, peers: [{ ip: "10.0.0.9", behindS: 70 }] }),
      "those of 1 of 3 peers are ahead, by up to 70 s; set this host's clock by NTP"
    )
  })

  it("the book's pages are the node's: what it sent is one of so many", () => {
    const at = (book: number) => {
      const tree = pageView.view(page(rows, { about: about("x", 250), pages: { book } }))
      return tree.map(textOf).join(" ")
    }
    assert.include(at(0), "1 to 100 of 250")
    assert.include(at(2), "201 to 300 of 250")
  })

  it("a past entry says what, how long and by whom", () => {
    assert.strictEqual(
      story.pastText({
        at,
        what: "down",
        connection: 3,
        direction: "inbound",
        upMs: 61_000,
        reason: { kind: "silent", by: "local" }
      }),
      "down, inbound after 61 s: silent, by this node"
    )
  })
})
