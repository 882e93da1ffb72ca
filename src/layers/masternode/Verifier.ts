/**
 * What waits to be verified: a queue per peer, served by turns, a few at once. A peer that sends much delays itself, and what is over its
 * bound is dropped.
 */
import * as Limits from "../../domain/Limits.ts"
import type { Key } from "../../domain/masternode/Masternode.ts"
import type { Signatures } from "../../services/Signatures.ts"

/** One signature to verify. */
export interface Job {
  readonly key: Key
  readonly message: () => Uint8Array
  readonly signature: Uint8Array
  /** Asked when its turn has come: what another peer told meanwhile needs no second look. */
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

  /** False: too many of the peer's wait already. */
  submit(peer: Peer, job: Job): boolean {
    const queue = this.queues.get(peer)
    if (queue !== undefined && queue.length >= Limits.announcementsWaiting) return false
    if (queue === undefined) this.queues.set(peer, [job])
    else queue.push(job)
    this.run()
    return true
  }

  /** Forgets what waits of a peer that is gone. */
  drop(peer: Peer): void {
    this.queues.delete(peer)
  }

  /** Jobs that wait, of all peers. */
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
