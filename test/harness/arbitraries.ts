/** Generators of domain values that schemas alone cannot make. */
import { Arbitrary, Schema } from "effect"
import { NetAddress } from "effect/net"
import * as Limits from "../../src/domain/Limits.ts"
import * as Masternode from "../../src/domain/masternode/Masternode.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { dialBackResults } from "../../src/domain/peer/Reach.ts"
import * as Message from "../../src/domain/wire/Message.ts"
import type { SyncMessage } from "../../src/domain/wire/SyncMessage.ts"

export const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** `length` bytes. */
export const bytes = (minLength: number, maxLength: number): Arbitrary.Arbitrary<Uint8Array> =>
  Arbitrary.map(Arbitrary.array(int(0, 255), { minLength, maxLength }), (octets) => Uint8Array.from(octets))

/** 16-byte forms: IPv4-mapped ones, ones with long runs of zeros, any. */
export const ipBytes: Arbitrary.Arbitrary<Uint8Array> = Arbitrary.map(
  Arbitrary.all([int(0, 3), bytes(16, 16)]),
  ([kind, octets]) => {
    if (kind <= 1) octets.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255])
    if (kind === 2) octets.fill(0, (octets[0] ?? 0) % 16, (octets[15] ?? 0) % 17)
    return octets
  }
)

export const peerIp: Arbitrary.Arbitrary<PeerIp.PeerIp> = Arbitrary.map(
  ipBytes,
  (octets) => PeerIp.fromIpAddress(NetAddress.ipv6FromBytesUnsafe(octets))
)

export const port: Arbitrary.Arbitrary<number> = int(1, 65_535)

/** 0…1. */
export const jitter: Arbitrary.Arbitrary<number> = Arbitrary.map(int(0, 1_000), (n) => n / 1_000)

const hex = (count: number) => Arbitrary.map(bytes(count, count), (b) => Buffer.from(b).toString("hex"))
const u64 = Arbitrary.map(bytes(8, 8), (b) => Buffer.from(b).readBigUInt64BE())
const text = (maxBytes: number) => Arbitrary.map(Arbitrary.schema(Schema.String), (s) => Message.cleanText(s, maxBytes))

const hello: Arbitrary.Arbitrary<Message.Hello> = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.all([int(0, 65_535), int(0, 65_535), int(0, 65_535), int(0, 0xffff_ffff)]),
    Arbitrary.schema(Message.Hello.fields.network),
    Arbitrary.all([hex(32), hex(16), hex(8), hex(32)]),
    u64,
    peerIp,
    text(Limits.softwareBytes),
    Arbitrary.schema(Schema.Natural.check(Schema.isLessThanOrEqualTo(Number.MAX_SAFE_INTEGER))),
    Arbitrary.array(Arbitrary.all({ id: int(0, 65_535), bytes: bytes(0, 60) }), { maxLength: Limits.helloExtensions })
  ]),
  (
    [
      [protocol, rule, listens, capabilities],
      network,
      [genesis, tag, process, tipHash],
      nonce,
      peer,
      software,
      tip,
      ext
    ]
  ) => ({
    _tag: "Hello",
    protocol,
    rule,
    network,
    genesis,
    nonce,
    tag,
    process,
    peer,
    listens,
    software,
    tipHeight: tip,
    tipHash,
    capabilities,
    extensions: ext
  })
)

const reject: Arbitrary.Arbitrary<Message.Reject> = Arbitrary.map(
  Arbitrary.all([
    Arbitrary.schema(Message.Reject.fields.reason),
    text(Limits.rejectTextBytes),
    int(0, 0xffff_ffff),
    Arbitrary.array(peerIp, { maxLength: 1 })
  ]),
  ([reason, text, retryAfterMs, [address]]) => ({
    _tag: "Reject",
    reason,
    text,
    retryAfterMs,
    ...(address === undefined ? {} : { address })
  })
)

const hostIp = Arbitrary.map(
  peerIp,
  (ip) => PeerIp.classOf(ip) === "special" ? PeerIp.fromStringUnsafe("203.0.113.7") : ip
)
const key = Arbitrary.map(hex(32), (text) => text as Masternode.Key)

const claim: Arbitrary.Arbitrary<Masternode.Claim> = Arbitrary.map(
  Arbitrary.all([key, hostIp, int(0, 65_535), int(0, 3), int(0, 2 ** 45), hex(32), int(1, 0xffff_ffff)]),
  ([key, ip, port, tier, at, txid, vout]) => ({
    key,
    ip,
    port,
    tier: Masternode.tiers[tier] ?? "free",
    at,
    ...(tier === 0 ? {} : { collateral: { txid, vout } })
  })
)

const announcement: Arbitrary.Arbitrary<Masternode.Announcement> = Arbitrary.map(
  Arbitrary.all([claim, bytes(64, 64)]),
  ([claim, signature]) => ({ claim, signature })
)

const each: ReadonlyArray<Arbitrary.Arbitrary<Message.Message>> = [
  hello,
  Arbitrary.map(Arbitrary.all([peerIp, peerIp]), ([lower, higher]) => ({ _tag: "Commit" as const, lower, higher })),
  Arbitrary.Constant({ _tag: "Ack" as const }),
  reject,
  Arbitrary.map(u64, (nonce) => ({ _tag: "Ping" as const, nonce })),
  Arbitrary.map(u64, (nonce) => ({ _tag: "Pong" as const, nonce })),
  Arbitrary.map(hex(16), (proof) => ({ _tag: "SameProcess" as const, proof })),
  Arbitrary.map(
    Arbitrary.all([int(0, 65_535), bytes(0, 300)]),
    ([channel, payload]) => ({ _tag: "Data" as const, channel, payload })
  ),
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all({ ip: peerIp, port }), { maxLength: 20 }),
    (peers) => ({ _tag: "Peers" as const, peers })
  ),
  Arbitrary.Constant({ _tag: "AskPeers" as const }),
  Arbitrary.map(int(0, 2 ** 32 - 1), (request) => ({ _tag: "AskDialBack" as const, request })),
  Arbitrary.map(
    Arbitrary.all([int(0, 2 ** 32 - 1), int(0, dialBackResults.length - 1), peerIp, int(0, 65_535)]),
    ([request, code, ip, port]) => ({
      _tag: "DialBack" as const,
      request,
      result: dialBackResults[code] ?? "reached",
      ip,
      port
    })
  ),
  Arbitrary.map(
    Arbitrary.all([announcement, bytes(64, 64)]),
    ([announcement, proof]) => ({ _tag: "OwnMasternode" as const, announcement, proof })
  ),
  Arbitrary.map(
    Arbitrary.array(announcement, { minLength: 1, maxLength: 5 }),
    (announcements) => ({ _tag: "Masternodes" as const, announcements })
  ),
  Arbitrary.map(
    Arbitrary.array(Arbitrary.all({ ip: peerIp, key }), { maxLength: 9 }),
    (seen) => ({ _tag: "SeenMasternodes" as const, seen })
  )
]

/** Every message, all kinds alike often. */
export const message: Arbitrary.Arbitrary<Message.Message> = Arbitrary.flatMap(
  int(0, each.length - 1),
  (i) => each[i] ?? Arbitrary.Constant({ _tag: "Ack" })
)

/** Every message of sync; at most so many hashes in a locator, bytes in a list or block, blocks in an answer. */
export const syncMessage = (
  most: { readonly locator: number; readonly list: number; readonly block: number; readonly blocks: number }
): Arbitrary.Arbitrary<SyncMessage> =>
  Arbitrary.map(
    Arbitrary.all({
      which: int(0, 5),
      request: int(0, 0xffff_ffff),
      hashes: Arbitrary.array(bytes(32, 32), { minLength: 1, maxLength: most.locator }),
      list: bytes(0, most.list),
      blocks: Arbitrary.array(bytes(0, most.block), { maxLength: most.blocks }),
      height: int(0, 1_000_000),
      flag: int(0, 1)
    }),
    ({ blocks, flag, hashes, height, list, request, which }): SyncMessage => {
      const first = hashes[0] ?? new Uint8Array(32)
      switch (which) {
        case 0:
          return { _tag: "GetHeaders", request, locator: hashes }
        case 1:
          return { _tag: "Headers", request, after: first, list, more: flag === 1 }
        case 2:
          return { _tag: "GetBlocks", request, from: height, hashes: Uint8Array.from(Buffer.concat(hashes)) }
        case 3:
          return { _tag: "Blocks", request, blocks, done: flag === 1 }
        case 4:
          return { _tag: "Tip", height, hash: first }
        default:
          return { _tag: "NewBlock", block: list }
      }
    }
  )
