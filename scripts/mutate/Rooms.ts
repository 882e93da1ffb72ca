/** What is mutated, which tests must notice, and how much of it: the rooms of `npm run mutate`. */

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

/** Path patterns of a room's own tests, from the root. */
export const testsOf = ({ name, tests }: Room): ReadonlyArray<string> =>
  (tests ?? [name]).map((folder) => `test/${folder}/**/*.test.ts`)
