/** A node of ours that is a masternode: the daemon lists it, counts it, and makes blocks with it. */
import { chain, type Check } from "./Check.ts"
import { agreed, connected, noGrudge } from "./ends.ts"
import { Helper } from "./Helper.ts"
import type { OurNode } from "./OurNode.ts"
import type { TimedProcess } from "./TimedProcess.ts"
import { Failed, s, sleep, until } from "./Wait.ts"

/** s. A minute from Up, the next answer to our question, and the daemon's own pauses while it syncs. */
const announced = 300
/** s. It produces when it has three peers and three masternodes. */
const producing = 480

/** The daemon has the node among its active masternodes. The result: after how long, s. */
const listed = async (node: OurNode, daemon: TimedProcess): Promise<number> => {
  const { seconds } = await until(
    `${node.ip} is an active masternode of the daemon's`,
    announced,
    async () => (await daemon.activeMasternodes()).includes(node.ip) ? true : undefined
  )
  return seconds
}

export const masternode = async (check: Check): Promise<void> => {
  const daemon = check.daemon("10.77.90.20", { masternode: true })
  const ours = check.node("10.77.90.10", { peers: [daemon.ip], flags: ["--masternode=free"] })
  await ours.makeKey()
  await ours.load(check.file(chain(120)))
  await daemon.start()
  await ours.start()
  await check.row("ours is listed by it", async () => {
    await connected(ours, daemon, 120)
    const took = await listed(ours, daemon)
    const all = await daemon.masternodes()
    return `masternodelist: ${all.join(", ")}, ${ours.ip} active ${s(took)} after Up; ${await noGrudge(daemon)}`
  })
  await check.row("once more after our restart, and after our kill", async () => {
    const took: Array<number> = []
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await ours.stop(signal)
      await until(
        "the daemon has seen it go",
        120,
        async () => (await daemon.activeMasternodes()).includes(ours.ip) ? undefined : true
      )
      await ours.start()
      await connected(ours, daemon, 270)
      took.push(await listed(ours, daemon))
    }
    return `active ${took.map(s).join(" and ")} after Up; ${await noGrudge(daemon)}`
  })
  await agreed(ours, daemon, 120, 180)
  const helper = new Helper({ from: "10.77.91.5", to: daemon.ip, announces: true })
  const plain = new Helper({ from: "10.77.92.5", to: daemon.ip })
  await check.row("it produces with ours as one of its three", async () => {
    const { seconds: first } = await until(
      "the daemon produces",
      producing,
      async () => await daemon.height() >= 123 ? true : undefined
    )
    const { words } = await until("ours has its blocks", 120, async () => {
      const height = await daemon.height()
      const tip = await ours.tip()
      return tip.height >= 123 && tip.height >= height - 1
        ? { words: `ours at ${tip.height}, it at ${height}` }
        : undefined
    }).then(({ value }) => value)
    return `3 blocks after ${s(first)}; ${words}; ${await noGrudge(daemon)}`
  })
  await check.row("it holds nothing against it later on", async () => {
    await sleep(check.minutes * 60_000)
    const active = await daemon.activeMasternodes()
    if (!active.includes(ours.ip)) throw new Failed({ message: `active are ${active.join(", ")}` })
    return `${check.minutes} min: still active; ${(await ours.status()).stats.downs} Downs; ${await noGrudge(daemon)}`
  })
  helper.close()
  plain.close()
}
