/** One node with `TimePair` and one daemon, and the sockets between them: what can happen next. No time: any order may be. */
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import type * as TimePair from "../../../src/domain/pair/TimePair.ts"
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"
import * as Daemon from "./Daemon.ts"

type Frame = "TLS" | "DROP" | "ACK" | "HANDSHAKE" | "GREET" | "FIN"

/** `ours`: our end; 0: closed; −1: not accepted by us yet. */
interface Socket {
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

const boot = (setting: Setting): World =>
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

const name = (timer: TimePairState.Timer): string => `${timer.kind} ${timer.end}`

const change = (world: World, socket: Socket, values: Partial<Socket>): World => ({
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
function apply(setting: Setting, world: World, event: (id: number) => TimePairState.Event): World {
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

/** Sockets that nobody has any more are gone. */
const swept = (world: World): World => ({
  ...world,
  sockets: world.sockets.filter(({ ours, theirs }) => ours !== 0 || theirs !== "closed")
})

const phaseOf = (world: World, socket: Socket): string | undefined =>
  world.pair.ends.find(({ id }) => id === socket.ours)?.phase

/** Our end hears that the socket is gone. */
const goneForUs = (setting: Setting, world: World, socket: Socket, how: "eof" | "silent", reached: boolean): World => {
  const end = socket.ours
  const without = change(world, socket, { ours: 0, toUs: [] })
  return apply(setting, without, () =>
    phaseOf(world, socket) === "dialing"
      ? { _tag: "DialFailed", end, reached, detail: how }
      : { _tag: "Closed", end, reason: DisconnectReason.remote(how) })
}

const goneForThem = (world: World, socket: Socket): World => ({
  ...change(world, socket, { theirs: "closed", toThem: [] }),
  slot: Daemon.freed(world.slot, socket.id)
})

/** The daemon takes the head of its queue. */
const hears = (world: World, socket: Socket, isFit: boolean): World => {
  const [frame, ...rest] = socket.toThem
  const read = change(world, socket, { toThem: rest })
  if (frame === "FIN") return goneForThem(world, socket)
  if (socket.theirs === "mute") {
    return change(goneForThem(world, socket), socket, { theirs: "closed", toThem: [], toUs: [...socket.toUs, "FIN"] })
  }
  if (frame !== "HANDSHAKE" || socket.theirs !== "tls") return read
  if (!isFit) return { ...change(read, socket, { theirs: "mute" }), slot: Daemon.freed(world.slot, socket.id) }
  return {
    ...change(read, socket, { theirs: "open", toUs: [...socket.toUs, "ACK"], toThem: rest }),
    slot: world.slot?.socket === socket.id ? { ...world.slot, connected: true } : world.slot
  }
}

/** We take the head of ours. */
const weHear = (setting: Setting, world: World, socket: Socket): World => {
  const [frame, ...rest] = socket.toUs
  const end = socket.ours
  const read = change(world, socket, { toUs: rest })
  switch (frame) {
    case "TLS":
      return apply(setting, read, () => ({ _tag: "Connected", end }))
    case "ACK":
      return apply(setting, read, () => ({ _tag: "AckReceived", end }))
    case "HANDSHAKE":
      return apply(setting, read, () => ({ _tag: "HandshakeReceived", end }))
    case "DROP":
    case "FIN":
      return goneForUs(setting, world, socket, "eof", true)
    default:
      return read
  }
}

/** A dial of the daemon's fails, before TLS is done. */
const dialFails = (world: World, socket: Socket): World => ({
  ...goneForThem(world, socket),
  slot: Daemon.afterFailedDial(world.slot, socket.id)
})

/** The daemon does not use the connection: it has given it up or forgotten it. */
const isUnused = (world: World, socket: Socket): boolean =>
  world.slot?.socket !== socket.id || world.slot.forgotten || socket.broken

/** We have been asked nothing for long enough. */
const patienceEnds = (setting: Setting, world: World): World =>
  apply(
    setting,
    { ...world, pair: { ...world.pair, lastAskedAt: -Infinity } },
    (id) => ({ _tag: "Fired", timer: { kind: "unused", end: 0 }, id })
  )

/** The daemon takes, or refuses, a dial of ours. */
const arrives = (world: World, socket: Socket, isFree: boolean, rules: Daemon.DaemonRules): World => {
  if (!isFree || !Daemon.takes(rules, world.slot)) {
    return change(world, socket, { theirs: "closed", toUs: socket.ours === 0 ? [] : ["DROP"], toThem: [] })
  }
  return {
    ...change(world, socket, { theirs: "tls", toUs: socket.ours === 0 ? [] : ["TLS"] }),
    slot: { socket: socket.id, dir: "in", connected: false, forgotten: false }
  }
}

const daemonConnects = (world: World, socket: Socket): World =>
  world.slot?.socket === socket.id
    ? {
      ...change(world, socket, { theirs: "open", toUs: [...socket.toUs, "HANDSHAKE"] }),
      slot: { ...world.slot, connected: true }
    }
    : change(world, socket, { theirs: "closed", toThem: [], toUs: socket.ours === 0 ? [] : [...socket.toUs, "FIN"] })

const crashOfDaemon = (world: World, silent: boolean): World => ({
  ...world,
  slot: undefined,
  sockets: world.sockets.map((socket) =>
    socket.theirs === "closed" || socket.theirs === "none"
      ? socket
      : {
        ...socket,
        theirs: "closed",
        toThem: [],
        toUs: silent || socket.ours === 0 ? socket.toUs : [...socket.toUs, "FIN"]
      }
  )
})

const crashOfUs = (setting: Setting, world: World, silent: boolean): World => ({
  ...boot(setting),
  faults: world.faults,
  dials: world.dials,
  fresh: world.fresh + 1,
  slot: world.slot,
  sockets: world.sockets.map((socket) =>
    socket.ours === 0
      ? socket
      : { ...socket, ours: 0, toUs: [], toThem: silent ? socket.toThem : [...socket.toThem, "FIN"] }
  )
})

/** Everything that can happen to one socket. */
const ofSocket = (
  setting: Setting,
  world: World,
  socket: Socket,
  add: (name: string, next: World, foul?: boolean) => void
) => {
  const { broken, by, ours, theirs, toThem, toUs } = socket
  const silence = world.faults > 0 ? { ...world, faults: world.faults - 1 } : undefined
  const fault = setting.only === undefined ? silence : undefined
  const at = `on ${by === "us" ? "our" : "their"} socket ${socket.id}`
  const open = theirs === "open" || theirs === "tls" || theirs === "mute"
  if (by === "us" && theirs === "none") {
    if (broken) {
      if (ours > 0) {
        add(
          `our dial fails ${at}`,
          goneForUs(setting, change(world, socket, { theirs: "closed" }), socket, "silent", false)
        )
      } else add(`nothing arrives ${at}`, change(world, socket, { theirs: "closed" }))
    } else {
      add(`the daemon is reached ${at}`, arrives(world, socket, true, setting.daemon))
      if (fault !== undefined) add(`the daemon has no place ${at}`, arrives(fault, socket, false, setting.daemon), true)
    }
  }
  if (by === "daemon" && theirs === "connecting") {
    if (broken || ours === 0) add(`the daemon's dial fails ${at}`, dialFails(world, socket))
    if (broken && world.slot?.socket === socket.id) {
      add(`the daemon gives up the slot ${at}`, { ...world, slot: undefined })
    }
  }
  if (theirs === "secured") add(`the daemon is connected ${at}`, daemonConnects(world, socket))
  if (ours === -1) {
    if (!broken) {
      add(
        `we accept ${at}`,
        apply(
          setting,
          change(world, socket, { ours: world.fresh, theirs: theirs === "connecting" ? "secured" : theirs }),
          (id) => ({ _tag: "Accepted", id })
        )
      )
    } else add(`we never hear of it ${at}`, change(world, socket, { ours: 0, toUs: [] }))
  }
  if (!broken && ours > 0 && toUs.length > 0) add(`${toUs[0]} ${at}`, weHear(setting, world, socket))
  if (!broken && open && toThem.length > 0) {
    add(`the daemon reads ${toThem[0]} ${at}`, hears(world, socket, true))
    if (silence !== undefined && toThem[0] === "HANDSHAKE") {
      add(`the daemon refuses by silence ${at}`, hears(silence, socket, false), true)
    }
  }
  const deaf = broken || (theirs === "closed" && toUs.length === 0)
  if (ours > 0 && deaf && theirs !== "none") {
    add(`we notice silence ${at}`, goneForUs(setting, world, socket, "silent", true))
  }
  if (open && (broken || (ours === 0 && toThem.length === 0))) {
    add(`the daemon notices ${at}`, goneForThem(world, socket))
  }
  if (ours > 0 && phaseOf(world, socket) === "greeting") {
    const hopeless = broken || ((theirs === "mute" || theirs === "closed") && toUs.length === 0)
    if (hopeless || setting.anyTimer) {
      add(
        `our patience ends ${at}`,
        apply(setting, world, (id) => ({ _tag: "Fired", timer: { kind: "greeting", end: ours }, id })),
        !hopeless
      )
    }
  }
  if (fault !== undefined && !broken) add(`the socket breaks ${at}`, change(fault, socket, { broken: true }), true)
}

export const moves = (setting: Setting, world: World): ReadonlyArray<Move> => {
  const all: Array<Move> = []
  const add = (name: string, next: World, foul = false) => all.push({ name, world: swept(next), foul })
  const room = world.sockets.length < setting.sockets
  if (world.pair.waiting && room) {
    add("we dial", apply(setting, world, (id) => ({ _tag: "Fired", timer: { kind: "dial", end: 0 }, id })))
  }
  if (world.dials > 0 && world.slot === undefined && room) {
    const id = world.fresh
    add("the daemon dials", {
      ...world,
      fresh: id + 1,
      dials: world.dials - 1,
      slot: { socket: id, dir: "out", connected: false, forgotten: false },
      sockets: [
        ...world.sockets,
        { id, by: "daemon", ours: -1, theirs: "connecting", broken: false, toUs: [], toThem: [] }
      ]
    })
  }
  for (const socket of world.sockets) ofSocket(setting, world, socket, add)
  if (world.slot?.forgotten === true) {
    add("the daemon frees the slot of the session it forgot", { ...world, slot: undefined })
  }
  const used = world.sockets.find(({ ours }) => ours > 0 && ours === TimePairState.up(world.pair)?.id)
  if (used !== undefined && world.timers.includes("unused 0")) {
    const isFoul = !isUnused(world, used)
    if (!isFoul || setting.anyTimer) {
      add("we have been asked nothing for too long", patienceEnds(setting, world), isFoul)
    }
  }
  if (world.faults > 0 && setting.only === undefined) {
    const fault = { ...world, faults: world.faults - 1 }
    for (const silent of [false, true]) {
      add(`the daemon starts again${silent ? " without a word" : ""}`, crashOfDaemon(fault, silent), true)
      add(`we start again${silent ? " without a word" : ""}`, crashOfUs(setting, fault, silent), true)
    }
  }
  return all
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
