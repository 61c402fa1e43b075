/**
 * Which ciphertexts stand under one data key, told without any key: a file's leaves and its recipients' sealed data keys belong together, and a
 * leaf or sealed key that two versions share was made under one and the same. Union-find; the order of history, merges and renames don't matter.
 */
export class DataKeys {
  private readonly ids = new Map<string, number>();
  private readonly parent: number[] = [];

  /** Everything of one version of a file; answers its group, to be asked for again with `find`. -1 where it holds nothing. */
  join(tokens: Iterable<string>): number {
    let first = -1;
    for (const t of tokens) {
      const id = this.idOf(t);
      if (first < 0) first = id;
      else {
        const a = this.find(first), b = this.find(id);
        if (a !== b) this.parent[b] = a;
      }
    }
    return first;
  }
  /** The group of a token that was joined; -1 where it never was. */
  groupOf(token: string): number {
    const id = this.ids.get(token);
    return id === undefined ? -1 : this.find(id);
  }
  find(id: number): number {
    let at = id;
    while (this.parent[at] !== at) {
      const up = this.parent[this.parent[at] as number] as number;
      this.parent[at] = up;
      at = up;
    }
    return at;
  }
  private idOf(token: string): number {
    const known = this.ids.get(token);
    if (known !== undefined) return known;
    const id = this.parent.length;
    this.parent.push(id);
    // A slice of a file's text would keep the whole text alive.
    this.ids.set(Buffer.from(token, "latin1").toString("latin1"), id);
    return id;
  }
}
