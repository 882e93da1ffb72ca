/** One node with `TimePair` and one daemon, and the sockets between them: what can happen next. No time: any order may be. */
import type * as TimePair from "../../../src/domain/pair/TimePair.ts"
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import type * as Daemon from "./Daemon.ts"

export type Frame = "TLS" | "DROP" | "ACK" | "HANDSHAKE" | "GREET" | "FIN"

/** `ours`: our end; 0: closed; −1: not accepted by us yet. */
export interface Socket {
  readonly id: number
  readonly by: "us" | "daemon"
  readonly ours: number
  readonly theirs: Daemon.DaemonEnd
  readonly broken: boolean
  readonly toUs: ReadonlyArray<Frame>
  readonly toThem: ReadonlyArray<Frame>
}

export interface World {
  readonly pair: TimePairState.TimePairState
  readonly timers: ReadonlyArray<string>
  readonly slot: Daemon.Slot | undefined
  readonly sockets: ReadonlyArray<Socket>
  readonly faults: number
  /** Dials that the daemon has left. */
  readonly dials: number
  readonly fresh: number
}

export interface Setting {
  readonly step: TimePair.Step
  readonly daemon: Daemon.DaemonRules
  /** How often the daemon dials: 0 if it does not have our address, 1 if it drops it after a failure. */
  readonly daemonDials: number
  /** Sockets at once. */
  readonly sockets: number
  readonly faults: number
  /** Only faults of this kind, in which the peer knows what it does: then nothing may live on unused either. */
  readonly only?: "silence"
  /** Timeouts fire at any moment, not only where no answer can come. */
  readonly anyTimer: boolean
}

export interface Move {
  readonly name: string
  readonly world: World
  /** A fault, or a timeout that an answer could still have met. */
  readonly foul: boolean
}

export const boot = (setting: Setting): World =>
  apply(
    setting,
    {
      pair: TimePairState.empty(setting.daemon.above ? "lower" : "higher", false),
      timers: [],
      slot: undefined,
      sockets: [],
      faults: setting.faults,
      dials: setting.daemonDials,
      fresh: 1
    },
    (id) => ({ _tag: "Learned", id })
  )

export const start = boot

export const name = (timer: TimePairState.Timer): string => `${timer.kind} ${timer.end}`

export const change = (world: World, socket: Socket, values: Partial<Socket>): World => ({
  ...world,
  sockets: world.sockets.map((other) => other.id === socket.id ? { ...other, ...values } : other)
})

const acted = (world: World, action: TimePairState.Action): World => {
  const socket = "end" in action ? world.sockets.find(({ ours }) => ours === action.end) : undefined
  switch (action._tag) {
    case "Dial":
      return {
        ...world,
        fresh: world.fresh + 1,
        sockets: [
          ...world.sockets,
          { id: world.fresh, by: "us", ours: action.end, theirs: "none", broken: false, toUs: [], toThem: [] }
        ]
      }
    case "SendHandshake":
      return socket === undefined ? world : change(world, socket, { toThem: [...socket.toThem, "HANDSHAKE"] })
    case "Greet":
      return socket === undefined ? world : change(world, socket, { toThem: [...socket.toThem, "GREET"] })
    case "Close":
      return socket === undefined
        ? world
        : change(world, socket, { ours: 0, toUs: [], toThem: [...socket.toThem, "FIN"] })
    case "Arm":
      return { ...world, timers: [...world.timers, name(action.timer)].toSorted() }
    case "Disarm":
      return { ...world, timers: world.timers.filter((timer) => timer !== name(action.timer)) }
    default:
      return world
  }
}

/** An event to the machine, at time 0. Counters of dials in vain only lengthen waits: they stay at 0. */
export function apply(setting: Setting, world: World, event: (id: number) => TimePairState.Event): World {
  const id = world.fresh
  const happened = event(id)
  const timers = happened._tag === "Fired"
    ? world.timers.filter((timer) => timer !== name(happened.timer))
    : world.timers
  const [pair, actions] = setting.step(world.pair, happened, 0, 0)
  const next = {
    ...world,
    timers,
    fresh: id + 1,
    pair: { ...pair, failures: 0, risks: 0, lastRiskAt: 0, lastDialAt: 0, unused: 0 }
  }
  return actions.reduce(acted, next)
}

/** Equal worlds have one key: names do not count, only their order. */
export const keyOf = (world: World): string => {
  const ends = new Map(world.pair.ends.map(({ id }, i) => [id, i + 1]))
  const sockets = new Map(world.sockets.map(({ id }, i) => [id, i]))
  const orders = world.pair.ends.map(({ order }) => order).toSorted((a, b) => a - b)
  return JSON.stringify([
    world.pair.ends.map(({ dir, order, phase }) => [dir, phase, order === 0 ? 0 : 1 + orders.indexOf(order)]),
    world.pair.waiting,
    world.pair.dialable,
    world.timers.map((timer) => timer.replace(/\d+$/, (id) => `${ends.get(Number(id)) ?? "?"}`)),
    world.slot === undefined
      ? 0
      : [sockets.get(world.slot.socket), world.slot.dir, world.slot.connected, world.slot.forgotten],
    world.sockets.map(({ broken, by, ours, theirs, toThem, toUs }) => [
      broken,
      by,
      ours > 0 ? ends.get(ours) : ours,
      theirs,
      toThem,
      toUs
    ]),
    world.faults,
    world.dials
  ])
}

const harmless = (frames: ReadonlyArray<Frame>): boolean => frames.every((frame) => frame === "GREET")

/** One session, in use at both ends, and nothing else. */
export const settled = ({ pair, slot, sockets }: World): boolean => {
  const [socket] = sockets
  return sockets.length === 1 && socket !== undefined && pair.ends.length === 1 && pair.ends[0]?.phase === "up" &&
    socket.ours === pair.ends[0].id && socket.theirs === "open" && !socket.broken && slot?.socket === socket.id &&
    slot.connected && !slot.forgotten && harmless(socket.toUs) && harmless(socket.toThem)
}

/** What is wrong with a state by itself; `undefined`: nothing. */
export const problem = (setting: Setting, world: World): string | undefined => {
  const ups = world.pair.ends.filter(({ phase }) => phase === "up")
  if (ups.length > 1) return "two ends are up"
  const expected = [
    ...(world.pair.waiting ? ["dial 0"] : []),
    ...(ups.length > 0 && world.timers.includes("unused 0") ? ["unused 0"] : []),
    ...world.pair.ends.flatMap(({ id, phase }) => phase === "greeting" ? [`greeting ${id}`] : [])
  ].toSorted()
  if (expected.join() !== world.timers.join()) return `timers ${world.timers.join()} instead of ${expected.join()}`
  const moving = world.sockets.some(({ ours, theirs, toThem, toUs }) =>
    theirs === "none" || theirs === "connecting" || theirs === "secured" || theirs === "tls" || ours === -1 ||
    (theirs === "mute" && ours > 0) || !harmless(toUs) ||
    !harmless(toThem)
  )
  if ((world.faults < setting.faults && setting.only === undefined) || moving) return undefined
  const unused = world.sockets.find(({ id, ours, theirs }) =>
    ours > 0 && theirs === "open" && world.slot?.socket !== id
  )
  return unused === undefined ? undefined : "a session lives on that the daemon does not use"
}
