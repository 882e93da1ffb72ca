/**
 * Which code of src ran, as V8 counts it for the debugger: no instrumentation, no other tool. Code runs at a
 * quarter to two thirds of full speed, and stays slow in this thread: a run looks in a thread of its own.
 *
 * V8 tells ranges with counts, and cuts them differently as counts differ. So what is compared is characters of the
 * source: an input is new if it ran a character that none before it ran. A mark is the first of a run of new characters.
 */
import { Session } from "node:inspector"

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

interface Script {
  readonly url: string
  readonly functions: ReadonlyArray<{ readonly ranges: ReadonlyArray<Range> }>
}

export interface Mark {
  readonly url: string
  readonly at: number
}

export interface Coverage {
  /** What ran since the last call and never before. */
  readonly fresh: () => ReadonlyArray<Mark>
  /** Which of the marks ran since the last call. */
  readonly among: (marks: ReadonlyArray<Mark>) => ReadonlyArray<Mark>
  /** Functions, branches and other ranges that ran at least once since the start. */
  readonly blocks: () => number
  /** Begins anew: what ran until now counts as never run. */
  readonly reset: () => void
}

const project = new URL("../../src/", import.meta.url).href

/** By file one byte per character: 1 if it ran. Ranges are nested, outer ones first: a later one tells more exactly. */
const paint = ({ functions }: Script): Uint8Array => {
  const ran = new Uint8Array(functions.reduce((n, { ranges }) => Math.max(n, ranges[0]?.endOffset ?? 0), 0))
  for (const { ranges } of functions) {
    if ((ranges[0]?.count ?? 0) === 0) continue
    for (const { count, endOffset, startOffset } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  return ran
}

/** Begins to count, once per process, and before src is loaded: code compiled earlier has no counters. */
export const start = (): Coverage => {
  const session = new Session()
  session.connect()
  session.post("Profiler.enable")
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true })
  const covered = new Map<string, Uint8Array>()
  const starts = new Set<string>()
  const take = (): ReadonlyArray<Script> => {
    let scripts: ReadonlyArray<Script> = []
    session.post("Profiler.takePreciseCoverage", (_, { result }) => {
      scripts = result.filter(({ url }) => url.startsWith(project))
    })
    return scripts
  }

  const fresh = (): ReadonlyArray<Mark> => {
    const marks: Array<Mark> = []
    for (const script of take()) {
      const { functions, url } = script
      for (const { ranges } of functions) {
        for (const { count, startOffset } of ranges) if (count > 0) starts.add(`${url}:${startOffset}`)
      }
      const now = paint(script)
      const known = covered.get(url) ?? new Uint8Array(0)
      const all = known.length < now.length ? new Uint8Array(now.length) : known
      if (all !== known) all.set(known)
      let running = false
      for (let at = 0; at < now.length; at++) {
        const isNew = now[at] === 1 && all[at] === 0
        if (isNew && !running) marks.push({ url, at })
        if (isNew) all[at] = 1
        running = isNew
      }
      covered.set(url, all)
    }
    return marks
  }

  return {
    reset: () => {
      take()
      covered.clear()
      starts.clear()
    },
    fresh,
    among: (marks) => {
      const ran = new Map(take().map((script) => [script.url, paint(script)]))
      return marks.filter(({ at, url }) => ran.get(url)?.[at] === 1)
    },
    blocks: () => starts.size
  }
}
