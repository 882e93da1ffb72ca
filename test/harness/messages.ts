/** Messages of this protocol in tests, to and from bytes, and the vectors that other implementations can read. */
import * as fs from "node:fs"
import { fromStringUnsafe as ip } from "../../src/domain/peer/PeerIp.ts"
import * as Frame from "../../src/domain/wire/Frame.ts"
import type * as Message from "../../src/domain/wire/Message.ts"
import { decode } from "../../src/domain/wire/native/NativeDecoder.ts"
import * as Encoder from "../../src/domain/wire/native/NativeEncoder.ts"
import type { Decoded } from "../../src/domain/wire/Wire.ts"

export const bytesOf = (message: Message.Message): Uint8Array => Buffer.concat(Encoder.encode(message))

export const ofFrame = (frame: Uint8Array): Decoded => decode(frame[4] ?? 0, frame, Frame.headerBytes, frame.length)

/** Structural copy with plain byte arrays, so that views into different buffers compare. */
export const plain = (decoded: Decoded) =>
  decoded._tag === "Data" ? { ...decoded, payload: [...decoded.payload] } : decoded

export const vectors = new Map(
  fs.readFileSync(new URL("../vectors/native-wire.txt", import.meta.url), "utf8")
    .replaceAll(/^(#.*)?\n/gm, "").replaceAll(/\n +/g, "").trim().split("\n").map((line) => {
      const [name = "", hex = ""] = line.split(":")
      return [name, Buffer.from(hex.replaceAll(" ", ""), "hex")] as const
    })
)

export const hello: Message.Hello = {
  _tag: "Hello",
  protocol: 1,
  rule: 1,
  network: "testnet",
  genesis: "b9523431d4e59a1b41d757a8c0f01ed023c11123761b1455e4644ef9d5599ff6",
  nonce: 0x0102030405060708n,
  tag: "000102030405060708090a0b0c0d0e0f",
  process: "a0a1a2a3a4a5a6a7",
  peer: ip("69.167.168.176"),
  listens: 24_100,
  software: "timemesh/0.1.0",
  tipHeight: 70_000,
  tipHash: "11".repeat(32),
  capabilities: 3,
  extensions: [{ id: 0x0102, bytes: Uint8Array.of(0xbe, 0xef) }]
}
