/** Everything that can happen next in a world. */
import * as TimePairState from "../../../src/domain/pair/TimePairState.ts"

import {
  arrives,
  crashOfDaemon,
  crashOfUs,
  daemonConnects,
  dialFails,
  goneForThem,
  goneForUs,
  hears,
  isUnused,
  patienceEnds,
  phaseOf,
  swept,
  weHear
} from "./Happenings.ts"
import { apply, change, type Move, type Setting, type Socket, type World } from "./World.ts"

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
