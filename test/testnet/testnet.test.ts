import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import type { Status } from "../../src/layers/http/AdminApi.ts"
import type { Peer, Peers } from "../../src/layers/http/PeerApi.ts"
import type { Account, NodeEvents } from "../../src/testnet/Facts.ts"
import * as LogEvents from "../../src/testnet/LogEvents.ts"
import * as Replay from "../../src/testnet/Replay.ts"
import * as Verdict from "../../src/testnet/Verdict.ts"

type Event = LogEvents.LogEvent
const up = (at: number, ip: string, socket: string): Event => ({ event: "Up", at, ip, socket })
const down = (at: number, ip: string, socket: string, upMs: number, kind = "eof"): Event => ({
  event: "Down",
  at,
  ip,
  socket,
  upMs,
  reason: { kind, by: "remote" }
})
const listening = (at: number): Event => ({ event: "Listening", at })
const dialling = (at: number): Event => ({ event: "Dialling", at, ip: "x" })
const pong = (at: number, rttMs?: number): Event => ({ event: "PongReceived", at, ip: "x", socket: "s", rttMs })

/** Three nodes, whole at 150; `a` dials all. */
const calm: ReadonlyArray<NodeEvents> = [
  {
    ip: "a",
    events: [listening(100), dialling(110), dialling(111), up(120, "b", "a:1"), up(130, "c", "a:2"), pong(140, 2)]
  },
  { ip: "b", events: [listening(90), dialling(112), up(121, "a", "a:1"), up(150, "c", "b:1"), dialling(160)] },
  { ip: "c", events: [listening(110), up(131, "a", "a:2"), up(149, "b", "b:1"), pong(150, 1), pong(151)] }
]

const more = (
  extra: Readonly<Record<string, ReadonlyArray<Event>>>
): ReadonlyArray<NodeEvents> => calm.map(({ events, ip }) => ({ ip, events: [...events, ...extra[ip] ?? []] }))

describe("Replay", () => {
  it("a calm start", () => {
    assert.deepStrictEqual(Replay.replay(calm, [], 1_000), {
      settledMs: 40,
      dialsUntilSettled: 3,
      doubleUps: 0,
      unexpectedDowns: [],
      recoveriesMs: [],
      reconnectedMs: undefined,
      rttMs: [1, 2]
    })
  })

  it("both ends must have the same socket", () => {
    const other = calm.map((node) =>
      node.ip === "c" ? { ip: "c", events: [listening(110), up(131, "a", "a:2"), up(149, "b", "b:9")] } : node
    )
    const history = Replay.replay(other, [], 1_000)
    assert.isUndefined(history.settledMs)
    assert.strictEqual(history.dialsUntilSettled, 4)
  })

  it("a node that never listened: never settled", () => {
    const mute = calm.map((node) => node.ip === "b" ? { ip: "b", events: node.events.slice(1) } : node)
    assert.isUndefined(Replay.replay(mute, [], 1_000).settledMs)
  })

  it("a kill explains the Downs of its connections, and of no other", () => {
    const kill = { ip: "b", issuedAt: 300, exitedAt: 310, respawnedAt: 1_300 }
    const nodes = more({
      a: [down(305, "b", "a:1", 185), up(1_350, "b", "a:7")],
      b: [listening(1_340), up(1_351, "a", "a:7"), up(1_360, "c", "b:7")],
      c: [down(311, "b", "b:1", 162), up(1_361, "b", "b:7")]
    })
    const history = Replay.replay(nodes, [kill], 5_000)
    assert.deepStrictEqual(history.unexpectedDowns, [])
    assert.deepStrictEqual(history.recoveriesMs, [61])
    assert.strictEqual(history.settledMs, 40)
    assert.strictEqual(history.doubleUps, 0)

    // The same Downs without the kill, with a kill of another node, or of a connection younger than the kill.
    assert.strictEqual(Replay.replay(nodes, [], 5_000).unexpectedDowns.length, 2)
    assert.strictEqual(Replay.replay(nodes, [{ ...kill, ip: "a" }], 5_000).unexpectedDowns.length, 2)
    const young = more({ a: [down(305, "b", "a:1", 185)], c: [down(500, "b", "b:1", 100)] })
    assert.deepStrictEqual(Replay.replay(young, [kill], 5_000).unexpectedDowns, [
      { at: 500, node: "c", peer: "b", reason: "eof, by remote" }
    ])
  })

  it("a recovery that never comes", () => {
    const kill = { ip: "b", issuedAt: 300, exitedAt: 310, respawnedAt: 1_300 }
    assert.deepStrictEqual(Replay.replay(calm, [kill], 5_000).recoveriesMs, [undefined])
  })

  it("two Ups of one peer at once are told", () => {
    assert.strictEqual(Replay.replay(more({ a: [up(200, "b", "a:8")] }), [], 1_000).doubleUps, 1)
  })

  it("what is logged after the stop does not count", () => {
    assert.deepStrictEqual(Replay.replay(more({ a: [down(1_000, "b", "a:1", 880)] }), [], 1_000).unexpectedDowns, [])
  })
})

const peer = (ip: string, socket: string | undefined, pings = 2, pongs = 2): Peer => ({
  ip,
  source: "gossip",
  capabilities: 0,
  attempts: 0,
  expected: "us",
  failures: 0,
  ups: 1,
  connection: socket === undefined ? undefined : {
    id: 1,
    direction: "inbound",
    role: "lower",
    socket,
    ephemeralPort: 1,
    since: 0,
    bytes: { sent: 0, received: 0 },
    messages: { sent: 0, received: 0 },
    pings: { sent: pings, received: 2 },
    pongs: { sent: 2, received: pongs },
    queuedBytes: 0
  }
})

const table = (...peers: ReadonlyArray<Peer>): Peers => ({
  at: 0,
  open: peers.filter(({ connection }) => connection !== undefined).length,
  peers
})

const count = { sent: { inbound: 1, outbound: 2 }, received: { inbound: 3, outbound: 4 } }
const chainAt = (height: number, hash = `tip ${height}`, reorgs = 0): NonNullable<Status["chain"]> => ({
  height,
  hash,
  headers: height,
  synced: true,
  line: "x",
  reorgs,
  waiting: { blocks: 0, bytes: 0 },
  peers: []
})
const account = (ip: string, peers: Peers | undefined, chain = chainAt(0)): Account => ({
  ip,
  peers,
  status: {
    network: "devnet",
    listen: `${ip}:1`,
    software: "x",
    pid: 1,
    startedAt: 0,
    uptimeMs: 1,
    known: 2,
    connected: 2,
    state: "x",
    chain,
    stats: {
      ups: 2,
      downs: 0,
      downsByReason: {},
      refused: 0,
      refusedByReason: {},
      dials: 1,
      dialsFailed: 0,
      pings: count,
      pongs: count,
      acceptsFailed: 0,
      unknownFrames: 0,
      maxLagMs: 0
    }
  }
})

const good = [
  account("a", table(peer("b", "a:1"), peer("c", "a:2"))),
  account("b", table(peer("a", "a:1"), peer("c", "b:1"))),
  account("c", table(peer("a", "a:2"), peer("b", "b:1")))
]
const history = Replay.replay(calm, [], 1_000)
const judge = (changes: Partial<Parameters<typeof Verdict.judge>[0]>) =>
  Verdict.judge({
    accounts: good,
    history,
    kills: [],
    samples: 10,
    duplicateSamples: 0,
    crashes: 0,
    directory: "/d",
    nodes: calm,
    asked: { chain: 0, produce: false },
    cut: undefined,
    partitionSeconds: undefined,
    ...changes
  })

describe("Verdict", () => {
  it("all is well", () => {
    const verdict = judge({})
    assert.isTrue(verdict.ok)
    assert.strictEqual(verdict.pairs, 3)
    assert.strictEqual(verdict.connected, 3)
    assert.strictEqual(verdict.dialsPerPair, 1)
    assert.deepStrictEqual(verdict.pings, {
      sent: { inbound: 3, outbound: 6 },
      received: { inbound: 9, outbound: 12 }
    })
    assert.deepStrictEqual(verdict.rttMs, { p50: 1, p99: 2 })
  })

  const killOf = { ip: "b", issuedAt: 1, exitedAt: 2, respawnedAt: 3 }
  const wrong: ReadonlyArray<readonly [string, Partial<Parameters<typeof Verdict.judge>[0]>]> = [
    ["another socket at one end", {
      accounts: [...good.slice(0, 2), account("c", table(peer("a", "a:2"), peer("b", "b:2")))]
    }],
    ["a pair down", { accounts: [...good.slice(0, 2), account("c", table(peer("a", "a:2"), peer("b", undefined)))] }],
    ["a node that does not answer", { accounts: [...good.slice(0, 2), account("c", undefined)] }],
    ["pongs missing", { accounts: [account("a", table(peer("b", "a:1", 4, 2), peer("c", "a:2"))), ...good.slice(1)] }],
    ["a duplicate sample", { duplicateSamples: 1 }],
    ["a double Up", { history: { ...history, doubleUps: 1 } }],
    ["never settled", { history: { ...history, settledMs: undefined } }],
    [
      "an unexpected Down",
      { history: { ...history, unexpectedDowns: [{ at: 1, node: "a", peer: "b", reason: "eof, by remote" }] } }
    ],
    ["no recovery", { kills: [killOf], history: { ...history, recoveriesMs: [undefined] } }],
    ["a slow recovery", { kills: [killOf], history: { ...history, recoveriesMs: [10_001] } }],
    ["a crash", { crashes: 1 }]
  ]
  for (const [name, changes] of wrong) {
    it(`not ok: ${name}`, () => {
      const verdict = judge(changes)
      assert.isFalse(verdict.ok)
      assert.isAtLeast(verdict.problems.length, 1)
    })
  }

  it("duplicates: a peer listed twice, or more connections than rows", () => {
    assert.isFalse(Verdict.isDuplicate(table(peer("a", "a:1"), peer("b", undefined))))
    assert.isTrue(Verdict.isDuplicate(table(peer("a", "a:1"), peer("a", "a:2"))))
    assert.isTrue(Verdict.isDuplicate({ ...table(peer("a", "a:1")), open: 2 }))
  })
})

describe("the chain's part of the verdict", () => {
  const tip = (event: "TipChanged" | "Synced", at: number, height: number): Event => ({ event, at, height })
  const at = (...chains: ReadonlyArray<ReturnType<typeof chainAt>>): ReadonlyArray<Account> =>
    good.map(({ ip, peers }, i) => account(ip, peers, chains[i]))
  const same = chainAt(100, "t")
  const synced = more({ b: [tip("TipChanged", 300, 99), tip("Synced", 400, 100)], c: [tip("TipChanged", 610, 100)] })

  it("tells how the blocks came", () => {
    const from = {
      ...same,
      peers: [{ ip: "a", height: 100, blocks: 60, use: "x" }, { ip: "c", height: 0, blocks: 0, use: "x" }]
    }
    const verdict = judge({ accounts: at(same, from, same), nodes: synced, asked: { chain: 100, produce: false } })
    assert.deepStrictEqual(verdict.problems, [])
    assert.deepStrictEqual([verdict.heights, verdict.tips], [[100, 100, 100], ["t", "t", "t"]])
    assert.deepStrictEqual(verdict.sync, {
      blocks: 100,
      seconds: 0.5,
      blocksPerSecond: 200,
      sources: { a: {}, b: { a: 60 }, c: {} }
    })
  })

  it("an unfinished sync has no time", () => {
    const verdict = judge({ accounts: at(same, same, chainAt(99)), nodes: calm, asked: { chain: 100, produce: false } })
    assert.isFalse(verdict.ok)
    assert.isNull(verdict.sync?.seconds)
    assert.isNull(verdict.sync?.blocksPerSecond)
  })

  const cut = { left: ["a", "b"], cutAt: 300, healedAt: 500 }
  const reorged = at(chainAt(9, "t", 1), chainAt(9, "t"), chainAt(9, "t"))
  const partitioned = { partitionSeconds: 1, asked: { chain: 0, produce: true }, cut, accounts: reorged }
  it("a partition explains the Downs across the cut, and of no other connection", () => {
    const downs = more({
      a: [down(301, "c", "a:2", 171), down(310, "b", "a:1", 190), up(700, "c", "a:7"), up(701, "b", "a:8")],
      b: [down(302, "c", "b:1", 150), down(311, "a", "a:1", 190), up(702, "c", "b:7"), up(703, "a", "a:8")],
      c: [down(303, "a", "a:2", 171), down(304, "b", "b:1", 171), up(704, "a", "a:7"), up(705, "b", "b:7")]
    })
    const history = Replay.replay(downs, [], 1_000, cut)
    assert.deepStrictEqual(history.unexpectedDowns.map(({ node, peer }) => [node, peer]), [["a", "b"], ["b", "a"]])
    assert.strictEqual(history.reconnectedMs, 205)
    assert.strictEqual(Replay.replay(downs, [], 1_000, { ...cut, cutAt: 305 }).unexpectedDowns.length, 6)
    assert.strictEqual(Replay.replay(downs, [], 1_000).unexpectedDowns.length, 6)
    const verdict = judge({ ...partitioned, history: { ...history, unexpectedDowns: [] } })
    assert.deepStrictEqual(verdict.problems, [])
    assert.strictEqual(verdict.reorgs, 1)
    assert.deepStrictEqual(verdict.partition, { seconds: 1, reconnectedMs: 205 })
  })

  const healthy = { ...partitioned, history: { ...history, reconnectedMs: 7 } }
  const wrong: ReadonlyArray<readonly [string, Partial<Parameters<typeof Verdict.judge>[0]>]> = [
    ["two tips", { accounts: at(chainAt(5, "t"), chainAt(5, "u"), chainAt(5, "t")) }],
    ["a node without a chain", {
      accounts: [...good.slice(0, 2), { ...account("c", good[2]?.peers), status: undefined }]
    }],
    ["a node that has not all blocks", {
      accounts: at(chainAt(5), chainAt(5), chainAt(5)),
      asked: { chain: 6, produce: false }
    }],
    ["no growth", { asked: { chain: 0, produce: true } }],
    ["no reorg", { ...healthy, accounts: at(chainAt(9, "t"), chainAt(9, "t"), chainAt(9, "t")) }],
    ["never healed", { ...healthy, cut: { ...cut, healedAt: undefined } }],
    ["never cut", { ...healthy, cut: undefined }],
    ["never whole again", { ...healthy, history }]
  ]
  it("a healthy partition is ok", () => assert.isTrue(judge(healthy).ok))
  for (const [name, changes] of wrong) it(`not ok: ${name}`, () => assert.isFalse(judge(changes).ok))
})

describe("LogEvents", () => {
  it("reads what the log writes and nothing else", () => {
    const line = "{\"level\":\"INFO\",\"message\":\"x\",\"annotations\":{\"event\":\"Up\",\"ip\":\"127.0.0.2\"," +
      "\"connection\":1,\"direction\":\"inbound\",\"socket\":\"127.0.0.2:5\",\"role\":\"lower\",\"at\":7}}"
    assert.deepStrictEqual(LogEvents.parse(line), Option.some<Event>(up(7, "127.0.0.2", "127.0.0.2:5")))
    assert.isTrue(Option.isNone(LogEvents.parse("{\"annotations\":{\"event\":\"Stopping\",\"at\":1}}")))
    assert.isTrue(Option.isNone(LogEvents.parse("not JSON \"event\":\"Up\"")))
  })
})
