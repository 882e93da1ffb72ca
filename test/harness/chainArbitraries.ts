/** Generators of chain values, all of them encodable; nothing about them is valid beyond that. */
import { Arbitrary, Schema } from "effect"
import type * as Block from "../../src/domain/chain/Block.ts"
import type * as Transaction from "../../src/domain/chain/Transaction.ts"
import * as U64 from "../../src/domain/chain/U64.ts"
import { bytes } from "./arbitraries.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const list = <A>(of: Arbitrary.Arbitrary<A>, maxLength: number) => Arbitrary.array(of, { maxLength })
const maybe = <A>(of: Arbitrary.Arbitrary<A>): Arbitrary.Arbitrary<A | undefined> =>
  Arbitrary.map(list(of, 1), ([value]) => value)
const maybeBool = Arbitrary.map(int(0, 2), (n) => n === 2 ? undefined : n === 1)
/** Scalar values only: a lone surrogate is no text. Some short ASCII, some beyond the short way, some any. */
export const text: Arbitrary.Arbitrary<string> = Arbitrary.map(
  Arbitrary.all([int(0, 3), Arbitrary.schema(Schema.String)]),
  ([kind, any]) => kind === 0 ? "10.0.0.2" : (kind === 1 ? any.repeat(9) : any).toWellFormed()
)
const vec = bytes(0, 40)
export const hash = bytes(32, 32)
const u32 = Arbitrary.map(Arbitrary.all([int(0, 3), int(0, 0xffff_ffff)]), ([k, n]) => k === 0 ? 0xffff_ffff : n)

/** Small, around 2^53, around the ends, any. */
export const u64: Arbitrary.Arbitrary<U64.U64> = Arbitrary.map(
  Arbitrary.all([int(0, 3), int(0, 5), bytes(8, 8)]),
  ([kind, small, b]) =>
    U64.of(
      kind === 0
        ? BigInt(small)
        : kind === 1
        ? 2n ** 53n - 3n + BigInt(small)
        : kind === 2
        ? U64.max - BigInt(small)
        : Buffer.from(b).readBigUInt64LE()
    )
)
export const i64: Arbitrary.Arbitrary<U64.I64> = Arbitrary.map(
  Arbitrary.all([u64, int(0, 1)]),
  ([n, sign]) => U64.of(BigInt.asIntN(64, sign === 1 ? -BigInt(n) : BigInt(n)))
)
const safe = Arbitrary.map(
  Arbitrary.all([int(0, 2), int(0, 1_000_000)]),
  ([kind, n]) => kind === 0 ? Number.MAX_SAFE_INTEGER - n : n
)
const signedSafe = Arbitrary.map(Arbitrary.all([int(0, 1), safe]), ([s, n]) => s === 0 || n === 0 ? n : -n)

const special: Arbitrary.Arbitrary<Transaction.SpecialData> = Arbitrary.map(
  Arbitrary.all([int(0, 2), u32, Arbitrary.array(text, { minLength: 6, maxLength: 6 })]),
  ([kind, slotId, [a = "", b = "", c = "", d = "", pubkey = "", signature = ""]]) =>
    kind === 0
      ? {
        _tag: "MasternodeRegistration",
        nodeAddress: a,
        walletAddress: b,
        rewardAddress: c,
        collateralOutpoint: d,
        pubkey,
        signature
      }
      : kind === 1
      ? { _tag: "MasternodeDeregistration", nodeAddress: a, slotId, pubkey, signature }
      : { _tag: "MasternodePayoutUpdate", nodeAddress: a, newRewardAddress: b, pubkey, signature }
)

export const transaction: Arbitrary.Arbitrary<Transaction.Transaction> = Arbitrary.map(
  Arbitrary.all({
    version: u32,
    inputs: list(
      Arbitrary.map(
        Arbitrary.all([hash, u32, vec, u32]),
        ([txid, vout, scriptSig, sequence]) => ({ previousOutput: { txid, vout }, scriptSig, sequence })
      ),
      3
    ),
    outputs: list(Arbitrary.all({ value: u64, scriptPubkey: vec }), 3),
    lockTime: u32,
    timestamp: i64,
    specialData: maybe(special),
    encryptedMemo: maybe(vec)
  }),
  (transaction) => transaction
)

const header: Arbitrary.Arbitrary<Block.FullHeader> = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.all({ version: u32, height: safe, timestamp: signedSafe, blockReward: u64, vrfScore: u64 }),
    Arbitrary.all({ previousHash: hash, merkleRoot: hash, attestationRoot: hash, vrfOutput: hash }),
    Arbitrary.all({ leader: text, vrfProof: vec, activeMasternodesBitmap: vec, producerSignature: vec }),
    Arbitrary.all({ livenessRecovery: maybeBool, totalFees: u64, treasuryBalance: u64 }),
    Arbitrary.all({ free: u32, bronze: u32, silver: u32, gold: u32 })
  ]),
  ([a, b, c, d, masternodeTiers]) => ({ ...a, ...b, ...c, ...d, masternodeTiers })
)

const attestation: Arbitrary.Arbitrary<Block.TimeAttestation> = Arbitrary.map(
  Arbitrary.all({
    masternodeAddress: text,
    sequenceNumber: u64,
    heartbeatTimestamp: i64,
    masternodePubkey: text,
    heartbeatSignature: text,
    witnesses: list(
      Arbitrary.all({ witnessAddress: text, witnessPubkey: text, witnessTimestamp: i64, signature: text }),
      2
    )
  }),
  (attestation) => attestation
)

export const block: Arbitrary.Arbitrary<Block.BlockFields> = Arbitrary.map(
  Arbitrary.all({
    header,
    transactions: list(transaction, 3),
    masternodeRewards: list(Arbitrary.all({ address: text, amount: u64 }), 3),
    timeAttestations: list(attestation, 2),
    consensusParticipantsBitmap: vec,
    livenessRecovery: maybeBool
  }),
  (block) => block
)
