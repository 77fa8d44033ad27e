import { RESERVED_NAMES } from '../protocols/classic/request.js';

/** A path that is in use, and by what. */
export interface TakenPath {
  readonly path: string;
  readonly owner: string;
}

/** Which paths of the application are in use, whatever their case: two that want the same one fail the start. */
export class TakenPaths {
  private readonly owners = new Map<string, string>();

  /** Takes paths. @returns the first of them that something else has taken already; then none is taken */
  take(paths: readonly string[], owner: string): TakenPath | undefined {
    const path = paths.find((each) => this.owners.has(each.toLowerCase()));
    if (path !== undefined) {
      return { path, owner: this.owners.get(path.toLowerCase()) as string };
    }
    for (const each of paths) {
      this.owners.set(each.toLowerCase(), owner);
    }
    return undefined;
  }

  /** Takes a path and what classic clients need below it. */
  takeClassic(base: string, owner: string): TakenPath | undefined {
    return this.take([base, ...RESERVED_NAMES.map((name) => `${base}/${name}`)], owner);
  }
}
