/** Of the second implementation of the wire: what the client says, as hex. From the tables of docs/PROTOCOL.md alone. */
import { createHmac } from "node:crypto"

// --- 3.1 and 3.6: bytes ----------------------------------------------------------

/** u8 … u64 of so many bytes. */
const u = (value: number | bigint, bytes: number): string => value.toString(16).padStart(bytes * 2, "0")

/** The 16 bytes of an IPv4 address. */
export const ip4 = (ip: string): string =>
  `${"00".repeat(10)}ffff${ip.split(".").map((part) => u(Number(part), 1)).join("")}`

const ascii = (text: string): string => Buffer.from(text, "latin1").toString("hex")

/** A count: groups of seven bits, lowest first. */
const count = (n: number | bigint): string => {
  const rest = BigInt(n) >> 7n
  return rest === 0n ? u(n, 1) : u((BigInt(n) & 127n) | 128n, 1) + count(rest)
}

/** A value is a count of its double. */
const value = (n: number): string => count(2n * BigInt(n))

/** A count n and n bytes. */
const sized = (hex: string): string => count(hex.length / 2) + hex

const list = (elements: ReadonlyArray<string>): string => count(elements.length) + elements.map(sized).join("")

/** Section 3: length of what follows, kind, body. */
const frame = (kind: string, body = ""): string => u(1 + body.length / 2, 4) + kind + body

const tagged = (kind: string, fields: string): string => frame(kind, sized(`20${fields}`))

const name = (text: string): string => `f0e0b5a239${sized(ascii(text))}`

// --- what the client says ----------------------------------------------------------

export interface Greeting {
  readonly genesis: string
  readonly network: string
  /** Of the client's own, 16 digits. */
  readonly nonce: string
  readonly process: string
  /** Of the process, towards the node's address: 32 digits. Two processes never show the same. */
  readonly tag?: string
  /** The node's address as the client dialled it. */
  readonly to: string
  readonly listens?: number
  readonly height?: number
  readonly tip?: string
  readonly capabilities?: number
}

/** 3.2. */
export const hello = (g: Greeting): string =>
  frame(
    "01",
    u(1, 2) + u(1, 2) + g.genesis + g.nonce + (g.tag ?? "0123456789abcdef0123456789abcdef") + g.process + ip4(g.to) +
      u(g.listens ?? 0, 2) + u(g.height ?? 0, 8) + (g.tip ?? g.genesis) + u(g.capabilities ?? 3, 4) +
      u(g.network.length, 1) + ascii(g.network) + u(6, 1) + ascii("second") +
      // An extension that no version knows.
      "fffe0003aabbcc"
  )

/** 3.3. */
export const commit = (lower: string, higher: string): string => frame("02", ip4(lower) + ip4(higher))
export const ack = frame("03")
export const askPeers = frame("12")
export const ping = (nonce: string): string => frame("05", nonce)
export const pong = (nonce: string): string => frame("06", nonce)
/** 4.1: about the connection with these two Hellos, on the one on which the receiver is at `receiver`. */
export const also = (receiversNonce: string, ownNonce: string, receiver: string): string =>
  frame(
    "07",
    createHmac("sha256", Buffer.from(receiversNonce + ownNonce, "hex")).update(Buffer.from(ip4(receiver), "hex"))
      .digest("hex").slice(0, 32)
  )
/** 3.4, without an address. */
export const reject = (reason: number, retryMs: number, text: string): string =>
  frame("04", u(reason, 1) + u(retryMs, 4) + "00" + u(text.length, 2) + ascii(text))
/** 3.5. */
export const data = (channel: number, text: string): string => frame("10", u(channel, 2) + ascii(text))
/** 3.7. */
export const peers = (rows: ReadonlyArray<readonly [ip: string, port: number]>): string =>
  tagged(
    "11",
    `f084dfc901${
      sized(
        list(rows.map(([ip, port], row) => {
          const doubled = (hex: string) => count(hex.length) + hex
          return row === 0
            ? `00dc94e2d904${doubled(ip4(ip))}a6a590df07${doubled(value(port))}`
            : `01${doubled(ip4(ip))}${doubled(value(port))}`
        }))
      )
    }`
  )
/** 3.8. */
export const getHeaders = (request: number, locator: ReadonlyArray<string>): string =>
  tagged("20", `919bc1aa1f${value(request)}e8d1eec02d${sized(list(locator))}${name("GetHeaders")}`)
export const headers = (request: number, after: string, bytes: string, more: boolean): string =>
  tagged(
    "21",
    `8888ebbe06${sized(bytes)}c8dccfdb0d${sized(after)}919bc1aa1f${value(request)}${name("Headers")}${
      more ? "84" : "83"
    }9ea89574`
  )
export const getBlocks = (request: number, from: number, hashes: ReadonlyArray<string>): string =>
  tagged(
    "22",
    `919bc1aa1f${value(request)}e89fb39c32${sized(hashes.join(""))}${name("GetBlocks")}a987b0f34a${value(from)}`
  )
export const blocks = (request: number, some: ReadonlyArray<string>, done: boolean): string =>
  tagged(
    "23",
    `989cb4830b${sized(list(some))}${done ? "8c" : "8b"}87f0bc13919bc1aa1f${value(request)}${name("Blocks")}`
  )
export const tip = (height: number, hash: string): string =>
  tagged("24", `${name("Tip")}88fdaeb167${sized(hash)}91b4b7ef6a${value(height)}`)
/** 3.12. A masternode of this client, which holds its key: `sign` takes and gives hex. */
export interface Masternode {
  readonly genesis: string
  readonly network: string
  /** 64 digits. */
  readonly key: string
  readonly ip: string
  readonly port: number
  readonly at: number
  readonly sign: (hex: string) => string
}

const statement = (tag: string, { genesis, network }: Pick<Masternode, "genesis" | "network">): string =>
  `${ascii(tag)}00${genesis}${u(network.length, 1)}${ascii(network)}`

/** The 159 bytes of a free masternode's announcement. */
export const announcement = (m: Masternode): string => {
  const claim = m.key + ip4(m.ip) + u(m.port, 2) + "00" + u(m.at, 8) + "00".repeat(36)
  return claim + m.sign(statement("timemesh/masternode/announcement/1", m) + claim)
}

export const ownMasternode = (m: Masternode, ownNonce: string, nodesNonce: string, node: string): string =>
  frame(
    "30",
    announcement(m) + m.sign(
      statement("timemesh/masternode/connection/1", m) + ownNonce + nodesNonce + ip4(m.ip) + ip4(node)
    )
  )

export const masternodes = (announcements: ReadonlyArray<string>): string => frame("31", announcements.join(""))

export const seenMasternodes = (seen: ReadonlyArray<readonly [ip: string, key: string]>): string =>
  frame("32", seen.map(([ip, key]) => ip4(ip) + key).join(""))

export const newBlock = (block: string): string => tagged("25", `${name("NewBlock")}90d697c375${sized(block)}`)
