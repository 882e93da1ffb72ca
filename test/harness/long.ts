/** Tests that take a second of processor time or more, or wait for as long: in `npm test`, not in `npm run test:quick`. */
import { it } from "@effect/vitest"

/** Options of a plain test: `it(name, long, …)`. */
export const long = { tags: ["long"] }

/** As `it.effect`. */
export const longEffect = (name: string, self: Parameters<typeof it.effect>[1]): void => it.effect(name, self, long)

/** As `it.live`. */
export const longLive = (name: string, self: Parameters<typeof it.live>[1]): void => it.live(name, self, long)
