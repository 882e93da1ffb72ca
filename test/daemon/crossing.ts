/**
 * Dials of both ends that are under way at once, for certain: on a line that loses everything until both have begun. Above the node the daemon keeps its own
 * dial. Below it the daemon takes the node's; if its own then fails, it forgets the session that it uses.
 */
import { chain, type Check } from "./Check.ts"
import { agreed, connected, counted, noGrudge } from "./ends.ts"
import { Helper } from "./Helper.ts"
import * as Lab from "./Lab.ts"
import type { OurNode } from "./OurNode.ts"
import type { TimedProcess } from "./TimedProcess.ts"
import { Failed, s, sleep, until } from "./Wait.ts"

/** s. */
const soon = 120
/** ms. How long the daemon waits for a connection that it dials. */
const givesUpMs = 10_000
/** ms. Our node's least time between two dials of one daemon, and a little. */
const apartMs = 32_000
/** ms. Between two looks. */
const lookMs = 20
/** Dials that may pass by before one is met in time. */
const attempts = 3
/** s. 180 s without a question, 30 s before the next dial, and a slow start. */
const noticed = 270

/** Looks until there is something, or the time is over. */
const within = async <A>(ms: number, look: () => A | undefined): Promise<A | undefined> => {
  for (const from = performance.now(); performance.now() - from < ms;) {
    const found = look()
    if (found !== undefined) return found
    await sleep(lookMs)
  }
  return undefined
}

interface Crossing {
  /** Runs, and does not know the daemon yet. */
  readonly node: OurNode
  readonly daemon: TimedProcess
  /** Names the node to the daemon, which dials it then. */
  readonly name: () => void
  /** The line comes back when the daemon's request goes out no more before it gives up. */
  readonly late: boolean
}

/** On a line that loses everything the daemon dials, then the node. The line comes back while both dials are under way. */
const cross = async ({ daemon, late, name, node }: Crossing): Promise<void> => {
  const its = () => Lab.dialling(daemon.ip, node.ip)
  const ours = () => Lab.dialling(node.ip, daemon.ip)
  Lab.line(node.ip, daemon.ip, false)
  for (let attempt = 0; attempt < attempts; attempt++) {
    name()
    // While it syncs it hears no names.
    const naming = setInterval(name, 6_000)
    await until(`the daemon dials ${node.ip}`, soon, () => Promise.resolve(its()), lookMs)
      .finally(() => clearInterval(naming))
    const ends = performance.now() + givesUpMs
    const left = () => ends - performance.now()
    if (late) await within(left(), () => (its()?.nextMs ?? 0) > left() ? true : undefined)
    await node.connect(daemon.ip)
    const isMet = await within(left(), () => its() !== undefined && ours() !== undefined ? true : undefined)
    if (isMet === true) return Lab.line(node.ip, daemon.ip, true)
    await node.disconnect(daemon.ip)
    await until("the daemon's dial ends", soon, () => Promise.resolve(its() === undefined ? true : undefined), lookMs)
  }
  throw new Failed({ message: `${attempts} dials of the daemon's passed by: this machine is too slow to meet one` })
}

/** Above the nodes it keeps its own dial and refuses theirs. */
const above = async (check: Check, daemon: TimedProcess): Promise<void> => {
  const nodes = [11, 12].map((last) => check.node(`10.77.80.${last}`))
  await check.row("dials that cross, below it", async () => {
    await Promise.all(nodes.map((node) => node.start()))
    const words = await Promise.all(nodes.map(async (node, at) => {
      const helper = new Helper({ from: `10.77.81.${at + 1}`, to: daemon.ip })
      await helper.taken
      await cross({ node, daemon, name: () => helper.name(node.ip), late: false }).finally(() => helper.close())
      return (await connected(node, daemon, soon)).words
    }))
    await sleep(15_000)
    await Promise.all(nodes.map((node) => connected(node, daemon, soon)))
    const downs = await Promise.all(nodes.map(async (node) => (await node.status()).stats.downs))
    if (downs.some((down) => down > 0)) throw new Failed({ message: `${downs.join(" ")} Downs` })
    return `${words.join("; ")}; ${downs.join(" ")} Downs; ${await counted(daemon, nodes.length + 1)}; ${await noGrudge(
      daemon
    )}`
  })
}

/** Below the node it takes our dial. Its own fails afterwards, and with it the session. */
const below = async (check: Check, daemon: TimedProcess, others: number): Promise<void> => {
  const node = check.node("10.77.80.30", { peers: [daemon.ip] })
  await check.row("dials that cross, above it, and its own fails", async () => {
    // It learns that the daemon is one of the TIME network.
    await node.start()
    await connected(node, daemon, soon)
    await node.disconnect(daemon.ip)
    await counted(daemon, others)
    await sleep(apartMs)
    const helper = new Helper({ from: "10.77.81.30", to: daemon.ip })
    await helper.taken
    let more = 0
    const name = () => {
      helper.name(node.ip, "Gold")
      // A name that it does not know yet makes it look at all of them.
      more += 1
      helper.name(`10.77.83.${more}`)
    }
    const before = node.events("Down").length
    await cross({ node, daemon, name, late: true }).finally(() => helper.close())
    const { words } = await connected(node, daemon, soon, "outbound")
    const forgotten = await counted(daemon, others, 60)
    const height = await daemon.height()
    const { seconds } = await until(
      "our node gives the session up",
      noticed,
      async () => node.events("Down").length > before ? true : undefined
    )
    const down = node.events("Down").at(-1)
    const again = await connected(node, daemon, soon)
    const whole = await counted(daemon, others + 1)
    await agreed(node, daemon, height, soon)
    return `${words}, then ${forgotten} without it; Down after ${s(seconds)}: ${
      JSON.stringify(down?.["reason"])
    }; ${again.words} ${s(again.seconds)} later; ${whole}; ${await noGrudge(daemon)}`
  })
}

export const crossing = async (check: Check): Promise<void> => {
  const blocks = check.file(chain(20))
  const started = async (daemonIp: string, firstIp: string): Promise<TimedProcess> => {
    const daemon = check.daemon(daemonIp)
    const first = check.node(firstIp, { peers: [daemon.ip] })
    await first.load(blocks)
    await daemon.start()
    await first.start()
    // From then on it dials whom it hears of at once.
    await agreed(first, daemon, 20, soon)
    return daemon
  }
  await Promise.all([
    started("10.77.80.20", "10.77.80.9").then((daemon) => above(check, daemon)),
    started("10.77.80.25", "10.77.80.8").then((daemon) => below(check, daemon, 1))
  ])
}
