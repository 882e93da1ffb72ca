/**
 * What the bytes of a TLS connection cost: besides its bytes, each record costs `Limits.tlsRecordCostBytes`, however short it is. Follows the stream from
 * its first byte; a record's header is its type, two bytes of version, and two of length.
 */
import * as Limits from "../../Limits.ts"

const headerBytes = 5

export class TlsRecords {
  /** Bytes of the current header that have come. */
  private header = 0
  /** The high byte of its length. */
  private high = 0
  /** Bytes of the current record's body that are to come. */
  private body = 0
  /** What the latest prefix cost, bytes. */
  cost = 0

  /** The length of the longest prefix of `chunk` that costs less than `most`, and the record after that. The next call must begin behind it. */
  prefix(chunk: Uint8Array, most: number): number {
    this.cost = 0
    let at = 0
    while (at < chunk.length) {
      if (this.body > 0) {
        const bytes = Math.min(this.body, chunk.length - at)
        this.body -= bytes
        this.cost += bytes
        at += bytes
        continue
      }
      if (this.header === 0) {
        if (this.cost >= most) return at
        this.cost += Limits.tlsRecordCostBytes
      }
      this.headerByte(chunk[at] ?? 0)
      this.cost += 1
      at += 1
    }
    return at
  }

  private headerByte(byte: number): void {
    this.header += 1
    if (this.header === headerBytes - 1) this.high = byte
    if (this.header < headerBytes) return
    this.body = this.high * 256 + byte
    this.header = 0
  }
}
