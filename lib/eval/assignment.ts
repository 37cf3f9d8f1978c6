/**
 * The assignment of rows to columns with the least sum of costs; as many pairs as the shorter side has (Kuhn 1955, Munkres 1957; by shortest
 * augmenting paths with potentials, O(rows² · columns)).
 * @param costs rows × columns, finite; at most as many rows as columns
 * @returns the column of each row
 */
export function cheapestAssignment(costs: readonly (readonly number[])[]): number[] {
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  // Place 0 of both sides stands for none, so rows and columns count from 1.
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowOf = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const least = new Float64Array(columns + 1).fill(Infinity);
    const before = new Int32Array(columns + 1);
    const visited = new Uint8Array(columns + 1);
    rowOf[0] = row;
    let column = 0;
    do {
      visited[column] = 1;
      const at = rowOf[column]!;
      let step = Infinity;
      let next = 0;
      for (let to = 1; to <= columns; to++) {
        if (visited[to]) continue;
        const reduced = costs[at - 1]![to - 1]! - rowPotential[at]! - columnPotential[to]!;
        if (reduced < least[to]!) {
          least[to] = reduced;
          before[to] = column;
        }
        if (least[to]! < step) {
          step = least[to]!;
          next = to;
        }
      }
      for (let to = 0; to <= columns; to++) {
        if (visited[to]) {
          rowPotential[rowOf[to]!]! += step;
          columnPotential[to]! -= step;
        } else least[to]! -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    // The path found frees a column for the new row.
    while (column !== 0) {
      const previous = before[column]!;
      rowOf[column] = rowOf[previous]!;
      column = previous;
    }
  }
  const found = new Array<number>(rows);
  for (let column = 1; column <= columns; column++) if (rowOf[column]) found[rowOf[column]! - 1] = column - 1;
  return found;
}
