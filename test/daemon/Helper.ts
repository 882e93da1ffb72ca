/**
 * A peer of the daemon's that is neither a daemon nor a node of ours, on an address of this process's own: it names masternodes, announces itself as
 * one, and tells the daemon's tip back, for checks that need more peers than two.
 */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto"
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import * as Hash from "../../src/domain/chain/Hash.ts"
import * as U64 from "../../src/domain/chain/U64.ts"
import { networks } from "../../src/domain/Network.ts"
import * as TimeHandshake from "../../src/domain/pair/TimeHandshake.ts"
import * as TimeEncoder from "../../src/domain/wire/time/TimeEncoder.ts"
import type { ListedMasternode, TimeMessage } from "../../src/domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../src/domain/wire/time/TimeReader.ts"
import * as Lab from "./Lab.ts"

const frameBytes = 8 * 1024 * 1024
const tipMs = 5_000
const announceTicks = 12
const genesis = Hash.fromHexUnsafe(networks.testnet.genesis)

/** A public key of its own for each address: a point of the curve, or the daemon skips the message. */
const keyOf = (ip: string): Uint8Array => {
  const seed = createHash("sha256").update(ip).digest()
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8"
  })
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32)
}

/** `tier`: a paid one needs a collateral, which a daemon below height 100 does not look up. */
const listed = (address: string, tier: ListedMasternode["tier"] = "Free"): ListedMasternode => ({
  address,
  rewardAddress: `TIME0${address.replaceAll(".", "x")}`,
  tier,
  publicKey: keyOf(address),
  collateral: tier === "Free" ? undefined : { txid: createHash("sha256").update(address).digest(), vout: 0 },
  registeredAt: U64.of(BigInt(Math.floor((performance.timeOrigin + performance.now()) / 1_000)))
})

export interface Options {
  readonly from: string
  readonly to: string
  /** Named to the daemon as Free masternodes: it dials those that it should. */
  readonly names?: ReadonlyArray<string>
  /** Announces itself as a Free masternode. */
  readonly announces?: boolean
}

const addresses = new Set<string>()

export class Helper {
  /** What it heard. */
  readonly heard: Array<TimeMessage> = []
  /** The daemon has taken it. */
  readonly taken: Promise<void>
  private readonly socket: TLSSocket
  private readonly options: Options
  private readonly names: Array<ListedMasternode>
  private readonly timer: NodeJS.Timeout
  private accept: () => void = () => {}

  constructor(options: Options) {
    const { from, to } = options
    this.options = options
    this.names = (options.names ?? []).map((name) => listed(name))
    if (!addresses.has(from)) Lab.address(from)
    addresses.add(from)
    this.taken = new Promise((resolve) => {
      this.accept = resolve
    })
    const reader = new TimeReader()
    this.socket = connect(
      {
        host: to,
        port: 24_100,
        localAddress: from,
        servername: "timecoin.local",
        rejectUnauthorized: false
      } as ConnectionOptions
    )
    this.socket.on("error", () => {})
    this.socket.once("secureConnect", () => this.say(TimeHandshake.own("testnet")))
    this.socket.on("data", (chunk) => {
      reader.push(chunk)
      while (reader.read(frameBytes) === "message") {
        const message = reader.message()
        if (message._tag === "Unknown" || message._tag === "BadBody") continue
        reader.keep()
        this.received(message)
      }
    })
    let ticks = 0
    this.timer = setInterval(() => {
      ticks += 1
      this.say({ _tag: "GetChainTip" })
      // As its own masternodes do: while it syncs it hears none.
      if (options.announces === true && ticks % announceTicks === 0) this.announce()
    }, tipMs)
  }

  close(): void {
    clearInterval(this.timer)
    this.socket.destroy()
  }

  /** Names one more masternode. A daemon that hears of a new one in a paid tier dials it at once, whichever of the two ranks above. */
  name(ip: string, tier: ListedMasternode["tier"] = "Free"): void {
    if (!this.names.some(({ address }) => address === ip)) this.names.push(listed(ip, tier))
    this.say({ _tag: "MasternodesResponse", masternodes: this.names })
  }

  private say(message: TimeMessage | undefined): void {
    const frame = message === undefined ? undefined : TimeEncoder.encode(message)
    if (frame !== undefined) this.socket.write(frame)
  }

  private announce(): void {
    const { registeredAt, ...self } = listed(this.options.from)
    const more = { certificate: new Uint8Array(64), startedAt: registeredAt }
    this.say({ _tag: "MasternodeAnnouncementV3", ...self, ...more })
  }

  private received(message: TimeMessage): void {
    const { names } = this
    this.heard.push(message)
    switch (message._tag) {
      case "Ack":
        this.say({ _tag: "GenesisHashResponse", hash: genesis })
        this.say({ _tag: "GetChainTip" })
        if (names.length > 0) this.say({ _tag: "MasternodesResponse", masternodes: names })
        if (this.options.announces === true) this.announce()
        return this.accept()
      case "Ping":
        return this.say({ ...message, _tag: "Pong" })
      case "GetGenesisHash":
        return this.say({ _tag: "GenesisHashResponse", hash: genesis })
      case "GetMasternodes":
        return this.say({ _tag: "MasternodesResponse", masternodes: names })
      case "GetChainTip": {
        const tip = this.heard.findLast((one) => one._tag === "ChainTipResponse")
        return this.say(tip)
      }
    }
  }
}
