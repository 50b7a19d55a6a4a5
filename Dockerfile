# The images of gateway, dogs, cats and exporter: one target for each, so that a change of one leaves the others as they are. The last
# target, which is built without --target, has all four; Swarm and Kubernetes use it.

# deploy/README.md builds it from a base pinned by its digest, with an SBOM.
ARG BASE=oven/bun:1.4.5-slim
FROM ${BASE} AS base
WORKDIR /home/bun/app
LABEL org.opencontainers.image.title="bun-monitoring" \
      org.opencontainers.image.description="Two services behind a gateway, on Bun, with observability built in" \
      org.opencontainers.image.licenses="Apache-2.0"
# A new volume takes its owner from here.
RUN mkdir /data && chown bun:bun /data
# The addresses of containers change: Bun keeps the result of a name lookup for a second, not for its default of 30 s.
ENV NODE_ENV=production BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS=1

FROM base AS packages
# The files that the packages depend on come first, so that a change of code does not install them again.
COPY package.json bun.lock bunfig.toml ./
COPY gateway/package.json gateway/
COPY services/dogs/package.json services/dogs/
COPY services/cats/package.json services/cats/
COPY services/pets/package.json services/pets/
COPY exporter/package.json exporter/
COPY monitoring/package.json monitoring/
COPY k6/package.json k6/
COPY examples/package.json examples/
COPY packages/metrics/package.json packages/metrics/
COPY packages/prefork/package.json packages/prefork/
RUN bun install --frozen-lockfile --production --filter './gateway' --filter './exporter' --filter './services/*' \
    # Peers of Elysia that only types and checks need, and what packages carry besides their code.
    && rm -rf ~/.bun/install/cache node_modules/.bun/*types@* node_modules/.bun/@types* node_modules/.bun/typescript@* \
    && find node_modules -depth -type d '(' -name test -o -name tests -o -name docs -o -name benchmarks -o -name examples ')' -exec rm -rf {} + \
    && find node_modules -type f ! -name '*.js' ! -name '*.mjs' ! -name '*.cjs' ! -name '*.json' ! -name '*.css' ! -iname 'licen[cs]e*' -delete \
    && find node_modules -xtype l -delete
COPY LICENSE deploy/image.txt ./
COPY packages packages
USER bun

FROM packages AS gateway
COPY gateway gateway
CMD ["bun", "gateway/index.ts"]

FROM packages AS exporter
COPY exporter exporter
CMD ["bun", "exporter/index.ts"]

FROM packages AS pets
COPY services/pets services/pets

FROM pets AS dogs
COPY services/dogs services/dogs
CMD ["bun", "services/dogs/index.ts"]

FROM pets AS cats
COPY services/cats services/cats
CMD ["bun", "services/cats/index.ts"]

FROM packages
COPY gateway gateway
COPY services services
COPY exporter exporter
CMD ["cat", "image.txt"]
