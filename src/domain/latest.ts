/** Bounded maps and sets that keep what was put last. Both keep the order of putting; in place, so that a look costs nothing. */

const trim = <K>(all: Map<K, unknown> | Set<K>, most: number): void => {
  for (const oldest of all.size > most ? all.keys() : []) {
    if (all.size <= most) return
    all.delete(oldest)
  }
}

/** Puts the entry last. Beyond `most` entries those that were put first go. */
export const putLatest = <K, V>(map: Map<K, V>, key: K, value: V, most: number): void => {
  map.delete(key)
  map.set(key, value)
  trim(map, most)
}

/** The same for a set. */
export const addLatest = <K>(set: Set<K>, key: K, most: number): void => {
  set.delete(key)
  set.add(key)
  trim(set, most)
}
