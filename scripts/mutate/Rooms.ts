/** What is mutated, which tests must notice, and how much of it: the rooms of `npm run mutate`. */
import * as fs from "node:fs"

export interface Room {
  /** `domain/peer`: files in `src/domain/peer`, killed by the tests in `test/domain/peer` alone, or by `tests`. */
  readonly name: string
  /** Percent of the mutants, equivalent ones aside, that the room's own tests must kill. */
  readonly required: number
  /** Folders or files below `test`, where they are not those of the room's name. */
  readonly tests?: ReadonlyArray<string>
}

export const rooms: ReadonlyArray<Room> = [
  { name: "domain/peer", required: 100 },
  { name: "domain/pair", required: 100 },
  { name: "domain/sync", required: 95 },
  { name: "domain/chain", required: 95 },
  { name: "domain/wire", required: 95 },
  // Its parts are one program: what a connection does shows at a node.
  { name: "layers/peer", required: 90, tests: ["layers/peer", "layers/node"] },
  { name: "layers/sync", required: 90 },
  { name: "layers/time", required: 90 }
]

/**
 * Kills at random moments and servers say nothing about a mutant that the others do not. The rest takes half a minute and more, which
 * each survivor would cost: a room passes without them.
 */
export const leftOut: ReadonlyArray<string> = [
  "test/**/*{Kill,Postgres}.test.ts",
  "test/layers/peer/ownStall.test.ts",
  "test/layers/peer/regressions/{simultaneousDials,twoAddresses}.test.ts",
  "test/layers/sync/SyncAttacks.test.ts"
]

/** A room's own test files, from the root. */
export const testsOf = ({ name, tests }: Room, root: string): ReadonlyArray<string> =>
  fs.globSync((tests ?? [name]).map((folder) => `test/${folder}/**/*.test.ts`), { cwd: root, exclude: leftOut })
    .toSorted()
