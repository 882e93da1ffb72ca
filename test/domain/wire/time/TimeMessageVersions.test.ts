import { assert, describe, it } from "@effect/vitest"
import * as TimeDecoder from "../../../../src/domain/wire/time/TimeDecoder.ts"
import * as TimeEncoder from "../../../../src/domain/wire/time/TimeEncoder.ts"
import * as TimeMessage from "../../../../src/domain/wire/time/TimeMessage.ts"
import { frameOf, head, ofFrame, plain } from "../../../harness/timeFrames.ts"
import { messages } from "../../../harness/timeMessages.ts"

const early = TimeMessage.commitCountOf72 - 1

describe("versions", () => {
  const announced = messages(5, 1).filter(({ _tag }) => /Announcement|StartedAt|Warning/.test(_tag))

  it("before variant 72, everything from there on has one number less", () => {
    for (const message of announced) {
      const [number] = TimeMessage.table[message._tag]
      const frame = TimeEncoder.encode(message, early)
      if (number === 72) {
        assert.isUndefined(frame)
        continue
      }
      if (frame === undefined) return assert.fail(message._tag)
      assert.strictEqual(Buffer.from(frame).readUInt32LE(4), number > 72 ? number - 1 : number)
      assert.strictEqual(JSON.stringify(ofFrame(frame, early), plain), JSON.stringify(message, plain))
      if (number > 72) assert.notStrictEqual(ofFrame(frame, head)._tag, message._tag)
      assert.strictEqual(Buffer.from(frameOf(message, TimeMessage.commitCountOf72)).readUInt32LE(4), number)
    }
  })

  it("of a peer that has not said its version, those variants are skipped", () => {
    for (const message of announced) {
      const [number] = TimeMessage.table[message._tag]
      const frame = frameOf(message)
      assert.strictEqual(
        TimeDecoder.decode(frame, 4, frame.length, undefined)._tag,
        number < 72 ? message._tag : "Unknown"
      )
    }
  })

  it("are told apart by the commit count that brought variant 72", () => {
    const counts = [0, TimeMessage.commitCountOf72 - 1, TimeMessage.commitCountOf72, TimeMessage.commitCount]
    assert.deepStrictEqual([TimeMessage.commitCountOf72, TimeMessage.commitCount], [2_202, 2_344])
    for (
      const [index, numbers, unknown] of [
        [0, [0, 0, 0, 0], 0],
        [71, [71, 71, 71, 71], 71],
        [72, [73, 73, 72, 72], undefined],
        [73, [74, 74, 73, 73], undefined],
        [84, [85, 85, 84, 84], undefined]
      ] as const
    ) {
      assert.deepStrictEqual(counts.map((count) => TimeMessage.numberOf(index, count)), [...numbers], `${index}`)
      assert.strictEqual(TimeMessage.numberOf(index, undefined), unknown)
    }
    for (
      const [number, indices] of [
        [71, [71, 71, 71, 71]],
        [72, [undefined, undefined, 72, 72]],
        [73, [72, 72, 73, 73]],
        [84, [83, 83, 84, 84]]
      ] as const
    ) {
      assert.deepStrictEqual(counts.map((count) => TimeMessage.indexFor(number, count)), [...indices], `${number}`)
    }
  })

  it("have these numbers and these fields, in this order", () => {
    const layout = Object.entries(TimeMessage.table).map(([tag, [number, fields]]) =>
      [number, tag, ...Object.keys(fields)].join(" ")
    )
    assert.deepStrictEqual(layout, [
      "0 GetGenesisHash",
      "1 GenesisHashResponse hash",
      "2 GetBlockHeight",
      "3 BlockHeightResponse height",
      "4 GetChainTip",
      "5 ChainTipResponse height hash",
      "6 GetBlocks start end",
      "7 BlocksResponse blocks",
      "8 RequestGenesis",
      "9 GenesisAnnouncement block",
      "10 Handshake magic version network commitCount",
      "11 Ack of",
      "20 BlockAnnouncement block",
      "21 BlockInventory height",
      "22 BlockRequest height",
      "23 BlockResponse block",
      "28 MasternodeAnnouncement address rewardAddress tier publicKey",
      "29 MasternodeUnlock address collateral timestamp signature",
      "30 GetMasternodes",
      "31 MasternodesResponse masternodes",
      "32 MasternodeInactive address timestamp",
      "35 Version version commitDate commitCount protocol network listens timestamp capabilities wallet genesis",
      "36 Ping nonce timestamp height",
      "37 Pong nonce timestamp height",
      "40 MempoolSyncRequest",
      "42 GetPeers",
      "43 PeersResponse addresses",
      "44 PeerExchange peers",
      "45 GetBlockHash height",
      "46 BlockHashResponse height hash",
      "49 GetBlockRange start end",
      "50 BlockRangeResponse blocks",
      "51 ForkAlert yourHeight yourHash consensusHeight consensusHash consensusPeers message",
      "61 TimeLockBlockProposal block",
      "64 GetChainWork",
      "65 ChainWorkResponse height tipHash work",
      "66 GetChainWorkAt height",
      "67 ChainWorkAtResponse height hash work",
      "71 MasternodeStatusGossip reporter visible timestamp",
      "72 MasternodeStartedAtGossip started",
      "73 MasternodeAnnouncementV2 address rewardAddress tier publicKey collateral",
      "74 MasternodeAnnouncementV3 address rewardAddress tier publicKey collateral certificate startedAt",
      "75 MasternodeAnnouncementV4 address rewardAddress tier publicKey collateral certificate startedAt collateralProof",
      "84 ConnectivityWarning message"
    ])
    assert.deepStrictEqual<ReadonlyArray<string>>(TimeMessage.tags, Object.keys(TimeMessage.table))
    assert.deepStrictEqual(TimeMessage.tiers, ["Free", "Bronze", "Silver", "Gold"])
  })

  it("say of each message how long it is at least", () => {
    const none = new Uint8Array(0)
    for (const tag of TimeMessage.tags) {
      const fields = Object.values(TimeMessage.table[tag][1])
      const least = fields.reduce((sum, field) => sum + field.least, 0)
      const zeros = new Uint8Array(8 + least)
      new DataView(zeros.buffer).setUint32(4, TimeMessage.table[tag][0], true)
      const decoded = ofFrame(zeros)
      // Keys have their length, and a block more than zeros in it where it says how long it is.
      if (!/Announcement|Block(Response|Announcement|Proposal)/.test(tag)) assert.strictEqual<string>(decoded._tag, tag)
      if (least > 0) assert.strictEqual(ofFrame(zeros.subarray(0, -1))._tag, "BadBody", tag)
    }
    assert.deepStrictEqual(TimeDecoder.decode(none, 0, 0, head), { _tag: "Unknown", kind: -1 })
  })
})
