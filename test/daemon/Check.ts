/** What all checks have: where they are, what they write down, and the two ends. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Block } from "../../src/domain/chain/Block.ts"
import * as ChainFile from "../../src/layers/chain/tools/ChainFile.ts"
import { grow } from "../harness/timed/timeChain.ts"
import { type Options as NodeOptions, OurNode } from "./OurNode.ts"
import { type Options as TimedOptions, TimedProcess } from "./TimedProcess.ts"
import { Failed } from "./Wait.ts"

export interface Row {
  readonly check: string
  readonly outcome: "ok" | "FAILED"
  /** What both ends say. */
  readonly words: string
}

/** One of its own for each group of checks. `name`: of the group, and of its directory. */
export class Check {
  readonly rows: Array<Row> = []
  readonly minutes: number
  private readonly name: string
  private readonly binary: string
  private readonly directory: string
  private readonly running: Array<{ readonly stop: () => Promise<void> }> = []

  constructor(name: string, binary: string, directory: string, minutes: number) {
    this.name = name
    this.binary = binary
    this.minutes = minutes
    this.directory = join(directory, name.replaceAll(/\W+/g, "-"))
    mkdirSync(this.directory, { recursive: true })
  }

  daemon(ip: string, options: Partial<TimedOptions> = {}): TimedProcess {
    const daemon = new TimedProcess({ binary: this.binary, ip, directory: this.directory, ...options })
    this.running.push(daemon)
    return daemon
  }

  node(ip: string, options: Partial<NodeOptions> = {}): OurNode {
    const node = new OurNode({ ip, directory: this.directory, ...options })
    this.running.push(node)
    return node
  }

  /** A file of these blocks, for `OurNode.load`. */
  file(blocks: ReadonlyArray<Block>): string {
    const file = join(this.directory, `${blocks.length}-${blocks.at(-1)?.header.leader ?? ""}.blocks`)
    writeFileSync(file, ChainFile.encode(blocks.map(({ bytes }) => bytes)))
    return file
  }

  /** A row of the table. What `look` says are the words of both ends; what it fails with, too. */
  async row(check: string, look: () => Promise<string>): Promise<void> {
    let row: Row
    try {
      row = { check: `${this.name}: ${check}`, outcome: "ok", words: await look() }
    } catch (error) {
      row = {
        check: `${this.name}: ${check}`,
        outcome: "FAILED",
        words: error instanceof Failed ? error.message : String(error)
      }
    }
    this.rows.push(row)
    process.stderr.write(`${row.outcome === "ok" ? "ok    " : "FAILED"} ${row.check} · ${row.words}\n`)
  }

  /** Ends what this group started. */
  async end(): Promise<void> {
    await Promise.all(this.running.map((one) => one.stop()))
  }
}

/** Blocks 1 to `height`, the same ones each time. */
export const chain = (height: number): ReadonlyArray<Block> => grow([], height)

/** As `on`, but from `fork` on by another leader, up to `height`. */
export const forked = (on: ReadonlyArray<Block>, fork: number, height: number): ReadonlyArray<Block> => {
  const common = on.slice(0, fork)
  return [...common, ...grow(common, height - fork, "10.11.0.3")]
}
