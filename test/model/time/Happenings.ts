/** What one event does to a world: to a socket, to the daemon's slot, and to our machine. */
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Daemon from "./Daemon.ts"

import { apply, boot, change, type Setting, type Socket, type World } from "./World.ts"

/** Sockets that nobody has any more are gone. */
export const swept = (world: World): World => ({
  ...world,
  sockets: world.sockets.filter(({ ours, theirs }) => ours !== 0 || theirs !== "closed")
})

export const phaseOf = (world: World, socket: Socket): string | undefined =>
  world.pair.ends.find(({ id }) => id === socket.ours)?.phase

/** Our end hears that the socket is gone. */
export const goneForUs = (
  setting: Setting,
  world: World,
  socket: Socket,
  how: "eof" | "silent",
  reached: boolean
): World => {
  const end = socket.ours
  const without = change(world, socket, { ours: 0, toUs: [] })
  return apply(setting, without, () =>
    phaseOf(world, socket) === "dialing"
      ? { _tag: "DialFailed", end, reached, detail: how }
      : { _tag: "Closed", end, reason: DisconnectReason.remote(how) })
}

export const goneForThem = (world: World, socket: Socket): World => ({
  ...change(world, socket, { theirs: "closed", toThem: [] }),
  slot: Daemon.freed(world.slot, socket.id)
})

/** The daemon takes the head of its queue. */
export const hears = (world: World, socket: Socket, isFit: boolean): World => {
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
export const weHear = (setting: Setting, world: World, socket: Socket): World => {
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
export const dialFails = (world: World, socket: Socket): World => ({
  ...goneForThem(world, socket),
  slot: Daemon.afterFailedDial(world.slot, socket.id)
})

/** The daemon does not use the connection: it has given it up or forgotten it. */
export const isUnused = (world: World, socket: Socket): boolean =>
  world.slot?.socket !== socket.id || world.slot.forgotten || socket.broken

/** We have been asked nothing for long enough. */
export const patienceEnds = (setting: Setting, world: World): World =>
  apply(
    setting,
    { ...world, pair: { ...world.pair, lastAskedAt: -Infinity } },
    (id) => ({ _tag: "Fired", timer: { kind: "unused", end: 0 }, id })
  )

/** The daemon takes, or refuses, a dial of ours. */
export const arrives = (world: World, socket: Socket, isFree: boolean, rules: Daemon.DaemonRules): World => {
  if (!isFree || !Daemon.takes(rules, world.slot)) {
    return change(world, socket, { theirs: "closed", toUs: socket.ours === 0 ? [] : ["DROP"], toThem: [] })
  }
  return {
    ...change(world, socket, { theirs: "tls", toUs: socket.ours === 0 ? [] : ["TLS"] }),
    slot: { socket: socket.id, dir: "in", connected: false, forgotten: false }
  }
}

export const daemonConnects = (world: World, socket: Socket): World =>
  world.slot?.socket === socket.id
    ? {
      ...change(world, socket, { theirs: "open", toUs: [...socket.toUs, "HANDSHAKE"] }),
      slot: { ...world.slot, connected: true }
    }
    : change(world, socket, { theirs: "closed", toThem: [], toUs: socket.ours === 0 ? [] : [...socket.toUs, "FIN"] })

export const crashOfDaemon = (world: World, silent: boolean): World => ({
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

export const crashOfUs = (setting: Setting, world: World, silent: boolean): World => ({
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
