/** Frames of the TIME wire in tests, to and from messages. */
import * as TimeDecoder from "../../src/domain/wire/time/TimeDecoder.ts"
import * as TimeEncoder from "../../src/domain/wire/time/TimeEncoder.ts"
import * as TimeMessage from "../../src/domain/wire/time/TimeMessage.ts"
import type { Decoded } from "../../src/domain/wire/Wire.ts"

export const head = TimeMessage.commitCount

export const ofFrame = (frame: Uint8Array, commitCount = head): Decoded<TimeMessage.TimeMessage> =>
  TimeDecoder.decode(frame, TimeEncoder.lengthBytes, frame.length, commitCount)

export const frameOf = (message: TimeMessage.TimeMessage, commitCount = head): Uint8Array => {
  const frame = TimeEncoder.encode(message, commitCount)
  if (frame === undefined) throw new Error(`${message._tag} has no frame`)
  return frame
}

/** For comparing what is in bytes of any kind. */
export function plain(this: unknown, _: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
  if (typeof value === "object" && value !== null && "type" in value && "data" in value) {
    return Buffer.from(value.data as ReadonlyArray<number>).toString("hex")
  }
  return value === undefined ? "undefined" : value
}
