/** True if objects and arrays in a value are nested deeper than allowed; looks no deeper than that itself. */
export function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return depth === 0 || Object.values(value).some((member) => isDeeperThan(member, depth - 1));
}
