/** The sentence of `status`: all, some and none of the peers. */
import { assert, describe, it } from "@effect/vitest"
import type { Explanation } from "../../../src/domain/peer/Explanation.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import * as PeerSummary from "../../../src/domain/peer/PeerSummary.ts"
import type { Situation } from "../../../src/domain/peer/Situation.ts"
import { row } from "../../harness/adminNode.ts"

const rows = (situations: ReadonlyArray<Situation>): ReadonlyArray<Explanation> =>
  situations.map((situation, i) => {
    const isUp = situation === "connected" || situation === "quiet"
    return {
      ip: PeerIp.fromStringUnsafe(`10.0.0.${i + 1}`),
      state: isUp ? "connected" : "waiting",
      situation,
      cause: `it is ${situation}`,
      text: "",
      record: isUp ? row : { ...row, connection: undefined }
    }
  })

const table: ReadonlyArray<readonly [situations: ReadonlyArray<Situation>, sentence: string]> = [
  [[], PeerSummary.noPeersKnown],
  [["own-address", "alias"], PeerSummary.noPeersKnown],
  [["connected", "alias", "no-family", "moved", "impossible"], "Connected to the one known peer"],
  [["connected", "quiet"], "Connected to all 2 known peers; of the connections, 1 quiet"],
  [["connected", "refused"], "Connected to 1 of 2 known peers; missing 10.0.0.2: it is refused"],
  [
    ["connected", "refused", "no-answer", "no-answer"],
    "Connected to 1 of 4 known peers; of the 3 missing, 2: it is no-answer (10.0.0.3)"
  ],
  [["refused"], "Connected to none of 1 known peers; 10.0.0.1: it is refused"],
  [["refused", "no-answer"], "Connected to none of 2 known peers; 1 of them: it is refused (10.0.0.1)"],
  [["refused", "refused"], "Connected to none of 2 known peers; 2 of them: it is refused (10.0.0.1)"]
]

describe("PeerSummary", () => {
  for (const [situations, sentence] of table) {
    it(`of ${situations.join(", ") || "nothing"}`, () => {
      const summary = PeerSummary.of(rows(situations))
      assert.strictEqual(summary.sentence, sentence)
      assert.strictEqual(summary.known, summary.connected + summary.missing.reduce((sum, { peers }) => sum + peers, 0))
    })
  }

  it("names what is missing, the most frequent cause first, with an example and what to do", () => {
    const [one, two, three] = rows(["refused", "no-answer", "no-answer"])
    assert(one !== undefined && two !== undefined && three !== undefined)
    const { missing } = PeerSummary.of([{ ...one, fix: "start it" }, two, { ...three, fix: "of another" }])
    assert.deepStrictEqual(missing, [
      { situation: "no-answer", peers: 2, example: two.ip, cause: "it is no-answer" },
      { situation: "refused", peers: 1, example: one.ip, cause: "it is refused", fix: "start it" }
    ])
  })

  it("counts an address without a record as one that is missing, and no link of it", () => {
    const [one] = rows(["in-book"])
    assert(one !== undefined)
    const known = { ...one, record: undefined }
    assert.deepInclude(PeerSummary.of([known]), { known: 1, connected: 0 })
    assert.deepStrictEqual(PeerSummary.links([known]), { wires: {}, transports: {}, pins: {} })
  })

  it("counts connections in trouble, and addresses that are no peers, by situation", () => {
    const { apart, connected, known, troubled } = PeerSummary.of(
      rows(["connected", "quiet", "quiet", "alias", "alias", "moved", "lost"])
    )
    assert.deepStrictEqual({ apart, connected, known, troubled }, {
      apart: { alias: 2, moved: 1 },
      connected: 3,
      known: 4,
      troubled: { quiet: 2 }
    })
    const [quiet, up] = rows(["quiet", "connected"])
    assert(quiet !== undefined && up !== undefined)
    const { sentence } = PeerSummary.of([quiet, { ...up, situation: "clock" }])
    assert.match(sentence, /; of the connections, 1 quiet, 1 clock$/)
  })

  it("names the commands for a node that knows no peer", () =>
    assert.strictEqual(
      PeerSummary.noPeersKnown,
      "No peers known: use --peer IP:PORT, or wait for an inbound connection"
    ))
})

describe("links", () => {
  it("counts connections that are up by wire, transport and pin, and nothing else", () => {
    const up = rows(["connected", "connected", "refused"])
    const [first, second, third] = up
    if (first?.record?.connection === undefined || second === undefined || third === undefined) assert.fail("no rows")
    const overTls = {
      ...first,
      record: {
        ...first.record,
        connection: { ...first.record.connection, wire: "time" as const, transport: "TLSv1.3" },
        pin: { state: "not-pinned" as const }
      }
    }
    assert.deepStrictEqual(PeerSummary.links([overTls, second, third]), {
      wires: { time: 1, native: 1 },
      transports: { "TLSv1.3": 1, plain: 1 },
      pins: { "not-pinned": 1 }
    })
  })
})
