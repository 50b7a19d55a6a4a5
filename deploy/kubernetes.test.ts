/** The manifests of deploy/kubernetes as kustomize builds them. No cluster is needed. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { isExpected } from '@bun-monitoring/prefork/testing'
import { services } from '../services/names.ts'
import {
  connectionsOf,
  exporterTargets,
  APPS,
  mostConnections,
  PORTS,
  isKustomizeHere,
  readManifests,
  settingsOf,
  writeManifests,
} from './testing.ts'

interface Container {
  name: string
  image: string
  command: string[]
  args?: string[]
  env?: { name: string; value: string }[]
  ports: { name: string; containerPort: number }[]
  lifecycle?: { preStop: { sleep: { seconds: number } } }
  volumeMounts: { name: string; mountPath: string }[]
  [probe: `${string}Probe`]: { httpGet: { path: string; port: string } }
}
interface Pod {
  containers: [Container]
  terminationGracePeriodSeconds: number
  volumes: { name: string; secret?: { secretName: string } }[]
}
interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string }
  spec: {
    replicas?: number
    minReplicas?: number
    maxReplicas?: number
    podSelector?: { matchLabels?: Record<string, string> }
    unhealthyPodEvictionPolicy?: string
    tls?: { secretName: string }[]
    rules?: { http: { paths: { backend: { service: { name: string; port: { name: string } } } }[] } }[]
    type?: string
    clusterIP?: string
    selector: Record<string, string>
    ports: { name: string; port: number }[]
    jobTemplate?: { spec: { template: { spec: Pod } } }
    template: { metadata: { labels: Record<string, string>; annotations: Record<string, string> }; spec: Pod }
  }
}

/** Tools start slowly on a busy machine. */
const SLOW_MS = 120_000

const NAME = 'app.kubernetes.io/name'
describe.skipIf(!isKustomizeHere)('the manifests', () => {
  let manifests: Manifest[]
  beforeAll(async () => {
    manifests = await readManifests<Manifest>()
  }, SLOW_MS)
  const find = (kind: string, name: string) => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name)
    if (!found) throw new Error(`no ${kind} ${name}`)
    return found.spec
  }
  const podOf = (name: string) => find('Deployment', name).template.spec
  const started = (name: string) => {
    const { command, env = [] } = podOf(name).containers[0]
    // The ConfigMap has the files of this folder.
    const local = (value: string) =>
      value.replace(/^\/etc\/bun-monitoring\//, `${import.meta.dir}/kubernetes/`)
    return { command, env: Object.fromEntries(env.map(({ name, value }) => [name, local(value)])) }
  }

  test('are the stack without Prometheus and Grafana', () => {
    const named = (kind: string) =>
      manifests
        .filter((each) => each.kind === kind)
        .map(({ metadata: { name } }) => name)
        .toSorted()
    expect(named('Deployment')).toEqual([...APPS, 'exporter'].toSorted())
    expect(named('StatefulSet')).toEqual(['postgres'])
    expect(named('CronJob')).toEqual(['backup', 'restore'])
    expect(named('Service')).toEqual([...APPS, 'exporter', 'gateway-pods', 'postgres'].toSorted())
  })

  describe.each(APPS)('%s', (name) => {
    test('accepts its settings: one worker, on the default ports', () => {
      const { host, adminHost, port, adminPort, workers } = settingsOf(started(name))
      expect({ host, adminHost, workers }).toEqual({ host: '0.0.0.0', adminHost: '0.0.0.0', workers: 1 })
      expect({ http: port, admin: adminPort }).toEqual(PORTS[name])
      const ports = podOf(name).containers[0].ports.map(({ name, containerPort }) => [name, containerPort])
      expect(ports).toEqual(Object.entries(PORTS[name]))
    })

    test('has its probes on the admin port', () => {
      const { startupProbe, readinessProbe, livenessProbe } = podOf(name).containers[0]
      const asked = [startupProbe, readinessProbe, livenessProbe].map((probe) => probe!.httpGet)
      expect(asked.map(({ path }) => path)).toEqual(['/readyz', '/readyz', '/healthz'])
      expect(asked.map(({ port }) => port)).toEqual(['admin', 'admin', 'admin'])
    })

    test('has a grace period longer than its lame duck and drain time', () => {
      const { terminationGracePeriodSeconds, containers } = podOf(name)
      const { lameDuckMs, drainMs } = settingsOf(started(name))
      const longestSeconds = containers[0].lifecycle!.preStop.sleep.seconds + (lameDuckMs + drainMs) / 1000
      expect(terminationGracePeriodSeconds).toBeGreaterThan(longestSeconds)
    })
  })

  test.each([...APPS, 'exporter'])('%s has no privileges, and no variables from service links', (name) => {
    expect(podOf(name)).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false, // otherwise the Service gateway sets the variable GATEWAY_PORT
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(podOf(name).containers).toEqual([
      expect.objectContaining({
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      }),
    ])
  })

  test.each([...APPS, 'exporter'])('%s is scraped on its admin port and labelled with its name', (name) => {
    const { labels, annotations } = find('Deployment', name).template.metadata
    const { containerPort } = podOf(name).containers[0].ports.find((port) => port.name === 'admin')!
    expect(annotations).toEqual({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(containerPort),
    })
    expect(labels[NAME]).toBe(name)
  })

  test('the pools of all pods fit into the database, also during an update', () => {
    const open = services.map((name) =>
      connectionsOf(started(name), find('HorizontalPodAutoscaler', name).maxReplicas!),
    )
    expect(open.reduce((sum, each) => sum + each)).toBeWithin(
      1,
      mostConnections(find('StatefulSet', 'postgres').template.spec.containers[0].args!) + 1,
    )
  })

  test('gateway and exporter use names that have the addresses of all pods', () => {
    const asked = [
      ...Object.values(started('gateway').env).filter((value) => value.startsWith('http:')),
      ...exporterTargets(started('exporter')),
    ]
    expect(asked).toHaveLength(APPS.length - 1 + APPS.length)
    for (const url of asked) {
      const { hostname, port } = new URL(url)
      const { clusterIP, selector, ports } = find('Service', hostname)
      expect(clusterIP).toBe('None')
      expect(selector[NAME]).toBe(hostname.replace('-pods', ''))
      expect(ports.map(({ port }) => String(port))).toContain(port)
    }
  })

  test('only the HTTP port of the gateway is reachable from outside, through an Ingress with TLS', () => {
    const types = manifests.map(({ spec: { type } = {} as Manifest['spec'] }) => type)
    expect(types.filter((type) => type !== undefined)).toEqual([])
    const { tls, rules } = find('Ingress', 'gateway')
    expect(tls).toHaveLength(1)
    const backends = rules!.flatMap(({ http }) => http.paths.map(({ backend }) => backend.service))
    expect(backends).toEqual([{ name: 'gateway', port: { name: 'http' } }])
  })

  test('each app has its own disruption budget, which never protects a pod that is not ready', () => {
    for (const name of APPS)
      expect(find('PodDisruptionBudget', name)).toEqual({
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: { [NAME]: name } },
      } as unknown as Manifest['spec'])
  })

  test('the autoscaler decides on the number of pods, no Deployment does', () => {
    for (const name of APPS) {
      expect(find('Deployment', name).replicas).toBeUndefined()
      const { minReplicas, maxReplicas } = find('HorizontalPodAutoscaler', name)
      expect(minReplicas).toBeGreaterThan(1)
      expect(maxReplicas).toBeGreaterThan(minReplicas!)
    }
  })

  test('no image is `latest`', () => {
    const all = manifests.flatMap(
      ({ spec }) => (spec?.jobTemplate?.spec ?? spec)?.template?.spec.containers ?? [],
    )
    const images = all.map(({ image }) => image)
    expect(images).toHaveLength(APPS.length + ['exporter', 'postgres', 'backup', 'restore'].length)
    expect(images.filter((image) => !/:\d[\w.-]+(@sha256:[0-9a-f]{64})?$/.test(image))).toEqual([])
  })

  // After a change: sed 's#^trusted_proxies = .*#<the line of the copy>#' gateway/gateway.toml > deploy/kubernetes/gateway.toml
  test('the gateway reads its file from a ConfigMap, which differs from ours in the proxies that it trusts', async () => {
    const read = async (path: string) => Bun.TOML.parse(await Bun.file(path).text()) as object
    const [ours, theirs] = await Promise.all(
      ['gateway/gateway.toml', 'deploy/kubernetes/gateway.toml'].map((path) =>
        read(`${import.meta.dir}/../${path}`),
      ),
    )
    const { trusted_proxies: trusted, ...rest } = theirs as Record<string, unknown>
    const { trusted_proxies: none, ...oursRest } = ours as Record<string, unknown>
    expect([none, trusted]).toEqual([[], ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']])
    expect(rest).toEqual(oursRest)
    const { env, volumeMounts } = podOf('gateway').containers[0]
    const path = env!.find(({ name }) => name === 'GATEWAY_CONFIG')!.value
    expect(volumeMounts.map(({ mountPath }) => `${mountPath}/gateway.toml`)).toContain(path)
  })

  test('the services check the certificate of the database, which accepts nothing but TLS', async () => {
    for (const name of services) {
      const { env } = started(name)
      expect(new URL(env[`${name.toUpperCase()}_DATABASE_URL`]!).searchParams.get('sslmode')).toBe(
        'verify-full',
      )
      expect(env.NODE_EXTRA_CA_CERTS).toBe('/run/secrets/postgres-ca/ca.crt')
    }
    const rules = (await Bun.file(`${import.meta.dir}/kubernetes/pg_hba.conf`).text())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/\s+/))
    expect(rules).toEqual([
      ['local', 'all', 'all', 'trust'],
      ['hostssl', 'all', 'all', 'all', 'scram-sha-256'],
    ])
  })

  test('the services read the password from a file', () => {
    for (const name of services) {
      const { volumes, containers } = podOf(name)
      const secret = volumes.find(({ secret }) => secret?.secretName === 'postgres')!
      const { mountPath } = containers[0].volumeMounts.find((mount) => mount.name === secret.name)!
      expect(started(name).env[`${name.toUpperCase()}_DATABASE_PASSWORD_FILE`]).toBe(`${mountPath}/password`)
    }
  })
})

const hasValidator = isExpected(
  Bun.which('kubernetes-validate') !== null,
  'kubernetes-validate is not on PATH, so nothing checks the manifests against the schemas of Kubernetes (pip)',
)
const hasScore = isExpected(
  Bun.which('kube-score') !== null,
  'kube-score is not on PATH, so nothing checks the manifests for bad practice (go install)',
)

describe('the manifests as others check them', () => {
  let path: string
  beforeAll(async () => {
    if (isKustomizeHere) path = await writeManifests()
  }, SLOW_MS)
  afterAll(() => {
    if (isKustomizeHere) rmSync(dirname(path), { recursive: true })
  })

  /** The oldest version that has all fields of the manifests, and the newest. */
  test.skipIf(!isKustomizeHere || !hasValidator).each(['1.30.0', '1.37.0'])(
    'have only fields that Kubernetes %s has',
    async (version) => {
      const { exitCode, stdout } = await Bun.$`kubernetes-validate --strict -k ${version} ${path} 2>&1`
        .quiet()
        .nothrow()
      const lines = stdout.toString().trim().split('\n')
      expect(lines.filter((line) => !line.includes(' passed for resource '))).toEqual([])
      expect([exitCode, lines.length]).toEqual([0, (await readManifests()).length])
    },
    SLOW_MS,
  )

  test.skipIf(!isKustomizeHere || !hasScore)(
    'have nothing that kube-score warns about',
    async () => {
      // No limit of processor time: it would stop a pod in each burst while the node is idle. Tags are pinned, so that no image has
      // to be pulled again. Pods are spread over nodes by topologySpreadConstraints, which the same program checks.
      const left = [
        'container-image-pull-policy',
        'deployment-has-host-podantiaffinity',
        'statefulset-has-host-podantiaffinity',
      ].flatMap((test) => ['--ignore-test', test])
      const { exitCode, stdout } =
        await Bun.$`kube-score score --output-format ci --ignore-container-cpu-limit ${left} ${path}`
          .quiet()
          .nothrow()
      const lines = stdout.toString().trim().split('\n')
      expect(lines.filter((line) => /^\[(WARNING|CRITICAL)\]/.test(line))).toEqual([])
      expect(exitCode).toBe(0)
      expect(lines.length).toBeGreaterThan(100)
    },
    SLOW_MS,
  )
})
