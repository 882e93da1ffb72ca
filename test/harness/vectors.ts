/** What the TIME reference daemon wrote: single values (time-wire.txt) and recorded conversations. */
import * as fs from "node:fs"
import * as Bincode from "../../src/domain/chain/Bincode.ts"
import * as Block from "../../src/domain/chain/Block.ts"

const at = (name: string) => new URL(`../vectors/${name}`, import.meta.url)

const wire = fs.readFileSync(at("time-wire.txt"), "utf8").split("\n")

/** The last word of the line that begins with `name` and a blank, as bytes. */
export const vector = (name: string): Buffer => {
  const line = wire.find((line) => line.startsWith(`${name} `))
  if (line === undefined) throw new Error(`no vector ${name}`)
  return Buffer.from(line.slice(line.lastIndexOf(" ") + 1), "hex")
}

/** The text behind `name` and a blank. */
export const vectorText = (name: string): string => {
  const line = wire.find((line) => line.startsWith(`${name} `))
  if (line === undefined) throw new Error(`no vector ${name}`)
  return line.slice(name.length + 1)
}

/** Every whole frame among the vectors, by its name. */
export const frameVectors: ReadonlyMap<string, Buffer> = new Map(
  wire.flatMap((line) => {
    const hex = line.slice(line.lastIndexOf(" ") + 1)
    const bytes = / len=\d+ /.test(line) ? Buffer.from(hex, "hex") : Buffer.alloc(0)
    const whole = bytes.length >= 4 && bytes.readUInt32BE() === bytes.length - 4
    return whole ? [[line.slice(0, line.indexOf(" ")), bytes] as const] : []
  })
)

/** One line of a recording that carries a frame. */
export interface RecordedFrame {
  readonly dir: "to-daemon" | "from-daemon"
  /** Name of the variant, or its number. */
  readonly type: string
  readonly frame: Buffer
}

export const recordings = [
  "rec-both-dial",
  "rec-daemon-dials-us",
  "rec-daemon-dials-us-masternodes",
  "rec-daemon-syncs-120",
  "rec-we-sync-120"
] as const

/** All frames of a recording, in order. */
export const recorded = (recording: string): ReadonlyArray<RecordedFrame> =>
  fs.readFileSync(at(`recordings/${recording}.ndjson`), "utf8").trim().split("\n")
    .map((line): { readonly dir: RecordedFrame["dir"]; readonly type: string; readonly frame?: string } =>
      JSON.parse(line)
    )
    .flatMap(({ dir, frame, type }) => frame === undefined ? [] : [{ dir, type, frame: Buffer.from(frame, "hex") }])

/** One connection of a recording: its frames, each with seconds since it was up. */
export interface RecordedConnection {
  readonly name: string
  readonly frames: ReadonlyArray<RecordedFrame & { readonly t: number }>
}

/** The connections of a recording, in order of their first frames. */
export const connections = (recording: string): ReadonlyArray<RecordedConnection> => {
  const found = new Map<string, Array<RecordedFrame & { readonly t: number }>>()
  for (const line of fs.readFileSync(at(`recordings/${recording}.ndjson`), "utf8").trim().split("\n")) {
    const { conn = "", frame, ...row } = JSON.parse(line) as RecordedFrame & {
      readonly t: number
      readonly conn?: string
      readonly frame?: string
    }
    if (frame === undefined) continue
    const frames = found.get(conn) ?? []
    frames.push({ ...row, frame: Buffer.from(frame, "hex") })
    found.set(conn, frames)
  }
  return [...found].map(([name, frames]) => ({ name, frames }))
}

/** Payloads of a recording's frames of one type, without the u32 variant in front. */
export const payloads = (recording: string, type: string): ReadonlyArray<Buffer> =>
  fs.readFileSync(at(`recordings/${recording}.ndjson`), "utf8").trim().split("\n")
    .map((line): { readonly type: string; readonly frame: string } => JSON.parse(line))
    .filter((row) => row.type === type)
    .map((row) => Buffer.from(row.frame, "hex").subarray(8))

/** Blocks of a list message (`Vec<Block>`), which must be exactly that. */
export const blocksOf = (payload: Buffer): ReadonlyArray<Block.Block> => {
  const reader = new Bincode.Reader(payload)
  const n = reader.count(Block.blockLeast)
  const blocks: Array<Block.Block> = []
  for (let i = 0; i < n; i++) blocks.push(Block.read(reader))
  if (reader.failed !== undefined || reader.left > 0) throw new Error(reader.failed ?? "trailing bytes")
  return blocks
}
