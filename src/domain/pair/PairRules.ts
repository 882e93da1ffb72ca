/**
 * The choices in the pair protocol that its proof depends on, as values.
 *
 * A node always runs `production`. The other values exist to show that the exhaustive search can fail: each wrong choice below is one
 * mutation that test/model must refute with a trace.
 */
export interface Rules {
  /** Which of two challengers L keeps. `oldest`: a challenger whose process died blocks the living one. */
  readonly keep: "newest" | "oldest"
  /** What L does with a candidate while it has a live end. `refuse`: no challenge. `replace`: commit blindly. */
  readonly conflict: "challenge" | "refuse" | "replace"
  /** What L does with a challenger that arrives before the next challenge may start. */
  readonly early: "hold" | "reject"
  /** Which end decides between two sockets of one process. `higher`: H keeps the end it has. */
  readonly chooser: "lower" | "higher"
  /** What H does with a Commit from another process. `obey`: two processes behind one IP replace each other for ever. */
  readonly foreignCommit: "challenge" | "obey"
  /**
   * What both do with an older socket of the process they are up with. `obey`: H gives up a live connection for a late Commit, and L
   * challenges one for a dial that the peer aborted long ago.
   */
  readonly older: "refuse" | "obey"
}

/** The rules of the protocol (docs/PROTOCOL.md section 4). */
export const production: Rules = {
  keep: "newest",
  conflict: "challenge",
  early: "hold",
  chooser: "lower",
  foreignCommit: "challenge",
  older: "refuse"
}
