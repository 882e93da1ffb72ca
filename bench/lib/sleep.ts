/** Waits so many ms; 0 is one turn of the event loop. */
export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => void (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)))
