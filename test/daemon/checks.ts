/** The checks, in groups that share their two ends. Each group has hosts of its own: `10.77.GROUP.x`. */
import { chain, type Check, forked } from "./Check.ts"
import { agreed, connected, counted, noGrudge } from "./ends.ts"
import { Helper } from "./Helper.ts"
import type { TimedProcess } from "./TimedProcess.ts"
import { Failed, s, sleep, until } from "./Wait.ts"

export type Group = (check: Check) => Promise<void>

/** s. What depends on a connection that is up, however slow the machine. */
const soon = 120
/** s. The lower side's 180, its random addition of up to 30, and the daemon's own tick of 30. */
const turn = 270

/** It dials whom a list names, and we dial it: both held for the minutes, then through restarts of either. */
export const held: Group = async (check) => {
  const daemon = check.daemon("10.77.10.20")
  const dials = check.node("10.77.10.10", { peers: [daemon.ip] })
  const above = check.node("10.77.10.30", { peers: [daemon.ip] })
  const dialled = check.node("10.77.10.11")
  const nodes = [dials, above, dialled]
  await daemon.start()
  await Promise.all(nodes.map((node) => node.start()))

  await check.row("we dial it", async () => {
    const lower = await connected(dials, daemon, soon, "outbound")
    const higher = await connected(above, daemon, soon, "outbound")
    const { inbound } = await daemon.directions()
    return `${lower.words}; ${higher.words}; getnetworkinfo: ${inbound} in`
  })
  await check.row("it dials us", async () => {
    const helper = new Helper({ from: "10.77.11.1", to: daemon.ip, names: [dialled.ip] })
    const up = await connected(dialled, daemon, 2 * soon, "inbound")
    helper.close()
    const { outbound } = await daemon.directions()
    return `${up.words}; getnetworkinfo: ${outbound} out`
  })
  await check.row(`${check.minutes} min without a Down`, async () => {
    await counted(daemon, nodes.length)
    const before = await Promise.all(nodes.map(async (node) => (await node.status()).stats.downs))
    const ends = performance.now() + check.minutes * 60_000
    for (let looks = 0; performance.now() < ends; looks++) {
      await sleep(Math.min(10_000, ends - performance.now()))
      await noGrudge(daemon)
      const downs = await Promise.all(nodes.map(async (node) => (await node.status()).stats.downs))
      const more = nodes.filter((_, at) => downs[at] !== before[at])
      if (more.length > 0) {
        const why = more.map((node) => `${node.ip} ${JSON.stringify(node.events("Down").at(-1)?.["reason"])}`)
        throw new Failed({ message: `Down at ${why.join(", ")}` })
      }
    }
    return `ours: 0 Downs at ${nodes.length}; ${await counted(daemon, nodes.length)}; ${await noGrudge(daemon)}`
  })
  const again = async (what: string) => {
    const took = await Promise.all(nodes.map(async (node) => (await connected(node, daemon, turn)).seconds))
    const each = nodes.map((node, at) => `${node.ip} ${s(took[at] ?? 0)}`)
    return `${what}: ${each.join(", ")}; ${await counted(daemon, nodes.length)}; ${await noGrudge(daemon)}`
  }
  await check.row("accepted after its restart", async () => {
    await daemon.stop()
    await until("our nodes notice", soon, async () => {
      const left = await Promise.all(nodes.map((node) => node.connection(daemon.ip)))
      return left.every((one) => one === undefined) ? true : undefined
    })
    await daemon.start()
    return again("up again after")
  })
  await check.row("accepted after it was killed", async () => {
    await daemon.stop("SIGKILL")
    await daemon.start()
    return again("up again after")
  })
  await check.row("accepted after ours", async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await Promise.all(nodes.map((node) => node.start()))
    return again("up again after")
  })
  await check.row("accepted after ours was killed", async () => {
    await Promise.all(nodes.map((node) => node.stop("SIGKILL")))
    await Promise.all(nodes.map((node) => node.start()))
    return again("up again after")
  })
}

/** What of a sync was up to the one that served. */
const waitedBy = (daemon: TimedProcess): string => {
  const { count, waited } = daemon.pages()
  return `of which it waited ${s(waited)} for ${count} pages`
}

/** How one daemon reads the same chain from another, which dials it: what ours is compared with. */
const amongThem = async (check: Check, from: TimedProcess, subnet: number, height: number, seconds: number) => {
  const second = check.daemon(`10.77.${subnet}.11`)
  await second.start()
  const helper = new Helper({ from: `10.77.${subnet + 100}.1`, to: from.ip, names: [second.ip] })
  await check.row(`${height} blocks, one daemon to another`, async () => {
    await until("it dials the other", soon, async () => await second.connections() > 0 ? true : undefined)
    helper.close()
    const { seconds: took } = await until(
      `the other is at ${height}`,
      seconds,
      async () => await second.height() === height ? true : undefined
    )
    const same = await second.hashAt(height) === await from.hashAt(height)
    return `${same ? "one hash" : "two chains"}, after ${s(took)}, ${waitedBy(second)}`
  })
  await second.stop()
}

/** A chain to a daemon that has none, and from there to a node of ours that has none. `compared`: and to a daemon. */
const syncOf = (height: number, subnet: number, seconds: number, compared = false): Group => async (check) => {
  const daemon = check.daemon(`10.77.${subnet}.20`)
  const full = check.node(`10.77.${subnet}.10`, { peers: [daemon.ip] })
  const fresh = check.node(`10.77.${subnet}.30`, { peers: [daemon.ip] })
  await full.load(check.file(chain(height)))
  await daemon.start()
  await full.start()
  await check.row(`${height} blocks, ours to it`, async () => {
    await connected(full, daemon, soon)
    const { seconds: took, words } = await agreed(full, daemon, height, seconds)
    return `${words}, ${s(took)} after Up${compared ? `, ${waitedBy(daemon)}` : ""}; ${await noGrudge(daemon)}`
  })
  await full.stop()
  await fresh.start()
  await check.row(`${height} blocks, its to us`, async () => {
    await connected(fresh, daemon, soon)
    const { seconds: took, words } = await agreed(fresh, daemon, height, seconds)
    return `${words}, ${s(took)} after Up; ${await noGrudge(daemon)}`
  })
  if (!compared) return
  await fresh.stop()
  await amongThem(check, daemon, subnet, height, seconds)
}

export const sync: Group = syncOf(120, 20, 120)
export const syncLong: Group = syncOf(2_480, 21, 300, true)

/** It follows our longer chain, then one of ours that it left behind follows it. */
export const reorg: Group = async (check) => {
  const daemon = check.daemon("10.77.30.20")
  const short = check.node("10.77.30.10", { peers: [daemon.ip] })
  const long = check.node("10.77.30.30", { peers: [daemon.ip] })
  const blocks = chain(120)
  await short.load(check.file(blocks))
  await long.load(check.file(forked(blocks, 112, 124)))
  await daemon.start()
  await short.start()
  await agreed(short, daemon, 120, 120)
  await long.start()
  await check.row("it reorganises to ours, 120 to 124 by way of 112", async () => {
    const { seconds: took, words } = await agreed(long, daemon, 124, 180)
    return `${words}, after ${s(took)}; ${await noGrudge(daemon)}`
  })
  await check.row("we reorganise to its", async () => {
    const { seconds: took, words } = await agreed(short, daemon, 124, soon)
    const reorgs = (await short.status()).chain?.reorgs
    return `${words}, after ${s(took)}; ours: ${reorgs} reorg; ${await noGrudge(daemon)}`
  })
}

/** The same as far as both sides go: 99 blocks taken back. */
export const deepReorg: Group = async (check) => {
  const daemon = check.daemon("10.77.31.20")
  const short = check.node("10.77.31.10", { peers: [daemon.ip] })
  const long = check.node("10.77.31.30", { peers: [daemon.ip] })
  const blocks = chain(120)
  await short.load(check.file(blocks))
  await long.load(check.file(forked(blocks, 21, 124)))
  await daemon.start()
  await short.start()
  await agreed(short, daemon, 120, 120)
  await long.start()
  await check.row("it reorganises to ours, 120 to 124 by way of 21", async () => {
    const { seconds: took, words } = await agreed(long, daemon, 124, 400)
    return `${words}, after ${s(took)}; ${await noGrudge(daemon)}`
  })
  await check.row("we reorganise to its, by way of 21", async () => {
    const { seconds: took, words } = await agreed(short, daemon, 124, soon)
    const reorgs = (await short.status()).chain?.reorgs
    return `${words}, after ${s(took)}; ours: ${reorgs} reorg; ${await noGrudge(daemon)}`
  })
}

/** It produces, with two masternodes that this program plays beside it; one of ours follows. */
export const produced: Group = async (check) => {
  const daemon = check.daemon("10.77.40.20", { masternode: true })
  const node = check.node("10.77.40.10", { peers: [daemon.ip] })
  await node.load(check.file(chain(120)))
  await daemon.start()
  await node.start()
  await agreed(node, daemon, 120, 180)
  const helpers = ["10.77.41.5", "10.77.42.5"].map((from) => new Helper({ from, to: daemon.ip, announces: true }))
  await check.row("blocks that it produced followed as they come", async () => {
    const { seconds: first } = await until(
      "the daemon produces",
      480,
      async () => await daemon.height() > 120 ? true : undefined
    )
    const late: Array<number> = []
    for (let height = await daemon.height(); late.length < 5; height++) {
      await until(
        `the daemon produces block ${height}`,
        120,
        async () => await daemon.height() >= height ? true : undefined
      )
      const hash = await daemon.hashAt(height)
      const { seconds } = await until(`our node has block ${height}`, soon, async () => {
        const tip = await node.tip()
        return tip.height > height || tip.hash === hash ? true : undefined
      })
      late.push(seconds)
    }
    const most = Math.max(...late)
    return `first after ${s(first)}; 5 blocks, ours at most ${s(most)} behind; ${await noGrudge(daemon)}`
  })
  await check.row("masternode counts", async () => {
    const { value } = await until("our list of masternodes is its", 180, async () => {
      const its = await daemon.masternodes()
      const ours = await node.masternodes()
      return its.join() === ours.join() ? its : undefined
    })
    return `masternodelist: ${value.length}; ours: the same (${value.join(", ")})`
  })
  for (const helper of helpers) helper.close()
}

/** A dial of each at the same moment: the daemon hears of ours just when ours begins. */
export const bothDial: Group = async (check) => {
  const daemon = check.daemon("10.77.50.20")
  const first = check.node("10.77.50.9", { peers: [daemon.ip] })
  await first.load(check.file(chain(20)))
  await daemon.start()
  await first.start()
  // From then on it dials whom it hears of at once.
  await agreed(first, daemon, 20, 120)
  const nodes = [11, 12, 13, 14].map((last) => check.node(`10.77.50.${last}`, { peers: [daemon.ip] }))
  await check.row("both dial at once", async () => {
    const ways: Array<string> = []
    for (const [at, node] of nodes.entries()) {
      const helper = new Helper({ from: `10.77.51.${at + 1}`, to: daemon.ip, names: [node.ip] })
      await Promise.all([node.start(), helper.taken])
      const { words } = await connected(node, daemon, soon)
      ways.push(words.includes("inbound") ? "its" : "ours")
      helper.close()
    }
    await sleep(15_000)
    const up = await Promise.all(nodes.map((node) => connected(node, daemon, soon)))
    const downs = await Promise.all(nodes.map(async (node) => (await node.status()).stats.downs))
    return `${up.length} up, by the dial of ${ways.join(", ")}, ${downs.join(" ")} Downs; ${await counted(
      daemon,
      nodes.length + 1
    )}; ${await noGrudge(daemon)}`
  })
}

/** Neither dials at once when the one that should does not: the lower side waits 180 s. */
export const lower: Group = async (check) => {
  const daemon = check.daemon("10.77.60.20")
  const above = check.node("10.77.60.30")
  const below = check.node("10.77.60.10", { peers: [daemon.ip] })
  await daemon.start()
  await Promise.all([above.start(), below.start()])
  await connected(below, daemon, soon)
  await below.stop()
  await below.start()
  const helper = new Helper({ from: "10.77.61.1", to: daemon.ip, names: [above.ip] })
  const from = performance.now()
  const since = () => (performance.now() - from) / 1_000
  await Promise.all([
    check.row("ours as the lower waits 180 s", async () => {
      const { words } = await connected(below, daemon, turn, "outbound")
      const took = since()
      if (took < 170) throw new Failed({ message: `after ${s(took)} already` })
      return `${words}, after ${s(took)}`
    }),
    check.row("it as the lower waits 180 s", async () => {
      const { words } = await connected(above, daemon, turn, "inbound")
      return `${words}, after ${s(since())}; ${(await daemon.directions()).outbound} out`
    })
  ])
  helper.close()
  await check.row("nothing held against us", () => noGrudge(daemon))
}

/** Another version of it: held, read from and served. */
export const version = (subnet: number): Group => syncOf(120, subnet, 180)
