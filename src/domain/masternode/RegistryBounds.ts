/**
 * What a full registry evicts. Keys cost nothing, so any number of claims can be made up. Claims backed by a connection or witnesses are
 * never evicted for them. Of the rest, the netgroup whose peers reported the most loses entries first, so a peer that floods the registry
 * crowds out its own.
 */
import * as Limits from "../Limits.ts"
import * as Registry from "./MasternodeRegistry.ts"
import { isLive } from "./MasternodeReport.ts"
import * as ToldMasternodes from "./ToldMasternodes.ts"

/** The entry to evict; `undefined` if all of them are live. */
const leastOf = (entries: ReadonlyArray<Registry.Entry>, now: number): Registry.Entry | undefined => {
  const counts = new Map<string, number>()
  const idle = entries.filter((entry) => !isLive(entry, now))
  for (const { source } of idle) counts.set(source, (counts.get(source) ?? 0) + 1)
  const rank = (entry: Registry.Entry): ReadonlyArray<number> => [
    entry.isProven ? 1 : 0,
    -(counts.get(entry.source) ?? 0),
    entry.expiresAt
  ]
  return idle.length === 0 ? undefined : idle.reduce((least, entry) => isLess(rank(entry), rank(least)) ? entry : least)
}

const isLess = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean => {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}

const shrink = (
  registry: Registry.MasternodeRegistry,
  entries: ReadonlyArray<Registry.Entry>,
  most: number,
  now: number
): Registry.MasternodeRegistry => {
  if (entries.length <= most) return registry
  const least = leastOf(entries, now)
  return least === undefined ? registry : Registry.remove(registry, least)
}

/** Back within its bounds after an entry was added. A full registry evicts several at once to spread the cost. */
export const fit = (
  registry: Registry.MasternodeRegistry,
  { claim: { ip, key } }: Registry.Entry["announcement"],
  now: number
): Registry.MasternodeRegistry => {
  let next = shrink(registry, Registry.entriesAt(registry, ip), Limits.masternodesPerIp, now)
  next = shrink(next, Registry.entriesOf(next, key), Limits.ipsPerMasternode, now)
  if (next.size <= Limits.masternodeClaims) return next
  const counts = new Map<string, Array<Registry.Entry>>()
  for (const entry of Registry.all(next)) {
    if (isLive(entry, now)) continue
    const group = counts.get(entry.source)
    if (group === undefined) counts.set(entry.source, [entry])
    else group.push(entry)
  }
  const most = [...counts.values()].reduce<ReadonlyArray<Registry.Entry>>((a, b) => b.length > a.length ? b : a, [])
  const going = most.toSorted((a, b) => Number(a.isProven) - Number(b.isProven) || a.expiresAt - b.expiresAt)
  for (const entry of going.slice(0, Limits.masternodesEvicted)) next = Registry.remove(next, entry)
  return next
}

/** The registry without entries that expired long ago. */
export const withoutForgotten = (
  registry: Registry.MasternodeRegistry,
  now: number
): Registry.MasternodeRegistry => {
  const told = ToldMasternodes.withoutForgotten(registry.told, now)
  return Registry.all(registry).reduce(
    (next, entry) =>
      !isLive(entry, now) && now - entry.expiresAt >= Limits.masternodeKeepMs ? Registry.remove(next, entry) : next,
    told === registry.told ? registry : { ...registry, told }
  )
}
