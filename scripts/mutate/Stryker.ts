/**
 * The part of StrykerJS that is used, as types, and how it is loaded: it is installed apart (`tools/mutate`), because nothing
 * but `npm run mutate` needs its 180 packages.
 */
import * as fs from "node:fs"

export interface Position {
  readonly line: number
  readonly column: number
}

export interface Mutant {
  readonly id: string
  readonly fileName: string
  readonly mutatorName: string
  readonly replacement: string
  /** Lines and columns from 0 when made, from 1 when tested: only ever compared among themselves. */
  readonly location: { readonly start: Position; readonly end: Position }
  status?: string
  statusReason?: string
}

export interface Instrumented {
  readonly files: ReadonlyArray<{ readonly name: string; readonly content: string }>
  readonly mutants: ReadonlyArray<Mutant>
}

interface Instrumenter {
  instrument: (files: ReadonlyArray<unknown>, options: unknown) => Promise<Instrumented>
}

export interface Stryker {
  /** The files with every mutant in them, switched by `globalThis.__stryker__`. */
  readonly instrument: (names: ReadonlyArray<string>) => Promise<Instrumented>
  readonly run: (options: Readonly<Record<string, unknown>>) => Promise<void>
  /** Every mutant made from now on passes `look`, which may give it a status: then it is not tested. */
  readonly onMutants: (look: (mutants: ReadonlyArray<Mutant>) => void) => void
}

const at = (path: string): string => new URL(`../../tools/mutate/node_modules/${path}`, import.meta.url).href

export const load = async (): Promise<Stryker> => {
  const core = await import(at("@stryker-mutator/core/dist/src/index.js"))
  const { Instrumenter: Made }: {
    readonly Instrumenter: { readonly prototype: Instrumenter; new(logger: unknown): Instrumenter }
  } = await import(at("@stryker-mutator/instrumenter/dist/src/index.js"))
  const { instrument } = Made.prototype
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, isDebugEnabled: () => false }
  return {
    instrument: (names) =>
      instrument.call(
        new Made(quiet),
        names.map((name) => ({ name, mutate: true, content: fs.readFileSync(name, "utf8") })),
        { excludedMutations: [], ignorers: [] }
      ),
    run: (options) => new core.Stryker(options).runMutationTest(),
    onMutants: (look) => {
      Made.prototype.instrument = async function(files, options) {
        const result = await instrument.call(this, files, options)
        look(result.mutants)
        return result
      }
    }
  }
}
