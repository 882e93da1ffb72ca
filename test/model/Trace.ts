/** A violation as numbered lines: who does what, and how the world looks then. */
import type { End, PairState } from "../../src/domain/pair/PairState.ts"
import { keyOf } from "./Key.ts"
import type { Move } from "./Move.ts"
import { moves } from "./Network.ts"
import type { Result, Violation } from "./Search.ts"
import type { Frame, Socket, World } from "./World.ts"
import { pairOf, pending, start } from "./World.ts"

const meaning = {
  P0: "an honest frame is taken for a protocol error",
  P1: "nothing more can happen, but the pair is neither settled nor empty",
  P2: "no settled state can be reached from here",
  P3: "a connection comes down though nothing failed",
  P4: "two connections are up at one node",
  P5: "the pair can go round for ever without settling"
}

export const trace = (result: Result, violation: Violation): ReadonlyArray<string> => {
  const { keys, parents, setting } = result
  const path: Array<number> = []
  for (let at = violation.at; at >= 0; at = parents[at] ?? -1) path.unshift(at)
  if (violation.next !== undefined) path.push(violation.next)
  const lines = [`${violation.property}: ${meaning[violation.property]} (${setting.name})`]
  let world = start(setting)
  let number = 0
  const walk = (states: ReadonlyArray<number>): void => {
    for (const state of states) {
      const move = moveTo(result, world, keys[state] ?? "")
      if (move === undefined) throw new Error("the trace cannot be replayed")
      world = move.world
      number += 1
      lines.push(`${String(number).padStart(4)}. ${move.label.padEnd(44)} ${describe(result, world)}`)
    }
  }
  walk(path.slice(1))
  if (violation.cycle.length > 0) {
    lines.push("      and from here round and round:")
    walk(violation.cycle.slice(1))
    lines.push("      … which is where the circle began")
  }
  return lines
}

const moveTo = ({ setting }: Result, world: World, key: string): Move | undefined => {
  let found: Move | undefined
  moves(setting, world, (move) => {
    if (found === undefined && keyOf(setting, move.world) === key) found = move
  })
  return found
}

const describe = ({ setting }: Result, world: World): string => {
  const nodes = setting.nodes.map((spec, node) => `${spec.name}[${pairText(world, node)}]`)
  const ways = world.sockets.flatMap((socket) => {
    const way = (queue: ReadonlyArray<Frame>, from: number, to: number) =>
      queue.length === 0
        ? []
        : [
          `${socket.name} ${setting.nodes[from]?.name}→${setting.nodes[to]?.name}: ${
            queue.map((frame) => frame.kind).join(" ")
          }`
        ]
    const [from, to] = socket.nodes
    return [
      ...(socket.broken ? [`${socket.name} broken`] : []),
      ...(socket.ends[1] === pending ? [`${socket.name} not accepted`] : []),
      ...way(socket.queues[1], from, to),
      ...way(socket.queues[0], to, from)
    ]
  })
  return `${nodes.join(" ")}${ways.length === 0 ? "" : ` {${ways.join(", ")}}`}`
}

const nameOf = (world: World, node: number, end: End): string =>
  world.sockets.find((socket: Socket) =>
    (socket.nodes[0] === node && socket.ends[0] === end.id) || (socket.nodes[1] === node && socket.ends[1] === end.id)
  )?.name ?? "?"

const pairText = (world: World, node: number): string => {
  const pair: PairState = pairOf(world, node)
  const probed = pair.ends.find((end) => end.id === pair.probe?.end)
  return [
    ...pair.ends.map((end) => `${nameOf(world, node, end)} ${end.phase}${end.commitHeld ? " with Commit held" : ""}`),
    ...(probed === undefined ? [] : [`challenges ${nameOf(world, node, probed)}: ${pair.probe?.phase}`]),
    ...(pair.spacing ? ["spacing"] : []),
    ...(pair.grace ? ["grace"] : []),
    ...(pair.barred ? ["barred"] : [])
  ].join(", ")
}
