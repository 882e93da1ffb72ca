/** Runs one workload on one implementation in child processes: a server and a client, or a server alone. */
import { type ChildProcess, fork, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Limits from "../../src/domain/Limits.ts"
import type { FromChild, Measured, Task } from "./Peer.ts"

const script = fileURLToPath(new URL("./child.ts", import.meta.url))
const alive = new Set<ChildProcess>()

/** Ends every child still alive, at once. */
export const killAll = (): void => {
  for (const child of alive) child.kill("SIGKILL")
}

/** ms. A child that was told to end and does not is killed after that. */
const endMs = 2_000

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill("SIGKILL"), endMs)
    child.once("exit", () => {
      clearTimeout(timer)
      resolve()
    })
    if (child.connected) child.disconnect()
  })

/** Whether processes can be kept on one CPU each (Linux), and there are two. */
const canPlace = spawnSync("taskset", ["-c", "0,1", process.execPath, "--version"]).status === 0

/** Of round trips, the CPU of each process: a lottery otherwise. */
const cpuOf = ({ workload }: Pick<Task, "workload">, index: number): number | undefined =>
  canPlace && workload.endsWith("rtt") ? index : undefined

/** A node that keeps a chain is started as `ops/` starts it. */
const optionsOf = ({ workload }: Pick<Task, "workload">): ReadonlyArray<string> =>
  workload === "api" || workload === "sync" ? [`--max-semi-space-size=${Limits.youngHalfMiB}`] : []

/** Both roles' numbers in one record. Rejects when a child fails, ends early or takes longer than the task's timeout. */
export const runPair = async (
  task: Omit<Task, "role">,
  roles: ReadonlyArray<Task["role"]>
): Promise<Measured> => {
  const children = roles.map((role, index) => {
    const node = ["--expose-gc", "--disable-warning=ExperimentalWarning", ...optionsOf(task)]
    const cpu = cpuOf(task, index)
    const child = fork(script, [JSON.stringify({ ...task, role })], {
      ...(cpu === undefined
        ? { execArgv: node }
        : { execPath: "taskset", execArgv: ["-c", String(cpu), process.execPath, ...node] }),
      stdio: ["ignore", "inherit", "inherit", "ipc"]
    })
    alive.add(child)
    child.once("exit", () => alive.delete(child))
    return child
  })
  const outcome = Promise.withResolvers<Measured>()
  const timer = setTimeout(() => outcome.reject(new Error(`timed out after ${task.timeoutMs} ms`)), task.timeoutMs)
  let measured: Measured = {}
  let left = children.length
  children.forEach((child, index) => {
    child.on("message", (message: FromChild) => {
      if (message.type === "told") {
        const other = children[1 - index]
        if (other?.connected === true) other.send(message)
      } else if (message.type === "failed") outcome.reject(new Error(message.error))
      else {
        measured = { ...measured, ...message.measured }
        if (--left === 0) outcome.resolve(measured)
      }
    })
    child.once("exit", (code) => outcome.reject(new Error(`${roles[index]} ended early, exit code ${code}`)))
  })
  try {
    return await outcome.promise
  } finally {
    clearTimeout(timer)
    for (const child of children) child.removeAllListeners("message")
    await Promise.all(children.map(ended))
  }
}
