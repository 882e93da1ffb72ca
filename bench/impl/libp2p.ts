/**
 * js-libp2p over TCP with yamux, one stream per connection. Limits that would stop a benchmark are raised; nothing is added
 * (no identify, no ping, no DHT). Two ways to send messages: `own`, libp2p's length-prefixed messages (`writeV` for a batch,
 * and of its two decoders the faster), and `packed`, where libp2p carries bytes and the baseline's frames do the rest.
 */
import { noise } from "@libp2p/noise"
import { plaintext } from "@libp2p/plaintext"
import { tcp } from "@libp2p/tcp"
import { LengthPrefixedDecoder } from "@libp2p/utils"
import { yamux } from "@libp2p/yamux"
import { multiaddr } from "@multiformats/multiaddr"
import { createLibp2p } from "libp2p"
import * as varint from "uint8-varint"
import { Uint8ArrayList } from "uint8arraylist"
import { encodeOne, parser } from "./frames.ts"
import { meshOf } from "./generic.ts"
import type { Implementation, Link } from "./Implementation.ts"

type Node = Awaited<ReturnType<typeof createLibp2p>>
type Stream = Awaited<ReturnType<Node["dialProtocol"]>>

const protocol = "/bench/1"
const many = 10_000
/** Nodes that a crowd's connections come from, many connections each: the other end does not see the difference. */
const crowdDiallers = 32

/** Sends, and says when to send on. (`stream.onDrain()` cannot be used: from the second time on it resolves at once.) */
const sender = (stream: Stream): (data: Uint8Array | Uint8ArrayList) => Promise<void> | undefined => {
  let waiting: PromiseWithResolvers<void> | undefined
  stream.addEventListener("drain", () => {
    waiting?.resolve()
    waiting = undefined
  })
  return (data) => {
    if (stream.send(data)) return undefined
    waiting ??= Promise.withResolvers()
    return waiting.promise
  }
}

const packed = (stream: Stream): Link => {
  const send = sender(stream)
  return {
    send: (payloads) => send(encodeOne(payloads)),
    receive: (handler) => {
      const parse = parser(handler)
      stream.addEventListener("message", ({ data }) => {
        if (data instanceof Uint8Array) parse(data)
        else for (const chunk of data) parse(chunk)
      })
    }
  }
}

/** bytes. The decoder refuses more than it may hold, and a reader that falls behind gets more than its default at once. */
const decoderBytes = 64 * 1024 * 1024

/** What `lpStream().writeV` sends, without its reader, which would buffer what nobody reads. */
const own = (stream: Stream): Link => {
  const send = sender(stream)
  return {
    send: (payloads) =>
      send(new Uint8ArrayList(...payloads.flatMap((payload) => [varint.encode(payload.length), payload]))),
    receive: (handler) => {
      const decoder = new LengthPrefixedDecoder({ maxBufferSize: decoderBytes })
      stream.addEventListener("message", ({ data }) => {
        for (const message of decoder.decode(data)) handler(message.subarray())
      })
    }
  }
}

export interface Variant {
  readonly encryption: "plaintext" | "noise"
  readonly messages: "own" | "packed"
}

export const implementation = ({ encryption, messages }: Variant): Implementation => {
  const link = messages === "own" ? own : packed

  const make = (listen: ReadonlyArray<string>) =>
    createLibp2p({
      addresses: { listen: [...listen] },
      transports: [tcp({ backlog: 4096 })],
      connectionEncrypters: [encryption === "noise" ? noise() : plaintext()],
      streamMuxers: [yamux({ maxInboundStreams: many, maxOutboundStreams: many })],
      connectionManager: {
        maxConnections: many,
        maxParallelDials: 64,
        maxDialQueueLength: many,
        inboundConnectionThreshold: many,
        maxIncomingPendingConnections: many
      },
      connectionMonitor: { enabled: false }
    })

  const listening = async (ip: string, onLink: (link: Link) => void) => {
    const node = await make([`/ip4/${ip}/tcp/0`])
    await node.handle(protocol, (stream) => onLink(link(stream)), { maxInboundStreams: many, maxOutboundStreams: many })
    const address = node.getMultiaddrs()[0]
    if (address === undefined) throw new Error("libp2p does not listen")
    return { node, server: { address: address.toString(), close: async () => node.stop() } }
  }

  const opened = new Set<string>()

  /** A connection of its own even where one to the peer exists. A node must not dial one peer twice at once: it would join the dials. */
  const open = async (node: Node, address: string): Promise<Link> => {
    const connection = await node.dial(multiaddr(address), { force: true })
    if (opened.size === opened.add(connection.id).size) throw new Error("libp2p shared a connection")
    return link(await connection.newStream(protocol, { maxOutboundStreams: many }))
  }

  let diallers: Promise<ReadonlyArray<Node>> | undefined
  const base: Pick<Implementation, "serve" | "connect"> = {
    serve: async ({ ip, onLink }) => (await listening(ip, onLink)).server,
    connect: async (address) => open(await make([]), address)
  }
  return {
    ...base,
    crowd: async (address, _first, count) => {
      diallers ??= Promise.all(Array.from({ length: crowdDiallers }, () => make([])))
      const links: Array<Link> = []
      let left = count
      await Promise.all((await diallers).map(async (node) => {
        while (left-- > 0) links.push(await open(node, address))
      }))
      return links
    },
    mesh: (count) =>
      meshOf(count, async (ip, onLink) => {
        const { node, server } = await listening(ip, onLink)
        return { server, connect: (to) => open(node, to) }
      })
  }
}
