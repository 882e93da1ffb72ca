/**
 * Whether a TLS stream has begun with a whole ClientHello (RFC 8446, 4.1.2 and 5.1). Determined from lengths alone, so that TLS and its
 * cryptography start only once the message is complete. TLS itself judges the contents. Mutable; holds a few numbers, no bytes.
 */
import * as Limits from "../../Limits.ts"

/** `malformed` comes with `detail`, and is final. Bytes after the ClientHello are not examined. */
export type Progress = "more" | "whole" | "malformed"

const recordHeaderBytes = 5
const messageHeaderBytes = 4
/** Content type of a handshake record, and message type of a ClientHello. */
const handshakeRecord = 22
const clientHello = 1
/** Maximum length of a plaintext record (RFC 8446, 5.1). */
const recordBytes = 2 ** 14

export class ClientHello {
  /** Why it is malformed. */
  detail: string | undefined
  private progress: Progress = "more"
  private headerAt = 0
  private recordLeft = 0
  private messageAt = 0
  private messageLength = 0
  /** Bytes read, those of its records included. */
  bytes = 0

  /** The next bytes of the stream. */
  push(chunk: Uint8Array): Progress {
    for (const byte of chunk) {
      if (this.progress !== "more") break
      this.bytes += 1
      if (this.headerAt < recordHeaderBytes) this.header(byte)
      else this.body(byte)
    }
    // Records of single bytes: each has a header of five.
    if (this.progress === "more" && this.bytes >= 2 * Limits.tlsHelloBytes) {
      this.malformed(`no whole ClientHello in ${this.bytes} bytes`)
    }
    return this.progress
  }

  private malformed(detail: string): void {
    this.progress = "malformed"
    this.detail = detail
  }

  private header(byte: number): void {
    this.headerAt += 1
    if (this.headerAt === 1 && byte !== handshakeRecord) {
      this.malformed(`TLS record of type ${byte} before the ClientHello`)
    } else if (this.headerAt === 2 && byte !== 3) this.malformed(`TLS record of version ${byte}`)
    else if (this.headerAt === 4) this.recordLeft = byte * 256
    else if (this.headerAt === 5) {
      this.recordLeft += byte
      if (this.recordLeft === 0 || this.recordLeft > recordBytes) {
        this.malformed(`TLS record length ${this.recordLeft} is not 1 to ${recordBytes}`)
      }
    }
  }

  private body(byte: number): void {
    this.messageAt += 1
    this.recordLeft -= 1
    if (this.recordLeft === 0) this.headerAt = 0
    if (this.messageAt === 1) {
      if (byte !== clientHello) this.malformed(`TLS message of type ${byte} in place of a ClientHello`)
      return
    }
    if (this.messageAt <= messageHeaderBytes) this.messageLength = this.messageLength * 256 + byte
    if (this.messageAt < messageHeaderBytes) return
    if (this.messageLength > Limits.tlsHelloBytes) {
      this.malformed(`ClientHello of ${this.messageLength} bytes exceeds limit ${Limits.tlsHelloBytes}`)
    } else if (this.messageAt === messageHeaderBytes + this.messageLength) this.progress = "whole"
  }
}
