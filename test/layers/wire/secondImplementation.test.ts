/** A client written from the document alone speaks every frame with real nodes, over the kernel's sockets. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Layer } from "effect"
import * as Block from "../../../src/domain/chain/Block.ts"
import { networks } from "../../../src/domain/Network.ts"
import type { NodeEvent } from "../../../src/domain/NodeEvent.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as ChainStoreMemory from "../../../src/layers/chain/ChainStoreMemory.ts"
import * as ChainNode from "../../../src/layers/node/ChainNode.ts"
import * as TcpSocket from "../../../src/layers/socket/TcpSocket.ts"
import * as PeerStoreMemory from "../../../src/layers/store/PeerStoreMemory.ts"
import { ChainStore, type StoredBlock } from "../../../src/services/ChainStore.ts"
import { ConnectionManager } from "../../../src/services/ConnectionManager.ts"
import { defaultTuning } from "../../../src/services/NodeConfig.ts"
import { NodeEvents } from "../../../src/services/NodeEvents.ts"
import { Sync } from "../../../src/services/Sync.ts"
import { masternode } from "../../harness/masternodes.ts"
import * as Second from "../../harness/secondClient.ts"
import * as Chain from "../../harness/syntheticChain.ts"

// From the document, section 3.9.
const genesis = "60972cd1099a72f4234f910c0b9870de0b6e74165f8382dc6bdea875f770328b"
const network = "devnet"

const node = Effect.fnUntraced(function*(ip: string, blocks: ReadonlyArray<StoredBlock> = [], masternodes = false) {
  const store = Layer.effectDiscard(Effect.flatMap(ChainStore, (store) => store.append(0, blocks))).pipe(
    Layer.provideMerge(ChainStoreMemory.layer({ genesis: Chain.genesis(Chain.devnet) }))
  )
  const context = yield* ChainNode.layer({
    network: networks.devnet,
    listen: { ip: PeerIp.fromStringUnsafe(ip), port: 0 },
    advertise: undefined,
    peers: [],
    software: "first",
    tuning: defaultTuning,
    masternodes
  }).pipe(Layer.provideMerge(store), Layer.provide([TcpSocket.layer, PeerStoreMemory.layer()]), Layer.build)
  const events = Context.get(context, NodeEvents)
  const manager = Context.get(context, ConnectionManager)
  const port = manager.address.port
  return {
    to: { ip, port },
    manager,
    sync: Context.get(context, Sync),
    /** The next event that fits. */
    next: (fits: (event: NodeEvent) => boolean) =>
      Effect.gen(function*() {
        const found = yield* Deferred.make<NodeEvent>()
        yield* events.listen((event) => {
          if (fits(event)) Deferred.doneUnsafe(found, Effect.succeed(event))
        })
        return Deferred.await(found)
      })
  }
})

const greeting = (line: Second.Line, to: { readonly ip: string }, more: Partial<Second.Greeting> = {}) =>
  Second.hello({ genesis, network, nonce: line.nonce, process: "1111111111111111", to: to.ip, ...more })

/** Dials as the higher peer of the pair: the node commits. Gives the node's Hello too. */
const dialHigher = (
  to: { readonly ip: string; readonly port: number },
  from: string,
  more?: Partial<Second.Greeting>
) =>
  Effect.promise(async () => {
    const line = await Second.dial(to, from)
    line.say(greeting(line, to, more))
    const hello = Second.readHello(await line.hear("01"))
    const committed = await line.hear("02")
    assert.strictEqual(committed, Second.ip4(to.ip) + Second.ip4(from))
    line.say(Second.ack)
    return { line, hello }
  })

const hear = (line: Second.Line, kind: string) => Effect.promise(() => line.hear(kind))

describe("a second implementation", () => {
  it.live("shakes hands as the higher peer and as the lower, pings and exchanges data", () =>
    Effect.gen(function*() {
      const { manager, next, to } = yield* node("127.0.41.5")
      const received: Array<string> = []
      yield* manager.receive(258, (from, payloads) => {
        for (const payload of payloads) received.push(`${from.ip} ${Buffer.from(payload).toString()}`)
      })
      for (const from of ["127.0.41.9", "127.0.41.2"]) {
        const up = yield* next((event) => event._tag === "Up" && event.ip === from)
        const pong = yield* next((event) => event._tag === "PongReceived" && event.ip === from)
        const line = yield* Effect.promise(async () => {
          const line = await Second.dial(to, from)
          line.say(greeting(line, to))
          const hello = Second.readHello(await line.hear("01"))
          assert.deepStrictEqual(
            [hello.protocol, hello.rule, hello.genesis, hello.network, hello.software],
            [1, 1, genesis, network, "first"]
          )
          // The number of this socket, and that no peer is up, or the first one still is.
          assert.match(JSON.stringify(hello.extensions), /^\[\[1,"000000[0-9a-f]{10}"\],\[2,"000[01]"\]\]$/)
          assert.deepStrictEqual([hello.peer, hello.listens], [Second.ip4(from), to.port])
          assert.deepStrictEqual([hello.height, hello.tip, hello.capabilities], [0, genesis, 103])
          if (from === "127.0.41.9") {
            assert.strictEqual(await line.hear("02"), Second.ip4(to.ip) + Second.ip4(from))
            line.say(Second.ack)
          } else {
            line.say(Second.commit(from, to.ip))
            assert.strictEqual(await line.hear("03"), "")
          }
          return line
        })
        yield* up
        yield* pong
        line.say(Second.ping("a1a2a3a4a5a6a7a8"))
        assert.strictEqual(yield* hear(line, "06"), "a1a2a3a4a5a6a7a8")
        line.say(Second.data(258, "from the second"))
        line.say(Second.ping("0000000000000002"))
        yield* hear(line, "06")
        assert.strictEqual(received.at(-1), `${from} from the second`)
        yield* manager.send(PeerIp.fromStringUnsafe(from), 65_535, Buffer.from("from the first"))
        assert.strictEqual(yield* hear(line, "10"), `ffff${Buffer.from("from the first").toString("hex")}`)
        // A kind that nobody knows is skipped.
        line.say("00000003ffabcd")
        line.say(Second.ping("0000000000000003"))
        assert.strictEqual(yield* hear(line, "06"), "0000000000000003")
        const down = yield* next((event) => event._tag === "Down" && event.ip === from)
        line.say(Second.reject(9, 300_000, "by hand"))
        const event = yield* down
        assert.deepInclude(event._tag === "Down" ? event.reason : {}, { kind: "operator", by: "remote" })
        line.close()
      }
    }))

  it.live("is told why it is refused, and is believed when it refuses first", () =>
    Effect.gen(function*() {
      const { next, to } = yield* node("127.0.42.5")
      yield* Effect.promise(async () => {
        const line = await Second.dial(to, "127.0.42.9")
        line.say(greeting(line, to, { genesis: "00".repeat(32) }))
        const { address, reason, retryMs, text } = Second.readReject(await line.hear("04"))
        assert.deepStrictEqual([reason, retryMs, address], [5, 600_000, ""])
        assert.include(text, "devnet")
        await line.ended
      })
      const refused = yield* next((event) => event._tag === "Refused" && event.ip === "127.0.42.10")
      yield* Effect.promise(async () => {
        const line = await Second.dial(to, "127.0.42.10")
        line.say(Second.reject(3, 60_000, "no room"))
        await line.ended
      })
      const event = yield* refused
      assert.deepInclude(event._tag === "Refused" ? event.reason : {}, {
        kind: "rejected",
        reject: "full",
        by: "remote"
      })
      // A ping before Hello is passed over; a Commit is not.
      yield* Effect.promise(async () => {
        const line = await Second.dial(to, "127.0.42.11")
        line.say(Second.ping("00000000000000aa"))
        line.say(Second.commit("127.0.42.5", "127.0.42.11"))
        assert.strictEqual(Second.readReject(await line.hear("04")).reason, 11)
        assert.notInclude(line.kinds, "06")
        await line.ended
      })
    }))

  it.live("is displaced without a word as the oldest of 65 sockets that sent no Hello", () =>
    Effect.gen(function*() {
      const { to } = yield* node("127.0.46.5")
      const silent = yield* Effect.forEach(
        Array.from({ length: 65 }, (_, i) => i),
        (i) =>
          Effect.promise(async () => {
            const line = await Second.dial(to, `127.0.46.${i + 10}`)
            // While many sockets have sent no Hello, those that say nothing wait outside.
            line.say(Second.ping("0000000000000001"))
            // Once its Hello is here, the node has let it in: the order of the sockets is certain.
            await line.hear("01")
            return line
          })
      )
      const [oldest, next] = silent
      assert(oldest !== undefined && next !== undefined)
      yield* Effect.promise(() => oldest.ended)
      assert.deepStrictEqual(oldest.kinds, ["01"])
      next.say(greeting(next, to))
      assert.strictEqual(yield* hear(next, "02"), Second.ip4("127.0.46.5") + Second.ip4("127.0.46.11"))
      for (const line of silent) line.close()
    }))

  it.live("names other peers and learns of them", () =>
    Effect.gen(function*() {
      const { to } = yield* node("127.0.43.5")
      const server = yield* Effect.promise(() => Second.listen("127.0.43.200"))
      const { line } = yield* dialHigher(to, "127.0.43.9", { listens: 9_999 })
      line.say(Second.peers([["127.0.43.5", 80], ["224.0.0.1", 1], ["127.0.43.200", server.port]]))
      const dialled = yield* Effect.promise(() => server.accept)
      assert.strictEqual(Second.readHello(yield* hear(dialled, "01")).peer, Second.ip4("127.0.43.200"))
      const other = { process: "2222222222222222", tag: "22".repeat(16), listens: server.port }
      dialled.say(greeting(dialled, { ip: "127.0.43.5" }, other))
      yield* hear(dialled, "02")
      dialled.say(Second.ack)
      dialled.say(Second.askPeers)
      assert.deepStrictEqual(Second.readPeers(yield* hear(dialled, "11")), [[Second.ip4("127.0.43.9"), 9_999]])
      assert.deepStrictEqual(Second.readPeers(yield* hear(line, "11")), [[Second.ip4("127.0.43.200"), server.port]])
      line.close()
      dialled.close()
      server.close()
    }))

  it.live("proves two connections of one process, and one of them goes", () =>
    Effect.gen(function*() {
      const { to } = yield* node("127.0.44.5")
      const process = "ffffffffffffffff"
      const first = yield* dialHigher(to, "127.0.44.9", { process })
      const second = yield* dialHigher(to, "127.0.44.10", { process })
      const lines = [[first, second, "127.0.44.9"], [second, first, "127.0.44.10"]] as const
      // The node's proofs are right: about the other connection, made for the address that this one goes to.
      for (const [carrier, about, own] of lines) {
        const proof = yield* hear(carrier.line, "07")
        assert.strictEqual(`0000001107${proof}`, Second.also(about.line.nonce, about.hello.nonce, own))
      }
      first.line.say(Second.also(second.hello.nonce, second.line.nonce, to.ip))
      const { address, reason, retryMs } = Second.readReject(yield* hear(second.line, "04"))
      assert.deepStrictEqual([reason, retryMs, address], [6, 60_000, Second.ip4(to.ip)])
      yield* Effect.promise(() => second.line.ended)
      first.line.say(Second.ping("0000000000000009"))
      yield* hear(first.line, "06")
      first.line.close()
    }))

  it.live("announces itself as a masternode, hears of another, and is named as seen", () =>
    Effect.gen(function*() {
      const { next, to } = yield* node("127.0.47.5", [], true)
      const at = yield* Clock.currentTimeMillis
      const [one, other] = ["127.0.47.9", "127.0.47.8"].map((ip, i): Second.Masternode => ({
        genesis,
        network,
        key: masternode(i + 1).key,
        ip,
        port: 24_200 + i,
        at,
        sign: (hex) => Buffer.from(masternode(i + 1).sign(Buffer.from(hex, "hex"))).toString("hex")
      }))
      assert(one !== undefined && other !== undefined)
      const live = yield* next((event) => event._tag === "MasternodeLive" && event.ip === one.ip)
      const first = yield* dialHigher(to, one.ip, { capabilities: 16 })
      assert.strictEqual(first.hello.capabilities & 16, 16)
      first.line.say(Second.ownMasternode(one, first.line.nonce, first.hello.nonce, to.ip))
      yield* live
      const second = yield* dialHigher(to, other.ip, { capabilities: 16 })
      const heard = Second.readAnnouncements(yield* hear(second.line, "31"))
      assert.deepStrictEqual(
        heard.announcements.map(({ at, ip, key, port, tier }) => [ip, key, port, tier, at]),
        [[Second.ip4(one.ip), one.key, one.port, 0, one.at]]
      )
      assert.strictEqual(heard.rest, "")
      assert.deepStrictEqual(Second.readSeenMasternodes(yield* hear(second.line, "32")), [[
        Second.ip4(one.ip),
        one.key
      ]])
      // What others say of themselves is passed on as it came.
      second.line.say(Second.masternodes([Second.announcement(other)]))
      const passedOn = Second.readAnnouncements(yield* hear(first.line, "31"))
      assert.strictEqual(passedOn.announcements[0]?.key, other.key)
      second.line.say(Second.seenMasternodes([[one.ip, one.key]]))
      second.line.say(Second.ping("0000000000000007"))
      yield* hear(second.line, "06")
      first.line.close()
      second.line.close()
    }))

  it.live("fetches a chain from one node and serves it to another, then each new block", () =>
    Effect.gen(function*() {
      const made = yield* Chain.make(20)
      const [extra] = yield* Chain.make(1, "10.9.9.9", made)
      assert(extra !== undefined)
      const full = yield* node("127.0.45.5", made)
      const empty = yield* node("127.0.45.6")
      const { hello, line: source } = yield* dialHigher(full.to, "127.0.45.9", { capabilities: 7 })
      assert.deepStrictEqual([hello.height, hello.capabilities], [20, 103])
      assert.deepStrictEqual(Second.readTip(yield* hear(source, "24")), { height: 20, hash: hello.tip })

      source.say(Second.getHeaders(7, [genesis]))
      const headers = Second.readHeaders(yield* hear(source, "21"))
      assert.deepStrictEqual([headers.request, headers.after, headers.more], [7, genesis, false])
      // Each header names the hash of the one before, the tip is told: all hashes without hashing anything.
      const [first, ...hashes] = [...Second.previousHashes(headers.list), hello.tip]
      assert.strictEqual(first, genesis)
      assert.strictEqual(hashes.length, 20)
      source.say(Second.getBlocks(8, 1, hashes))
      const blocks: Array<string> = []
      for (let done = false; !done;) {
        const piece = Second.readBlocks(yield* hear(source, "23"))
        assert.strictEqual(piece.request, 8)
        blocks.push(...piece.blocks)
        done = piece.done
      }
      assert.strictEqual(blocks.length, 20)

      const reached = (height: number) => empty.next((event) => event._tag === "TipChanged" && event.height === height)
      const whole = yield* reached(20)
      const { line: sink } = yield* dialHigher(empty.to, "127.0.45.9", { capabilities: 7 })
      sink.say(Second.tip(20, hello.tip))
      const asked = Second.readGetHeaders(yield* hear(sink, "20"))
      assert.strictEqual(asked.locator.at(-1), genesis)
      sink.say(Second.headers(asked.request, genesis, headers.list, false))
      for (let sent = 0; sent < 20;) {
        const { from, hashes: wanted, request } = Second.readGetBlocks(yield* hear(sink, "22"))
        assert.deepStrictEqual([...wanted], hashes.slice(from - 1, from - 1 + wanted.length))
        const [one, ...others] = blocks.slice(from - 1, from - 1 + wanted.length)
        sink.say(Second.blocks(request, [one ?? ""], false))
        sink.say(Second.blocks(request, others, true))
        sent += wanted.length
      }
      yield* whole

      // A block made at one node goes through the client to the other.
      const block = Block.decode(extra.bytes)
      assert(!Block.isMalformed(block))
      const next = yield* reached(21)
      yield* full.sync.add(block)
      const pushed = Second.readNewBlock(yield* hear(source, "25"))
      assert.strictEqual(pushed, Buffer.from(extra.bytes).toString("hex"))
      sink.say(Second.newBlock(pushed))
      yield* next
      assert.strictEqual((yield* empty.sync.report).tip.hash, extra.hash)
      source.close()
      sink.close()
    }))
})
