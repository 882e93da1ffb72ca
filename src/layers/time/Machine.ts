/**
 * Runs a pure reducer: one event at a time, in the order posted. An event posted during another waits until that one is done; events
 * posted before `start` wait for it. No event is dropped, and none runs on a fiber of its own.
 *
 * **Concurrency**: `post` handles the event before it returns, unless a step is already running. A handler that throws ends only its own
 * step; events waiting behind it are handled by the next `post`.
 */
export class Machine<E> {
  private readonly waiting: Array<E> = []
  private next = 0
  private handle: ((event: E) => void) | undefined
  private running = false

  /** Starts handling events, beginning with those that wait. Call it once. */
  start(handle: (event: E) => void): void {
    this.handle = handle
    this.drain()
  }

  readonly post = (event: E): void => {
    this.waiting.push(event)
    this.drain()
  }

  private drain(): void {
    const { handle } = this
    if (this.running || handle === undefined) return
    this.running = true
    try {
      while (this.next < this.waiting.length) handle(this.waiting[this.next++] as E)
    } finally {
      this.running = false
      this.waiting.splice(0, this.next)
      this.next = 0
    }
  }
}
