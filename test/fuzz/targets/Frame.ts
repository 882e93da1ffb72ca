/**
 * Cutting the native byte stream into frames, against a plain reading of the same bytes.
 *
 * An input is: one byte of options, two that seed the cutting into chunks, then the stream.
 */
import * as Limits from "../../../src/domain/Limits.ts"
import { allocate, FrameReader, headerBytes } from "../../../src/domain/wire/Frame.ts"
import { randomFrom } from "../../harness/random.ts"
import * as Mutator from "../Mutator.ts"
import { ensure, sameBytes, type Target } from "../Target.ts"
import { frames } from "./wireSeeds.ts"

interface Read {
  readonly kind: number
  readonly body: Uint8Array
}

interface Reading {
  readonly frames: ReadonlyArray<Read>
  readonly end: "none" | "bad"
  readonly badLength: number
  readonly pending: number
}

/** The limit for the frame after `done` others: the one before Up for some, then the other. */
const limitAt = (options: number, done: number): number =>
  done < (options & 3) ? Limits.frameBeforeUpBytes : (options & 4) === 0 ? Limits.frameBytes : 64

const plainly = (stream: Uint8Array, options: number): Reading => {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length)
  const read: Array<Read> = []
  let at = 0
  while (at + 4 <= stream.length) {
    const length = view.getUint32(at)
    if (length === 0 || length > limitAt(options, read.length)) {
      return { frames: read, end: "bad", badLength: length, pending: 0 }
    }
    if (at + 4 + length > stream.length) break
    read.push({ kind: view.getUint8(at + 4), body: stream.subarray(at + headerBytes, at + 4 + length) })
    at += 4 + length
  }
  return { frames: read, end: "none", badLength: 0, pending: stream.length - at }
}

/** Feeds the stream in chunks, asks at random moments, and keeps, takes back and rests as a session might. */
const inChunks = (stream: Uint8Array, options: number, seed: number): Reading => {
  const random = randomFrom(seed)
  let pushed = 0
  const reader = new FrameReader((bytes) => {
    ensure(bytes <= pushed, () => `a buffer of ${bytes} bytes after ${pushed} pushed`)
    return new Uint8Array(bytes).fill(0xee)
  })
  const read: Array<Read> = []
  const kept: Array<readonly [Uint8Array, Uint8Array]> = []
  let end: "none" | "bad" = "none"
  const drain = (): void => {
    for (;;) {
      const next = reader.next(limitAt(options, read.length))
      if (next !== "frame") {
        end = next
        break
      }
      ensure(reader.start <= reader.end && reader.end <= reader.buffer.length, "a frame beyond its buffer")
      const view = reader.buffer.subarray(reader.start, reader.end)
      read.push({ kind: reader.kind, body: view.slice() })
      if (random(4) !== 0) continue
      reader.keep()
      kept.push([view, view.slice()])
    }
    if (random(2) === 0) reader.recycle()
    if (random(8) === 0) reader.rest()
  }
  // Long streams byte by byte would take most of the time.
  const most = [1, 3, 50, 700, 6_000][stream.length > 1_000 ? 2 + random(3) : random(5)] ?? 1
  for (let from = 0; from < stream.length;) {
    const to = Math.min(stream.length, from + 1 + random(most))
    pushed += to - from
    reader.push(stream.subarray(from, to))
    if (random(3) > 0) drain()
    ensure(reader.pending <= pushed, "more pending than pushed")
    from = to
  }
  drain()
  for (const [view, copy] of kept) ensure(sameBytes(view, copy), "a kept frame was written over")
  ensure(reader.arriving === (reader.pending > 0), "arriving is not pending")
  return { frames: read, end, badLength: reader.badLength, pending: reader.pending }
}

const compare = (name: string, actual: Reading, expected: Reading): void => {
  ensure(
    actual.frames.length === expected.frames.length,
    () => `${name}: ${actual.frames.length} frames, not ${expected.frames.length}`
  )
  for (const [i, frame] of actual.frames.entries()) {
    const other = expected.frames[i]
    ensure(other !== undefined && frame.kind === other.kind, () => `${name}: kind of frame ${i}`)
    ensure(sameBytes(frame.body, other.body), () => `${name}: body of frame ${i}`)
  }
  ensure(actual.end === expected.end, () => `${name}: ends ${actual.end}, not ${expected.end}`)
  ensure(actual.badLength === expected.badLength, () => `${name}: bad length ${actual.badLength}`)
  ensure(actual.pending === expected.pending, () => `${name}: ${actual.pending} pending, not ${expected.pending}`)
}

const headBytes = 3

const inputOf = (options: number, seed: number, stream: Uint8Array): Uint8Array => {
  const input = new Uint8Array(headBytes + stream.length)
  input[0] = options
  input[1] = seed >> 8
  input[2] = seed
  input.set(stream, headBytes)
  return input
}

/** Whole frames in a row, some of them with a false length. */
const stream = (random: Mutator.Random): Uint8Array => {
  const parts = Array.from({ length: random(6) }, () => {
    const frame = random(3) === 0
      ? allocate(random(256), random(random(24) === 0 ? 9_000 : 90))
      : Uint8Array.from(Mutator.pick(random, frames(1)) ?? [])
    if (random(6) === 0) frame[random(4)] = random(256)
    return frame
  })
  return Buffer.concat(parts)
}

export const target: Target = {
  name: "frame",
  about: "streams of frames, whole, cut and damaged, in random chunks: as a plain reading has them, within the limits",
  unit: "a byte stream",
  suffix: "bin",
  mostBytes: 16 * 1024,
  tokens: frames(1).slice(0, 40),
  seeds: (seed) => {
    const random = randomFrom(seed)
    return Array.from({ length: 100 }, () => inputOf(random(8), random(65_536), stream(random)))
  },
  mutate: (input, random) =>
    random(2) === 0
      ? inputOf(random(8), random(65_536), stream(random))
      : inputOf(random(8), random(65_536), input.subarray(headBytes)),
  run: (input) => {
    const options = input[0] ?? 0
    const seed = (input[1] ?? 0) * 256 + (input[2] ?? 0)
    const bytes = input.subarray(headBytes)
    const expected = plainly(bytes, options)
    const whole = new FrameReader()
    whole.push(bytes)
    const read: Array<Read> = []
    let next = whole.next(limitAt(options, 0))
    for (; next === "frame"; next = whole.next(limitAt(options, read.length))) {
      read.push({ kind: whole.kind, body: whole.buffer.subarray(whole.start, whole.end) })
    }
    compare("whole", { frames: read, end: next, badLength: whole.badLength, pending: whole.pending }, expected)
    compare("in chunks", inChunks(bytes, options, seed), expected)
    return 1
  }
}
