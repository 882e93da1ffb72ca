/** Of the second implementation of the wire: what the client reads, from hex. From the tables of docs/PROTOCOL.md alone. */

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
