/**
 * Vitest setup: every test draws the same chances in every run. `Math.random` (Effect's `Random`) and `getRandomValues` (node
 * secrets, process ids, nonces) are seeded from the test's name, so a wait with jitter or a tie by nonce turns out the same on
 * every machine and the order of tests changes nothing. `TIMEMESH_TEST_SEED=N` draws others; a failure prints what it ran with.
 */
import { createHash } from "node:crypto"
import { env } from "node:process"
import { beforeEach, chai, onTestFailed } from "vitest"
import { randomFrom } from "./random.ts"

const seed = env["TIMEMESH_TEST_SEED"] ?? "0"
const most = 2 ** 32

// Chai wraps each assertion in proxies that report misspelt properties of `expect(…)`: half of the time of a test that asserts much. We
// use `assert`, whose functions TypeScript knows.
chai.config.useProxy = false

beforeEach(({ task }) => {
  const name = [task.file.name, task.suite?.name ?? "", task.name].join(" > ")
  const random = randomFrom(createHash("sha256").update(`${seed}/${name}`).digest().readUInt32LE(0))
  Math.random = () => random(most) / most
  Object.defineProperty(globalThis.crypto, "getRandomValues", {
    configurable: true,
    value: <A extends ArrayBufferView>(into: A): A => {
      const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = random(256)
      return into
    }
  })
  onTestFailed(() => {
    process.stderr.write(`${name}: drawn with TIMEMESH_TEST_SEED=${seed}\n`)
  })
})
