/** KeyUpdates of TLS 1.3 (RFC 8446, 4.6.3 and 7.2), as many as wanted: Node's client sends none. */
import { createCipheriv, createHmac } from "node:crypto"
import * as Net from "node:net"
import * as NodeTls from "node:tls"

const expand = (secret: Uint8Array, label: string, length: number): Buffer => {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([length >> 8, length & 255, name.length]), name, Buffer.from([0, 1])])
  return createHmac("sha256", secret).update(info).digest().subarray(0, length)
}

/** `update_not_requested`, and the type of the inner record. */
const keyUpdate = Buffer.from([24, 0, 0, 1, 0, 22])
const header = Buffer.from([23, 3, 3, 0, keyUpdate.length + 16])

/** One record; all after it are under the next secret. `sequence`: how many records were written under this one. */
const record = (secret: Uint8Array, sequence: number): Buffer => {
  const nonce = expand(secret, "iv", 12)
  nonce[11] = (nonce[11] ?? 0) ^ sequence
  const cipher = createCipheriv("aes-128-gcm", expand(secret, "key", 16), nonce)
  cipher.setAAD(header)
  return Buffer.concat([header, cipher.update(keyUpdate), cipher.final(), cipher.getAuthTag()])
}

export interface KeyUpdates {
  readonly conn: Net.Socket
  /** The next so many, as bytes of the TCP connection. */
  readonly next: (count: number) => Buffer
}

/** A connection that has done its handshake, and said one byte of zero. It must say nothing else. */
export const connect = (
  to: Net.TcpNetConnectOpts,
  options: NodeTls.ConnectionOptions,
  done: (updates: KeyUpdates) => void
): Net.Socket => {
  const conn = Net.connect(to)
  const tls = NodeTls.connect({
    ...options,
    socket: conn,
    minVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256",
    rejectUnauthorized: false
  })
  let secret: Uint8Array = new Uint8Array(32)
  let sequence = 1
  tls.on("keylog", (line) => {
    const [label, , hex = ""] = line.toString().trim().split(" ")
    if (label === "CLIENT_TRAFFIC_SECRET_0") secret = Buffer.from(hex, "hex")
  })
  tls.on("error", () => {})
  conn.on("error", () => {})
  const next = () => {
    const made = record(secret, sequence)
    secret = expand(secret, "traffic upd", 32)
    sequence = 0
    return made
  }
  // Once this is written, so is the last of the handshake, and nothing more comes from there.
  const begun = () => done({ conn, next: (count) => Buffer.concat(Array.from({ length: count }, next)) })
  tls.on("secureConnect", () => tls.write(Uint8Array.of(0), begun))
  return conn
}
