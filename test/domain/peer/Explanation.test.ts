/** The answer of `why`, whole: connected or not, what is planned, how it went before, and what the peer did wrong. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Explanation from "../../../src/domain/peer/Explanation.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../../src/domain/peer/PeerRecord.ts"
import type * as Situation from "../../../src/domain/peer/Situation.ts"
import { facts, row } from "../../harness/adminNode.ts"

const ip = PeerIp.fromStringUnsafe("203.0.113.7")
const now = 100_000
const bare: PeerRecord = {
  ...row,
  ip,
  connection: undefined,
  last: undefined,
  lastDown: undefined,
  lastAttempt: undefined,
  shortUps: 0
}
const connection = row.connection === undefined
  ? undefined
  : { ...row.connection, upMs: 3_600_000, lastByteMs: 1_250, socket: "203.0.113.7:50000" }
const down = { at: now - 30_000, reason: DisconnectReason.remote("eof"), upMs: 7_500 }
const attempt = {
  at: now - 2_000,
  reason: DisconnectReason.remote("dial-failed", "ECONNREFUSED"),
  direction: "outbound",
  reached: "dial"
} as const

const explain = (
  record: Partial<PeerRecord> | undefined,
  change: Partial<Situation.Facts> = {},
  offences?: ReadonlyArray<Explanation.AgedOffence>
) =>
  Explanation.explain(
    ip,
    record === undefined ? undefined : { ...bare, ...record },
    { ...facts, ...change },
    24_100,
    now,
    offences
  )

describe("why", () => {
  it("of a connection says since when, which socket, our end and the last byte, and nothing of what was before", () => {
    const { cause, fix, offences, state, text } = explain({ connection, lastDown: down, lastAttempt: attempt })
    assert.deepStrictEqual({ cause, fix, offences, state }, {
      cause: "the connection is up",
      fix: undefined,
      offences: undefined,
      state: "connected"
    })
    assert.strictEqual(
      text,
      "Connected for 1 h 0 min, inbound, socket 203.0.113.7:50000, our end is the lower; last byte 1.3 s ago."
    )
  })

  it("says what to do only where there is something to do", () => {
    assert.notProperty(explain({ connection }), "fix")
    const { text, ...row } = explain({ aliasOf: PeerIp.fromStringUnsafe("203.0.113.8") })
    assert.notProperty(row, "fix")
    assert.strictEqual(
      text,
      "Not connected: the same process is connected as 203.0.113.8: one connection is enough. Now: this node dials."
    )
  })

  it("of a connection that is encrypted, or of the TIME wire, says how it is carried and how the peer is known", () => {
    const carried = (change: Partial<NonNullable<PeerRecord["connection"]>>, pin?: PeerRecord["pin"]) =>
      /s ago\.(.*)$/.exec(
        explain({ connection: connection === undefined ? undefined : { ...connection, ...change }, pin }).text
      )?.[1]
    const since = Date.UTC(2026, 10, 29)
    assert.strictEqual(carried({ transport: "plain" }, { state: "pinned", since }), "")
    assert.strictEqual(carried({ transport: "tls" }), " Over timemesh/1, tls.")
    assert.strictEqual(
      carried({ transport: "tls" }, { state: "pinned", since }),
      " Over timemesh/1, tls, pinned since 2026-11-29."
    )
    assert.strictEqual(carried({ transport: "plain", wire: "time" }), " Over the TIME wire, plain.")
  })

  it("of a connection in trouble says what the trouble is, what to do, and how it went before", () => {
    const { text } = explain({ connection, lastDown: down }, { clockBehindS: 42 })
    assert.strictEqual(
      text,
      "Connected for 1 h 0 min, inbound, socket 203.0.113.7:50000, our end is the lower; last byte 1.3 s ago. " +
        "Its next block is 42 s ahead of this node's clock, so sync does not use it. To do: set the clock of this host " +
        "(NTP); if that is right, the peer's is wrong. Last connection: up for 7.5 s, ended 30.0 s ago (EOF, remote)."
    )
  })

  it("of a connection whose address another process uses as well says so, and how it went before", () => {
    const { situation, text } = explain({ connection, inUseRefusals: 2, lastDown: down })
    assert.strictEqual(situation, "connected")
    assert.match(
      text,
      /last byte 1\.3 s ago\. A second process came from this address, and was refused 2×\. Last connection: up/
    )
    assert.notMatch(
      explain({ inUseRefusals: 2, lastAttempt: attempt }).text,
      /second process/,
      "only beside a connection"
    )
  })

  it("of a peer that is not connected says why, what to do, what is planned, and how it went before", () => {
    const { fix, state, text } = explain({
      lastDown: down,
      lastAttempt: attempt,
      dialPort: 9_000,
      nextAttemptAt: now + 4_000
    })
    assert.strictEqual(state, "waiting")
    assert.strictEqual(fix, "start the node there, and check its port (--peer IP:PORT) and firewall")
    assert.strictEqual(
      text,
      "Not connected: the host refuses connections at port 9000 (ECONNREFUSED): no program listens there. To do: start " +
        "the node there, and check its port (--peer IP:PORT) and firewall. Now: this node dials; our next dial is in 4.0 s. " +
        "Last connection: up for 7.5 s, ended 30.0 s ago (EOF, remote). Last attempt: outbound, 2.0 s ago, no socket opened " +
        "(dial-failed: ECONNREFUSED, remote)."
    )
  })

  it("says who is to dial and what is under way", () => {
    const plan = (record: Partial<PeerRecord>) => /Now: (.*?\.)( |$)/.exec(explain(record).text)?.[1]
    assert.strictEqual(plan({}), "this node dials.")
    assert.strictEqual(plan({ expected: "them" }), "the peer dials.")
    assert.strictEqual(plan({ expected: "either" }), "either end dials.")
    assert.strictEqual(plan({ expected: "nobody" }), "neither end dials.")
    assert.strictEqual(plan({ attempts: 2, nextAttemptAt: now + 1 }), "this node dials; 2 under way.")
    assert.match(explain({ nextAttemptAt: now - 500 }).text, /next dial is in 0\.0 s\./, "one that is due")
  })

  it("says how far the last attempt got", () => {
    const reached = (["dial", "socket", "hello"] as const).map((at) =>
      /ago, ([^(]*) \(/.exec(explain({ lastAttempt: { ...attempt, reached: at } }).text)?.[1]
    )
    assert.deepStrictEqual(reached, ["no socket opened", "no valid Hello came", "after Hello"])
    const silent = { ...attempt, reason: DisconnectReason.local("hello-timeout", "") }
    assert.include(explain({ lastAttempt: silent }).text, "(hello-timeout, local).")
  })

  it("of an address that is no peer says what it is, without a plan for one that is this node's own", () => {
    assert.strictEqual(
      explain(undefined).text,
      "This address is not known: it is not configured, no peer has gossiped it, and it was never connected. To do: add it " +
        "with --peer, if a node runs there."
    )
    assert.strictEqual(
      explain({}, { own: "dialled" }).text,
      "It is this node's own address: a dial to it reached this node itself. To do: a peer is its IP: to connect to " +
        "another node, name that node's address."
    )
    assert.strictEqual(
      explain(undefined, { impossible: "is a multicast address" }).text,
      "This address is a multicast address. To do: use the IP of one host."
    )
  })

  it("tells states apart", () => {
    const state = (...args: Parameters<typeof explain>) => explain(...args).state
    assert.strictEqual(state({ connection }, { own: "seen" }), "connected")
    assert.strictEqual(state({}, { own: "listen" }), "own-address")
    assert.strictEqual(state(undefined), "unknown")
    assert.strictEqual(state({}, { impossible: "is no unicast address" }), "unknown")
    assert.strictEqual(state({ aliasOf: ip }), "alias")
    assert.strictEqual(state({}, { movedTo: ip }), "alias")
    assert.strictEqual(state({ attempts: 1 }), "connecting")
    assert.strictEqual(state({ attempts: 0 }), "waiting")
    assert.strictEqual(state(undefined, { isInBook: true }), "waiting")
  })

  it("lists what the peer did that no honest peer does", () => {
    const offences: ReadonlyArray<Explanation.AgedOffence> = [
      { kind: "false-block", detail: "block 7", times: 1, agoMs: 5_000 },
      { kind: "flood", detail: "headers", times: 3, agoMs: 1_500 }
    ]
    const told = explain({ connection }, {}, offences)
    assert.deepStrictEqual(told.offences, offences)
    assert.match(
      told.text,
      / last byte 1\.3 s ago\. Offences: false-block \(block 7\), 5\.0 s ago; flood \(headers\) 3×, 1\.5 s ago\.$/
    )
    assert.notInclude(explain({ connection }).text, "Offences")
  })
})
