/**
 * The payload of every TIME message: a message, `Unknown` or `BadBody`, never an exception; what is a message keeps to its schema, survives
 * being written again, and is written as exactly the bytes it was read from, unless it has words that were cleaned.
 *
 * An input is one byte that chooses the peer's version, then the payload with its index.
 */
import { Schema } from "effect"
import * as Limits from "../../../src/domain/Limits.ts"
import * as TimeDecoder from "../../../src/domain/wire/time/TimeDecoder.ts"
import * as TimeEncoder from "../../../src/domain/wire/time/TimeEncoder.ts"
import { commitCount, commitCountOf72, table, tags, TimeMessage } from "../../../src/domain/wire/time/TimeMessage.ts"
import type { Decoded } from "../../../src/domain/wire/Wire.ts"
import { messages } from "../../harness/timeMessages.ts"
import { frameVectors } from "../../harness/vectors.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, same, sameBytes, show, type Target, utf8 } from "../Target.ts"

const isMessage = Schema.is(TimeMessage)

const withWords: ReadonlySet<string> = new Set(["Handshake", "Ack", "Version", "ForkAlert", "ConnectivityWarning"])

const isRead = (decoded: Decoded<TimeMessage>): decoded is TimeMessage =>
  decoded._tag !== "Unknown" && decoded._tag !== "BadBody"

const versionOf = (option: number): number => option % 2 === 0 ? commitCount : commitCountOf72 - 1

const inputOf = (message: TimeMessage, option: number): ReadonlyArray<Uint8Array> => {
  const frame = TimeEncoder.encode(message, versionOf(option))
  return frame === undefined ? [] : [Mutator.concat(Uint8Array.of(option), frame.subarray(TimeEncoder.lengthBytes))]
}

const check = (payload: Uint8Array, version: number): void => {
  const decoded = TimeDecoder.decode(payload, 0, payload.length, version)
  const around = new Uint8Array(payload.length + 9).fill(0xa5)
  around.set(payload, 7)
  const inside = TimeDecoder.decode(around, 7, 7 + payload.length, version)
  if (decoded._tag === "BadBody") {
    ensure(inside._tag === "BadBody", "depends on what is around it")
    ensure(decoded.reason !== "" && decoded.reason.length < 200, () => `its reason: ${show(decoded.reason)}`)
    ensure(!/[\p{Cc}\p{Cf}\p{Cs}]/u.test(decoded.reason), () => `its reason: ${show(decoded.reason)}`)
    return
  }
  ensure(same(decoded, inside), () => `depends on what is around it: ${show(decoded)} and ${show(inside)}`)
  if (!isRead(decoded)) return
  ensure(isMessage(decoded), () => `breaks its schema: ${show(decoded)}`)
  const frame = TimeEncoder.encode(decoded, version)
  ensure(frame !== undefined && frame.length <= Limits.frameBytes + 4, "written, it fits no frame")
  const written = frame.subarray(TimeEncoder.lengthBytes)
  const again = TimeDecoder.decode(written, 0, written.length, version)
  ensure(same(again, decoded), () => `read again: ${show(again)} instead of ${show(decoded)}`)
  if (withWords.has(decoded._tag)) return
  ensure(sameBytes(written, payload.subarray(0, written.length)), "written, it is not what was read")
}

export const target: Target = {
  name: "time",
  about: "payloads of every TIME message: read or refused, never thrown; what is read is written as the same bytes",
  unit: "a payload",
  suffix: "bin",
  mostBytes: 20 * 1024,
  tokens: [
    ...["testnet", "10.0.0.2", "TIME0abc", "\u001b[2J", "\u2028", "é"].map(utf8),
    ...tags.map((tag) => Uint8Array.of(table[tag][0], 0, 0, 0)),
    Uint8Array.of(32, 0, 0, 0, 0, 0, 0, 0),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0),
    new Uint8Array(32)
  ],
  seeds: (seed) => [
    ...messages(seed, 6).flatMap((message, i) => inputOf(message, i % 2)),
    ...[...frameVectors.values()].map((frame) => Mutator.concat(Uint8Array.of(0), frame.subarray(4)))
  ],
  mutate: (input, random) => {
    const option = random(2)
    const decoded = TimeDecoder.decode(input, 1, input.length, versionOf(input[0] ?? 0))
    if (!isRead(decoded)) return undefined
    try {
      // May be no message any more: the encoder then throws, which is its right.
      return inputOf(Mutator.value(decoded, random) as TimeMessage, option)[0]
    } catch {
      return undefined
    }
  },
  run: (input) => {
    if (input.length > 0) check(input.subarray(1), versionOf(input[0] ?? 0))
    return 1
  }
}
