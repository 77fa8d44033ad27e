/**
 * Keeps what has been asked for of late: at least the last so many values, at most twice as many. Two generations do for that,
 * and unlike a list in order of use they cost nothing when a value is found.
 */
export class RecentValues<K, V> {
  private young = new Map<K, V>();
  private old = new Map<K, V>();

  constructor(private readonly size: number) {}

  get(key: K): V | undefined {
    const value = this.young.get(key);
    if (value !== undefined) {
      return value;
    }
    const older = this.old.get(key);
    if (older !== undefined) {
      this.set(key, older);
    }
    return older;
  }

  set(key: K, value: V): void {
    if (this.young.size >= this.size) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, value);
  }
}
