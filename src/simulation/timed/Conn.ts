/** One connection of the daemon's twin, and the messages on it. */
import type { Queue } from "effect"
import type { TimeMessage } from "../../domain/wire/time/TimeMessage.ts"
import { TimeReader } from "../../domain/wire/time/TimeReader.ts"
import { Rates } from "./Ledger.ts"

/** One connection. `mute`: its handler has ended, and the socket stays open until the next frame comes. */
export class Conn {
  readonly ip: string
  readonly dir: "in" | "out"
  readonly openedAt: number
  phase: "fresh" | "open" | "mute" | "closed" = "fresh"
  readonly rates = new Rates()
  readonly reader = new TimeReader()
  /** Messages received and sent, for the tests. */
  readonly heard: Array<{ readonly at: number; readonly message: TimeMessage }> = []
  readonly said: Array<{ readonly at: number; readonly message: TimeMessage }> = []
  /** The peer claims our genesis. */
  confirmed = false
  tip: { readonly height: number; readonly hash: Uint8Array } | undefined
  private pages: Array<{ readonly at: number; readonly start: number; readonly end: number }> = []
  out: Queue.Queue<Uint8Array> | undefined
  close: () => void = () => {}

  constructor(ip: string, dir: "in" | "out", openedAt: number) {
    this.ip = ip
    this.dir = dir
    this.openedAt = openedAt
  }

  /** The loop guard: whether a page like this one was asked for twenty times in 30 s. */
  loops(start: number, end: number, now: number): boolean {
    // Its clock for this never goes back, unlike the wall clock that `now` comes from.
    this.pages = this.pages.filter(({ at }) => at <= now && now - at < 30_000)
    const alike = this.pages.filter((page) => Math.abs(page.start - start) <= 100 && Math.abs(page.end - end) <= 100)
    this.pages.push({ at: now, start, end })
    return alike.length >= 20
  }
}
