/** Bytes and messages out of place: frames with garbage, mutated messages, any message of any kind. */
import { rejectReasons } from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import type { Message } from "../../domain/wire/Message.ts"
import { Kind } from "../../domain/wire/native/NativeLayout.ts"
import { SyncKind } from "../../domain/wire/SyncMessage.ts"
import type { Rng } from "../plan/Rng.ts"
import * as Addresses from "./Addresses.ts"
import type * as Connection from "./Connection.ts"
import { commit, hello, type HostilePeer } from "./HostilePeer.ts"

/** Kinds that exist, and kinds that do not: control kinds (below 16) and others. */
export const kinds = [
  Kind.Hello,
  Kind.Commit,
  Kind.Ack,
  Kind.Reject,
  Kind.Ping,
  Kind.Pong,
  Kind.Data,
  Kind.Peers,
  SyncKind.GetHeaders,
  SyncKind.Headers,
  SyncKind.GetBlocks,
  SyncKind.Blocks,
  SyncKind.Tip,
  SyncKind.NewBlock,
  0,
  7,
  15,
  18,
  31,
  38,
  255
] as const

export const frame = (kind: number, body: Uint8Array): Uint8Array => {
  const bytes = Frame.allocate(kind, body.length)
  bytes.set(body, Frame.headerBytes)
  return bytes
}

/** The header of a frame: the length of kind and body, then the kind. */
export const head = (length: number, kind: number): Uint8Array => {
  const bytes = new Uint8Array(Frame.headerBytes)
  Frame.writeHeader(bytes, 0, kind, length - 1)
  return bytes
}

/** A well-formed frame with a garbage body. */
export const nonsense = (random: Rng, kind: number = random.pick(kinds)): Uint8Array =>
  frame(kind, random.bytes(random.happens(0.2) ? 0 : random.spread(1, Limits.frameBeforeUpBytes - 1)))

/** The same with some bits, bytes or lengths wrong; half of the time still a well-formed frame. */
export const mutated = (random: Rng, bytes: Uint8Array): Uint8Array => {
  let out = bytes.slice()
  for (let i = random.between(1, 8); i > 0; i--) {
    const at = random.below(out.length)
    switch (random.below(4)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << random.below(8))
        break
      case 1:
        out[at] = random.pick([0, 1, 0x7f, 0x80, 0xff])
        break
      case 2:
        out = out.slice(0, Math.max(at, Frame.headerBytes))
        break
      default:
        out = Uint8Array.from([...out.subarray(0, at), ...random.bytes(random.between(1, 16)), ...out.subarray(at)])
    }
  }
  if (random.happens(0.5)) Frame.writeHeader(out, 0, bytes[Frame.headerBytes - 1] ?? 0, out.length - Frame.headerBytes)
  return out
}

const hash = 32

/** A message of any kind, valid in itself. */
export const message = (self: HostilePeer, connection: Connection.Connection): Message => {
  const { random } = self
  const request = random.happens(0.5) ? random.below(8) : random.below(2 ** 32)
  const hashes = (count: number) => Array.from({ length: count }, () => random.bytes(hash))
  const messages: readonly [() => Message, ...ReadonlyArray<() => Message>] = [
    () => hello(self, connection),
    () => commit(self, connection),
    () => ({ _tag: "Ack" }),
    () => reject(self, connection),
    () => ({ _tag: "Ping", nonce: random.u64() }),
    () => ({ _tag: "Pong", nonce: random.u64() }),
    () => ({ _tag: "Data", channel: random.below(2 ** 16), payload: random.bytes(random.below(256)) }),
    () => ({ _tag: "Peers", peers: Addresses.some(self, random.below(16)) }),
    () => ({ _tag: "GetHeaders", request, locator: hashes(random.below(Limits.locatorHashes + 1)) }),
    () => ({ _tag: "Headers", request, after: random.bytes(hash), list: random.bytes(random.below(512)), more: true }),
    () => ({
      _tag: "GetBlocks",
      request,
      from: random.below(1_000),
      hashes: random.bytes(hash * random.between(1, 16))
    }),
    () => ({ _tag: "Blocks", request, blocks: hashes(random.below(8)), done: random.happens(0.5) }),
    () => ({ _tag: "Tip", height: random.below(2 ** 40), hash: random.bytes(hash) }),
    () => ({ _tag: "NewBlock", block: random.bytes(random.below(512)) })
  ]
  return random.pick(messages)()
}

/** A Reject of any reason; an alias names an address, known or not. */
export const reject = ({ random, heard, target }: HostilePeer, connection: Connection.Connection): Message => {
  const reason = rejectReasons[random.below(rejectReasons.length)] ?? "protocol"
  const named = [...heard.keys()][random.below(heard.size + 1)]
  const address = random.pick([target.ip, connection.remote, named ?? PeerIp.fromStringUnsafe("203.0.113.7")])
  return {
    _tag: "Reject",
    reason,
    text: random.happens(0.5) ? "go away" : random.hex(Limits.rejectTextBytes / 4),
    retryAfterMs: random.pick([0, 1, 1_000, 2 ** 32 - 1]),
    ...(reason === "alias" && random.happens(0.8) ? { address } : {})
  }
}
