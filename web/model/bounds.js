/** Bounds of what the page keeps, so that it may stay open for months. */

/** events listed */
export const events = 500
/** minutes of Downs shown */
export const downMinutes = 60
/** moments of the chain's growth: ten minutes at one every `pollMs` */
export const growth = 300
/** round trips kept of each connected peer */
export const rtts = 60
/** rows of one page of a table: what a browser lays out in a twentieth of a second */
export const rows = 100
/** connected peers that the mesh has a line for each; more are two rings of dots */
export const lines = 120
/** ms between two questions while the page is visible, and while it is not */
export const pollMs = 2_000
export const hiddenPollMs = 15_000
/** ms. An event is followed by questions so much later, so that many events at once make one. */
export const settleMs = 150
/** × the time that the last answers took, at least so long after an event: a node of a thousand peers sends a megabyte each time. */
export const settleTimes = 4
/** ms. How long an answer may take. */
export const answerMs = 10_000
/** ms. Masternodes change slowly. */
export const masternodesMs = 15_000
/** ms. What a node knows beyond its peers changes slowly, too. */
export const aboutMs = 15_000
/** ms. Wait before the stream of events is opened again, doubled up to the second. */
export const reopenMs = 500
export const reopenMaxMs = 5_000
/** characters of the stream that wait for the end of their event: the node sends less than this */
export const eventCharacters = 262_144
