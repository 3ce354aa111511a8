/** Where the nodes of a lineage stand: what came first is on the left. Pure. */

import type { ILineageGraph, ILineageNode } from '../api/types';

export interface IPlaced {
  node: ILineageNode;
  x: number;
  y: number;
}

export interface ILines {
  nodes: IPlaced[];
  edges: { from: IPlaced; to: IPlaced; how: string }[];
  width: number;
  height: number;
}

export const NODE = { width: 190, height: 34, across: 60, down: 12 };

/** Layers by the longest way from a source; a circle is cut where it closes. */
export function place(graph: ILineageGraph): ILines {
  const depth = new Map<string, number>();
  const before = new Map<string, string[]>();
  for (const edge of graph.edges) {
    before.set(edge.target, [...(before.get(edge.target) ?? []), edge.source]);
  }
  const open = new Set<string>();
  const deep = (id: string): number => {
    const known = depth.get(id);
    if (known !== undefined) {
      return known;
    }
    if (open.has(id)) {
      return 0;
    }
    open.add(id);
    const found = Math.max(-1, ...(before.get(id) ?? []).map(deep)) + 1;
    open.delete(id);
    depth.set(id, found);
    return found;
  };
  const layers: ILineageNode[][] = [];
  for (const node of graph.nodes) {
    const layer = deep(node.id);
    (layers[layer] ??= []).push(node);
  }
  const tallest = Math.max(1, ...layers.map(layer => layer?.length ?? 0));
  const height = tallest * (NODE.height + NODE.down);
  const placed = new Map<string, IPlaced>();
  layers.forEach((layer, column) => {
    const top = (height - layer.length * (NODE.height + NODE.down)) / 2;
    layer.forEach((node, row) => {
      placed.set(node.id, {
        node,
        x: column * (NODE.width + NODE.across),
        y: top + row * (NODE.height + NODE.down) + NODE.down / 2
      });
    });
  });
  return {
    nodes: [...placed.values()],
    edges: graph.edges.flatMap(edge => {
      const from = placed.get(edge.source);
      const to = placed.get(edge.target);
      return from && to ? [{ from, to, how: edge.how }] : [];
    }),
    width: layers.length * (NODE.width + NODE.across) - NODE.across,
    height
  };
}
