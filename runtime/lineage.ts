import type { Observable } from 'rxjs'

export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly label?: string
}

/** Remembers which step each stream came out of, so that the graph can be drawn. Plain RxJS between two steps is seen through. */
export class Lineage {
  readonly edges: GraphEdge[] = []
  readonly #origin = new WeakMap<object, { node: string; label?: string }>()

  name(stream: object, name: string, kind: 'input'): void {
    this.#origin.set(stream, { node: `${kind}:${name}` })
  }

  step(out: object, id: string, source: object): void {
    this.#connect(source, `step:${id}`)
    this.#origin.set(out, { node: `step:${id}` })
  }

  branch(out: object, id: string, label: string): void {
    this.#origin.set(out, { node: `step:${id}`, label })
  }

  output(stream: object, name: string): void {
    this.#connect(stream, `output:${name}`)
  }

  #connect(stream: object, to: string): void {
    // RxJS 7 keeps the stream an operator was applied to as `source`.
    for (let at: object | undefined = stream; at; at = (at as { source?: Observable<unknown> }).source) {
      const origin = this.#origin.get(at)
      if (!origin) continue
      this.edges.push(origin.label === undefined ? { from: origin.node, to } : { from: origin.node, to, label: origin.label })
      return
    }
    this.edges.push({ from: '?', to })
  }
}
