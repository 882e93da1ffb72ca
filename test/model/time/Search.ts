/** Visits every state that the world can reach, and says where a property fails, with a shortest trace. */
import { moves } from "./Moves.ts"
import { keyOf, problem, type Setting, settled, start, type World } from "./World.ts"

export interface Result {
  readonly states: number
  readonly settled: number
  /** What failed, and the moves that lead there. */
  readonly violation: readonly [what: string, trace: ReadonlyArray<string>] | undefined
}

interface Node {
  readonly world: World
  readonly from: string | undefined
  readonly by: string
  /** Keys that lead here by moves that are not foul. */
  readonly before: Array<string>
}

/** Over this many states the search gives up: a world that is not finite. */
const statesMost = 2_000_000

const trace = (nodes: ReadonlyMap<string, Node>, key: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (let node = nodes.get(key); node?.from !== undefined; node = nodes.get(node.from)) lines.push(node.by)
  return lines.toReversed().map((line, i) => `${i + 1}. ${line}`)
}

export const search = (setting: Setting): Result => {
  const nodes = new Map<string, Node>()
  const first = start(setting)
  const queue = [keyOf(first)]
  nodes.set(keyOf(first), { world: first, from: undefined, by: "", before: [] })
  const end = (what: string, key: string, more: ReadonlyArray<string> = []): Result => ({
    states: nodes.size,
    settled: 0,
    violation: [what, [...trace(nodes, key), ...more]]
  })
  const good: Array<string> = []
  for (let at = 0; at < queue.length; at++) {
    const key = queue[at] ?? ""
    const node = nodes.get(key)
    if (node === undefined || nodes.size > statesMost) return end("too many states", key)
    const wrong = problem(setting, node.world)
    if (wrong !== undefined) return end(wrong, key)
    const isSettled = settled(node.world)
    if (isSettled) good.push(key)
    let fair = 0
    for (const { foul, name, world } of moves(setting, node.world)) {
      const to = keyOf(world)
      if (isSettled && !foul && !settled(world)) return end("a settled connection is given up", key, [name])
      const known = nodes.get(to)
      if (known === undefined) {
        nodes.set(to, { world, from: key, by: name, before: [] })
        queue.push(to)
      }
      if (foul) continue
      fair += 1
      nodes.get(to)?.before.push(key)
    }
    if (fair === 0 && !isSettled) return end("nothing can happen any more", key)
  }
  const reached = new Set(good)
  for (const key of reached) for (const before of nodes.get(key)?.before ?? []) reached.add(before)
  const lost = queue.find((key) => !reached.has(key))
  if (lost !== undefined) return end("the pair cannot come together again", lost)
  return { states: nodes.size, settled: good.length, violation: undefined }
}
