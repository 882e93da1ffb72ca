/** Bytes and messages out of place: frames with nonsense in them, mutated messages, any message of any kind. */
import { rejectReasons } from "../../domain/DisconnectReason.ts"
import * as Limits from "../../domain/Limits.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import * as Frame from "../../domain/wire/Frame.ts"
import type { Message } from "../../domain/wire/Message.ts"
import { Kind } from "../../domain/wire/native/NativeLayout.ts"
import { SyncKind } from "../../domain/wire/SyncMessage.ts"
import * as Addresses from "./Addresses.ts"
import type { Draw } from "./Draw.ts"
import type * as Line from "./Line.ts"
import { commit, hello, type Stranger } from "./Stranger.ts"

/** Kinds that exist, and kinds that do not: control ones (below 16) and others. */
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

/** A length of kind and body, as a frame begins with it, and the kind. */
export const head = (length: number, kind: number): Uint8Array => {
  const bytes = new Uint8Array(Frame.headerBytes)
  Frame.writeHeader(bytes, 0, kind, length - 1)
  return bytes
}

/** A well-cut frame with nonsense in it. */
export const nonsense = (draw: Draw, kind: number = draw.pick(kinds)): Uint8Array =>
  frame(kind, draw.bytes(draw.chance(0.2) ? 0 : draw.spread(1, Limits.frameBeforeUpBytes - 1)))

/** The same with some bits, bytes or lengths wrong; half of the time still a well-cut frame. */
export const mutated = (draw: Draw, bytes: Uint8Array): Uint8Array => {
  let out = bytes.slice()
  for (let i = draw.between(1, 8); i > 0; i--) {
    const at = draw.below(out.length)
    switch (draw.below(4)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << draw.below(8))
        break
      case 1:
        out[at] = draw.pick([0, 1, 0x7f, 0x80, 0xff])
        break
      case 2:
        out = out.slice(0, Math.max(at, Frame.headerBytes))
        break
      default:
        out = Uint8Array.from([...out.subarray(0, at), ...draw.bytes(draw.between(1, 16)), ...out.subarray(at)])
    }
  }
  if (draw.chance(0.5)) Frame.writeHeader(out, 0, bytes[Frame.headerBytes - 1] ?? 0, out.length - Frame.headerBytes)
  return out
}

const hash = 32

/** A message of any kind, valid by itself. */
export const message = (self: Stranger, line: Line.Line): Message => {
  const { draw } = self
  const request = draw.chance(0.5) ? draw.below(8) : draw.below(2 ** 32)
  const hashes = (count: number) => Array.from({ length: count }, () => draw.bytes(hash))
  const messages: readonly [() => Message, ...ReadonlyArray<() => Message>] = [
    () => hello(self, line),
    () => commit(self, line),
    () => ({ _tag: "Ack" }),
    () => reject(self, line),
    () => ({ _tag: "Ping", nonce: draw.u64() }),
    () => ({ _tag: "Pong", nonce: draw.u64() }),
    () => ({ _tag: "Data", channel: draw.below(2 ** 16), payload: draw.bytes(draw.below(256)) }),
    () => ({ _tag: "Peers", peers: Addresses.some(self, draw.below(16)) }),
    () => ({ _tag: "GetHeaders", request, locator: hashes(draw.below(Limits.locatorHashes + 1)) }),
    () => ({ _tag: "Headers", request, after: draw.bytes(hash), list: draw.bytes(draw.below(512)), more: true }),
    () => ({ _tag: "GetBlocks", request, from: draw.below(1_000), hashes: draw.bytes(hash * draw.between(1, 16)) }),
    () => ({ _tag: "Blocks", request, blocks: hashes(draw.below(8)), done: draw.chance(0.5) }),
    () => ({ _tag: "Tip", height: draw.below(2 ** 40), hash: draw.bytes(hash) }),
    () => ({ _tag: "NewBlock", block: draw.bytes(draw.below(512)) })
  ]
  return draw.pick(messages)()
}

/** A Reject of any reason; an alias names somebody, known or not. */
export const reject = ({ draw, heard, target }: Stranger, line: Line.Line): Message => {
  const reason = rejectReasons[draw.below(rejectReasons.length)] ?? "protocol"
  const somebody = [...heard.keys()][draw.below(heard.size + 1)]
  const address = draw.pick([target.ip, line.remote, somebody ?? PeerIp.fromStringUnsafe("203.0.113.7")])
  return {
    _tag: "Reject",
    reason,
    text: draw.chance(0.5) ? "go away" : draw.hex(Limits.rejectTextBytes / 4),
    retryAfterMs: draw.pick([0, 1, 1_000, 2 ** 32 - 1]),
    ...(reason === "alias" && draw.chance(0.8) ? { address } : {})
  }
}
