/**
 * The network policies of deploy/kubernetes let through each connection that the stack makes, and nothing else. The connections come
 * from the settings of the pods; the policies are evaluated as Kubernetes defines them: rules add up, and a pod that a policy selects
 * has only the connections of its rules.
 */
import { beforeAll, describe, expect, test } from 'bun:test'
import { exporterTargets, isKustomizeHere, readManifests, type Started } from './testing.ts'

interface Selector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values: string[] }[]
}
interface Peer {
  podSelector?: Selector
  namespaceSelector?: Selector
}
interface Rule {
  from?: Peer[]
  to?: Peer[]
  ports?: { port: string | number; protocol?: string }[]
}
interface Policy {
  podSelector: Selector
  policyTypes: string[]
  ingress?: Rule[]
  egress?: Rule[]
}
interface PodTemplate {
  metadata: { labels: Record<string, string> }
  spec: {
    containers: {
      command: string[]
      env?: { name: string; value?: string }[]
      ports?: { name: string; containerPort: number }[]
    }[]
  }
}
interface Manifest {
  kind: string
  metadata: { name: string }
  spec: { template?: PodTemplate; jobTemplate?: { spec: { template: PodTemplate } } }
}
/** A pod of the stack, or of a neighbour in another namespace. */
interface Endpoint {
  name: string
  namespace: string
  labels: Record<string, string>
  ports: { name: string; number: number }[]
}

const OWN = 'default'
const NEIGHBOURS: readonly Endpoint[] = [
  {
    name: 'ingress controller',
    namespace: 'ingress-nginx',
    labels: {},
    ports: [{ name: 'https', number: 443 }],
  },
  { name: 'Prometheus', namespace: 'monitoring', labels: {}, ports: [{ name: 'web', number: 9090 }] },
  {
    name: 'DNS',
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-dns' },
    ports: [{ name: 'dns', number: 53 }],
  },
  { name: 'a stranger', namespace: 'elsewhere', labels: {}, ports: [{ name: 'http', number: 8000 }] },
  // In our own namespace, but no part of the stack.
  { name: 'a guest', namespace: OWN, labels: {}, ports: [{ name: 'http', number: 8001 }] },
]

const isSelected = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string>) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values }) => {
    if (operator !== 'In') throw new Error(`${operator} is not evaluated here`)
    return values.includes(labels[key]!)
  })

const isPeer = ({ podSelector, namespaceSelector }: Peer, { namespace, labels }: Endpoint) =>
  (namespaceSelector === undefined
    ? namespace === OWN
    : isSelected(namespaceSelector, { 'kubernetes.io/metadata.name': namespace })) &&
  (podSelector === undefined || isSelected(podSelector, labels))

describe.skipIf(!isKustomizeHere)('network policies', () => {
  let policies: Policy[]
  let pods: (Endpoint & { started: Started })[]
  beforeAll(async () => {
    const manifests = await readManifests<Manifest>()
    policies = manifests
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .map(({ spec }) => spec as unknown as Policy)
    pods = manifests.flatMap(({ metadata: { name }, spec }) => {
      const template = spec?.template ?? spec?.jobTemplate?.spec.template
      if (template === undefined) return []
      const [{ command, env = [], ports = [] }] = template.spec.containers as [
        PodTemplate['spec']['containers'][0],
      ]
      return [
        {
          name,
          namespace: OWN,
          labels: template.metadata.labels,
          ports: ports.map((port) => ({ name: port.name, number: port.containerPort })),
          started: { command, env: Object.fromEntries(env.map(({ name, value = '' }) => [name, value])) },
        },
      ]
    })
  }, 60_000)

  const allows = (
    direction: 'ingress' | 'egress',
    pod: Endpoint,
    peer: Endpoint,
    port: Endpoint['ports'][0],
  ) => {
    const type = direction === 'ingress' ? 'Ingress' : 'Egress'
    if (pod.namespace !== OWN) return true
    const selecting = policies.filter(
      ({ podSelector, policyTypes }) => policyTypes.includes(type) && isSelected(podSelector, pod.labels),
    )
    const rules = selecting.flatMap((policy) => policy[direction] ?? [])
    const isOpen = ({ from, to: peers, ports }: Rule) =>
      (from ?? peers)!.some((each) => isPeer(each, peer)) &&
      ports!.some((each) => each.port === port.name || each.port === port.number)
    return selecting.length === 0 || rules.some(isOpen)
  }

  /** Every connection that a policy lets through from or to a pod of the stack, as `from -> to:port`. */
  const open = () => {
    const all = [...pods, ...NEIGHBOURS]
    return all
      .flatMap((from) => all.flatMap((to) => to.ports.map((port) => ({ from, to, port }))))
      .filter(({ from, to }) => [from, to].some((each) => pods.includes(each as (typeof pods)[0])))
      .filter(({ from, to, port }) => allows('egress', from, to, port) && allows('ingress', to, from, port))
      .map(({ from, to, port }) => `${from.name} -> ${to.name}:${port.number}`)
      .toSorted()
  }

  /** What the settings of the pods connect to. */
  const made = () => {
    const started = (name: string) => pods.find((pod) => pod.name === name)!.started
    const urls = (name: string, found: (string | undefined)[]) =>
      found.map((text) => {
        const { hostname, port } = new URL(text!)
        return `${name} -> ${hostname.replace('-pods', '')}:${port}`
      })
    return [
      ...urls('gateway', [started('gateway').env.DOGS_URL, started('gateway').env.CATS_URL]),
      ...urls('exporter', exporterTargets(started('exporter'))),
      ...urls('dogs', [started('dogs').env.DOGS_DATABASE_URL]),
      ...urls('cats', [started('cats').env.CATS_DATABASE_URL]),
      ...['backup', 'restore'].map((name) => `${name} -> ${started(name).env.PGHOST}:5432`),
      ...pods.map(({ name }) => `${name} -> DNS:53`),
    ]
  }

  test('let through what the pods connect to, the ingress controller and Prometheus, and nothing else', () => {
    const fromOutside = [
      'ingress controller -> gateway:8000',
      ...[9000, 9001, 9002, 9117].map(
        (port, index) => `Prometheus -> ${['gateway', 'dogs', 'cats', 'exporter'][index]}:${port}`,
      ),
    ]
    expect(made()).toHaveLength(16)
    expect(open()).toEqual([...made(), ...fromOutside].toSorted())
  })

  test('select every pod, in both directions', () => {
    for (const { name, labels } of pods)
      for (const type of ['Ingress', 'Egress'])
        expect([
          name,
          policies.some(
            ({ podSelector, policyTypes }) => policyTypes.includes(type) && isSelected(podSelector, labels),
          ),
        ]).toEqual([name, true])
  })
})
