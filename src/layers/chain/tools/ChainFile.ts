/**
 * Block files, as `chain export`, `import` and `make` use them. **Shapes**: for each block a u32 (big-endian) with its length, then its
 * bincode. There is no header, index or checksum, so files can be cut and joined.
 */
import { Effect, Stream } from "effect"
import * as Limits from "../../../domain/Limits.ts"
import * as InputFile from "../../store/InputFile.ts"
import type { FileError } from "../../store/PlainFiles.ts"

/** One block's bytes, unchecked. `offset`: where its length begins in the file, bytes. */
export interface FileRecord {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The file ends within a block, or states an impossible length. `offset`: where that block's length begins, bytes. */
export interface Broken {
  readonly offset: number
  readonly detail: string
}

/** Result of one read of the file; after a `broken` one there are no more. */
export interface FileBatch {
  readonly records: ReadonlyArray<FileRecord>
  readonly broken: Broken | undefined
}

const lengthBytes = 4

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  if (a.length === 0) return b
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

/** Cuts read chunks into records. Mutable: one per file. */
export const makeCutter = (most: number) => {
  let rest: Uint8Array = new Uint8Array(0)
  let parts: Array<Uint8Array> = []
  let waiting = 0
  let need = lengthBytes
  let offset = 0
  return {
    /** The incomplete record, if the file ends here. */
    end: (): Broken | undefined => {
      const left = rest.length + waiting
      return left === 0 ? undefined : { offset, detail: `the file ends ${left} bytes into a block's record` }
    },
    push: (chunk: Uint8Array): FileBatch => {
      // A long record arrives in many chunks: join them once.
      parts.push(chunk)
      waiting += chunk.length
      if (rest.length + waiting < need) return { records: [], broken: undefined }
      let bytes = parts.reduce(join, rest)
      parts = []
      waiting = 0
      const records: Array<FileRecord> = []
      let at = 0
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      need = lengthBytes
      while (at + lengthBytes <= bytes.length) {
        const length = view.getUint32(at)
        if (length === 0 || length > most) {
          const detail = `${length} is not the length of a block (1 to ${most})`
          return { records, broken: { offset, detail } }
        }
        if (at + lengthBytes + length > bytes.length) {
          need = lengthBytes + length
          break
        }
        const start = at + lengthBytes
        records.push({ offset, bytes: bytes.subarray(start, start + length) })
        at = start + length
        offset += lengthBytes + length
      }
      rest = bytes.slice(at)
      return { records, broken: undefined }
    }
  }
}

/**
 * Streams the records of a file, in order, once, one read at a time. Their bytes are views into the read. `most`: maximum bytes of a block.
 */
export const read = (file: string, most: number): Stream.Stream<FileBatch, FileError> =>
  Stream.suspend(() => {
    const cutter = makeCutter(most)
    const batches = InputFile.stream(file, Limits.chainFileChunkBytes).pipe(
      Stream.map((chunk) => cutter.push(chunk)),
      // After a broken record, the next one's beginning is unknown.
      Stream.takeUntil(({ broken }) => broken !== undefined)
    )
    let ended = false
    const tail = Stream.suspend(() => {
      const broken = ended ? undefined : cutter.end()
      return broken === undefined ? Stream.empty : Stream.succeed<FileBatch>({ records: [], broken })
    })
    return Stream.concat(
      Stream.tap(batches, ({ broken }) =>
        Effect.sync(() => {
          ended ||= broken !== undefined
        })),
      tail
    )
  })

/** Encodes the blocks as records in one buffer. */
export const encode = (blocks: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(blocks.reduce((sum, block) => sum + lengthBytes + block.length, 0))
  const view = new DataView(out.buffer)
  let at = 0
  for (const block of blocks) {
    view.setUint32(at, block.length)
    out.set(block, at + lengthBytes)
    at += lengthBytes + block.length
  }
  return out
}
