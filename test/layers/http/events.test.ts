/** The stream of events: what a reader gets, what it misses, and what becomes of one that does not read. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import * as Net from "node:net"
import * as Limits from "../../../src/domain/Limits.ts"
import * as PeerAddress from "../../../src/domain/peer/PeerAddress.ts"
import * as AdminServer from "../../../src/layers/http/AdminServer.ts"
import * as EventFeed from "../../../src/layers/http/EventFeed.ts"
import { EventRing } from "../../../src/layers/http/EventRing.ts"
import * as NodeEventsLive from "../../../src/layers/node/NodeEventsLive.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { services } from "../../harness/adminNode.ts"
import { ip, onMesh, type Running } from "../../harness/mesh.ts"

interface Got {
  readonly id: string | undefined
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The API of a node, for as long as the scope. */
const serve = (node: Running) =>
  Effect.gen(function*() {
    const app = yield* HttpRouter.toHttpEffect(
      AdminServer.routes(0).pipe(Layer.provide(Layer.succeedContext(node.services)))
    )
    return (path: string, headers: Readonly<Record<string, string>> = {}) =>
      Effect.map(
        Effect.provideService(
          app,
          HttpServerRequest.HttpServerRequest,
          HttpServerRequest.fromWeb(
            new Request(`http://127.0.0.1${path}`, { headers: { host: "127.0.0.1", ...headers } })
          )
        ),
        (response) => HttpServerResponse.toWeb(response)
      )
  })

/** Reads a stream of events as they come, until the scope closes. */
const follow = (response: Response) =>
  Effect.gen(function*() {
    const got: Array<Got> = []
    const { body } = response
    assert(body !== null)
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") {
        got.push({ id: event.id, event: event.event, data: JSON.parse(event.data) as Got["data"] })
      }
    })
    const decoder = new TextDecoder()
    const reading = yield* Stream.fromReadableStream({ evaluate: () => body, onError: String }).pipe(
      Stream.runForEach((chunk) => Effect.sync(() => parser.feed(decoder.decode(chunk, { stream: true })))),
      Effect.forkScoped({ startImmediately: true })
    )
    return { got, reading }
  })

/** Lets what is on its way arrive: readable streams of the platform settle outside the clock. */
const settled = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const [L, H] = ["10.0.0.1", "10.0.0.2"] as const

describe("GET /events", () => {
  it.effect("tells where the reader stands, then what happens, and that the node lives", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const ask = yield* serve(yield* start(L))
        const response = yield* ask("/events")
        assert.strictEqual(response.headers.get("content-type"), "text/event-stream")
        const { got } = yield* follow(response)
        yield* start(H, { peers: [L] })
        yield* TestClock.adjust(Limits.eventBeatMs)
        yield* settled
        const [first] = got
        assert.deepStrictEqual([first?.event, first?.data], ["start", { resumed: false, missed: 0 }])
        const up = got.find(({ data }) => data["event"] === "Up")
        assert(up !== undefined)
        assert.strictEqual(up.event, "message")
        assert.strictEqual(up.data["ip"], H)
        assert.strictEqual(up.data["level"], "Info")
        assert.match(String(up.data["text"]), /^PeerConnection established with 10\.0\.0\.2 \(inbound, lower, /)
        assert.strictEqual((up.data["fields"] as { readonly direction: string }).direction, "inbound")
        assert.deepStrictEqual(got.filter(({ data }) => /^P[io]ng/.test(String(data["event"]))), [])
        const beats = got.filter(({ event }) => event === "beat").map(({ data }) => data)
        assert.deepStrictEqual(beats, [{ at: Limits.eventBeatMs }])
      }).pipe(Effect.provide(NodeHttpServer.layerHttpServices))))

  it.effect("a reader that comes again gets what it missed, once; of another process it begins anew", () =>
    onMesh(5, ({ network, start }) =>
      Effect.gen(function*() {
        const node = yield* start(L)
        const ask = yield* serve(node)
        const first = yield* Effect.scoped(Effect.gen(function*() {
          const { got } = yield* follow(yield* ask("/events"))
          yield* start(H, { peers: [L] })
          yield* TestClock.adjust("5 seconds")
          yield* settled
          return got
        }))
        yield* network.reset(ip(L), ip(H))
        yield* TestClock.adjust("5 seconds")
        const lastId = first.at(-1)?.id ?? ""
        const again = yield* follow(yield* ask("/events", { "last-event-id": lastId }))
        yield* settled
        assert.deepStrictEqual(again.got[0], { id: lastId, event: "start", data: { resumed: true, missed: 0 } })
        const tags = again.got.slice(1).map(({ data }) => data["event"])
        assert.include(tags, "Down")
        assert.include(tags, "Up")
        const ids = [...first, ...again.got.slice(1)].map(({ id }) => id)
        assert.strictEqual(new Set(ids).size, ids.length)
        // All of it by number, without an id.
        const all = yield* follow(yield* ask(`/events?last=${Limits.eventsKept}`))
        yield* settled
        assert.deepStrictEqual(all.got.slice(-again.got.length + 1), again.got.slice(1))
        for (const id of ["other.1-5", "x", `${lastId}9999`, "-1"]) {
          const { got } = yield* follow(yield* ask("/events", { "last-event-id": id }))
          yield* settled
          assert.deepStrictEqual(got.map(({ data, event }) => [event, data]), [["start", {
            resumed: false,
            missed: 0
          }]])
        }
        for (const last of ["-1", "1.5", "x", String(Limits.eventsKept + 1)]) {
          assert.strictEqual((yield* ask(`/events?last=${last}`)).status, 400, last)
        }
      }).pipe(Effect.provide(NodeHttpServer.layerHttpServices))))

  it.effect("has as many readers at once as Limits.eventReaders, and room again when one leaves", () =>
    onMesh(5, ({ start }) =>
      Effect.gen(function*() {
        const ask = yield* serve(yield* start(L))
        const leave = yield* Effect.scoped(Effect.gen(function*() {
          for (let i = 0; i < Limits.eventReaders; i++) yield* follow(yield* ask("/events"))
          yield* settled
          const refused = yield* ask("/events")
          assert.strictEqual(refused.status, 503)
          return (yield* Effect.promise(() => refused.json())) as { readonly message: string }
        }))
        assert.match(leave.message, /^16 programs read the events already; /)
        yield* settled
        const { got } = yield* follow(yield* ask("/events"))
        yield* settled
        assert.strictEqual(got.length, 1)
      }).pipe(Effect.provide(NodeHttpServer.layerHttpServices))))
})

describe("slow readers", () => {
  const events = NodeEventsLive.layer()
  const server = AdminServer.layer(PeerAddress.make(ip("127.0.0.1"), 0)).pipe(
    Layer.provideMerge(events),
    Layer.provide(services(() => Effect.void))
  )
  const flood = (emit: NodeEvents["Service"]["emit"], count: number) => {
    for (let i = 0; i < count; i++) emit({ _tag: "Dialling", ip: ip(H), port: 1 + i })
  }

  it.live("one that falls behind loses its connection; the node is unharmed, and it finds what is kept", () =>
    Effect.gen(function*() {
      const { address } = yield* AdminServer.AdminServer
      const { emit } = yield* NodeEvents
      const open = (headers = "") => {
        const socket = Net.connect({ host: address.ip, port: address.port })
        socket.on("error", () => {})
        socket.write(`GET /events HTTP/1.1\r\nHost: ${address.ip}\r\n${headers}\r\n`)
        return socket
      }
      const until = (socket: Net.Socket, pattern: RegExp) =>
        Effect.callback<string>((resume) => {
          let text = ""
          socket.on("data", (chunk) => {
            text += String(chunk)
            if (pattern.test(text)) resume(Effect.succeed(text))
          })
        })
      const slow = open()
      const head = yield* until(slow, /event: start\ndata: .*\n\n/)
      const closed = yield* Effect.forkChild(
        Effect.callback<void>((resume) => void slow.once("close", () => resume(Effect.void))),
        { startImmediately: true }
      )
      // At once: the reader gets no turn.
      flood(emit, Limits.eventReaderLag + 1)
      yield* Fiber.join(closed)
      const id = /id: (\S+)/.exec(head)?.[1] ?? ""
      const again = open(`Last-Event-ID: ${id}\r\n`)
      const text = yield* until(again, new RegExp(`"port":${Limits.eventReaderLag + 1}\\b`))
      assert.include(text, `data: {"resumed":true,"missed":${Limits.eventReaderLag + 1 - Limits.eventsKept}}`)
      again.destroy()
    }).pipe(Effect.provide(server)))

  it.live("a server that closes ends the streams at once", () =>
    Effect.gen(function*() {
      let text = ""
      const socket = yield* Effect.scoped(
        Effect.gen(function*() {
          const { address } = yield* AdminServer.AdminServer
          const socket = Net.connect({ host: address.ip, port: address.port })
          socket.on("data", (chunk) => text += String(chunk))
          socket.write(`GET /events HTTP/1.1\r\nHost: ${address.ip}\r\n\r\n`)
          yield* Effect.callback<void>((resume) => void socket.once("data", () => resume(Effect.void)))
          return socket
        }).pipe(Effect.provide(server))
      )
      if (!socket.closed) {
        yield* Effect.callback<void>((resume) => void socket.once("close", () => resume(Effect.void)))
      }
      // The last chunk: the stream ended in order.
      assert.match(text, /(?:^|\r\n)0\r\n\r\n$/)
    }))
})

describe("EventFeed", () => {
  it.effect("what a reader has not taken is bounded, and it is told once that it is cut off", () =>
    Effect.gen(function*() {
      const feed = yield* EventFeed.EventFeed
      const { emit } = yield* NodeEvents
      let cuts = 0
      const taken: Array<string> = []
      const stuck = yield* feed.read({ lastEventId: undefined, last: 0 }, () => cuts += 1).pipe(
        Stream.runForEach(({ event }) => {
          taken.push(event)
          return Effect.never
        }),
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 0; i < 5 * Limits.eventReaderLag; i++) emit({ _tag: "Dialling", ip: ip(H), port: 1 })
      assert.strictEqual(cuts, 1)
      assert.deepStrictEqual(taken, ["start"])
      assert.isTrue(feed.hasRoom())
      yield* Fiber.interrupt(stuck)
    }).pipe(Effect.provide(EventFeed.layer.pipe(Layer.provideMerge(NodeEventsLive.layer())))))
})

describe("EventRing", () => {
  it("keeps the latest in order, and says how many are gone", () => {
    const ring = new EventRing<number>(3)
    assert.deepStrictEqual(ring.after(0), { missed: 0, entries: [] })
    const numbers = (after: number) => {
      const { entries, missed } = ring.after(after)
      assert.isTrue(entries.every(({ number, value }) => number === value))
      return [missed, ...entries.map(({ number }) => number)]
    }
    for (let i = 1; i <= 5; i++) {
      ring.add(i)
      assert.strictEqual(ring.latest, i)
      for (let after = 0; after <= i; after++) {
        const kept = [i - 2, i - 1, i].filter((number) => number > after && number > 0)
        assert.deepStrictEqual(numbers(after), [i - after - kept.length, ...kept], `${i} after ${after}`)
      }
    }
  })
})
