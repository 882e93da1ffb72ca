/** Which situation a row is in: what each Reject means at both ends, and what comes first. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Explanation from "../../../src/domain/peer/Explanation.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../../src/domain/peer/PeerRecord.ts"
import * as Situation from "../../../src/domain/peer/Situation.ts"
import * as SituationText from "../../../src/domain/peer/SituationText.ts"
import * as TransportText from "../../../src/domain/TransportText.ts"
import { facts, row } from "../../harness/adminNode.ts"

const now = 100_000
const rowWith = (change: Partial<PeerRecord>): PeerRecord => ({
  ...row,
  connection: undefined,
  last: undefined,
  lastDown: undefined,
  lastAttempt: undefined,
  shortUps: 0,
  ...change
})

const attempt = (reason: DisconnectReason.DisconnectReason, at = now): Partial<PeerRecord> => ({
  lastAttempt: { at, reason, direction: "outbound", reached: "hello" }
})

const rejects: Readonly<Record<DisconnectReason.RejectReason, readonly [here: string, there: string]>> = {
  duplicate: ["handshake", "handshake"],
  "in-use": ["second-node-there", "second-node-here"],
  full: ["full-here", "full-there"],
  // A ban of ours that is over holds nobody off; one that lasts is a fact of its own.
  banned: ["handshake", "banned-there"],
  incompatible: ["incompatible", "incompatible"],
  alias: ["handshake", "handshake"],
  self: ["self-claimed", "self-claimed"],
  shutdown: ["handshake", "stopped"],
  operator: ["handshake", "operator-there"],
  evicted: ["evicted", "evicted"],
  protocol: ["protocol", "protocol"],
  application: ["application", "application"]
}

describe("Situation", () => {
  for (const reject of DisconnectReason.rejectReasons) {
    it(`after a Reject ${reject}, sent and received`, () => {
      const both = (["local", "remote"] as const).map((by) =>
        Situation.of(rowWith(attempt(DisconnectReason.rejected(reject, by))), facts, now)
      )
      assert.deepStrictEqual(both, [...rejects[reject]])
    })
  }

  it("connections that were short count as flaps though no Down of theirs is kept", () =>
    assert.strictEqual(Situation.of(rowWith({ shortUps: Limits.shortUpsReported }), facts, now), "flaps"))

  it("a Reject in answer to our first bytes says what it says", () => {
    const { lastAttempt } = attempt(DisconnectReason.rejected("full", "remote"))
    assert(lastAttempt !== undefined)
    const row = rowWith({ lastAttempt: { ...lastAttempt, reached: "socket" } })
    assert.strictEqual(Situation.of(row, facts, now), "full-there")
  })

  it("a dial that failed without a code got no answer", () =>
    assert.strictEqual(Situation.of(rowWith(attempt(DisconnectReason.remote("dial-failed"))), facts, now), "no-answer"))

  it("a ban of ours comes before all that was before, and says by whom, for how long, why and how to lift it", () => {
    const banned = { by: "score", forMs: 5_400_000, reason: "false-block: block 7", subnet: "10.0.0.0/24" } as const
    const refused = rowWith(attempt(DisconnectReason.dialFailed("ECONNREFUSED", false, row.ip)))
    assert.strictEqual(Situation.of(refused, { ...facts, banned }, now), "banned-here")
    assert.strictEqual(Situation.of(undefined, { ...facts, banned }, now), "banned-here")
    const { cause, fix } = Explanation.explain(row.ip, refused, { ...facts, banned }, 24_100, now)
    assert.strictEqual(
      cause,
      "this node has banned 10.0.0.0/24, which it is in, for 90 min more, by the score of its offences (false-block: block 7)"
    )
    assert.strictEqual(fix, "wait for the end of the ban, or lift it: timemesh unban 10.0.0.0/24")
  })

  describe("a dial that failed", () => {
    const v6 = PeerIp.fromStringUnsafe("2001:db8::7")
    const by = (local: boolean, code: string): Partial<PeerRecord> =>
      attempt((local ? DisconnectReason.local : DisconnectReason.remote)("dial-failed", code))
    /** `local`: this node's own fault, by `DialFault`. */
    const cases: ReadonlyArray<
      readonly [code: string, local: boolean, facts: Partial<Situation.Facts>, is: Situation.Situation]
    > = [
      ["ECONNREFUSED", false, {}, "refused"],
      ["ECONNRESET", false, {}, "closes"],
      ["EPIPE", false, {}, "closes"],
      ["ETIMEDOUT", false, {}, "no-answer"],
      ["EHOSTUNREACH", false, {}, "unreachable"],
      ["EHOSTUNREACH", true, {}, "no-route"],
      ["EHOSTUNREACH", true, { isAlone: true }, "network-down"],
      ["ENETUNREACH", true, {}, "no-route"],
      ["ENETUNREACH", true, { isAlone: true }, "network-down"],
      ["ENETUNREACH", true, { familyMissing: true, isAlone: true }, "no-family"],
      ["EADDRNOTAVAIL", true, {}, "resources"],
      ["EADDRNOTAVAIL", true, { familyMissing: true }, "no-family"],
      ["EPERM", true, {}, "firewall"],
      ["EMFILE", true, {}, "resources"],
      ["EIO", true, {}, "system"],
      ["", false, {}, "no-answer"]
    ]
    for (const [code, local, change, is] of cases) {
      it(`with ${code || "no code"}${local ? ", by this host" : ""} ${JSON.stringify(change)}: ${is}`, () =>
        assert.strictEqual(Situation.of(rowWith(by(local, code)), { ...facts, ...change }, now), is))
    }

    it("with EACCES is a firewall of this host over IPv4, and may be the peer's over IPv6", () => {
      assert.strictEqual(Situation.of(rowWith(by(true, "EACCES")), facts, now), "firewall")
      assert.strictEqual(Situation.of(rowWith({ ip: v6, ...by(false, "EACCES") }), facts, now), "unreachable")
    })

    it("says nothing of a node without a free place, unless this host is at fault", () => {
      assert.strictEqual(Situation.of(rowWith(by(false, "ECONNREFUSED")), { ...facts, full: 8 }, now), "full-here")
      assert.strictEqual(Situation.of(rowWith(by(true, "EMFILE")), { ...facts, full: 8 }, now), "resources")
    })
  })

  describe("an attempt that came to nothing without a Reject", () => {
    const ended = (
      kind: DisconnectReason.Kind,
      reached: "dial" | "socket" | "hello" = "socket",
      direction: "inbound" | "outbound" = "outbound"
    ) => rowWith({ lastAttempt: { at: now, reason: DisconnectReason.remote(kind), direction, reached } })
    const cases: ReadonlyArray<readonly [PeerRecord, Situation.Situation]> = [
      [ended("hello-timeout"), "says-nothing"],
      [ended("no-ack"), "silent-refusal"],
      [ended("eof"), "closes"],
      [ended("reset"), "closes"],
      [ended("bad-frame"), "not-timemesh"],
      [ended("protocol"), "not-timemesh"],
      [ended("outbox-full"), "not-timemesh"],
      // It said Hello: a node, which did wrong later.
      [ended("bad-frame", "hello"), "protocol"],
      [ended("protocol", "hello"), "protocol"],
      [ended("eof", "hello"), "handshake"],
      [ended("hello-timeout", "hello"), "handshake"],
      // What comes in proves nothing of the port that we would dial.
      [ended("eof", "socket", "inbound"), "handshake"],
      [ended("hello-timeout", "socket", "inbound"), "handshake"]
    ]
    for (const [record, is] of cases) {
      const { direction = "", reached = "", reason } = record.lastAttempt ?? {}
      it(`${reason?.kind} after ${reached}, ${direction}: ${is}`, () =>
        assert.strictEqual(Situation.of(record, facts, now), is))
    }

    it("is a matter of the transport where one end speaks TLS and the other does not, whichever dialled", () => {
      const after = (
        reason: DisconnectReason.DisconnectReason,
        reached: "dial" | "socket",
        direction: "inbound" | "outbound"
      ) => rowWith({ lastAttempt: { at: now, reason, direction, reached } })
      const { local, rejected, remote } = DisconnectReason
      for (
        const record of [
          after(remote("dial-failed", TransportText.noTlsThere), "dial", "outbound"),
          after(remote("dial-failed", TransportText.tlsFailed("bad record mac")), "dial", "outbound"),
          after(local("protocol", TransportText.noTlsArrived), "socket", "inbound"),
          after(rejected("incompatible", "local", TransportText.tlsThere), "socket", "inbound")
        ]
      ) {
        assert.strictEqual(Situation.of(record, facts, now), "transport")
        assert.strictEqual(Situation.of(record, { ...facts, full: 8 }, now), "full-here")
      }
    })

    it("is for want of a place where this node is full", () =>
      assert.strictEqual(Situation.of(ended("eof", "hello"), { ...facts, full: 8 }, now), "full-here"))
  })

  describe("a connection", () => {
    const info = row.connection
    const up = (change: Partial<NonNullable<PeerRecord["connection"]>>, more: Partial<PeerRecord> = {}) =>
      rowWith({ connection: info === undefined ? undefined : { ...info, upMs: Limits.steadyUpMs, ...change }, ...more })
    const of = (record: PeerRecord, change: Partial<Situation.Facts> = {}) =>
      Situation.of(record, { ...facts, ...change }, now)
    const long = Limits.quietPingMs

    it("is quiet only if neither a byte nor an answer has come for long", () => {
      assert.strictEqual(of(up({ lastByteMs: long, pingUnansweredMs: long })), "quiet")
      assert.strictEqual(of(up({ lastByteMs: long - 1, pingUnansweredMs: long })), "connected")
      assert.strictEqual(of(up({ lastByteMs: long, pingUnansweredMs: long - 1 })), "connected")
      assert.strictEqual(of(up({ lastByteMs: long, pingUnansweredMs: undefined })), "connected")
      assert.strictEqual(of(up({ lastByteMs: long, pingUnansweredMs: long }), { clockBehindS: 1 }), "quiet")
    })

    it("to a peer whose blocks come from the future is in trouble with a clock", () => {
      assert.strictEqual(of(up({}), { clockBehindS: 0 }), "clock")
      assert.strictEqual(of(up({ upMs: 0 }, { shortUps: 99 }), { clockBehindS: 1 }), "clock")
    })

    it("is in a loop until it has been up for a minute", () => {
      const shortUps = Limits.shortUpsReported
      assert.strictEqual(of(up({ upMs: Limits.steadyUpMs - 1 }, { shortUps })), "flaps")
      assert.strictEqual(of(up({ upMs: Limits.steadyUpMs - 1 }, { shortUps, restarts: 1 })), "restarts")
      assert.strictEqual(of(up({ upMs: Limits.steadyUpMs }, { shortUps })), "connected")
      assert.strictEqual(of(up({ upMs: 0 }, { shortUps: shortUps - 1 })), "connected")
    })
  })

  describe("what comes first", () => {
    const of = (change: Partial<PeerRecord>, more: Partial<Situation.Facts> = {}) =>
      Situation.of(rowWith(change), { ...facts, ...more }, now)
    const lost = { at: now - 10, reason: DisconnectReason.remote("eof"), upMs: 5 }
    const refused = attempt(DisconnectReason.remote("dial-failed", "ECONNREFUSED"), now - 10)

    it("an own address, an impossible one, a ban, another way to the process, in this order", () => {
      const all = {
        own: "listen",
        impossible: "is none",
        banned: { by: "operator", forMs: 1, reason: "", subnet: "10.0.0.1" },
        movedTo: row.ip,
        isIsolated: true
      } as const
      const record = { aliasOf: row.ip, isStopped: true, mayDial: false, ...refused }
      assert.strictEqual(of(record, all), "own-address")
      assert.strictEqual(of(record, { ...all, own: undefined }), "impossible")
      assert.strictEqual(of(record, { ...all, own: undefined, impossible: undefined }), "banned-here")
      const keyed = { movedTo: row.ip, isIsolated: true, pin: { state: "no-key" } } as const
      assert.strictEqual(of(record, keyed), "other-key")
      assert.strictEqual(of(record, { ...keyed, pin: { state: "other-key" } }), "other-key")
      assert.strictEqual(of(record, { ...keyed, pin: { state: "pinned" } }), "alias")
      assert.strictEqual(of(record, { movedTo: row.ip, isIsolated: true }), "alias")
      assert.strictEqual(of({ ...record, aliasOf: undefined }, { movedTo: row.ip, isIsolated: true }), "moved")
      assert.strictEqual(of({ ...record, aliasOf: undefined }, { isIsolated: true }), "isolated")
      assert.strictEqual(of({ ...record, aliasOf: undefined }), "operator-here")
      assert.strictEqual(of({ isStopped: true, mayDial: true, ...refused }), "refused", "named again since")
      assert.strictEqual(of({ isStopped: false, mayDial: false, ...refused }), "refused")
    })

    it("the later of the last attempt and the last connection; at one moment the attempt", () => {
      assert.strictEqual(of({ lastDown: lost, ...refused }), "refused")
      assert.strictEqual(of({ lastDown: { ...lost, at: now - 9 }, ...refused }), "lost")
      assert.strictEqual(of({ lastDown: lost }), "lost")
      assert.strictEqual(of({ lastDown: lost }, { full: 8 }), "full-here")
      const stopped = { ...lost, reason: DisconnectReason.rejected("shutdown", "remote") }
      assert.strictEqual(of({ lastDown: stopped }, { full: 8 }), "stopped", "what the peer decided says more")
      const own = attempt(DisconnectReason.local("dial-failed", "EMFILE"), now - 10)
      assert.strictEqual(
        of({ lastDown: { ...lost, at: now - 9 }, ...own }),
        "lost",
        "an old fault of this host is over"
      )
    })

    it("a peer that comes and goes, for as long as that is news", () => {
      const loop = (at: number, shortUps = Limits.shortUpsReported) => of({ shortUps, lastDown: { ...lost, at } })
      assert.strictEqual(loop(now - 1), "flaps")
      assert.strictEqual(loop(now - 1, Limits.shortUpsReported - 1), "lost")
      const long = Limits.shortUpsForMs
      const later = (ms: number) =>
        Situation.of(rowWith({ shortUps: Limits.shortUpsReported, lastDown: { ...lost, at: now } }), facts, now + ms)
      assert.deepStrictEqual([later(long - 1), later(long)], ["flaps", "lost"])
    })

    it("of an address that was never tried: whose turn it is", () => {
      assert.strictEqual(of({}), "not-tried")
      assert.strictEqual(of({ expected: "them" }), "waiting-for-it")
      assert.strictEqual(of({ mayDial: false }), "waiting-for-it")
      assert.strictEqual(of({ expected: "them" }, { full: 8 }), "full-here")
      assert.strictEqual(of({}, { familyMissing: true }), "no-family")
      assert.strictEqual(of({ attempts: 1 }, { familyMissing: true }), "not-tried", "it is being tried")
    })
  })

  it("says which addresses count as peers that are missing", () => {
    const apart = Situation.situations.filter((situation) => !Situation.counts(situation))
    assert.deepStrictEqual(apart, ["own-address", "alias", "moved", "no-family", "impossible", "unknown"])
  })

  it("what this host refuses comes before a peer that comes and goes, and that before other attempts", () => {
    const flaps = {
      shortUps: 9,
      restarts: 2,
      lastDown: { at: now - 1, reason: DisconnectReason.remote("eof"), upMs: 5 }
    }
    const said = (code: string) =>
      Situation.of(rowWith({ ...flaps, ...attempt(DisconnectReason.dialFailed(code, false, row.ip)) }), facts, now)
    assert.deepStrictEqual([said("EMFILE"), said("ECONNREFUSED")], ["resources", "restarts"])
  })

  it("another key than the pinned one is named with its remedy, whatever else the row says, and not while the right one is up", () => {
    const pin = { state: "other-key", key: "ab".repeat(32), since: 0 } as const
    const refused = rowWith(attempt(DisconnectReason.dialFailed("ECONNRESET", false, row.ip)))
    for (const record of [undefined, refused]) {
      assert.strictEqual(Situation.of(record, { ...facts, pin }, now), "other-key")
      assert.strictEqual(Situation.of(record, { ...facts, pin: { ...pin, state: "no-key" } }, now), "other-key")
      assert.notStrictEqual(Situation.of(record, { ...facts, pin: { ...pin, state: "pinned" } }, now), "other-key")
    }
    assert.strictEqual(Situation.of(row, { ...facts, pin }, now), "connected")
    const { text } = Explanation.explain(row.ip, refused, { ...facts, pin }, 24_100, now)
    assert.include(text, `shows another key than the one that this node knows it by`)
    assert.include(text, `timemesh peers trust ${row.ip}`)
  })

  it("a connection is told with its wire, its transport and how the peer's key is known", () => {
    const over = (change: Partial<NonNullable<PeerRecord["connection"]>>, pin?: PeerRecord["pin"]) => {
      const { connection } = row
      if (connection === undefined) assert.fail("the row is connected")
      const record = { ...row, connection: { ...connection, ...change }, pin }
      return /Over [^.]*(?:\.\d[^.]*)?\./.exec(Explanation.explain(row.ip, record, facts, 24_100, now).text)?.[0]
    }
    assert.isUndefined(over({}))
    assert.strictEqual(
      over({ transport: "TLSv1.3" }, { state: "pinned", key: "ab".repeat(32), since: 0 }),
      "Over timemesh/1, TLSv1.3, pinned since 1970-01-01."
    )
    assert.strictEqual(
      over({ transport: "TLSv1.2", wire: "time" }, { state: "not-pinned" }),
      "Over the TIME wire, TLSv1.2, not pinned: a TIME daemon makes a new certificate at each start."
    )
  })

  it("has words for each, in plain sentences without a full stop, and for IPv4 and IPv6", () => {
    for (const situation of Situation.situations) {
      for (const address of ["203.0.113.7", "2001:db8::7"]) {
        for (const record of [undefined, rowWith({ ip: PeerIp.fromStringUnsafe(address) })]) {
          const { cause, fix } = SituationText.of(situation, { ...facts, record, address, usualPort: 24_100 })
          for (const text of fix === undefined ? [cause] : [cause, fix]) {
            assert.match(text, /^[^.].*[^.]$/)
            assert.notMatch(text, /undefined|NaN|somebody|nobody| {2}/, situation)
          }
        }
      }
    }
  })

  it("an address without a row is unknown only if the book does not hold it either", () => {
    assert.strictEqual(Situation.of(undefined, facts, now), "unknown")
    assert.strictEqual(Situation.of(undefined, { ...facts, isInBook: true }, now), "in-book")
    assert.strictEqual(Situation.of(undefined, { ...facts, isInBook: true, full: 8 }, now), "full-here")
    assert.strictEqual(Situation.of(undefined, { ...facts, isInBook: true, own: "host" }, now), "own-address")
  })
})
