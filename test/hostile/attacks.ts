/** What a hostile program does to a node. Each runs in a process of its own until that is ended. */
import { request } from "node:http"
import * as Net from "node:net"
import { concat } from "../../src/domain/bytes.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { Client, connect, frame, greeting, opened, type Target } from "./Client.ts"

export interface Attack {
  readonly name: string
  /** s from its begin until newcomers come; by default 1. */
  readonly newcomersAfter?: number
  /** An address that the operator has banned: it must never be up. */
  readonly banned?: string
  /** An address whose own peer does not come in while the hostile one holds it: at one address, the live connection counts. */
  readonly squatted?: string
  /** What the program makes before it begins, such as certificates: that is not the attack. */
  readonly prepare?: () => Promise<unknown>
  readonly run: (target: Target) => void
}

/** The n-th address of strangers, each of another /16 than the next: none of them ranks above the target. */
export const spread = (n: number): string => `127.${1 + n % 99}.${(n >> 16) & 255 | 1}.${1 + (n >> 8) % 254}`
export const random = (): string => {
  const part = (least: number, most: number) => least + Math.floor(Math.random() * (most - least + 1))
  return `127.${part(1, 99)}.${part(0, 255)}.${part(1, 254)}`
}

const every = (ms: number, f: () => void): void => {
  setInterval(f, ms)
}

/** `perSecond` times a second, as well as one timer can. */
export const often = (perSecond: number, f: () => void): void => {
  let due = 0
  let last = performance.now()
  every(5, () => {
    const now = performance.now()
    due = Math.min(due + (now - last) / 1_000 * perSecond, perSecond / 10)
    last = now
    for (; due >= 1; due -= 1) f()
  })
}

/** As much as the other end takes. */
export const pour = (socket: Net.Socket, bytes: Uint8Array): void => {
  const more = () => {
    for (let i = 0; i < 8 && !socket.destroyed; i++) if (!socket.write(bytes)) return void socket.once("drain", more)
    if (!socket.destroyed) setImmediate(more)
  }
  more()
}

/** 100 peers that come up, and then say one thing without end. */
const flood = (kind: string, message: Uint8Array): Attack => ({
  name: `flood: ${kind}`,
  run: (target) => {
    const bytes = concat(...Array.from({ length: Math.max(1, Math.floor(65_536 / message.length)) }, () => message))
    for (let i = 0; i < 100; i++) {
      const client = new Client(target, `127.${1 + i % 99}.1.${1 + i}`)
      void client.up.then((isUp) => isUp && pour(client.socket, bytes))
    }
  }
})

const hash = new Uint8Array(32)
const told = (n: number) =>
  Array.from({ length: 200 }, (_, i) => ({
    ip: PeerIp.fromStringUnsafe(`127.${100 + n % 90}.${(n >> 3) & 255}.${1 + i}`),
    port: [22, 80, 3_000, 24_200, 65_535][i % 5] ?? 24_200
  }))

/** Peers that tell of addresses where no node is. */
const addresses: Attack = {
  name: "address spam, reflection",
  run: (target) => {
    for (let i = 0; i < 20; i++) {
      const client = new Client(target, `127.${1 + i}.2.1`)
      let n = i * 1_000
      const tell = () => every(100, () => client.socket.write(frame({ _tag: "Peers", peers: told(n++) })))
      void client.up.then(tell)
    }
  }
}

const connections = (
  perSecond: number,
  first: (target: Target, from: string) => Uint8Array | undefined,
  name: string
): Attack => ({
  name,
  run: (target) => {
    const open: Array<Net.Socket> = []
    often(perSecond, () => {
      const from = random()
      const socket = connect(target, from)
      socket.on("data", () => {})
      const bytes = first(target, from)
      if (bytes !== undefined) socket.once(opened(target), () => socket.write(bytes))
      open.push(socket)
      // As many as one process may hold open.
      if (open.length > 8_000) open.shift()?.destroy()
    })
  }
})

/** Sockets that say a Hello a byte at a time. */
const slowloris: Attack = {
  name: "slowloris",
  run: (target) => {
    for (let i = 0; i < 2_000; i++) {
      const from = spread(i * 257)
      const again = () => {
        const socket = connect(target, from)
        const bytes = greeting(target, from)
        let at = 0
        const timer = setInterval(() => at < 100 && socket.write(bytes.subarray(at, ++at)), 500)
        socket.on("data", () => {})
        socket.once("close", () => {
          clearInterval(timer)
          setTimeout(again, 1_000)
        })
      }
      setTimeout(again, i)
    }
  }
}

/** 100 peers that begin a frame of 8 MiB and send the rest slowly, or say a length that is over the limit and come again. */
const frames: Attack = {
  name: "unfinished, slow and oversize frames",
  run: (target) => {
    const head = Uint8Array.of(0, 0x7f, 0xff, 0xff, 99)
    const oversize = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 99)
    for (let i = 0; i < 100; i++) {
      const from = `127.${1 + i % 99}.3.${1 + i}`
      const again = () => {
        const client = new Client(target, from)
        const begin = (isUp: boolean): void => {
          if (!isUp) return
          client.socket.write(i % 4 === 0 ? oversize : head)
          const piece = new Uint8Array(i % 4 === 1 ? 1 : 1024 * 1024)
          let left = 7
          const timer = setInterval(() => left-- > 0 && client.socket.write(piece), 250)
          void client.ended.then(() => clearInterval(timer))
        }
        void client.up.then(begin)
        void client.ended.then(() => setTimeout(again, 1_000))
      }
      again()
    }
  }
}

/** 75 peers a second that come up and go: each is two lines of log. */
const churn: Attack = {
  name: "log: 75 Ups per second",
  run: (target) =>
    often(75, () => {
      const client = new Client(target, random())
      void client.up.then(() => setTimeout(() => client.close(), 200))
    })
}

/** Every place for strangers is taken by a peer that does nothing wrong. */
const places: Attack = {
  name: "places: 123 polite strangers",
  // Whoever has just come keeps its place for `Limits.evictionGraceMs`.
  newcomersAfter: 22,
  run: (target) => {
    for (let i = 0; i < 123; i++) {
      const from = `127.${1 + i % 99}.4.${1 + i}`
      const again = () => void new Client(target, from).ended.then(() => setTimeout(again, 1_000))
      again()
    }
  }
}

/** The admin server: idle connections, and thousands of replies that are not read. */
const http: Attack = {
  name: "HTTP: 8,000 idle, 40,000 unread replies",
  run: (target) => {
    let opened = 0
    often(1_000, () => {
      if (opened++ < 8_000) {
        Net.connect({ host: target.ip, port: target.admin, localAddress: "127.0.0.9" }).on("error", () => {})
      }
    })
    const asks = `GET /peers HTTP/1.1\r\nHost: ${target.ip}\r\n\r\n`.repeat(1_000)
    for (let i = 0; i < 40; i++) {
      const socket = Net.connect({ host: target.ip, port: target.admin, localAddress: "127.0.0.8" })
      socket.on("error", () => {})
      socket.pause()
      socket.write(asks)
    }
    for (let i = 0; i < 10; i++) {
      const slow = request({
        host: target.ip,
        port: target.admin,
        path: "/connect",
        method: "POST",
        headers: { "content-type": "application/json", "content-length": "4000" }
      })
      slow.on("error", () => {})
      every(1_000, () => slow.write("{"))
    }
  }
}

/** A banned address dials in a loop; the node listens on IPv6 and IPv4, and sees it as an IPv4 address within IPv6. */
const banned = "127.60.0.1"
const evasion: Attack = {
  name: "ban evasion by mapped IPv6",
  banned,
  run: (target) =>
    often(10, () => {
      const client = new Client(target, banned)
      void client.up.then(() => client.close())
    })
}

/** A peer has stopped, and a hostile one has its address. */
const squatted = "127.151.0.1"
const squatting: Attack = {
  name: "squatting on a stopped peer's IP",
  squatted,
  run: (target) => {
    const again = () => void new Client(target, squatted).ended.then(() => setTimeout(again, 100))
    again()
  }
}

export const attacks: Readonly<Record<string, Attack>> = {
  places,
  ping: flood("pings", frame({ _tag: "Ping", nonce: 7n })),
  pong: flood("pongs", frame({ _tag: "Pong", nonce: 7n })),
  unknown: flood("empty unknown kinds", Uint8Array.of(0, 0, 0, 1, 99)),
  peers: flood("Peers", frame({ _tag: "Peers", peers: told(0) })),
  ask: flood("AskPeers", frame({ _tag: "AskPeers" })),
  tip: flood("Tip", frame({ _tag: "Tip", height: 1, hash })),
  headers: flood("GetHeaders", frame({ _tag: "GetHeaders", request: 1, locator: [hash] })),
  data: flood("Data without a receiver", frame({ _tag: "Data", channel: 9, payload: new Uint8Array(16) })),
  addresses,
  "connections-500": connections(500, () => undefined, "500 silent connections/s, a Hello 200 ms late"),
  "connections-10000": connections(10_000, () => undefined, "10,000 connections/s from 127.0.0.0/8"),
  hellos: connections(500, greeting, "500 handshakes/s"),
  slowloris,
  frames,
  churn,
  http,
  evasion,
  squatting
}
