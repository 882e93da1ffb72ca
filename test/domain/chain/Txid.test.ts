/** The JSON that a transaction's id hashes, character by character where it is made by hand: numbers, byte strings, lists. */
import { assert, describe, it } from "@effect/vitest"
import type { SpecialData, Transaction } from "../../../src/domain/chain/Transaction.ts"
import * as Txid from "../../../src/domain/chain/Txid.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import { hasher } from "../../harness/hasher.ts"

const empty: Transaction = {
  version: 1,
  inputs: [],
  outputs: [],
  lockTime: 0,
  timestamp: 0,
  specialData: undefined,
  encryptedMemo: undefined
}
const json = (change: Partial<Transaction>) => Txid.json({ ...empty, ...change })
const tail = ",\"special_data\":null,\"encrypted_memo\":null}"
const output = (script: ReadonlyArray<number>) => ({ value: 1, scriptPubkey: Uint8Array.from(script) })

/** The text that `of` and `withMemo` hand to SHA-256, as it is then. */
const hashed = (id: typeof Txid.of, transaction: Transaction): string => {
  let text = ""
  const reading = {
    ...hasher,
    sha256: (bytes: Uint8Array) => {
      text = new TextDecoder().decode(bytes)
      return hasher.sha256(bytes)
    }
  }
  const is = id(reading, transaction)
  assert.deepStrictEqual([...is], [...hasher.sha256(new TextEncoder().encode(text))])
  return text
}

describe("the JSON of a transaction", () => {
  it("has every field of the empty one", () =>
    assert.strictEqual(json({}), `{"version":1,"inputs":[],"outputs":[],"lock_time":0,"timestamp":0${tail}`))

  it("has numbers in decimal, around every power of ten and beyond doubles", () => {
    const numbers = Array.from({ length: 16 }, (_, i) => 10 ** i).flatMap((n) => [n - 1, n, n + 1])
    const large = [2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]
    for (const n of [...numbers, Number.MAX_SAFE_INTEGER, -1, -10, -Number.MAX_SAFE_INTEGER, ...large]) {
      assert.strictEqual(
        json({ timestamp: n }),
        `{"version":1,"inputs":[],"outputs":[],"lock_time":0,"timestamp":${n}${tail}`
      )
    }
  })

  it("has byte strings as numbers of one to three digits", () => {
    const all = Array.from({ length: 256 }, (_, i) => i)
    for (const script of [[], [0], [9, 10], [99, 100, 255], all, all.toReversed()]) {
      assert.include(json({ outputs: [output(script)] }), `"script_pubkey":[${script.join(",")}]}`)
    }
  })

  it("separates inputs and outputs by commas, however many there are", () => {
    const input = {
      previousOutput: { txid: new Uint8Array(2).fill(7), vout: 3 },
      scriptSig: Uint8Array.of(8),
      sequence: 9
    }
    const one = "{\"previous_output\":{\"txid\":[7,7],\"vout\":3},\"script_sig\":[8],\"sequence\":9}"
    const out = "{\"value\":1,\"script_pubkey\":[5]}"
    for (const count of [1, 2, 3]) {
      const list = (text: string) => Array.from({ length: count }, () => text).join(",")
      assert.strictEqual(
        json({
          inputs: Array.from({ length: count }, () => input),
          outputs: Array.from({ length: count }, () => output([5]))
        }),
        `{"version":1,"inputs":[${list(one)}],"outputs":[${list(out)}],"lock_time":0,"timestamp":0${tail}`
      )
    }
  })

  it("has special data of each kind, under its own names, with what JSON escapes", () => {
    const data: ReadonlyArray<readonly [SpecialData, string]> = [
      [
        {
          _tag: "MasternodeRegistration",
          nodeAddress: "n\"",
          walletAddress: "w",
          rewardAddress: "r",
          collateralOutpoint: "c",
          pubkey: "p",
          signature: "s\n"
        },
        "{\"MasternodeRegistration\":{\"node_address\":\"n\\\"\",\"wallet_address\":\"w\",\"reward_address\":\"r\",\"collateral_outpoint\":\"c\",\"pubkey\":\"p\",\"signature\":\"s\\n\"}}"
      ],
      [
        { _tag: "MasternodeDeregistration", nodeAddress: "n", slotId: 12, pubkey: "p", signature: "é" },
        "{\"MasternodeDeregistration\":{\"node_address\":\"n\",\"slot_id\":12,\"pubkey\":\"p\",\"signature\":\"é\"}}"
      ],
      [
        { _tag: "MasternodePayoutUpdate", nodeAddress: "n", newRewardAddress: "r", pubkey: "p", signature: "s" },
        "{\"MasternodePayoutUpdate\":{\"node_address\":\"n\",\"new_reward_address\":\"r\",\"pubkey\":\"p\",\"signature\":\"s\"}}"
      ]
    ]
    for (const [specialData, text] of data) {
      assert.strictEqual(
        json({ specialData }),
        `{"version":1,"inputs":[],"outputs":[],"lock_time":0,"timestamp":0,"special_data":${text},"encrypted_memo":null}`
      )
    }
  })

  it("is right whatever lies across the end of its buffer", () => {
    /** In a new buffer each time: numbers, byte strings of three digits each and texts, shifted by a byte at a time. */
    const outputs = Array.from({ length: 40 }, () => ({ value: 10 ** 15, scriptPubkey: new Uint8Array(0) }))
    for (let shift = 1; shift <= 48; shift++) {
      const shifted: Transaction = {
        ...empty,
        specialData: {
          _tag: "MasternodePayoutUpdate",
          nodeAddress: "n".repeat(shift),
          newRewardAddress: "",
          pubkey: "",
          signature: ""
        }
      }
      const first = { value: 1, scriptPubkey: Uint8Array.from({ length: shift >> 2 }, () => 1) }
      for (const version of [1, 10, 100, 1_000]) {
        const many = { ...shifted, version, outputs: [{ ...first, value: 10 ** (shift % 16) }, ...outputs] }
        const values = [10 ** (shift % 16), ...outputs.map(({ value }) => value)]
        assert.deepStrictEqual(
          JSON.parse(Txid.json(many)).outputs.map(({ value }: { value: number }) => value),
          values
        )
        for (const size of [Limits.txidBufferBytes, 2 * Limits.txidBufferBytes]) {
          const script = Uint8Array.from({ length: (size >> 2) - shift }, () => 200)
          const text = Txid.json({ ...shifted, version, outputs: [{ ...first, scriptPubkey: script }] })
          assert.deepStrictEqual(JSON.parse(text).outputs[0].script_pubkey, [...script])
        }
      }
    }
    for (let length = 700; length < 1_000; length++) {
      const nodeAddress = "n".repeat(length)
      const specialData: SpecialData = {
        _tag: "MasternodePayoutUpdate",
        nodeAddress,
        newRewardAddress: "r",
        pubkey: "p",
        signature: "s"
      }
      const { MasternodePayoutUpdate } = JSON.parse(Txid.json({ ...empty, specialData })).special_data
      assert.deepStrictEqual(MasternodePayoutUpdate, {
        node_address: nodeAddress,
        new_reward_address: "r",
        pubkey: "p",
        signature: "s"
      })
    }
    const long = { ...empty, outputs: [output(Array.from({ length: Limits.txidSpareBytes }, () => 200))] }
    assert.strictEqual(hashed(Txid.of, long), Txid.json(long))
    assert.strictEqual(hashed(Txid.of, empty), Txid.json(empty))
  })

  it("doubles the buffer, keeps it for the next, and keeps none of a long text", () => {
    const bufferOf = (transaction: Transaction) => {
      let bytes = 0
      Txid.of({ ...hasher, sha256: (text) => (bytes = text.buffer.byteLength, new Uint8Array(32)) }, transaction)
      return bytes
    }
    const text = (bytes: number): Transaction => {
      const specialData: SpecialData = {
        _tag: "MasternodePayoutUpdate",
        nodeAddress: "",
        newRewardAddress: "",
        pubkey: "",
        signature: ""
      }
      const length = json({ specialData }).length
      return { ...empty, specialData: { ...specialData, nodeAddress: "n".repeat(bytes - length) } }
    }
    const long = { ...empty, outputs: Array.from({ length: 3_000 }, () => output([])) }
    assert.isAbove(bufferOf(long), Limits.txidSpareBytes)
    const initial = Limits.txidBufferBytes
    assert.strictEqual(bufferOf(empty), initial)
    assert.strictEqual(bufferOf(text(initial)), initial, "exactly full")
    assert.strictEqual(bufferOf(text(initial + 1)), 2 * initial)
    assert.strictEqual(bufferOf(empty), 2 * initial)
    const spare = { ...empty, outputs: Array.from({ length: 1_500 }, () => output([])) }
    assert.strictEqual(bufferOf(spare), Limits.txidSpareBytes)
    assert.strictEqual(bufferOf(empty), Limits.txidSpareBytes, "as long as one may be")
    assert.isAbove(bufferOf(long), Limits.txidSpareBytes)
    assert.strictEqual(bufferOf(empty), initial)
  })

  it("has the memo under the rule of old blocks alone", () => {
    const transaction = { ...empty, encryptedMemo: Uint8Array.of(1, 20, 255) }
    assert.include(hashed(Txid.of, transaction), "\"encrypted_memo\":null}")
    assert.include(hashed(Txid.withMemo, transaction), "\"encrypted_memo\":[1,20,255]}")
    assert.include(hashed(Txid.withMemo, { ...empty, encryptedMemo: new Uint8Array(0) }), "\"encrypted_memo\":[]}")
    assert.strictEqual(hashed(Txid.withMemo, empty), hashed(Txid.of, empty))
  })
})
