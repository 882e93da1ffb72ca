/** Bounded maps and sets that keep the latest entries, in insertion order. Mutated in place, so that reads cost nothing. */

const trim = <K>(all: Map<K, unknown> | Set<K>, most: number): void => {
  for (const oldest of all.size > most ? all.keys() : []) {
    if (all.size <= most) return
    all.delete(oldest)
  }
}

/** Puts the entry last. Beyond `most` entries, the oldest are dropped. */
export const putLatest = <K, V>(map: Map<K, V>, key: K, value: V, most: number): void => {
  map.delete(key)
  map.set(key, value)
  trim(map, most)
}

/** As `putLatest`, for a set. */
export const addLatest = <K>(set: Set<K>, key: K, most: number): void => {
  set.delete(key)
  set.add(key)
  trim(set, most)
}
