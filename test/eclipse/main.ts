/** `npm run eclipse`: the table of docs/eclipse.md. */
import * as Limits from "../../src/domain/Limits.ts"
import * as Eclipse from "./Eclipse.ts"

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

const netgroups = 256
const honest = 2_000
const days = 3
process.stdout.write(
  `${honest} honest nodes in ${netgroups} netgroups less those of the attacker, ${days} days of attack, seeds 1 … 3 (means)\n\n` +
    "| netgroups of the attacker | new entries | its new buckets, formula | tried entries | its tried buckets, formula | first 8 outbound | all outbound | without pace | honest tried before → after |\n" +
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)
for (const attackers of [1, 2, 4, 8, 16, 32, 64]) {
  const results = [1, 2, 3].map((seed) => Eclipse.run({ netgroups, attackers, honest, days, seed }))
  const mean = (of: (result: Eclipse.Result) => number): number =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length
  process.stdout.write(`| ${
    [
      `${attackers} of ${netgroups}`,
      percent(mean(({ newShare }) => newShare)),
      percent(Eclipse.reached(attackers, Limits.bookBucketsPerSource, Limits.bookNewBuckets)),
      percent(mean(({ triedShare }) => triedShare)),
      percent(Eclipse.reached(attackers, Limits.bookBucketsPerGroup, Limits.bookTriedBuckets)),
      percent(mean(({ firstShare }) => firstShare)),
      percent(mean(({ outboundShare }) => outboundShare)),
      percent(mean(({ unpacedShare }) => unpacedShare)),
      `${mean(({ honestTried }) => honestTried[0]).toFixed(0)} → ${
        mean(({ honestTried }) => honestTried[1]).toFixed(0)
      }`
    ].join(" | ")
  } |\n`)
}
