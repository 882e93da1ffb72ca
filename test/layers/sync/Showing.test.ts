/** Which peers' headers are kept while they are not better than our chain, when there is not room for all. */
import { assert, describe, it } from "@effect/vitest"
import * as Synthetic from "../../../src/domain/chain/Synthetic.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { PackedHeaders } from "../../../src/layers/sync/PackedHeaders.ts"
import * as Showing from "../../../src/layers/sync/Showing.ts"
import { devnet } from "../../harness/syntheticChain.ts"

const header = Synthetic.genesisParent(devnet)
const packed = (count: number) => new PackedHeaders(1, Array.from({ length: count }, () => header))
const showing = (count: number, since = 0): Showing.Showing => ({ fork: 0, headers: packed(count), since })

/** A tenth of the room, and one less. */
const tenth = Limits.headersShown / 10
const big = packed(tenth - 1)
const holder = (since: number): Showing.Keeper => ({ showing: { fork: 0, headers: big, since } })
/** Ten that leave room for ten headers, each asked 1 s later than the one before: the first is the slowest. */
const full = () => Array.from({ length: 10 }, (_, i) => holder(i * 1_000))
const now = 20_000

describe("headers that peers are showing", () => {
  it("are kept while all of them fit, to the last", () => {
    const holders = full()
    const mine: Showing.Keeper = { showing: undefined }
    assert.isTrue(Showing.keep([...holders, mine], mine, showing(10), now))
    assert.strictEqual(mine.showing?.headers.count, 10)
    assert.isTrue(holders.every(({ showing }) => showing !== undefined))
  })

  it("of the slowest make room for those of a faster peer, no more than it takes", () => {
    const holders = full()
    const mine: Showing.Keeper = { showing: undefined }
    assert.isTrue(Showing.keep([...holders, mine], mine, showing(11, now - 1), now))
    assert.deepStrictEqual(holders.map(({ showing }) => showing !== undefined), [
      false,
      ...Array.from({ length: 9 }, () => true)
    ])
    const more: Showing.Keeper = { showing: undefined }
    assert.isTrue(Showing.keep([...holders, mine, more], more, showing(tenth - 1, now - 1), now))
    assert.deepStrictEqual(holders.map(({ showing }) => showing !== undefined), [
      false,
      false,
      ...Array.from({ length: 8 }, () => true)
    ])
    assert.isDefined(mine.showing, "a faster one")
  })

  it("of a slower peer find no room, and take none", () => {
    const holders = full()
    const mine: Showing.Keeper = { showing: showing(5) }
    assert.isFalse(Showing.keep([...holders, mine], mine, showing(11), now))
    assert.isUndefined(mine.showing)
    assert.isTrue(holders.every(({ showing }) => showing !== undefined))
  })

  it("take nothing where the slower ones together do not suffice", () => {
    const holders = full()
    const mine: Showing.Keeper = { showing: undefined }
    // Faster than the first two only.
    const since = now - Math.floor((now - 1_500) * 99_000 / (tenth - 1))
    assert.isTrue(Showing.keep([...holders, mine], mine, showing(99_000, since), now))
    assert.deepStrictEqual(holders.map(({ showing }) => showing !== undefined).slice(0, 3), [false, true, true])
    const other: Showing.Keeper = { showing: undefined }
    for (const each of holders) each.showing = { fork: 0, headers: packed(99_990), since: now }
    mine.showing = undefined
    assert.isFalse(Showing.keep([...holders, mine, other], other, showing(99_999), now))
    assert.isTrue(holders.every(({ showing }) => showing !== undefined))
  })

  it("are counted once when a peer shows more of them", () => {
    const [mine, ...others] = full()
    assert.isDefined(mine)
    assert.isTrue(Showing.keep([mine, ...others], mine, showing(tenth - 1), now))
    assert.isTrue(others.every(({ showing }) => showing !== undefined))
  })

  it("are dropped at the most of one peer, whatever room there is", () => {
    const mine: Showing.Keeper = { showing: showing(5) }
    assert.isTrue(Showing.keep([mine], mine, showing(Limits.headersAhead - 1), now))
    assert.isFalse(Showing.keep([mine], mine, showing(Limits.headersAhead), now))
    assert.isUndefined(mine.showing)
  })
})
