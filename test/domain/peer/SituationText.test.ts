/** Every situation as a person reads it: the cause with its values, and what to do. */
import { assert, describe, it } from "@effect/vitest"
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import type { BannedFact, OwnAddress } from "../../../src/domain/peer/Situation.ts"
import * as SituationText from "../../../src/domain/peer/SituationText.ts"

import { ban, bare, cases, nothing, quiet, unknown } from "../../harness/situationTexts.ts"

it("the port in a text is that of the attempt, not that of the next dial", () => {
  const reason = DisconnectReason.remote("dial-failed", "ECONNREFUSED")
  const record = {
    ...bare,
    lastAttempt: { at: 5, reason, direction: "outbound", reached: "dial", port: 4_001 }
  } as const
  const { cause } = SituationText.of("refused", { ...nothing, record })
  assert.strictEqual(cause, "the host refuses connections at port 4001 (ECONNREFUSED): no program listens there")
})

describe("a situation reads", () => {
  for (const [situation, details, cause, fix] of cases) {
    it(`${situation}: ${cause}`, () =>
      assert.deepStrictEqual(
        SituationText.of(situation, { ...nothing, ...details }),
        fix === undefined ? { cause } : { cause, fix }
      ))
  }

  for (const [situation, cause] of unknown) {
    it(`${situation}, of an address without a row, or with one that has no past: ${cause}`, () => {
      const fresh = { ...bare, dialPort: nothing.usualPort, shortUps: 0 }
      for (const record of [undefined, fresh]) {
        assert.strictEqual(SituationText.of(situation, { ...nothing, record }).cause, cause)
      }
    })
  }

  it("own-address: how it is known, what else is to be said of it, and what to do", () => {
    const known: Readonly<Record<OwnAddress, string>> = {
      listen: "this node listens on it (--listen)",
      advertise: "this node is announced by it (--advertise)",
      host: "an interface of this host has it, and this node listens on all of them",
      former: "an interface of this host had it while this node ran",
      dialled: "a dial to it reached this node itself",
      seen: "connected peers see this node at it"
    }
    const fix = "a peer is its IP: to connect to another node, name that node's address"
    for (const own of Object.keys(known) as ReadonlyArray<OwnAddress>) {
      const cause = `it is this node's own address: ${known[own]}`
      assert.deepStrictEqual(SituationText.of("own-address", { ...nothing, own }), { cause, fix })
      const ownNotice = { cause: "a router translates it", fix: "forward the port" }
      assert.deepStrictEqual(SituationText.of("own-address", { ...nothing, own, ownNotice }), {
        cause: `${cause}; a router translates it`,
        fix: `${fix}; forward the port`
      })
      assert.deepStrictEqual(SituationText.of("own-address", { ...nothing, own, ownNotice: { cause: "c" } }), {
        cause: `${cause}; c`,
        fix
      })
    }
  })

  it("banned-here: what is banned, for how long still, by whom, why, and how to lift it", () => {
    const said = (change: Partial<BannedFact>) => SituationText.of("banned-here", { ...nothing, ...ban(change) })
    assert.deepStrictEqual(said({}), {
      cause: "this node has banned it for 2 h more, by the operator's command",
      fix: "wait for the end of the ban, or lift it: timemesh unban 203.0.113.7"
    })
    assert.deepStrictEqual(said({ by: "score", reason: "spam", subnet: "203.0.113.0/24" }), {
      cause: "this node has banned 203.0.113.0/24, which it is in, for 2 h more, by the score of its offences (spam)",
      fix: "wait for the end of the ban, or lift it: timemesh unban 203.0.113.0/24"
    })
    const lefts = [1, 119_999, 120_000, 7_199_999, 7_200_000].map((forMs) =>
      /for (\S+ \S+) more/.exec(said({ forMs }).cause)?.[1]
    )
    assert.deepStrictEqual(lefts, ["1 s", "120 s", "2 min", "120 min", "2 h"])
    assert.strictEqual(SituationText.of("banned-here", nothing).fix, "lift the ban, or wait for its end")
  })

  it("quiet: a clock that was set back makes no negative ages", () =>
    assert.include(
      SituationText.of("quiet", { ...nothing, ...quiet(-5, -5) }).cause,
      "no byte for 0.0 s, and the ping sent 0.0 s ago"
    ))
})
