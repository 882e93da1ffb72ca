/**
 * Signatures waiting for verification: one queue per peer, served in turn, a few at once. A peer that sends many delays only itself; jobs
 * over its bound are dropped.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Key } from "../../domain/masternode/Masternode.ts"
import type { Signatures } from "../../services/Signatures.ts"

/** One signature to verify. */
export interface Job {
  readonly key: Key
  readonly message: () => Uint8Array
  readonly signature: Uint8Array
  /** Asked when its turn comes: an announcement that another peer has meanwhile sent need not be verified again. */
  readonly isWanted: () => boolean
  readonly done: (isRight: boolean) => void
}

export class Verifier<Peer> {
  private readonly signatures: Signatures["Service"]
  /** In the order of their turns. No queue is empty. */
  private readonly queues = new Map<Peer, Array<Job>>()
  private running = 0

  constructor(signatures: Signatures["Service"]) {
    this.signatures = signatures
  }

  /** False if too many of the peer's jobs are waiting already. */
  submit(peer: Peer, job: Job): boolean {
    const queue = this.queues.get(peer)
    if (queue !== undefined && queue.length >= Limits.announcementsWaiting) return false
    if (queue === undefined) this.queues.set(peer, [job])
    else queue.push(job)
    this.run()
    return true
  }

  /** Drops the waiting jobs of a peer that is gone. */
  drop(peer: Peer): void {
    this.queues.delete(peer)
  }

  /** Waiting jobs, over all peers. */
  get waiting(): number {
    let sum = 0
    for (const queue of this.queues.values()) sum += queue.length
    return sum
  }

  private next(): Job | undefined {
    for (const [peer, queue] of this.queues) {
      const job = queue.shift()
      this.queues.delete(peer)
      if (queue.length > 0) this.queues.set(peer, queue)
      if (job?.isWanted() === true) return job
    }
    return undefined
  }

  private run(): void {
    while (this.running < Limits.signaturesAtOnce) {
      const job = this.next()
      if (job === undefined) return
      this.running += 1
      this.signatures.verify(job.key, job.message(), job.signature, (isRight) => {
        this.running -= 1
        job.done(isRight)
        this.run()
      })
    }
  }
}
