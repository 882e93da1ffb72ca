/**
 * A second implementation of the wire, written from the tables of docs/PROTOCOL.md and nothing else: bytes are put together and
 * taken apart by hand, as hex, and no code of the node is used. What it cannot say or read is missing in the document.
 */
import { createHmac, randomBytes } from "node:crypto"
import * as net from "node:net"

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

// --- what it reads -----------------------------------------------------------------

/** Bytes from the front on. */
class Bytes {
  readonly hex: string
  at = 0
  constructor(hex: string) {
    this.hex = hex
  }
  get left(): number {
    return (this.hex.length - this.at) / 2
  }
  take(bytes: number): string {
    if (bytes > this.left) throw new Error(`${bytes} bytes wanted, ${this.left} left`)
    this.at += bytes * 2
    return this.hex.slice(this.at - bytes * 2, this.at)
  }
  u(bytes: number): number {
    return Number.parseInt(this.take(bytes), 16)
  }
  /** As it stands: the bytes of a count. */
  group(): string {
    const byte = this.take(1)
    return Number.parseInt(byte, 16) < 128 ? byte : byte + this.group()
  }
  count(): number {
    const groups = this.group().match(/../g) ?? []
    return Number(groups.reduceRight((sum, byte) => (sum << 7n) | (BigInt(`0x${byte}`) & 127n), 0n))
  }
  value(): number {
    return this.count() / 2
  }
  list(): Array<string> {
    return Array.from({ length: this.count() }, () => this.take(this.count()))
  }
}

/** Fields of a tagged body by their tag. A field that is only true or false is its tag. */
const fieldsOf = (body: string): ReadonlyMap<string, Bytes> => {
  const bytes = new Bytes(body)
  if (bytes.count() !== bytes.left) throw new Error("the count is not the body's")
  if (bytes.take(1) !== "20") throw new Error("20 is missing")
  const fields = new Map<string, Bytes>()
  while (bytes.left > 0) {
    const tag = bytes.group()
    const form = Number.parseInt(tag.slice(0, 2), 16) & 7
    fields.set(
      tag,
      new Bytes(form === 0 ? bytes.take(bytes.count()) : form === 1 ? bytes.group() : "")
    )
  }
  return fields
}

const field = (fields: ReadonlyMap<string, Bytes>, tag: string): Bytes => {
  const found = fields.get(tag)
  if (found === undefined) throw new Error(`no field ${tag} among ${[...fields.keys()].join(" ")}`)
  return found
}

export const readHello = (body: string) => {
  const b = new Bytes(body)
  const fixed = {
    protocol: b.u(2),
    rule: b.u(2),
    genesis: b.take(32),
    nonce: b.take(8),
    tag: b.take(16),
    process: b.take(8),
    peer: b.take(16),
    listens: b.u(2),
    height: b.u(8),
    tip: b.take(32),
    capabilities: b.u(4)
  }
  const text = () => Buffer.from(b.take(b.u(1)), "hex").toString()
  const [network, software] = [text(), text()]
  const extensions: Array<readonly [id: number, bytes: string]> = []
  while (b.left > 0) extensions.push([b.u(2), b.take(b.u(2))])
  return { ...fixed, network, software, extensions }
}

export const readReject = (body: string) => {
  const b = new Bytes(body)
  const [reason, retryMs, address, length] = [b.u(1), b.u(4), b.u(1), b.u(2)]
  return { reason, retryMs, address: b.take(address), text: Buffer.from(b.take(length), "hex").toString() }
}

export const readPeers = (body: string): ReadonlyArray<readonly [ip: string, port: number]> => {
  const rows = field(fieldsOf(body), "f084dfc901").list()
  return rows.map((hex, row) => {
    const b = new Bytes(hex)
    if (b.take(1) !== (row === 0 ? "00" : "01")) throw new Error("another shape")
    if (row === 0 && b.take(5) !== "dc94e2d904") throw new Error("no column ip")
    const ip = b.take(b.count() / 2)
    if (row === 0 && b.take(5) !== "a6a590df07") throw new Error("no column port")
    const port = new Bytes(b.take(b.count() / 2)).value()
    return [ip, port] as const
  })
}

export const readGetHeaders = (body: string) => {
  const fields = fieldsOf(body)
  return { request: field(fields, "919bc1aa1f").value(), locator: field(fields, "e8d1eec02d").list() }
}

export const readHeaders = (body: string) => {
  const fields = fieldsOf(body)
  return {
    request: field(fields, "919bc1aa1f").value(),
    after: field(fields, "c8dccfdb0d").hex,
    list: field(fields, "8888ebbe06").hex,
    more: fields.has("849ea89574")
  }
}

export const readGetBlocks = (body: string) => {
  const fields = fieldsOf(body)
  return {
    request: field(fields, "919bc1aa1f").value(),
    from: field(fields, "a987b0f34a").value(),
    hashes: field(fields, "e89fb39c32").hex.match(/.{64}/g) ?? []
  }
}

export const readBlocks = (body: string) => {
  const fields = fieldsOf(body)
  return {
    request: field(fields, "919bc1aa1f").value(),
    blocks: field(fields, "989cb4830b").list(),
    done: fields.has("8c87f0bc13")
  }
}

export const readTip = (body: string) => {
  const fields = fieldsOf(body)
  return { height: field(fields, "91b4b7ef6a").value(), hash: field(fields, "88fdaeb167").hex }
}

export const readNewBlock = (body: string): string => field(fieldsOf(body), "90d697c375").hex

/** Of `OwnMasternode` or `Masternodes`: the announcements, and what is left. */
export const readAnnouncements = (body: string) => {
  const b = new Bytes(body)
  const announcements = []
  while (b.left >= 159) {
    announcements.push({
      key: b.take(32),
      ip: b.take(16),
      port: b.u(2),
      tier: b.u(1),
      at: b.u(8),
      collateral: b.take(36),
      signature: b.take(64)
    })
  }
  return { announcements, rest: b.take(b.left) }
}

/** ip and key of each. */
export const readSeenMasternodes = (body: string): ReadonlyArray<readonly [ip: string, key: string]> =>
  (body.match(/.{96}/g) ?? []).map((each) => [each.slice(0, 32), each.slice(32)])

/** The previous hash of every header of a list: after its version and height. */
export const previousHashes = (listHex: string): ReadonlyArray<string> => {
  const b = new Bytes(listHex)
  const le = (bytes: number) => Number.parseInt((b.take(bytes).match(/../g) ?? []).toReversed().join(""), 16)
  return Array.from({ length: le(4) }, () => {
    const [leader, bitmap] = [le(4), le(4)]
    b.take(4 + 8)
    const previous = b.take(32)
    b.take(32 + 8 + 8 + leader + 32 + 8 + bitmap + 8)
    return previous
  })
}

// --- the socket --------------------------------------------------------------------

export interface Line {
  /** Nonce of this end's Hello. */
  readonly nonce: string
  readonly say: (hex: string) => void
  /** As they are; what the node does not read waits without a copy. */
  readonly bytes: (bytes: Uint8Array) => void
  /** The body of the next frame of this kind; frames of other kinds before it are passed over (pings are answered). */
  readonly hear: (kind: string) => Promise<string>
  /** Every kind that came so far, in order. */
  readonly kinds: ReadonlyArray<string>
  /** Resolves when the node has ended its side. */
  readonly ended: Promise<void>
  readonly close: () => void
}

const over = (socket: net.Socket): Line => {
  const [kinds, unread]: [Array<string>, Array<readonly [string, string]>] = [[], []]
  let wanted: { readonly kind: string; readonly resolve: (body: string) => void } | undefined
  let hex = ""
  const look = () => {
    if (wanted === undefined) return
    const { kind, resolve } = wanted
    const at = unread.findIndex(([other]) => other === kind)
    const found = unread[at]
    if (found === undefined) return
    unread.splice(0, at + 1)
    wanted = undefined
    resolve(found[1])
  }
  const say = (text: string) => void socket.write(Buffer.from(text, "hex"))
  socket.on("data", (chunk: Buffer) => {
    hex += chunk.toString("hex")
    while (hex.length >= 8) {
      const end = 8 + 2 * Number.parseInt(hex.slice(0, 8), 16)
      if (hex.length < end) break
      const [kind, body] = [hex.slice(8, 10), hex.slice(10, end)]
      hex = hex.slice(end)
      kinds.push(kind)
      unread.push([kind, body])
      if (kind === "05") say(pong(body))
    }
    look()
  })
  socket.on("error", () => {})
  return {
    nonce: randomBytes(8).toString("hex"),
    say,
    bytes: (bytes) => void socket.write(bytes),
    hear: (kind) =>
      new Promise((resolve) => {
        wanted = { kind, resolve }
        look()
      }),
    kinds,
    ended: new Promise((resolve) => {
      socket.once("end", resolve)
      socket.once("close", () => resolve())
    }),
    close: () => socket.destroy()
  }
}

/** Dials from an address of its own. */
export const dial = (to: { readonly ip: string; readonly port: number }, from: string): Promise<Line> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host: to.ip, port: to.port, localAddress: from, noDelay: true })
    socket.once("connect", () => resolve(over(socket)))
    socket.once("error", reject)
  })

/** Waits for a dial. */
export const listen = (ip: string): Promise<{ readonly port: number; readonly accept: Promise<Line>; close(): void }> =>
  new Promise((resolve, reject) => {
    const { promise, resolve: accepted } = Promise.withResolvers<Line>()
    const server = net.createServer((socket) => accepted(over(socket)))
    server.once("error", reject)
    server.listen(0, ip, () => {
      const address = server.address()
      if (address === null || typeof address === "string") return reject(new Error("no address"))
      resolve({ port: address.port, accept: promise, close: () => void server.close() })
    })
  })
