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
  [["connected", "alias", "no-family", "moved", "impossible"], "Connected to all 1 known peers"],
  [["connected", "quiet"], "Connected to all 2 known peers; of the connections, 1 quiet"],
  [["connected", "refused"], "Connected to 1 of 2 known peers; missing 10.0.0.2: it is refused"],
  [
    ["connected", "refused", "no-answer", "no-answer"],
    "Connected to 1 of 4 known peers; of the 3 missing, 2: it is no-answer (10.0.0.3)"
  ],
  [["refused"], "Connected to none of 1 known peers; 10.0.0.1: it is refused"],
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
