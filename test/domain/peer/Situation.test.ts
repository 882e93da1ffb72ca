/** Which situation a row is in: what each Reject means at both ends, and what comes first. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Explanation from "../../../src/domain/peer/Explanation.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../../src/domain/peer/PeerRecord.ts"
import * as Situation from "../../../src/domain/peer/Situation.ts"
import * as SituationText from "../../../src/domain/peer/SituationText.ts"
import { row } from "../../harness/adminNode.ts"

const facts: Situation.Facts = {
  impossible: undefined,
  own: undefined,
  movedTo: undefined,
  isIsolated: false,
  banned: undefined,
  isInBook: false,
  full: undefined,
  familyMissing: false,
  isAlone: false,
  clockBehindS: undefined
}

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
