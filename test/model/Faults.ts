/** What goes wrong: each move costs the setting one of its faults. */
import type { At, Go } from "./Move.ts"
import type { Setting, World } from "./World.ts"
import { boot, closed, fresh, isWhole, other, pairOf, pending, phaseAt, push, shut, sides, take } from "./World.ts"

export const faults = (setting: Setting, world: World, go: Go, at: At): void => {
  const fault: Go = (_, label, change) =>
    go("fault", `FAULT: ${label}`, (next, notes) => {
      next.faults -= 1
      change(next, notes)
      // What a fault ends is no flap.
      notes.flap = undefined
    })
  for (const kind of setting.kinds) {
    switch (kind) {
      case "break":
        breaks(world, fault, at)
        break
      case "deaf":
        deaf(setting, world, fault, at)
        break
      case "reject-lost":
        loseReject(setting, world, fault, at)
        break
      case "crash":
        crashes(setting, world, fault)
        break
      case "refuse":
        refusals(setting, world, fault, at)
        break
      case "stop":
        stops(setting, world, fault)
        break
      case "ban":
      case "evict":
      case "full":
        keepsOut(setting, world, fault, kind)
        break
      case "stall":
        for (const process of world.tags.keys()) {
          fault("fault", `${namesOf(setting, process)} stands still`, (next) => {
            next.stalled = process
          })
        }
    }
  }
}

const namesOf = (setting: Setting, process: number): string =>
  setting.nodes.filter((node) => node.process === process).map((node) => node.name).join("+")

const nameOf = (setting: Setting, node: number): string => setting.nodes[node]?.name ?? "?"

const breaks = (world: World, fault: Go, at: At): void => {
  for (const [index, socket] of world.sockets.entries()) {
    if (socket.broken || !socket.reaches) continue
    fault("fault", `${socket.name} breaks`, (next) =>
      at(next, index, (socket) => {
        socket.broken = true
        socket.queues[0] = []
        socket.queues[1] = []
      }))
  }
}

/** Only of established sockets: a dial that gets no answer has failed, or is not seen at the other side. */
const deaf = (setting: Setting, world: World, fault: Go, at: At): void => {
  for (const [index, socket] of world.sockets.entries()) {
    if (!isWhole(socket) || socket.ends[0] <= 0 || socket.ends[1] <= 0) continue
    if (phaseAt(world, socket, 0) === "dialing") continue
    for (const side of sides) {
      const to = nameOf(setting, socket.nodes[side])
      fault("fault", `nothing on ${socket.name} reaches ${to} any more`, (next) =>
        at(next, index, (socket) => {
          socket.deaf[side] = true
          socket.queues[side] = []
        }))
    }
  }
}

const loseReject = (setting: Setting, world: World, fault: Go, at: At): void => {
  for (const [index, socket] of world.sockets.entries()) {
    for (const side of sides) {
      const which = socket.queues[side].findIndex(({ kind }) => kind === "Reject" || kind === "Reject(alias)")
      if (which < 0) continue
      const to = nameOf(setting, socket.nodes[side])
      fault("fault", `a reset destroys the Reject on ${socket.name} to ${to}`, (next) =>
        at(next, index, (socket) => {
          socket.queues[side] = socket.queues[side].with(which, { kind: "FIN", arg: 0, order: 0 })
        }))
    }
  }
}

const crashes = (setting: Setting, world: World, fault: Go): void => {
  for (const process of world.tags.keys()) {
    for (const clean of [true, false]) {
      fault(
        "fault",
        `${namesOf(setting, process)} is killed (${clean ? "its sockets end" : "silently"}) and starts again`,
        (next) => crash(setting, next, process, clean)
      )
    }
  }
}

/** The process is gone and a fresh one is there; of its sockets the peers hear a FIN, or nothing. */
const crash = (setting: Setting, next: World, process: number, clean: boolean): void => {
  for (const socket of next.sockets) {
    for (const side of sides) {
      if (setting.nodes[socket.nodes[side]]?.process !== process || socket.ends[side] === closed) continue
      // A SYN still under way finds the new process.
      if (socket.ends[side] === pending && phaseAt(next, socket, 0) === "dialing") continue
      if (clean) push(socket, other(side), "FIN")
      shut(socket, side)
    }
  }
  for (const [node, spec] of setting.nodes.entries()) {
    if (spec.process === process) next.pairs[node] = boot(setting, spec)
  }
  next.tags[process] = fresh(next)
}

/** The Hello that comes next fails a check: there is no place, say. */
const refusals = (setting: Setting, world: World, fault: Go, at: At): void => {
  for (const [index, socket] of world.sockets.entries()) {
    for (const side of sides) {
      const node = socket.nodes[side]
      if (socket.queues[side][0]?.kind !== "Hello" || phaseAt(world, socket, side) !== "hello") continue
      fault(
        "fault",
        `${nameOf(setting, node)} refuses the Hello on ${socket.name}`,
        (next, notes) =>
          at(next, index, (socket) => {
            const end = socket.ends[side]
            socket.queues[side] = socket.queues[side].slice(1)
            take(setting, next, notes, node, { _tag: "Refused", end, reject: "full", detail: "", retryMs: 1_000 })
          })
      )
    }
  }
}

/** A node bans its peer, gives its place to another, or has none left: until it lets the peer in again. */
const keepsOut = (setting: Setting, world: World, fault: Go, how: "ban" | "evict" | "full"): void => {
  if (world.shut >= 0) return
  for (const [node, { name }] of setting.nodes.entries()) {
    const says = how === "ban" ? "bans its peer" : how === "evict" ? "evicts its peer" : "has no place any more"
    fault("fault", `${name} ${says}`, (next, notes) => {
      next.shut = 2 * node + (how === "ban" ? 1 : 0)
      if (how === "full") return
      const reject = how === "ban" ? "banned" : "evicted"
      take(setting, next, notes, node, { _tag: "Stopped", reject, detail: "", retryMs: 1_000 })
    })
  }
}

/** An operator disconnects the peer: it may be dialled again later, or when the operator says so. Or its address proves wrong. */
const stops = (setting: Setting, world: World, fault: Go): void => {
  for (const [node, { name }] of setting.nodes.entries()) {
    for (const retryMs of [1_000, undefined]) {
      fault(
        "fault",
        `${name} disconnects its peer ${retryMs === undefined ? "for good" : "for a time"}`,
        (next, notes) => take(setting, next, notes, node, { _tag: "Stopped", reject: "operator", detail: "", retryMs })
      )
    }
    if (!pairOf(world, node).dialable) continue
    fault(
      "fault",
      `${name} forgets where its peer listens`,
      (next, notes) => take(setting, next, notes, node, { _tag: "Forgotten" })
    )
  }
}
