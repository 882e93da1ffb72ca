/**
 * The body of every native message, control, masternodes and sync: a message, `Unknown` or `BadBody`, never an exception, and what is a
 * message keeps to its schema and survives being written again.
 *
 * An input is the kind, then the body.
 */
import { Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import { MasternodeKind } from "../../../src/domain/wire/MasternodeMessage.ts"
import { Message } from "../../../src/domain/wire/Message.ts"
import * as NativeDecoder from "../../../src/domain/wire/native/NativeDecoder.ts"
import * as NativeEncoder from "../../../src/domain/wire/native/NativeEncoder.ts"
import { Kind, peersCodec } from "../../../src/domain/wire/native/NativeLayout.ts"
import * as SyncMessage from "../../../src/domain/wire/SyncMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, sameBytes, show, type Target, utf8 } from "../Target.ts"
import { frames } from "./wireSeeds.ts"

const isMessage = Schema.is(Message)

const kinds = [
  ...Object.values(Kind),
  ...Object.values(SyncMessage.SyncKind),
  ...Object.values(MasternodeKind)
]

const isRead = (decoded: Decoded): decoded is Message => decoded._tag !== "Unknown" && decoded._tag !== "BadBody"

const written = (message: Message): Uint8Array => {
  const parts = NativeEncoder.encode(message)
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

const inputOf = (frame: Uint8Array): Uint8Array => frame.slice(4)

const encodePeers = Schema.encodeSync(peersCodec)
const decodePeers = Schema.decodeUnknownSync(peersCodec)

/** As `written`, for values that may break their bounds; what cannot be written at all throws. */
const laxly = (message: Message): Uint8Array => {
  switch (message._tag) {
    case "GetHeaders":
    case "Headers":
    case "GetBlocks":
    case "Blocks":
    case "Tip":
    case "NewBlock": {
      const { body, kind } = SyncMessage.encode(message)
      return Mutator.concat(Uint8Array.of(kind), body)
    }
    default:
      return inputOf(written(message))
  }
}

/** bytes. The unprintable and the long in a reason would end up in logs. */
const reasonMost = 200

const isHash = (bytes: Uint8Array): boolean => bytes.length === 32

/** The bounds that schemas leave to the decoder. */
const isBounded = (message: Message, body: Uint8Array): boolean => {
  switch (message._tag) {
    case "GetHeaders":
      return message.locator.length <= Limits.locatorHashes && message.locator.every(isHash)
    case "Headers":
      return isHash(message.after)
    case "GetBlocks":
      return message.hashes.length > 0 && message.hashes.length % 32 === 0 &&
        message.hashes.length <= 32 * Limits.blocksPerRequest
    case "Blocks":
      return message.blocks.length <= Limits.blocksPerRequest
    case "Tip":
      return isHash(message.hash)
    case "Peers":
      return decodePeers(body).peers.every(({ ip }) => ip.length === 16)
    default:
      return true
  }
}

const check = (kind: number, body: Uint8Array): void => {
  const decoded = NativeDecoder.decode(kind, body, 0, body.length)
  // Where the body lies must not matter.
  const around = new Uint8Array(body.length + 9).fill(0xa5)
  around.set(body, 7)
  const inside = NativeDecoder.decode(kind, around, 7, 7 + body.length)
  ensure(same(decoded, inside), () => `depends on what is around it: ${show(decoded)} and ${show(inside)}`)
  if (decoded._tag === "Unknown") return ensure(!kinds.some((known) => known === kind), "a known kind is Unknown")
  ensure(kinds.some((known) => known === kind), "an unknown kind is read")
  if (!isRead(decoded)) {
    ensure(decoded.kind === kind, "the kind of a bad body")
    ensure(decoded.reason !== "" && decoded.reason.length <= reasonMost, () => `its reason: ${show(decoded.reason)}`)
    ensure(!/[\p{Cc}\p{Cf}\p{Cs}]/u.test(decoded.reason), () => `its reason: ${show(decoded.reason)}`)
    return
  }
  ensure(isBounded(decoded, body), () => `over a bound: ${show(decoded)}`)
  ensure(isMessage(decoded), () => `breaks its schema: ${show(decoded)}`)
  const frame = written(decoded)
  ensure(frame.length <= Limits.frameBytes + 4, "written, it fits no frame")
  const again = NativeDecoder.decode(frame[4] ?? 0, frame, 5, frame.length)
  ensure(same(again, decoded), () => `read again: ${show(again)} instead of ${show(decoded)}`)
  ensure(isRead(again) && sameBytes(written(again), frame), "written twice it differs")
}

export const target: Target = {
  name: "message",
  about: "bodies of every native message: read or refused, never thrown; what is read keeps to its schema and survives",
  unit: "a message body",
  suffix: "bin",
  mostBytes: 20 * 1024,
  tokens: [
    ...["testnet", "timemesh/0.1.0", "\u2028", "\u001b[2J", "\ufeff", "é"].map(utf8),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
    Uint8Array.of(0xed, 0xa0, 0x80),
    new Uint8Array(32)
  ],
  seeds: (seed) => [...frames(seed).map(inputOf), ...kinds.map((kind) => Uint8Array.of(kind)), Uint8Array.of(99, 1)],
  mutate: (input, random) => {
    if (input.length > 0 && random(8) === 0) return input.with(0, Mutator.pick(random, kinds) ?? 0)
    const decoded = NativeDecoder.decode(input[0] ?? 0, input, 1, input.length)
    if (!isRead(decoded)) return undefined
    try {
      // May be no message any more: the encoder then throws, which is its right.
      if (decoded._tag !== "Peers") return laxly(Mutator.value(decoded, random) as Message)
      const rows = Mutator.value(decodePeers(input.subarray(1)), random) as ReturnType<typeof decodePeers>
      return Mutator.concat(Uint8Array.of(Kind.Peers), encodePeers(rows))
    } catch {
      return undefined
    }
  },
  run: (input) => {
    if (input.length > 0) check(input[0] ?? 0, input.subarray(1))
    return 1
  }
}
