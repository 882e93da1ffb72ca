/** How long what must happen may take, from the timers that make it happen. All ms. */
import * as Limits from "../../domain/Limits.ts"

/** A wait that was begun before the disturbance ended: the longest backoff, or what a peer that refused asked for. */
const waitMs = Math.max(Limits.backoffMaxMs, Limits.retryInUseMaxMs * (1 + Limits.retryJitter))

/** A dial and its handshake, at a pair that is told to wait for the other end's dial. */
const attemptMs = Limits.dialMs + Limits.helloMs + Limits.waitMs + Limits.challengeSpacingMs + Limits.probeMaxMs

/**
 * Two nodes that know of one another are connected within this after nothing keeps them apart: an end that died is noticed, a
 * wait runs out, an attempt succeeds. Clocks may be slow by a twentieth.
 */
export const recoveryMs = Math.ceil((Limits.deadMs + waitMs + attemptMs) * 1.05)

/** The same for two nodes of which one has to hear of the other first: it connects to who tells it. */
export const introductionMs = 2 * recoveryMs
