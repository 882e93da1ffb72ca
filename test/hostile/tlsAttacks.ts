/** What a hostile program does to a port that speaks TLS, by TLS itself. */
import * as Net from "node:net"
import * as NodeTls from "node:tls"
import { concat } from "../../src/domain/bytes.ts"
import { networks } from "../../src/domain/Network.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { makeCertificate } from "../../src/layers/socket/makeCertificate.ts"
import type { NodeCertificate } from "../../src/services/NodeCertificate.ts"
import { certificateChain } from "../harness/certificateChain.ts"
import * as KeyUpdates from "../harness/keyUpdates.ts"
import { type Attack, often, pour, random, spread } from "./attacks.ts"
import { Client, connect, connectPlain, frame, type Target } from "./Client.ts"

/** As many as one process may hold open. */
const holding = () => {
  const open: Array<Net.Socket> = []
  return (socket: Net.Socket) => {
    socket.on("data", () => {})
    open.push(socket)
    if (open.length > 8_000) open.shift()?.destroy()
  }
}

/** The ClientHello of a peer, as Node writes it. */
const clientHello = (options: NodeTls.ConnectionOptions = {}): Promise<Buffer> =>
  new Promise((resolve) => {
    const server = Net.createServer((conn) =>
      conn.on("error", () => {}).once("data", (hello) => {
        resolve(hello)
        conn.destroy()
        server.close()
      })
    ).listen(0, "127.0.0.1", () => {
      const bound = server.address()
      const port = typeof bound === "object" && bound !== null ? bound.port : 0
      const socket = Net.connect({ host: "127.0.0.1", port }).on("error", () => {})
      NodeTls.connect({ servername: "timecoin.local", ALPNProtocols: ["timemesh/1"], ...options, socket })
        .on("error", () => {})
    })
  })

/** Plain connections, so many a second, that say this first. */
const saying = (name: string, perSecond: number, bytes: () => Promise<Uint8Array>): Attack => ({
  name,
  run: (target) => {
    const hold = holding()
    void bytes().then((said) =>
      often(perSecond, () => {
        const socket = connectPlain(target, random())
        socket.once("connect", () => socket.write(said))
        hold(socket)
      })
    )
  }
})

const handshakes: Attack = {
  name: "TLS: 500 handshakes/s, then silence",
  run: (target) => {
    const hold = holding()
    often(500, () => hold(connect(target, random())))
  }
}

const sayHelloSlowly = async (target: Target): Promise<void> => {
  const hello = await clientHello()
  for (let i = 0; i < 2_000; i++) {
    const from = spread(i * 257)
    const again = () => {
      const socket = connectPlain(target, from)
      let at = 0
      const timer = setInterval(() => at < 100 && socket.write(hello.subarray(at, ++at)), 500)
      socket.on("data", () => {})
      socket.once("close", () => {
        clearInterval(timer)
        setTimeout(again, 1_000)
      })
    }
    setTimeout(again, i)
  }
}

const slowHello: Attack = {
  name: "TLS: a ClientHello a byte at a time, 2,000 times",
  run: (target) => void sayHelloSlowly(target)
}

/** Each connection over TLS is given to `then` once it is secure, and made again a second after it ended. */
const peers = (
  name: string,
  count: number,
  options: NodeTls.ConnectionOptions,
  then: (secure: NodeTls.TLSSocket, raw: Net.Socket) => void
): Attack => ({
  name,
  run: (target) => {
    for (let i = 0; i < count; i++) {
      const from = `127.${1 + i % 99}.6.${1 + i}`
      const again = () => {
        const raw = connectPlain(target, from)
        const secure = NodeTls.connect({
          ...target.tls,
          servername: "timecoin.local",
          rejectUnauthorized: false,
          ALPNProtocols: ["timemesh/1"],
          ...options,
          socket: raw
        })
        secure.on("error", () => raw.destroy())
        secure.on("data", () => {})
        secure.on("end", () => raw.destroy())
        secure.once("secureConnect", () => then(secure, raw))
        secure.once("close", () => setTimeout(again, 1_000))
      }
      again()
    }
  }
})

const keyUpdates: Attack = {
  name: "TLS: KeyUpdates without end, 20 peers",
  run: (target: Target) => {
    for (let i = 0; i < 20; i++) {
      const again = () => {
        const conn = KeyUpdates.connect(
          { host: target.ip, port: target.port, localAddress: `127.${1 + i}.7.1` },
          { ...target.tls, servername: "timecoin.local", ALPNProtocols: ["timemesh/1"] },
          ({ conn, next }) => {
            const more = () => {
              if (conn.destroyed) return
              if (conn.write(next(500))) setImmediate(more)
              else conn.once("drain", more)
            }
            more()
          }
        )
        conn.setTimeout(3_000, () => conn.destroy())
        conn.once("close", () => setTimeout(again, 1_000))
      }
      again()
    }
  }
}

/** Made once: it takes seconds. */
let chain: ReturnType<typeof certificateChain> | undefined
const longChain = () => chain ??= certificateChain(90)

const chains: Attack = {
  name: "TLS: chains of 90 certificates of P-521, 50/s",
  prepare: longChain,
  run: (target) => {
    const hold = holding()
    void longChain().then(({ certificates, key }) =>
      often(50, () => hold(connect({ ...target, tls: { cert: certificates, key } }, random())))
    )
  }
}

/** Where the hostile servers listen, at every address of the host: a node dials no other port that a stranger names. */
const { port } = networks.devnet

const serveChains = async (): Promise<void> => {
  const { certificates, key } = await longChain()
  const chains = NodeTls.createServer({ cert: certificates, key }).on("tlsClientError", () => {})
  Net.createServer((socket) => {
    socket.on("error", () => {})
    const kind = Number(socket.localAddress?.split(".")[3] ?? 0) % 3
    if (kind === 0) chains.emit("connection", socket)
    else if (kind === 1) socket.resume()
    else pour(socket, record)
  }).on("error", () => {}).listen(port, "0.0.0.0")
}

/** 127.100.0.0 to 127.139.255.255 are the hosts that they advertise. No attacker answers at the address of an honest peer. */
const [firstHost, hosts] = [100, 40]
const isOwn = ({ localAddress = "" }: Net.Socket): boolean => {
  const at = Number(localAddress.split(".")[1]) - firstHost
  return at >= 0 && at < hosts
}

/** 20 peers that advertise hosts of their own. */
const servers = (name: string, prepare: () => Promise<unknown>, serve: () => Promise<void>): Attack => ({
  name,
  prepare,
  run: (target) => {
    void serve()
    for (let i = 0; i < 20; i++) {
      const client = new Client(target, `127.${1 + i}.2.1`)
      let n = i * 1_000
      const told = () =>
        Array.from({ length: 50 }, (_, at) => ({
          ip: PeerIp.fromStringUnsafe(`127.${firstHost + n % hosts}.${(n >> 3) & 255}.${1 + at}`),
          port
        }))
      const tell = () => {
        client.socket.write(frame({ _tag: "Peers", peers: told() }))
        n += 1
      }
      void client.up.then(() => setInterval(tell, 500))
    }
  }
})

let keys: Promise<ReadonlyArray<NodeCertificate["Service"]>> | undefined
const twoKeys = () => keys ??= Promise.all([makeCertificate(), makeCertificate()])

/** Each connection shows another key than the one before, every second one agrees on no protocol; then it is reset. */
const serveSwitching = async (): Promise<void> => {
  const certificates = await twoKeys()
  const ends = certificates.map(({ certificate, privateKey }, i) =>
    NodeTls.createServer(
      { cert: certificate, key: privateKey, ...(i === 0 ? { ALPNProtocols: ["timemesh/1"] } : {}) },
      (secure) => secure.on("error", () => {}).destroy()
    ).on("tlsClientError", () => {})
  )
  let count = 0
  Net.createServer((socket) => {
    socket.on("error", () => {})
    if (isOwn(socket)) ends[count++ % 2]?.emit("connection", socket)
    else socket.destroy()
  }).on("error", () => {}).listen(port, "0.0.0.0")
}

/** 100 peers that come up and then do this. */
const onceUp = (name: string, then: (client: Client) => void): Attack => ({
  name,
  run: (target) => {
    for (let i = 0; i < 100; i++) {
      const from = `127.${1 + i % 99}.8.${1 + i}`
      const again = () => {
        const client = new Client(target, from)
        void client.up.then((isUp) => isUp && then(client))
        void client.ended.then(() => setTimeout(again, 1_000))
      }
      again()
    }
  }
})

/** A frame of 8 MiB, three bytes at a time: enough data that it is no flood of empty records. */
const small: Attack = onceUp("TLS: records of three bytes, 100 peers", ({ socket }) => {
  socket.write(Uint8Array.of(0, 0x7f, 0xff, 0xff, 99))
  pour(socket, new Uint8Array(3))
})

/** It asks for what has long answers, and never reads: this node's writes wait. */
const unread: Attack = onceUp("TLS: questions whose answers are not read, 100 peers", ({ socket }) => {
  socket.pause()
  pour(socket, concat(frame({ _tag: "AskPeers" }), frame({ _tag: "Ping", nonce: 7n })))
})

/** Fewer KeyUpdates than end a connection, on many. */
const slowUpdates: Attack = {
  name: "TLS: 1,000 KeyUpdates/s each, 60 peers",
  run: (target) => {
    for (let i = 0; i < 60; i++) {
      const again = () => {
        const conn = KeyUpdates.connect(
          { host: target.ip, port: target.port, localAddress: `127.${1 + i}.9.1` },
          { ...target.tls, servername: "timecoin.local", ALPNProtocols: ["timemesh/1"] },
          ({ conn, next }) => {
            const timer = setInterval(() => conn.write(next(100)), 100)
            conn.once("close", () => clearInterval(timer))
          }
        )
        conn.setTimeout(3_000, () => conn.destroy())
        conn.once("close", () => setTimeout(again, 1_000))
      }
      again()
    }
  }
}

/** A handshake record that is never complete: a Certificate of 16 MB, begun again and again. */
const record = Buffer.concat([Buffer.from([22, 3, 3, 0x40, 0, 11, 0xff, 0xff, 0xff]), Buffer.alloc(0x40_00 - 4, 1)])

const garbage = Buffer.alloc(4_096, 0x55)

export const tlsAttacks: Readonly<Record<string, Attack>> = {
  "tls-handshakes": handshakes,
  "tls-half": saying("TLS: 500 ClientHellos/s, then silence", 500, () => clientHello()),
  "tls-slow-hello": slowHello,
  "tls-long-hello": saying(
    "TLS: 500 ClientHellos/s of 12 KB (ALPN)",
    500,
    () => clientHello({ ALPNProtocols: Array.from({ length: 60 }, (_, i) => `${i}`.padStart(200, "x")) })
  ),
  "tls-garbage": saying(
    "TLS: 500/s, garbage after the ClientHello",
    500,
    async () => Buffer.concat([await clientHello(), garbage])
  ),
  "tls-name": saying(
    "TLS: 500/s, a name of 250 bytes",
    500,
    () => clientHello({ servername: Array.from({ length: 4 }, () => "x".repeat(61)).join(".") })
  ),
  "tls-key-updates": keyUpdates,
  "tls-renegotiation": peers("TLS 1.2: second handshakes, 100 peers", 100, { maxVersion: "TLSv1.2" }, (secure) => {
    const again = () => {
      if (!secure.destroyed) secure.renegotiate({ rejectUnauthorized: false }, () => setImmediate(again))
    }
    again()
  }),
  "tls-chains": chains,
  "tls-servers": servers("TLS: hosts that we dial: chains, silence, records without end", longChain, serveChains),
  "tls-switch": servers("TLS: hosts that we dial: another key each time, reset", twoKeys, serveSwitching),
  "tls-small": small,
  "tls-unread": unread,
  "tls-slow-updates": slowUpdates,
  "tls-plain": peers("TLS: plain bytes in the middle, 100 peers", 100, {}, (_, raw) => pour(raw, garbage))
}
