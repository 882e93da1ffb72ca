/** Crowd and mesh for stacks that know nothing of discovery: every address is told to everybody beforehand. */
import type { Implementation, Link, MeshResult, Server } from "./Implementation.ts"

/** Connections being set up at once. */
const atOnce = 64

/** Runs `task` for 0 … count−1, at most `limit` at a time. */
export const eachOf = async (
  count: number,
  task: (index: number) => Promise<void>,
  limit: number = atOnce
): Promise<void> => {
  let next = 0
  const worker = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker))
}

/** An address of its own for every peer of a crowd, from many netgroups: a node lets only so many in from one at once. */
export const crowdIp = (number: number): string => `127.${1 + number % 200}.${number >> 8 & 255}.${number & 255}`

/** 127.0.1.1 + number: the nodes of a mesh. */
export const meshIp = (number: number): string => `127.0.1.${number + 1}`

type Base = Pick<Implementation, "serve" | "connect">

export const crowd = (base: Base): Implementation["crowd"] => async (address, first, count) => {
  const links: Array<Link> = []
  await eachOf(count, async (index) => {
    links.push(await base.connect(address, crowdIp(first + index)))
  })
  return links
}

/** Pair i < j: i connects to j, and each has received a message of the other. `node` makes one node of the mesh. */
export const meshOf = async (
  count: number,
  node: (
    ip: string,
    onLink: (link: Link) => void
  ) => Promise<{ server: Server; connect: (to: string) => Promise<Link> }>
): Promise<MeshResult> => {
  const started = performance.now()
  const hello = [new Uint8Array(16)]
  const pairs = count * (count - 1) / 2
  let greeted = 0
  const settled = Promise.withResolvers<void>()
  const greet = (link: Link) => {
    link.receive(() => {
      if (++greeted === pairs * 2) settled.resolve()
    })
    void link.send(hello)
  }
  const nodes = await Promise.all(Array.from({ length: count }, (_, i) => node(meshIp(i), greet)))
  const todo: Array<() => Promise<void>> = []
  for (const [i, from] of nodes.entries()) {
    for (const to of nodes.slice(i + 1)) todo.push(async () => greet(await from.connect(to.server.address)))
  }
  await eachOf(todo.length, async (index) => todo[index]?.())
  await settled.promise
  return { settleMs: performance.now() - started, pairs, dials: todo.length, duplicates: 0 }
}

export const mesh = (base: Base): Implementation["mesh"] => (count) =>
  meshOf(count, async (ip, onLink) => ({
    server: await base.serve({ ip, onLink }),
    connect: (to) => base.connect(to, ip)
  }))
