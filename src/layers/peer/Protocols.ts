/** What the node's own protocols hear of its peers: one listener, told of connections that were up before it came. */
import type { SyncMessage } from "../../domain/wire/SyncMessage.ts"
import type { Origin } from "../../services/ConnectionManager.ts"
import type { PeerListener } from "../../services/PeerMessages.ts"

type Tip = Parameters<PeerListener["onUp"]>[1]

export class Protocols {
  private listener: PeerListener | undefined

  /** From now on. Gives the way to end it. */
  listen(listener: PeerListener): () => void {
    this.listener = listener
    return () => {
      if (this.listener === listener) this.listener = undefined
    }
  }

  onUp(from: Origin, tip: Tip, capabilities: number): void {
    this.listener?.onUp(from, tip, capabilities)
  }

  onDown(from: Origin): void {
    this.listener?.onDown(from)
  }

  onMessage(from: Origin, message: SyncMessage): void {
    this.listener?.onMessage(from, message)
  }

  onProgress(from: Origin): void {
    this.listener?.onProgress(from)
  }
}
