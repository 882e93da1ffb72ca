/** Messages between peers about masternodes, and their bytes: fixed layouts (docs/PROTOCOL.md section 3.12). Nothing decoded is a view. */
import { Schema } from "effect"
import { concat } from "../bytes.ts"
import * as Limits from "../Limits.ts"
import * as Bytes from "../masternode/AnnouncementBytes.ts"
import { Announcement, Key } from "../masternode/Masternode.ts"
import { PeerIp } from "../peer/PeerIp.ts"

const signature = Schema.Uint8Array.check(
  Schema.makeFilter((bytes) => bytes.length === Bytes.signatureBytes, { expected: `${Bytes.signatureBytes} bytes` })
)

/** The sender is this masternode: `proof` is its key's signature over the connection (`AnnouncementBytes.signedOnConnection`). */
export const OwnMasternode = Schema.TaggedStruct("OwnMasternode", { announcement: Announcement, proof: signature })
export type OwnMasternode = typeof OwnMasternode.Type

/** Announcements that the sender has verified, including its own. */
export const Masternodes = Schema.TaggedStruct("Masternodes", {
  announcements: Schema.Array(Announcement).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(Limits.announcementsPerMessage)
  )
})
export type Masternodes = typeof Masternodes.Type

/** All masternodes that have proved themselves to the sender on its current connections. Replaces its previous message. */
export const SeenMasternodes = Schema.TaggedStruct("SeenMasternodes", {
  seen: Schema.Array(Schema.Struct({ ip: PeerIp, key: Key })).check(Schema.isMaxLength(Limits.sightingsPerReport))
})
export type SeenMasternodes = typeof SeenMasternodes.Type

export const MasternodeMessage = Schema.Union([OwnMasternode, Masternodes, SeenMasternodes])
export type MasternodeMessage = typeof MasternodeMessage.Type

/** Frame kinds. Append only. */
export const MasternodeKind = { OwnMasternode: 48, Masternodes: 49, SeenMasternodes: 50 } as const

const many = (length: number, each: number, most: number): number | undefined =>
  length % each === 0 && length / each <= most ? length / each : undefined

const decodeOwn = (body: Uint8Array): OwnMasternode | string => {
  const expected = Bytes.announcementBytes + Bytes.signatureBytes
  if (body.length !== expected) return `${body.length} bytes, not ${expected}`
  const announcement = Bytes.decode(body)
  return typeof announcement === "string"
    ? announcement
    : { _tag: "OwnMasternode", announcement, proof: new Uint8Array(body.subarray(Bytes.announcementBytes)) }
}

const decodeMany = (body: Uint8Array): Masternodes | string => {
  const count = many(body.length, Bytes.announcementBytes, Limits.announcementsPerMessage)
  if (count === undefined || count === 0) return `${body.length} bytes of announcements`
  const announcements: Array<Announcement> = []
  for (let i = 0; i < count; i++) {
    const announcement = Bytes.decode(body, i * Bytes.announcementBytes)
    if (typeof announcement === "string") return announcement
    announcements.push(announcement)
  }
  return { _tag: "Masternodes", announcements }
}

const decodeSeen = (body: Uint8Array): SeenMasternodes | string => {
  const count = many(body.length, Bytes.sightingBytes, Limits.sightingsPerReport)
  if (count === undefined) return `${body.length} bytes of masternodes seen`
  const seen = Array.from({ length: count }, (_, i) => Bytes.decodeSighting(body, i * Bytes.sightingBytes))
  return { _tag: "SeenMasternodes", seen }
}

/** The message of that kind, what is wrong with the body in words, or `undefined` if the kind is not a masternode message's. */
export const decode = (kind: number, body: Uint8Array): MasternodeMessage | string | undefined => {
  switch (kind) {
    case MasternodeKind.OwnMasternode:
      return decodeOwn(body)
    case MasternodeKind.Masternodes:
      return decodeMany(body)
    case MasternodeKind.SeenMasternodes:
      return decodeSeen(body)
    default:
      return undefined
  }
}

/** The body of a message. */
export const encode = (message: MasternodeMessage): Uint8Array => {
  switch (message._tag) {
    case "OwnMasternode":
      return concat(Bytes.encode(message.announcement), message.proof)
    case "Masternodes":
      return concat(...message.announcements.map(Bytes.encode))
    case "SeenMasternodes":
      return concat(...message.seen.map(Bytes.encodeSighting))
  }
}

export const isMasternodeMessage = (message: { readonly _tag: string }): message is MasternodeMessage =>
  message._tag in MasternodeKind
