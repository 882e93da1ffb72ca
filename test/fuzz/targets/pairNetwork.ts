/**
 * Nodes with the real pair reducer in a small network with time: latency, cuts, crashes, timers that fire early or late,
 * clocks that jump, dials that cannot get through, and several processes behind one address.
 *
 * The bytes of a script decide what happens; when they are used up, everything heals, and the ends must agree.
 */
import * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import * as Limits from "../../../src/domain/Limits.ts"
import * as Handshake from "../../../src/domain/pair/Handshake.ts"
import * as Pair from "../../../src/domain/pair/Pair.ts"
import type { EndId, PairAction, PairEvent, Timer } from "../../../src/domain/pair/PairState.ts"
import * as PeerIp from "../../../src/domain/peer/PeerIp.ts"
import { ensure } from "../Target.ts"
import { PairWatch, timerKey } from "./pairWatch.ts"
import type { Due, Frame, Link, Node, NodeSpec, Side } from "./pairWorld.ts"
import { aftermathMs, latencies, settleMs } from "./pairWorld.ts"

const self = PeerIp.fromStringUnsafe("10.0.0.1")

export class PairNetwork {
  steps = 0
  now = 0
  private ids = 0
  private nonces = 0n
  private tags = 0
  private turns = 0
  latency = 1
  private links: Array<Link> = []
  private queue: Array<Due> = []
  downs = 0
  readonly nodes: ReadonlyArray<Node>

  constructor(specs: ReadonlyArray<NodeSpec>) {
    this.nodes = specs.map((spec) => ({ spec, ...this.fresh() }))
    for (const [i] of specs.entries()) this.boot(i)
  }

  private fresh(): Omit<Node, "spec"> {
    this.tags += 1
    return {
      watch: new PairWatch(),
      tag: `p${this.tags}`,
      refusals: 0,
      failures: 0,
      due: new Map(),
      pausedUntil: this.now
    }
  }

  private node(index: number): Node {
    const node = this.nodes[index]
    if (node === undefined) throw new Error(`no node ${index}`)
    return node
  }

  private boot(index: number): void {
    if (this.node(index).spec.knows) this.take(index, { _tag: "Learned", rank: undefined })
  }

  private later(at: number, node: number, run: () => void): void {
    this.queue.push({ at, node, run })
  }

  // --- one step of one node -------------------------------------------------------

  private take(index: number, event: PairEvent): void {
    const node = this.node(index)
    this.steps += 1
    this.ids += 1
    this.nonces += 1n
    const known = new Map(node.watch.state.ends.map((end) => [end.id, end]))
    const actions = node.watch.step(event, {
      id: this.ids,
      nonce: this.nonces,
      backoffMs: node.failures === 0 ? 0 : Math.min(1_000 * 2 ** (node.failures - 1), 300_000),
      fallbackMs: 3_000 + 7 * (this.ids % 100)
    })
    for (const action of actions) this.act(index, node, action)
    for (const id of known.keys()) if (Pair.phaseOf(node.watch.state, id) === undefined) this.leave(index, id)
  }

  private act(index: number, node: Node, action: PairAction): void {
    switch (action._tag) {
      case "Arm":
        node.due.set(timerKey(action.timer), [this.now + action.ms, action.timer])
        return
      case "Disarm":
        node.due.delete(timerKey(action.timer))
        return
      case "Dial":
        return this.dial(index, action.end)
      case "SendHello":
        return this.send(index, action.end, { _tag: "Hello", tag: node.tag, order: action.end })
      case "SendCommit":
        return this.send(index, action.end, { _tag: "Commit" })
      case "SendAck":
        return this.send(index, action.end, { _tag: "Ack" })
      case "SendPing": {
        this.send(index, action.end, { _tag: "Ping", nonce: action.nonce })
        const { end, nonce } = action
        return this.later(
          this.now + (this.ids % 3) * 400,
          index,
          () => this.take(index, { _tag: "Flushed", end, nonce, rttMs: this.ids % 2 === 0 ? undefined : 30 })
        )
      }
      case "Close":
        if (action.reject === undefined) return
        return this.send(index, action.end, { _tag: "Reject", reject: action.reject })
      case "Up":
        node.failures = 0
        node.refusals = 0
        return
      case "Down":
        this.downs += 1
        return
      case "Aliased":
        return
    }
  }

  private dial(index: number, end: EndId): void {
    const { spec } = this.node(index)
    this.turns += 1
    const to = spec.targets[this.turns % spec.targets.length] ?? 0
    const link: Link = { nodes: [index, to], ends: [end, 0], cut: [false, false], busyUntil: [0, 0] }
    this.links.push(link)
    if (!spec.reaches) {
      return this.later(this.now + Limits.dialMs, index, () => this.dialFails(index, end))
    }
    this.later(this.now + this.latency, to, () => {
      if (link.cut[1]) return
      this.ids += 1
      link.ends[1] = this.ids
      this.take(to, { _tag: "Accepted", end: this.ids })
      // The dialler was gone when its SYN arrived.
      if (link.ends[0] === 0) this.arrives(link, 1, { _tag: "Fin" })
    })
    this.later(this.now + 2 * this.latency, index, () => {
      if (link.ends[0] === end && !link.cut[0]) this.take(index, { _tag: "Connected", end })
    })
    this.later(this.now + Limits.dialMs, index, () => {
      if (Pair.phaseOf(this.node(index).watch.state, end) === "dialing") this.dialFails(index, end)
    })
  }

  private dialFails(index: number, end: EndId): void {
    this.node(index).failures += 1
    this.take(index, { _tag: "DialFailed", end, detail: "timed out" })
  }

  private find(index: number, end: EndId): readonly [Link, Side] | undefined {
    for (const link of this.links) {
      if (link.nodes[0] === index && link.ends[0] === end) return [link, 0]
      if (link.nodes[1] === index && link.ends[1] === end) return [link, 1]
    }
    return undefined
  }

  /** The end is closed at its node: the other side hears it, if anything gets through. */
  private leave(index: number, end: EndId): void {
    const found = this.find(index, end)
    if (found === undefined) return
    const [link, side] = found
    this.send(index, end, { _tag: "Fin" })
    link.ends[side] = 0
    this.links = this.links.filter(({ ends }) => ends[0] !== 0 || ends[1] !== 0)
  }

  // --- the network ----------------------------------------------------------------

  private send(index: number, end: EndId, frame: Frame): void {
    const found = this.find(index, end)
    if (found === undefined) return
    const [link, from] = found
    const to: Side = from === 0 ? 1 : 0
    const at = Math.max(link.busyUntil[to], this.now + this.latency)
    link.busyUntil[to] = at
    this.later(at, link.nodes[to], () => this.arrives(link, to, frame))
  }

  private arrives(link: Link, to: Side, frame: Frame): void {
    const end = link.ends[to]
    if (end === 0 || link.cut[to]) return
    const index = link.nodes[to]
    const node = this.node(index)
    if (frame._tag !== "Fin" && Pair.listensTo(node.watch.state) === end) this.take(index, { _tag: "Heard", end })
    switch (frame._tag) {
      case "Hello":
        return this.take(index, {
          _tag: "Welcomed",
          end,
          role: node.spec.role,
          tag: frame.tag,
          process: frame.tag,
          self,
          order: frame.order,
          listens: true
        })
      case "Commit":
        return this.take(index, { _tag: "CommitReceived", end })
      case "Ack":
        return this.take(index, { _tag: "AckReceived", end })
      case "Ping":
        return this.send(index, end, { _tag: "Pong", nonce: frame.nonce })
      case "Pong":
        return this.take(index, { _tag: "PongReceived", end, nonce: frame.nonce })
      case "Reject": {
        ensure(frame.reject !== "protocol", "an honest frame is taken for a protocol error")
        if (frame.reject === "in-use") node.refusals += 1
        const asked = Handshake.retryAfterMs(frame.reject, { refusals: node.refusals })
        const retryMs = Handshake.clampRetry(asked, (this.ids % 11) / 10)
        return this.take(index, { _tag: "RejectReceived", end, reject: frame.reject, detail: "", retryMs })
      }
      case "Fin":
        return this.take(index, { _tag: "Closed", end, reason: DisconnectReason.remote("eof") })
    }
  }

  /** From now on nothing gets through to that side; after the dead time it gives up. */
  private cutTo(link: Link, side: Side): void {
    if (link.cut[side]) return
    link.cut[side] = true
    const index = link.nodes[side]
    const end = link.ends[side]
    const { deadMs } = this.node(index).spec
    if (end === 0 || deadMs === Number.POSITIVE_INFINITY) return
    this.later(this.now + deadMs, index, () => {
      if (this.find(index, end) === undefined || Pair.phaseOf(this.node(index).watch.state, end) === undefined) return
      if (Pair.phaseOf(this.node(index).watch.state, end) === "dialing") return this.dialFails(index, end)
      this.take(index, { _tag: "Closed", end, reason: DisconnectReason.local("silent") })
    })
  }

  private cut(link: Link | undefined): void {
    if (link === undefined) return
    this.cutTo(link, 0)
    this.cutTo(link, 1)
  }

  // --- faults ---------------------------------------------------------------------

  private crash(index: number, silent: boolean): void {
    const node = this.node(index)
    for (const link of this.links) {
      for (const side of [0, 1] as const) {
        if (link.nodes[side] !== index) continue
        const other: Side = side === 0 ? 1 : 0
        if (silent) this.cutTo(link, other)
        else if (link.ends[side] !== 0) this.send(index, link.ends[side], { _tag: "Fin" })
        link.cut[side] = true
        link.ends[side] = 0
      }
    }
    this.links = this.links.filter(({ ends }) => ends[0] !== 0 || ends[1] !== 0)
    this.queue = this.queue.filter((due) => due.node !== index || due.at <= this.now)
    Object.assign(node, this.fresh())
    this.boot(index)
  }

  /** All timers of the node are due so much earlier. */
  private jump(index: number, ms: number): void {
    const node = this.node(index)
    for (const [key, [at, timer]] of node.due) node.due.set(key, [Math.max(this.now, at - ms), timer])
  }

  /** It stands still for so long; then it reads what came before its timers fire. */
  pause(index: number, ms: number): void {
    this.node(index).pausedUntil = this.now + ms
  }

  private fire(index: number, nth: number): void {
    const { due } = this.node(index)
    const entry = [...due.values()][nth % Math.max(1, due.size)]
    if (entry === undefined) return
    due.delete(timerKey(entry[1]))
    this.take(index, { _tag: "Fired", timer: entry[1] })
  }

  /** Does what two bytes of the script say. */
  fault(kind: number, arg: number): void {
    const index = arg % this.nodes.length
    const link = this.links[(arg >> 2) % Math.max(1, this.links.length)]
    switch (kind % 11) {
      case 0:
      case 1:
        // What comes from a patient node keeps the other from noticing, so there a cut is of both directions.
        if (link !== undefined && this.nodes.every(({ spec }) => Number.isFinite(spec.deadMs))) {
          return this.cutTo(link, kind % 11 === 0 ? 0 : 1)
        }
        return this.cut(link)
      case 2:
        return this.cut(link)
      case 3:
        return this.crash(index, true)
      case 4:
        return this.crash(index, false)
      case 5:
        return this.jump(index, 100 * 4 ** ((arg >> 2) % 8))
      case 6:
        return this.pause(index, 50 * 4 ** ((arg >> 2) % 6))
      case 7:
        this.latency = latencies[arg % latencies.length] ?? 1
        return
      case 8:
        return this.fire(index, arg >> 2)
      case 9: {
        const end = link?.ends[(arg & 1) === 0 ? 0 : 1] ?? 0
        if (
          link !== undefined && end !== 0 &&
          Pair.phaseOf(this.node(link.nodes[arg & 1] ?? 0).watch.state, end) !== "dialing"
        ) {
          this.take(link.nodes[arg & 1] ?? 0, { _tag: "Closed", end, reason: DisconnectReason.local("reset") })
        }
        return
      }
      default:
        return this.take(index, { _tag: "Stopped", reject: "shutdown", detail: "", retryMs: 2_000 })
    }
  }

  // --- time -----------------------------------------------------------------------

  /** The next thing that happens by itself: a delivery or a timer. Whether there was one, until `end`. */
  next(end = Number.POSITIVE_INFINITY): boolean {
    let best = -1
    let at = Number.POSITIVE_INFINITY
    for (const [i, due] of this.queue.entries()) {
      const when = Math.max(due.at, this.node(due.node).pausedUntil)
      if (when < at) [best, at] = [i, when]
    }
    let timer: readonly [number, Timer] | undefined
    for (const [i, node] of this.nodes.entries()) {
      for (const [dueAt, which] of node.due.values()) {
        const when = Math.max(dueAt, node.pausedUntil)
        if (when < at) [timer, at] = [[i, which], when]
      }
    }
    if (at === Number.POSITIVE_INFINITY || at > end) return false
    this.now = Math.max(this.now, at)
    if (timer !== undefined) {
      this.node(timer[0]).due.delete(timerKey(timer[1]))
      this.take(timer[0], { _tag: "Fired", timer: timer[1] })
    } else {
      const [due] = this.queue.splice(best, 1)
      due?.run()
    }
    return true
  }

  // --- what must hold in the end ---------------------------------------------------

  private isUp(index: number, end: EndId): boolean {
    return end !== 0 && Pair.phaseOf(this.node(index).watch.state, end) === "up"
  }

  /** One socket up at both ends; with two processes behind one address the third may be refused for ever. */
  agrees(): boolean {
    const link = this.links.find(({ cut, ends, nodes }) =>
      !cut[0] && !cut[1] && this.isUp(nodes[0], ends[0]) && this.isUp(nodes[1], ends[1])
    )
    if (link === undefined) return false
    const elsewhere = this.nodes.filter((_, i) => !link.nodes.includes(i))
    if (elsewhere.some(({ watch }) => Pair.up(watch.state) !== undefined)) return false
    return this.nodes.length > 2 || this.nodes.every(({ watch }) => watch.state.ends.length === 1)
  }

  /** Everything heals; then the ends must come to agree, and with two nodes nothing may end what they agreed on. */
  settle(): void {
    this.latency = 5
    for (const node of this.nodes) node.pausedUntil = this.now
    const end = this.now + settleMs
    const past = this.now + aftermathMs
    let events = 0
    const run = (until: number): boolean => {
      events += 1
      ensure(events < 20_000, "it never comes to rest")
      return this.next(until)
    }
    while (run(past)) { /* what was under way when the faults ended */ }
    while (!this.agrees() && run(end)) { /* until they agree */ }
    ensure(this.agrees(), () => `no agreement: ${this.describe()}`)
    const downs = this.downs
    const calm = this.now + 5 * 60_000
    while (run(calm)) { /* and stay so */ }
    ensure(this.downs === downs, () => `a connection both agreed on went down: ${this.describe()}`)
    ensure(this.agrees() || this.nodes.length > 2, () => `agreement was lost: ${this.describe()}`)
  }

  describe(): string {
    return this.nodes.map(({ watch }, i) =>
      `${i}: ${watch.state.ends.map(({ dir, id, phase }) => `${id} ${dir} ${phase}`).join(", ")}` +
      `${watch.state.redial ? " redials" : ""}`
    ).join("; ")
  }
}
