/** Dials of both ends that are under way at once, for certain: on a line that loses everything until both have begun. */
import type { Check } from "./Check.ts"
import { chain } from "./Check.ts"
import { agreed, connected, counted, noGrudge } from "./ends.ts"
import { Helper } from "./Helper.ts"
import * as Lab from "./Lab.ts"
import type { OurNode } from "./OurNode.ts"
import type { TimedProcess } from "./TimedProcess.ts"
import { sleep, until } from "./Wait.ts"

/** s. */
const soon = 120
/** s. A daemon below the node waits 180 s for it, and dials then, with its next tick. */
const turn = 300

/** Both dial while the node is cut off; when it is no more, both dials get through. The result: whose is used. */
const cross = async (node: OurNode, daemon: TimedProcess, helperIp: string): Promise<string> => {
  Lab.meet(node.ip, daemon.ip)
  Lab.plug(node.ip, false)
  node.launch()
  const helper = new Helper({ from: helperIp, to: daemon.ip })
  await helper.taken
  await until(`${node.ip} dials`, soon, async () => Lab.isDialling(node.ip, daemon.ip) ? true : undefined)
  // While it syncs it hears no names.
  const naming = setInterval(() => helper.name(node.ip), 6_000)
  helper.name(node.ip)
  await until(
    "both dial",
    turn,
    async () => Lab.isDialling(node.ip, daemon.ip) && Lab.isDialling(daemon.ip, node.ip) ? true : undefined
  ).finally(() => clearInterval(naming))
  Lab.plug(node.ip, true)
  const { words } = await connected(node, daemon, soon)
  helper.close()
  return words.includes("inbound") ? "its" : "ours"
}

export const crossing = async (check: Check): Promise<void> => {
  const daemon = check.daemon("10.77.80.20")
  const first = check.node("10.77.80.9", { peers: [daemon.ip] })
  await first.load(check.file(chain(20)))
  await daemon.start()
  await first.start()
  // From then on it dials whom it hears of at once.
  await agreed(first, daemon, 20, soon)
  await check.row("dials that cross, its and ours", async () => {
    const nodes: Array<OurNode> = []
    const ways: Array<string> = []
    // Below the daemon, where it keeps its own dial, and above it, where it gives that up.
    for (const last of [11, 12, 30]) {
      const node = check.node(`10.77.80.${last}`, { peers: [daemon.ip] })
      ways.push(await cross(node, daemon, `10.77.81.${last}`))
      nodes.push(node)
    }
    await sleep(15_000)
    const up = await Promise.all(nodes.map((node) => connected(node, daemon, soon)))
    const downs = await Promise.all(nodes.map(async (node) => (await node.status()).stats.downs))
    // It may have forgotten a session that it took while its own dial was under way, until it dials again.
    const count = await counted(daemon, nodes.length + 1, turn)
    return `${up.length} up, by the dial of ${ways.join(", ")}, ${downs.join(" ")} Downs; ${count}; ${await noGrudge(
      daemon
    )}`
  })
}
