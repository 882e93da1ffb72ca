/**
 * Everything that can happen next in a world. No time: a timer that runs may fire, under the conditions of the mode.
 */
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { PairEvent, Timer } from "../../src/domain/pair/PairState.ts"
import type { Frame, Notes, Setting, Side, Socket, World } from "./World.ts"
import {
  boot,
  clone,
  closed,
  locate,
  nextId,
  other,
  pairOf,
  pending,
  phaseAt,
  push,
  shut,
  sides,
  sweep,
  take
} from "./World.ts"

export interface Move {
  /** `false`: a timeout although the other end could still have answered. */
  readonly kind: "step" | "false" | "fault"
  readonly failedDial: boolean
  readonly label: string
  readonly world: World
  /** A connection came down at its node. */
  readonly down: boolean
  /** How a node gave up a connection that was up and unbroken at both ends. */
  readonly flap: DisconnectReason.Kind | undefined
  /** An honest frame was taken for a protocol error. */
  readonly fault: string | undefined
}

/** Whether no answer can come to this side any more. */
const hopeless = (socket: Socket, side: Side): boolean =>
  socket.queues[side].length === 0 && (socket.broken || !socket.reaches || socket.ends[other(side)] === closed)

/** Everything that can happen next. */
export const moves = (setting: Setting, world: World, emit: (move: Move) => void): void => {
  const name = (node: number): string => setting.nodes[node]?.name ?? "?"
  const go = (
    kind: Move["kind"],
    label: string,
    change: (next: World, notes: Notes) => void,
    failedDial = false
  ): void => {
    const next = clone(world)
    const notes: Notes = { down: false, flap: undefined, fault: undefined }
    change(next, notes)
    sweep(next)
    emit({ kind, failedDial, label, world: next, ...notes })
  }
  const at = (next: World, index: number, change: (socket: Socket) => void): void => {
    const socket = next.sockets[index]
    if (socket !== undefined) change(socket)
  }
  const fire = (node: number, timer: Timer, label: string): void =>
    go("step", `${name(node)}: ${label}`, (next, notes) => take(setting, next, notes, node, { _tag: "Fired", timer }))
  /** A timeout: a plain step when the other end cannot answer, a false one (or none) when it could. */
  const expire = (node: number, socket: Socket, side: Side, what: string, event: PairEvent): void => {
    const dead = hopeless(socket, side)
    if (!dead && !setting.anyTimer) return
    go(
      dead ? "step" : "false",
      `${name(node)}: ${dead ? "" : "FALSE "}timeout ${what} on ${socket.name}`,
      (next, notes) => take(setting, next, notes, node, event)
    )
  }

  for (const [node, spec] of setting.nodes.entries()) {
    const pair = pairOf(world, node)
    if (pair.redial && world.sockets.length < setting.slots) {
      for (const [target, to] of spec.targets.entries()) {
        go(
          "step",
          `${spec.name}: dials ${name(to.node)} on s${world.named + 1}`,
          (next, notes) =>
            take(setting, next, notes, node, { _tag: "Fired", timer: { kind: "redial", end: 0 } }, target)
        )
      }
    }
    if (pair.grace) fire(node, { kind: "grace", end: 0 }, "grace passes")
    if (pair.spacing) fire(node, { kind: "spacing", end: 0 }, "spacing passes")
    if (
      pair.barred &&
      setting.nodes.every((peer, i) =>
        i === node || peer.process !== spec.process || Pair.up(pairOf(world, i)) === undefined
      )
    ) {
      go(
        "step",
        `${spec.name}: the alias is gone`,
        (next, notes) => take(setting, next, notes, node, { _tag: "Freed" })
      )
    }
    const { probe } = pair
    if (probe !== undefined) {
      const found = locate(world, node, probe.end)
      if (found !== undefined) {
        const on = found[0].name
        if (probe.phase === "queued") {
          go(
            "step",
            `${spec.name}: the ping on ${on} left`,
            (next, notes) =>
              take(setting, next, notes, node, {
                _tag: "Flushed",
                end: probe.end,
                nonce: probe.nonce,
                rttMs: undefined
              })
          )
        } else {
          if (probe.phase === "sent") fire(node, { kind: "quiet", end: 0 }, `1 s since the ping on ${on} left`)
          expire(node, found[0], found[1], "probe", { _tag: "Fired", timer: { kind: "probe", end: 0 } })
        }
      }
    }
  }

  for (const [index, socket] of world.sockets.entries()) {
    const [from, to] = socket.nodes
    if (phaseAt(world, socket, 0) === "dialing") {
      const dead = socket.broken || !socket.reaches
      if (!dead) {
        go(
          "step",
          `${name(from)}: ${socket.name} connected`,
          (next, notes) => take(setting, next, notes, from, { _tag: "Connected", end: socket.ends[0] })
        )
      }
      if (dead || setting.anyTimer) {
        go(
          dead ? "step" : "false",
          `${name(from)}: dial ${socket.name} fails`,
          (next, notes) => take(setting, next, notes, from, { _tag: "DialFailed", end: socket.ends[0], detail: "" }),
          true
        )
      }
    }
    if (socket.ends[1] === pending && socket.reaches && !socket.broken) {
      go("step", `${name(to)}: accepts ${socket.name}`, (next, notes) =>
        at(next, index, (socket) => {
          const end = nextId(pairOf(next, to))
          socket.ends[1] = end
          take(setting, next, notes, to, { _tag: "Accepted", end })
        }))
    }
    for (const side of sides) {
      const node = socket.nodes[side]
      const phase = phaseAt(world, socket, side)
      if (phase === undefined || phase === "dialing") continue
      const end = socket.ends[side]
      const frame = socket.queues[side][0]
      if (frame !== undefined) {
        go(
          "step",
          `${name(node)}: receives ${frame.kind} on ${socket.name}`,
          (next, notes) =>
            at(next, index, (socket) => {
              socket.queues[side] = socket.queues[side].slice(1)
              deliver(setting, next, notes, socket, side, frame)
            })
        )
      }
      switch (phase) {
        case "hello":
          expire(node, socket, side, "hello", { _tag: "Fired", timer: { kind: "hello", end } })
          break
        case "committing":
          expire(node, socket, side, "commit", { _tag: "Fired", timer: { kind: "commit", end } })
          break
        case "candidate":
          if (pairOf(world, node).ends.some((e) => e.id === end && e.role === "higher" && !e.commitHeld)) {
            expire(node, socket, side, "wait", { _tag: "Fired", timer: { kind: "wait", end } })
          }
          break
        case "up":
          expire(node, socket, side, "silent", {
            _tag: "Closed",
            end,
            reason: DisconnectReason.local("silent")
          })
      }
    }
  }

  if (world.faults > 0) faults(setting, world, go, at)
}

const deliver = (setting: Setting, next: World, notes: Notes, socket: Socket, side: Side, frame: Frame): void => {
  const node = socket.nodes[side]
  const peer = socket.nodes[other(side)]
  const end = socket.ends[side]
  const event = (event: PairEvent): void => take(setting, next, notes, node, event)
  if (frame.kind !== "FIN" && Pair.listensTo(pairOf(next, node)) === end) event({ _tag: "Heard", end })
  switch (frame.kind) {
    case "Hello":
      return event({
        _tag: "Welcomed",
        end,
        role: setting.role(node, peer),
        tag: String(frame.arg),
        process: String(frame.arg),
        self: setting.self(node, peer),
        listens: true
      })
    case "Commit":
      return event({ _tag: "CommitReceived", end })
    case "Ack":
      return event({ _tag: "AckReceived", end })
    case "Ping":
      if (phaseAt(next, socket, side) === "up" || phaseAt(next, socket, side) === "committing") {
        return push(socket, other(side), "Pong", frame.arg)
      }
      notes.fault = "a Ping before Up"
      return
    case "Pong":
      return event({ _tag: "PongReceived", end, nonce: BigInt(frame.arg) })
    case "Reject":
    case "Reject(alias)":
      return event({
        _tag: "RejectReceived",
        end,
        reject: frame.kind === "Reject" ? "duplicate" : "alias",
        detail: "",
        retryMs: 1_000
      })
    case "FIN":
      return event({ _tag: "Closed", end, reason: DisconnectReason.remote("eof") })
  }
}

const faults = (
  setting: Setting,
  world: World,
  go: (kind: "fault", label: string, change: (next: World) => void) => void,
  at: (next: World, index: number, change: (socket: Socket) => void) => void
): void => {
  for (const [index, socket] of world.sockets.entries()) {
    if (socket.broken || !socket.reaches) continue
    go("fault", `FAULT: ${socket.name} breaks`, (next) => {
      next.faults -= 1
      at(next, index, (socket) => {
        socket.broken = true
        socket.queues[0] = []
        socket.queues[1] = []
      })
    })
  }
  for (const process of world.tags.keys()) {
    const names = setting.nodes.filter((node) => node.process === process).map((node) => node.name).join("+")
    for (const clean of [true, false]) {
      go("fault", `FAULT: ${names} is killed (${clean ? "its sockets end" : "silently"}) and starts again`, (next) => {
        next.faults -= 1
        crash(setting, next, process, clean)
      })
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
  next.tags[process] = next.fresh
  next.fresh += 1
}
