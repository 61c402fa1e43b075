/** Waits an exponential pause with full jitter: 0 to `base`·2^attempt milliseconds, `most` at the most. */
export const pause = (attempt: number, base = 100, most = 5000): Promise<void> => new Promise((done) => setTimeout(done, Math.random() * Math.min(most, base * 2 ** attempt)));
