/**
 * Everything that can happen next in a world. No time: a timer that runs may fire, under the conditions of the mode.
 */
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import * as Pair from "../../src/domain/pair/Pair.ts"
import type { PairEvent, Timer } from "../../src/domain/pair/PairState.ts"
import { faults } from "./Faults.ts"
import type { At, Go, Move } from "./Move.ts"
import type { Frame, Notes, Setting, Side, Socket, World } from "./World.ts"
import {
  clone,
  closed,
  fresh,
  isBanned,
  isShut,
  locate,
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

/** Whether nothing can come to this side any more. */
const isSilent = (socket: Socket, side: Side): boolean =>
  socket.queues[side].length === 0 &&
  (socket.broken || socket.deaf[side] || !socket.reaches || socket.ends[other(side)] === closed)

/** Whether no answer can come to what this side asked: it, or its answer, is lost. A Commit that is held is not lost. */
const isUnanswerable = (world: World, socket: Socket, side: Side): boolean =>
  isSilent(socket, side) || (
    socket.queues[side].length === 0 && socket.deaf[other(side)] &&
    !pairOf(world, socket.nodes[other(side)]).ends.some((end) => end.id === socket.ends[other(side)] && end.commitHeld)
  )

/** Timeouts by which a node blames its peer. */
type Blame = "hello" | "commit" | "wait" | "probe" | "silent"

/** Everything that can happen next. */
export const moves = (setting: Setting, world: World, emit: (move: Move) => void): void => {
  const name = (node: number): string => setting.nodes[node]?.name ?? "?"
  const go: Go = (kind, label, change, failedDial = false) => {
    const next = clone(world)
    const notes: Notes = { down: false, flap: undefined, fault: undefined }
    change(next, notes)
    sweep(next)
    emit({ kind, failedDial, label, world: next, ...notes })
  }
  const at: At = (next, index, change) => {
    const socket = next.sockets[index]
    if (socket !== undefined) change(socket)
  }
  const fire = (node: number, timer: Timer, label: string): void =>
    go("step", `${name(node)}: ${label}`, (next, notes) => take(setting, next, notes, node, { _tag: "Fired", timer }))
  /** Nothing but the pair's own dials can make a node doubt its peer: then a stall must not cost it the connection. */
  const unrivalled = setting.kind === "process" && !setting.kinds.includes("crash")
  const hasReadAll = (node: number): boolean =>
    world.sockets.every(({ nodes, queues }) => sides.every((side) => nodes[side] !== node || queues[side].length === 0))
  const stands = (node: number): boolean => setting.nodes[node]?.process === world.stalled
  /**
   * A timeout: a plain step when no answer can come, a false one when it could, which is possible while the peer stands still
   * (not for its dead time) and in the any-timer mode. A process that stood still reads what came meanwhile before its own
   * timers blame a peer, unless the setting says that it does not.
   */
  const expire = (node: number, socket: Socket, side: Side, what: Blame, event: PairEvent): void => {
    const dead = what === "commit" || what === "probe"
      ? isUnanswerable(world, socket, side)
      : isSilent(socket, side)
    const late = stands(node)
    if (late && (dead || !setting.forgetsLag || what === "silent")) return
    const waits = stands(socket.nodes[other(side)]) && hasReadAll(node) && what !== "silent"
    if (!dead && !setting.anyTimer && !late && !waits) return
    go(
      dead || late || (waits && what === "probe" && unrivalled) ? "step" : "false",
      `${name(node)}: ${dead ? "" : late ? "LATE " : "FALSE "}timeout ${what} on ${socket.name}`,
      (next, notes) => take(setting, next, notes, node, event)
    )
  }

  if (world.stalled >= 0) {
    const names = setting.nodes.filter((_, node) => stands(node)).map((spec) => spec.name).join("+")
    go("step", `${names} runs again`, (next) => {
      next.stalled = -1
    })
  }

  if (world.shut >= 0) {
    go("step", `${name(world.shut >> 1)} lets its peer in again`, (next) => {
      next.shut = -1
    })
  }

  for (const [node, spec] of setting.nodes.entries()) {
    const pair = pairOf(world, node)
    const { probe } = pair
    if (probe !== undefined && probe.phase !== "queued") {
      const found = locate(world, node, probe.end)
      if (found !== undefined) {
        expire(node, found[0], found[1], "probe", { _tag: "Fired", timer: { kind: "probe", end: 0 } })
      }
    }
    if (stands(node)) continue
    // A dial to a peer that is kept out is held back.
    if (pair.redial && world.sockets.length < setting.slots && !isShut(world, node)) {
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
    const elsewhere = setting.nodes.flatMap(({ process }, i) => i !== node && process === spec.process ? [i] : [])
    if (
      pair.barred && elsewhere.length > 0 && elsewhere.every((other) => Pair.up(pairOf(world, other)) === undefined)
    ) {
      go(
        "step",
        `${spec.name}: the alias is gone`,
        (next, notes) => take(setting, next, notes, node, { _tag: "Freed" })
      )
    }
    if (!pair.dialable && spec.knows) {
      go(
        "step",
        `${spec.name}: is told of its peer again`,
        (next, notes) => take(setting, next, notes, node, { _tag: "Learned", rank: undefined })
      )
    }
    if (mayMerge(setting, world, node)) {
      go("step", `${spec.name}: closes this one of two connections to one process`, (next, notes) => {
        take(setting, next, notes, node, { _tag: "Merged", end: Pair.up(pair)?.id ?? 0, detail: "" })
        // The protocol wants it.
        notes.down = false
        notes.flap = undefined
      })
    }
    const on = probe === undefined ? undefined : locate(world, node, probe.end)?.[0].name
    if (probe?.phase === "queued") {
      const { end, nonce } = probe
      go(
        "step",
        `${spec.name}: the ping on ${on} left`,
        (next, notes) => take(setting, next, notes, node, { _tag: "Flushed", end, nonce, rttMs: undefined })
      )
      fire(node, { kind: "probe", end: 0 }, `the ping on ${on} has had time enough to leave`)
    }
    if (probe?.phase === "sent") fire(node, { kind: "quiet", end: 0 }, `1 s since the ping on ${on} left`)
  }

  for (const [index, socket] of world.sockets.entries()) {
    const [from, to] = socket.nodes
    if (phaseAt(world, socket, 0) === "dialing" && !stands(from)) {
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
    if (socket.ends[1] === pending && socket.reaches && !socket.broken && !stands(to)) {
      go("step", `${name(to)}: accepts ${socket.name}`, (next, notes) =>
        at(next, index, (socket) => {
          const end = fresh(next)
          socket.ends[1] = end
          take(setting, next, notes, to, { _tag: "Accepted", end })
        }))
      if (isBanned(world, to)) {
        go("step", `${name(to)}: closes ${socket.name} when it is accepted`, (next) =>
          at(next, index, (socket) => {
            push(socket, 0, "FIN")
            shut(socket, 1)
          }), true)
      }
    }
    for (const side of sides) {
      const node = socket.nodes[side]
      const phase = phaseAt(world, socket, side)
      if (phase === undefined || phase === "dialing") continue
      const end = socket.ends[side]
      const frame = socket.queues[side][0]
      if (frame?.kind === "Hello" && phase === "hello" && isShut(world, node) && !stands(node)) {
        // It says for how long, so what follows is a dial that failed.
        go("step", `${name(node)}: refuses the Hello on ${socket.name}`, (next, notes) =>
          at(next, index, (socket) => {
            socket.queues[side] = socket.queues[side].slice(1)
            const reject = isBanned(world, node) ? "banned" : "full"
            take(setting, next, notes, node, { _tag: "Refused", end, reject, detail: "", retryMs: 1_000 })
          }), true)
      } else if (frame !== undefined && !stands(node)) {
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

  if (world.faults > 0 && world.stalled < 0) faults(setting, world, go, at)
}

/**
 * Whether the peer has proved that two connections lead to it, and this node is the one to close one of them: both have been up
 * at both ends. Either may be the later one.
 */
const mayMerge = (setting: Setting, world: World, node: number): boolean => {
  const { process } = setting.nodes[node] ?? { process: -1 }
  if (!setting.merges || process !== 0) return false
  const others = new Set<number>()
  for (const [i, spec] of setting.nodes.entries()) {
    const up = spec.process === process ? Pair.up(pairOf(world, i)) : undefined
    if (up === undefined) {
      if (i === node) return false
      continue
    }
    const found = locate(world, i, up.id)
    if (found === undefined) continue
    const [socket, side] = found
    const there = other(side)
    if (socket.ends[there] === closed || phaseAt(world, socket, there) === "up") {
      others.add(socket.nodes[there])
    } else if (i === node) return false
  }
  const processes = [...others].map((peer) => setting.nodes[peer]?.process)
  return new Set(processes).size < processes.length
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
        order: frame.order === 0 ? undefined : frame.order,
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
      event({
        _tag: "RejectReceived",
        end,
        reject: frame.kind === "Reject" ? "duplicate" : "alias",
        detail: "",
        retryMs: 1_000
      })
      // The other end of a connection that the protocol wants closed.
      if (setting.merges && frame.kind === "Reject(alias)") notes.down = false
      return
    case "FIN":
      return event({ _tag: "Closed", end, reason: DisconnectReason.remote("eof") })
  }
}
